//! What DataFusion says, as a sentence of the crate's.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::error::{Error, ErrorCode};

/// A DataFusion error as the crate's: one that was ours comes back as it was, one about memory is
/// `query.limits`, any other is `query.invalid` with what DataFusion says innermost, without the layers it
/// came through.
pub fn query_error(error: DataFusionError) -> Error {
    if let Some(ours) = ours(&error) {
        return ours.copy();
    }
    let (code, message) = match error.find_root() {
        DataFusionError::ResourcesExhausted(text) => (ErrorCode::QueryLimits, exhausted(text)),
        DataFusionError::SchemaError(schema, _) => (ErrorCode::Query, about_columns(schema)),
        other => (ErrorCode::Query, plain(&other.strip_backtrace())),
    };
    let limit = "memory_limit_gb";
    let of_memory = code == ErrorCode::QueryLimits && message.contains(limit);
    let told = Error::new(code, message);
    if of_memory { told.about(limit) } else { told }.with_source(error)
}

/// The crate's own error that went through the engine, if one did.
fn ours(error: &DataFusionError) -> Option<&Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = cause {
        if let Some(ours) = e.downcast_ref::<Error>() {
            return Some(ours);
        }
        cause = e.source();
    }
    None
}

/// What a query had too little of, and what gives it more.
fn exhausted(text: &str) -> String {
    if text.contains("disk") || text.contains("spill file") {
        return format!(
            "the query put more aside on disk than it may ({}); ask for less at a time",
            plain(text)
        );
    }
    "the query needs more memory than it may take; raise memory_limit_gb or ask for less at a time"
        .to_owned()
}

/// A name that is none, and those that are.
fn about_columns(error: &SchemaError) -> String {
    let SchemaError::FieldNotFound { field, valid_fields } = error else {
        return plain(&error.to_string());
    };
    let named = field.flat_name();
    if valid_fields.is_empty() {
        return format!("there is no column {named}");
    }
    let is_same = |name: &str| name.eq_ignore_ascii_case(field.name()) && name != field.name();
    if let Some(other) = valid_fields.iter().find(|f| is_same(f.name())) {
        return format!(
            "there is no column {named}, but {0}: write it \"{0}\", in double quotes",
            other.name()
        );
    }
    // One table's columns need not say whose they are.
    let one = valid_fields.windows(2).all(|two| two[0].relation == two[1].relation);
    let names = valid_fields.iter().map(|f| match one {
        true => f.name().to_owned(),
        false => f.flat_name(),
    });
    format!("there is no column {named}; there are {}", names.collect::<Vec<_>>().join(", "))
}

/// Names of the layers that an error comes through.
const LAYERS: &[&str] = &[
    "Error during planning: ",
    "Internal error: ",
    "SQL error: ",
    "Execution error: ",
    "Schema error: ",
    "Optimizer error: ",
    "Arrow error: ",
    "Parquet error: ",
    "Cast error: ",
    "Parser error: ",
    "Compute error: ",
    "Invalid argument error: ",
    "External error: ",
    "External: ",
];

/// What DataFusion says, without its invitation to report bugs to it and its names for its layers.
fn plain(text: &str) -> String {
    let mut text = text.split("\nThis issue was likely caused by").next().unwrap_or(text);
    while let Some(inner) = LAYERS.iter().find_map(|layer| text.strip_prefix(layer)) {
        text = inner;
    }
    if let Some(inner) = text.strip_prefix("ParserError(\"").and_then(|t| t.strip_suffix("\")")) {
        text = inner;
    }
    misused(text).unwrap_or_else(|| in_our_words(text).replace("datafusion.public.", ""))
}

/// How a function is called, of one that was called otherwise.
fn misused(text: &str) -> Option<String> {
    let (_, candidates) = text.split_once("Candidate functions:\n")?;
    let forms: Vec<String> =
        candidates.lines().map(|form| form.trim().replace(": Any", "")).collect();
    let name = forms.first()?.split('(').next()?;
    let given = text.split_once(&format!("'{name}("))?.1.split_once(")'")?.0;
    let given = if given.is_empty() { "nothing".to_owned() } else { format!("({given})") };
    Some(format!("{name} does not take {given}; it is called as {}", forms.join(" or ")))
}

/// A sentence of DataFusion's about what people do wrong, said so that they know what to do.
fn in_our_words(text: &str) -> String {
    if let Some(rest) = text.strip_prefix("Cannot cast string '")
        && let Some((value, kind)) = rest.split_once("' to value of ")
    {
        let kind = kind.trim_end_matches(" type");
        return format!(
            "'{value}' cannot be read as {kind}; compare a column with a value of its own type, or cast it to text"
        );
    }
    if text == "Divide by zero error" {
        return "a whole number was divided by 0; write nullif(x, 0) for NULL there".to_owned();
    }
    // Several errors in one keep the name of their layer within.
    text.replace("Error during planning: ", "").replace(".\n", "; ").replace('\n', "; ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use datafusion::common::{plan_datafusion_err, resources_datafusion_err};

    #[test]
    fn layers_around_an_error_are_peeled_off() {
        let inner = plan_datafusion_err!("LIMIT must be >= 0, '-1' was provided");
        let outer = inner.context("Optimizer rule 'eliminate_limit' failed").context("again");
        assert_eq!(query_error(outer).message(), "LIMIT must be >= 0, '-1' was provided");
        let ours = Error::new(ErrorCode::StoreRead, "a table is lost");
        let outer = DataFusionError::External(Box::new(ours)).context("a rule failed");
        let error = query_error(outer);
        assert_eq!((error.code(), error.message()), (ErrorCode::StoreRead, "a table is lost"));
    }

    #[test]
    fn too_little_memory_is_a_limit_that_names_its_setting() {
        let inner = resources_datafusion_err!("Additional allocation failed for ExternalSorter[1]");
        let error = query_error(inner.context("Not enough memory to continue external sort"));
        assert_eq!(error.code(), ErrorCode::QueryLimits);
        assert!(error.message().contains("raise memory_limit_gb"), "{error}");
        assert_eq!(error.settings().collect::<Vec<_>>(), ["memory_limit_gb"]);
        assert!(!error.message().contains("datafusion"), "{error}");
    }
}
