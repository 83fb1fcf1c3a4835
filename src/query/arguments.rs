//! Arguments of SQL functions: names, accepted types, coercion at planning time, documentation.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::plan_err;
use datafusion::common::types::NativeType;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::{DocSection, Documentation, Signature, Volatility};

use crate::model::{Cue, Shot, Signal, WrittenTexts};

/// What an argument accepts, and the type that the function then receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) enum Kind {
    /// Any type, passed on unchanged.
    Any,
    /// Text of any string type, or another simple value written as text; received as `Utf8`.
    Text,
    /// Any numeric type; received as `Float64`.
    Number,
    /// Any numeric type; received as `Int64`, fractions cut off.
    Whole,
    /// Any binary type; received as `Binary`.
    Bytes,
    /// A list of numbers; received as a list of `Float64`.
    Numbers,
    /// A list of rows of `signals`.
    Signals,
    /// A list of rows of `shots`.
    Shots,
    /// A list of rows of `cues`.
    Cues,
    /// What `clip_brief` returns.
    Brief,
    /// A struct of title, hook_text, description, hashtags and note.
    Texts,
    /// A list of texts, or of structs of `text` and `weight`.
    Phrases,
    /// A list of texts, or one text.
    TextOrTexts,
}

impl Kind {
    /// The type that a value of the type `given` is cast to; `None` if it is not accepted.
    pub(in crate::query) fn coerced(self, given: &DataType) -> Option<DataType> {
        use DataType::{Dictionary, Null, Struct};
        if let Dictionary(_, values) = given
            && self != Self::Any
        {
            return self.coerced(values);
        }
        let is_null = *given == Null;
        match self {
            Self::Any => Some(given.clone()),
            Self::Text => (!given.is_nested() && !is_binary(given)).then_some(DataType::Utf8),
            Self::Number => (given.is_numeric() || is_null).then_some(DataType::Float64),
            Self::Whole => (given.is_numeric() || is_null).then_some(DataType::Int64),
            Self::Bytes => (is_binary(given) || is_null).then_some(DataType::Binary),
            Self::Numbers => {
                let is_number = |item: &DataType| item.is_numeric() || *item == Null;
                (is_null || item_of(given).is_some_and(is_number)).then(|| self.example())
            }
            Self::Signals | Self::Shots | Self::Cues => self.rows(given),
            Self::Brief | Self::Texts => {
                (is_null || matches!(given, Struct(_))).then(|| match is_null {
                    true => self.example(),
                    false => given.clone(),
                })
            }
            Self::Phrases => match item_of(given) {
                Some(Struct(fields)) => Some(list_type(Struct(fields.clone()))),
                Some(item) if is_text(item) => Some(self.example()),
                _ => is_null.then(|| self.example()),
            },
            Self::TextOrTexts => match item_of(given) {
                Some(item) if is_text(item) => Some(list_type(DataType::Utf8)),
                Some(_) => None,
                None => Self::Text.coerced(given),
            },
        }
    }

    /// A list of structs keeps its own columns, which the kernel finds by name.
    fn rows(self, given: &DataType) -> Option<DataType> {
        match item_of(given) {
            Some(item @ DataType::Struct(_)) => Some(list_type(item.clone())),
            Some(DataType::Null) => Some(self.example()),
            Some(_) => None,
            None => (*given == DataType::Null).then(|| self.example()),
        }
    }

    /// A type that is received, as `information_schema.parameters` lists it.
    pub(in crate::query) fn example(self) -> DataType {
        match self {
            Self::Any => DataType::Null,
            Self::Text | Self::TextOrTexts => DataType::Utf8,
            Self::Number => DataType::Float64,
            Self::Whole => DataType::Int64,
            Self::Bytes => DataType::Binary,
            Self::Numbers => list_type(DataType::Float64),
            Self::Signals => list_type(Signal::data_type()),
            Self::Shots => list_type(Shot::data_type()),
            Self::Cues => list_type(Cue::data_type()),
            // Its type is only unknown if the program is broken; then every call says so.
            Self::Brief => crate::kernels::variants::brief_type().unwrap_or(DataType::Null),
            Self::Texts => WrittenTexts::data_type(),
            Self::Phrases => list_type(DataType::Utf8),
        }
    }

    /// What it accepts, in words.
    pub(in crate::query) fn describe(self) -> &'static str {
        match self {
            Self::Any => "a value of any type",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Whole => "a whole number",
            Self::Bytes => "binary",
            Self::Numbers => "a list of numbers",
            Self::Signals => "a list of rows of signals",
            Self::Shots => "a list of rows of shots",
            Self::Cues => "a list of rows of cues",
            Self::Brief => "a clip_brief",
            Self::Texts => "a struct of title, hook_text, description, hashtags and note",
            Self::Phrases => "a list of texts, or of structs of text and weight",
            Self::TextOrTexts => "a list of texts, or text",
        }
    }
}

/// The list type of items of a type.
pub(in crate::query) fn list_type(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

fn item_of(list: &DataType) -> Option<&DataType> {
    match list {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Some(item.data_type())
        }
        _ => None,
    }
}

fn is_text(given: &DataType) -> bool {
    matches!(given, DataType::Null) || given.is_string()
}

fn is_binary(given: &DataType) -> bool {
    matches!(
        given,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    )
}

/// One argument of a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::query) struct Argument {
    pub(in crate::query) name: &'static str,
    pub(in crate::query) kind: Kind,
    /// What it means, as one sentence or phrase.
    pub(in crate::query) description: Cow<'static, str>,
}

