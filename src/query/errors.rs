//! Turns errors of DataFusion into errors of the crate.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::error::{Error, ErrorCode};

/// A DataFusion error as the crate's: an error of ours is unwrapped, one about memory is `query.limits`, any
/// other is `query.invalid` with DataFusion's innermost message.
pub fn query_error(error: DataFusionError) -> Error {
    if let Some(ours) = ours(&error) {
        return ours.copy();
    }
    let (code, message) = match error.find_root() {
        DataFusionError::ResourcesExhausted(text) => (ErrorCode::QueryLimits, exhausted(text)),
        DataFusionError::SchemaError(schema, _) => (ErrorCode::QueryInvalid, about_columns(schema)),
        other => (ErrorCode::QueryInvalid, plain(&other.strip_backtrace())),
    };
    let limit = "memory_limit_gb";
    let of_memory = code == ErrorCode::QueryLimits && message.contains(limit);
    let told = Error::new(code, message);
    if of_memory { told.about(limit) } else { told }.with_source(error)
}

/// The crate's own error inside an error of the engine, if there is one.
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

/// The message for an exhausted resource, with the setting that raises its limit.
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

/// The message for an unknown column, with the known ones.
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
    // Columns of one table need no qualifier.
    let one = valid_fields.windows(2).all(|two| two[0].relation == two[1].relation);
    let names = valid_fields.iter().map(|f| match one {
        true => f.name().to_owned(),
        false => f.flat_name(),
    });
    format!("there is no column {named}; there are {}", names.collect::<Vec<_>>().join(", "))
}

/// Prefixes that layers of DataFusion add to errors.
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

/// DataFusion's message without its prefixes and its request to report bugs.
fn plain(text: &str) -> String {
    let mut text = text.split("\nThis issue was likely caused by").next().unwrap_or(text);
    while let Some(inner) = LAYERS.iter().find_map(|layer| text.strip_prefix(layer)) {
        text = inner;
    }
    if let Some(inner) = text.strip_prefix("ParserError(\"").and_then(|t| t.strip_suffix("\")")) {
        text = inner;
    }
    let known = misused(text).or_else(|| unknown_function(text));
    known.unwrap_or_else(|| in_our_words(text).replace("datafusion.public.", ""))
}

/// The message for wrong arguments of a function, with its signature.
fn misused(text: &str) -> Option<String> {
    // Functions with their own coercion, as all of ours, describe their arguments themselves.
    if let Some((_, own)) = text.split_once("user-defined coercion failed with: ") {
        let own = own.split(". No function matches the given name").next().unwrap_or(own);
        return Some(own.strip_prefix("Error during planning: ").unwrap_or(own).to_owned());
    }
    let (_, candidates) = text.split_once("Candidate functions:\n")?;
    let forms: Vec<String> =
        candidates.lines().map(|form| form.trim().replace(": Any", "")).collect();
    let name = forms.first()?.split('(').next()?;
    let given = text.split_once(&format!("'{name}("))?.1.split_once(")'")?.0;
    let given = if given.is_empty() { "nothing".to_owned() } else { format!("({given})") };
    Some(format!("{name} does not take {given}; it is called as {}", forms.join(" or ")))
}

/// The message for an unknown function, with the one that was probably meant.
fn unknown_function(text: &str) -> Option<String> {
    let (name, rest) = text.strip_prefix("Invalid function '")?.split_once("'.")?;
    let other = OTHER_DIALECTS.iter().find(|(theirs, _)| name.eq_ignore_ascii_case(theirs));
    if let Some((_, ours)) = other {
        return Some(format!("there is no function {name}; use {ours}"));
    }
    let nearest =
        rest.split_once("Did you mean '").and_then(|(_, n)| n.split_once('\'')).map(|n| n.0);
    let nearest = nearest
        .filter(|n| strsim::normalized_damerau_levenshtein(&name.to_ascii_lowercase(), n) >= ALIKE);
    Some(match nearest {
        Some(nearest) => format!("there is no function {name}; did you mean {nearest}?"),
        None => format!("there is no function {name}; SHOW FUNCTIONS lists those there are"),
    })
}

/// Similarity from which a name counts as a misspelling of another.
const ALIKE: f64 = 0.6;

/// Functions of other databases and their equivalents here.
const OTHER_DIALECTS: &[(&str, &str)] = &[
    ("strftime", "to_char(time, '%Y-%m-%d')"),
    ("format_datetime", "to_char(time, '%Y-%m-%d')"),
    ("strptime", "to_timestamp(text, '%Y-%m-%d')"),
    ("getdate", "now()"),
    ("year", "date_part('year', time)"),
    ("month", "date_part('month', time)"),
    ("week", "date_part('week', time)"),
    ("day", "date_part('day', time)"),
    ("dayofweek", "date_part('dow', time)"),
    ("hour", "date_part('hour', time)"),
    ("minute", "date_part('minute', time)"),
    ("epoch", "date_part('epoch', time)"),
    ("len", "character_length(text)"),
    ("group_concat", "string_agg(text, ',')"),
    ("listagg", "string_agg(text, ',')"),
    ("regexp_extract", "regexp_match(text, pattern)"),
    ("regexp_matches", "regexp_match(text, pattern)"),
    ("iff", "CASE WHEN condition THEN a ELSE b END"),
    ("if", "CASE WHEN condition THEN a ELSE b END"),
    ("countif", "count(*) FILTER (WHERE condition)"),
    ("count_if", "count(*) FILTER (WHERE condition)"),
    ("sumif", "sum(x) FILTER (WHERE condition)"),
    ("sum_if", "sum(x) FILTER (WHERE condition)"),
    ("arg_max", "first_value(x ORDER BY y DESC)"),
    ("max_by", "first_value(x ORDER BY y DESC)"),
    ("arg_min", "first_value(x ORDER BY y)"),
    ("min_by", "first_value(x ORDER BY y)"),
    ("quantile", "approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY x)"),
    ("percentile", "approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY x)"),
    ("approx_count_distinct", "approx_distinct(x)"),
    ("struct_pack", "named_struct('name', value)"),
    ("list", "array_agg(x)"),
];

/// A message of DataFusion about a frequent mistake, reworded to say what to do.
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
    // Combined errors keep the prefixes of their layers inside.
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

    #[tokio::test]
    async fn what_does_the_same_here_as_a_function_of_another_database_exists() {
        let ctx = datafusion::prelude::SessionContext::new();
        let state = ctx.state();
        for (theirs, ours) in OTHER_DIALECTS {
            let sql = format!("SELECT {theirs}('x')");
            if let Err(error) = ctx.sql(&sql).await {
                let said = query_error(error);
                let expected = format!("there is no function {theirs}; use {ours}");
                assert_eq!(said.message(), expected);
            } else {
                panic!("{theirs} is there: take it off the list");
            }
            let (name, _) = ours.split_once(['(', ' ']).unwrap();
            let exists = state.scalar_functions().contains_key(name)
                || state.aggregate_functions().contains_key(name)
                || state.window_functions().contains_key(name);
            assert!(exists || name == "CASE", "{ours}");
        }
        let said = |sql: &'static str| {
            let ctx = ctx.clone();
            async move { query_error(ctx.sql(sql).await.unwrap_err()).message().to_owned() }
        };
        assert_eq!(
            said("SELECT charater_length('x')").await,
            "there is no function charater_length; did you mean character_length?"
        );
        assert_eq!(
            said("SELECT zzyzx(1)").await,
            "there is no function zzyzx; SHOW FUNCTIONS lists those there are"
        );
    }
}
