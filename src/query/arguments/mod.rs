//! Arguments of SQL functions: names, accepted types, coercion at planning time, documentation.

mod kind;

use std::borrow::Cow;

use arrow::datatypes::DataType;
use datafusion::common::plan_err;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::{DocSection, Documentation, Signature, Volatility};

use kind::shown;
pub(in crate::query) use kind::{ArgumentKind, list_type, type_name};

/// One argument of a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::query) struct Argument {
    pub(in crate::query) name: &'static str,
    pub(in crate::query) kind: ArgumentKind,
    /// What it means, as one sentence or phrase.
    pub(in crate::query) description: Cow<'static, str>,
}

impl Argument {
    pub(in crate::query) const fn new(
        name: &'static str,
        kind: ArgumentKind,
        description: &'static str,
    ) -> Self {
        Self { name, kind, description: Cow::Borrowed(description) }
    }
}

/// How many of its arguments a function needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Arity {
    /// Each of them.
    All,
    /// All but the last.
    LastOptional,
    /// The only one, once or more.
    OneOrMore,
}

/// The arguments of a function, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::query) struct FunctionArguments {
    list: Vec<Argument>,
    arity: Arity,
}

impl FunctionArguments {
    /// Arguments that are all required.
    pub(in crate::query) fn new(list: impl Into<Vec<Argument>>) -> Self {
        Self { list: list.into(), arity: Arity::All }
    }

    /// Arguments of which the last may be left out.
    pub(in crate::query) fn with_optional_last(list: impl Into<Vec<Argument>>) -> Self {
        Self { list: list.into(), arity: Arity::LastOptional }
    }

    /// An argument that is given once or more.
    pub(in crate::query) fn one_or_more(argument: Argument) -> Self {
        Self { list: vec![argument], arity: Arity::OneOrMore }
    }

    /// The types that each is received as, by name.
    pub(in crate::query) fn types(&self) -> Vec<String> {
        let types = self.list.iter().map(|argument| match argument.kind {
            ArgumentKind::Any => "Any".to_owned(),
            kind => type_name(&kind.example()),
        });
        types.collect()
    }

    /// Whether a call with that many arguments leaves out the last.
    pub(in crate::query) fn lacks_optional(&self, given: usize) -> bool {
        self.arity == Arity::LastOptional && given + 1 == self.list.len()
    }

    /// How the function `name` is called, such as `reframe_path(signals, …[, layout])`.
    pub(in crate::query) fn syntax(&self, name: &str) -> String {
        let names: Vec<&str> = self.list.iter().map(|argument| argument.name).collect();
        match (self.arity, names.split_last()) {
            (Arity::LastOptional, Some((last, []))) => format!("{name}([{last}])"),
            (Arity::LastOptional, Some((last, first))) => {
                format!("{name}({}[, {last}])", first.join(", "))
            }
            (Arity::OneOrMore, _) => format!("{name}({}, …)", names.join(", ")),
            _ => format!("{name}({})", names.join(", ")),
        }
    }

    /// The types that arguments of the types `given` are cast to before a call of the function `name`.
    ///
    /// # Errors
    /// Says what the function takes, for a wrong number or type of arguments.
    pub(in crate::query) fn coerced(
        &self,
        name: &str,
        given: &[DataType],
    ) -> Result<Vec<DataType>, String> {
        let syntax = self.syntax(name);
        let (most, takes) = match self.arity {
            Arity::All => (self.list.len(), format!("{} arguments", self.list.len())),
            Arity::LastOptional => (
                self.list.len(),
                format!("{} or {} arguments", self.list.len() - 1, self.list.len()),
            ),
            Arity::OneOrMore => (usize::MAX, "one argument or more".to_owned()),
        };
        let least = if self.arity == Arity::LastOptional { most - 1 } else { self.list.len() };
        if !(least..=most).contains(&given.len()) {
            let given = given.len();
            return Err(format!("{name} takes {takes}, not {given}; it is called as {syntax}"));
        }
        let arguments = self.list.iter().chain(self.list.last().into_iter().cycle());
        let coerced = arguments.zip(given).map(|(argument, given)| {
            argument.kind.coerced(given).ok_or_else(|| {
                format!(
                    "{name} takes {} as {}, not {}; it is called as {syntax}",
                    argument.kind.describe(),
                    argument.name,
                    shown(given)
                )
            })
        });
        coerced.collect()
    }