impl Argument {
    pub(in crate::query) const fn new(
        name: &'static str,
        kind: Kind,
        description: &'static str,
    ) -> Self {
        Self { name, kind, description: Cow::Borrowed(description) }
    }
}

/// How many of its arguments a function needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Count {
    /// Each of them.
    All,
    /// All but the last.
    LastOptional,
    /// The only one, once or more.
    OneOrMore,
}

/// The arguments of a function, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::query) struct Arguments {
    list: Vec<Argument>,
    count: Count,
}

impl Arguments {
    /// Arguments that are all required.
    pub(in crate::query) fn new(list: impl Into<Vec<Argument>>) -> Self {
        Self { list: list.into(), count: Count::All }
    }

    /// Arguments of which the last may be left out.
    pub(in crate::query) fn with_optional_last(list: impl Into<Vec<Argument>>) -> Self {
        Self { list: list.into(), count: Count::LastOptional }
    }

    /// An argument that is given once or more.
    pub(in crate::query) fn one_or_more(argument: Argument) -> Self {
        Self { list: vec![argument], count: Count::OneOrMore }
    }

    /// The types that each is received as, by name.
    pub(in crate::query) fn types(&self) -> Vec<String> {
        let types = self.list.iter().map(|argument| match argument.kind {
            Kind::Any => "Any".to_owned(),
            kind => type_name(&kind.example()),
        });
        types.collect()
    }

    /// Whether a call with that many arguments leaves out the last.
    pub(in crate::query) fn lacks_optional(&self, given: usize) -> bool {
        self.count == Count::LastOptional && given + 1 == self.list.len()
    }

    /// How the function `name` is called, such as `reframe_path(signals, …[, layout])`.
    pub(in crate::query) fn syntax(&self, name: &str) -> String {
        let names: Vec<&str> = self.list.iter().map(|argument| argument.name).collect();
        match (self.count, names.split_last()) {
            (Count::LastOptional, Some((last, []))) => format!("{name}([{last}])"),
            (Count::LastOptional, Some((last, first))) => {
                format!("{name}({}[, {last}])", first.join(", "))
            }
            (Count::OneOrMore, _) => format!("{name}({}, …)", names.join(", ")),
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
        let (most, takes) = match self.count {
            Count::All => (self.list.len(), format!("{} arguments", self.list.len())),
            Count::LastOptional => (
                self.list.len(),
                format!("{} or {} arguments", self.list.len() - 1, self.list.len()),
            ),
            Count::OneOrMore => (usize::MAX, "one argument or more".to_owned()),
        };
        let least = if self.count == Count::LastOptional { most - 1 } else { self.list.len() };
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
        if self.count == Count::OneOrMore {
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

/// A type as `information_schema` names it.
pub(in crate::query) fn type_name(of: &DataType) -> String {
    NativeType::from(of.clone()).to_string()
}

/// A type in an error message; nested ones without what they hold.
fn shown(given: &DataType) -> String {
    match given {
        DataType::Struct(_) => "a struct".to_owned(),
        DataType::Map(..) => "a map".to_owned(),
        list if item_of(list).is_some() => match item_of(list) {
            Some(DataType::Struct(_)) => "a list of structs".to_owned(),
            Some(item) if !item.is_nested() => format!("a list of {item}"),
            _ => "a list of lists".to_owned(),
        },
        simple => simple.to_string(),
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
    fn each_kind_accepts_null_and_receives_what_it_gives_as_an_example() {
        let kinds = [
            Kind::Text,
            Kind::Number,
            Kind::Whole,
            Kind::Bytes,
            Kind::Numbers,
            Kind::Signals,
            Kind::Shots,
            Kind::Cues,
            Kind::Brief,
            Kind::Texts,
            Kind::Phrases,
            Kind::TextOrTexts,
        ];
        for kind in kinds {
            assert_eq!(kind.coerced(&DataType::Null), Some(kind.example()), "{kind:?}");
            assert_eq!(kind.coerced(&kind.example()), Some(kind.example()), "{kind:?}");
        }
    }

    #[test]
    fn strings_of_every_type_are_text() {
        let dictionary =
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View));
        for given in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, dictionary] {
            assert_eq!(Kind::Text.coerced(&given), Some(DataType::Utf8), "{given}");
        }
        assert_eq!(Kind::Text.coerced(&DataType::Binary), None);
        assert_eq!(Kind::Number.coerced(&DataType::Utf8), None);
    }

    #[test]
    fn a_wrong_call_is_told_how_to_call() {
        const ARGUMENTS: [Argument; 2] =
            [Argument::new("a", Kind::Number, ""), Argument::new("b", Kind::Text, "")];
        let all = Arguments::new(ARGUMENTS);
        let said = all.coerced("f", &[DataType::Int8]).unwrap_err();
        assert_eq!(said, "f takes 2 arguments, not 1; it is called as f(a, b)");
        let said = all.coerced("f", &[DataType::Utf8, DataType::Utf8]).unwrap_err();
        assert_eq!(said, "f takes a number as a, not Utf8; it is called as f(a, b)");
        let last = Arguments::with_optional_last(ARGUMENTS);
        assert_eq!(last.coerced("f", &[DataType::Int8]).unwrap(), [DataType::Float64]);
        assert_eq!(last.syntax("f"), "f(a[, b])");
        let many = Arguments::one_or_more(Argument::new("value", Kind::Text, ""));
        assert_eq!(
            many.coerced("f", &vec![DataType::Utf8View; 3]).unwrap(),
            vec![DataType::Utf8; 3]
        );
        let said = many.coerced("f", &[]).unwrap_err();
        assert_eq!(said, "f takes one argument or more, not 0; it is called as f(value, …)");
    }
}