    /// The same for planning.
    ///
    /// # Errors
    /// As [`Self::coerced`].
    pub(in crate::query) fn plan(
        &self,
        name: &str,
        given: &[DataType],
    ) -> PlanResult<Vec<DataType>> {
        self.coerced(name, given).or_else(|message| plan_err!("{message}"))
    }

    /// The signature: types are coerced by [`Self::plan`].
    pub(in crate::query) fn signature(&self, volatility: Volatility) -> Signature {
        let signature = Signature::user_defined(volatility);
        if self.arity == Arity::OneOrMore {
            return signature;
        }
        let names: Vec<&str> = self.list.iter().map(|argument| argument.name).collect();
        // Rejected only for names that are not distinct.
        signature.clone().with_parameter_names(names).unwrap_or(signature)
    }

    /// The documentation of the function `name` with these arguments.
    pub(in crate::query) fn documentation(&self, name: &str, about: &About) -> Documentation {
        let builder = Documentation::builder(
            about.section.clone(),
            about.description.clone(),
            self.syntax(name),
        );
        let arguments = self.list.iter();
        arguments
            .fold(builder, |builder, argument| {
                let what = format!("{} ({})", argument.description, argument.kind.describe());
                builder.with_argument(argument.name, what)
            })
            .with_sql_example(about.example.clone())
            .build()
    }
}

/// What a function does, for documentation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::query) struct About {
    section: DocSection,
    description: Cow<'static, str>,
    /// A statement that uses it and runs.
    example: Cow<'static, str>,
}

impl About {
    pub(in crate::query) fn new(
        section: DocSection,
        description: impl Into<Cow<'static, str>>,
        example: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { section, description: description.into(), example: example.into() }
    }
}

/// Sections of the documentation of functions.
pub(in crate::query) mod section {
    use datafusion::logical_expr::DocSection;

    const fn section(label: &'static str) -> DocSection {
        DocSection { include: true, label, description: None }
    }

    pub(in crate::query) const REQUESTS: DocSection = section("Requests and sources");
    pub(in crate::query) const SELECTION: DocSection = section("Choosing clips");
    pub(in crate::query) const VARIANTS: DocSection = section("Variants");
    pub(in crate::query) const TEXT: DocSection = section("Text and language");
    pub(in crate::query) const METRICS: DocSection = section("Metrics");
    pub(in crate::query) const EVENTS: DocSection = section("Events and audiences");
    pub(in crate::query) const EXPERIMENTS: DocSection = section("Experiments");
    pub(in crate::query) const RESULTS: DocSection = section("Results as tables");
    pub(in crate::query) const MEDIA: DocSection = section("Media as tables");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_wrong_call_is_told_how_to_call() {
        const ARGUMENTS: [Argument; 2] = [
            Argument::new("a", ArgumentKind::Number, ""),
            Argument::new("b", ArgumentKind::Text, ""),
        ];
        let all = FunctionArguments::new(ARGUMENTS);
        let said = all.coerced("f", &[DataType::Int8]).unwrap_err();
        assert_eq!(said, "f takes 2 arguments, not 1; it is called as f(a, b)");
        let said = all.coerced("f", &[DataType::Utf8, DataType::Utf8]).unwrap_err();
        assert_eq!(said, "f takes a number as a, not Utf8; it is called as f(a, b)");
        let last = FunctionArguments::with_optional_last(ARGUMENTS);
        assert_eq!(last.coerced("f", &[DataType::Int8]).unwrap(), [DataType::Float64]);
        assert_eq!(last.syntax("f"), "f(a[, b])");
        let many = FunctionArguments::one_or_more(Argument::new("value", ArgumentKind::Text, ""));
        assert_eq!(
            many.coerced("f", &vec![DataType::Utf8View; 3]).unwrap(),
            vec![DataType::Utf8; 3]
        );
        let said = many.coerced("f", &[]).unwrap_err();
        assert_eq!(said, "f takes one argument or more, not 0; it is called as f(value, …)");
    }
}
