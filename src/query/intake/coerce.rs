//! SQL that casts the columns of request files to their types in `intake`.

use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::validate::MAX_CLIPS;
use crate::query::events::quote;

/// The SQL of a column's value, and of the error message for a value that cannot be cast.
pub(super) fn coerce(
    found: &Field,
    wanted: &Field,
    place: &str,
) -> Result<(String, Option<String>)> {
    let column = quote(found.name());
    let from = value_type(found.data_type());
    let is_text = is_text(from);
    match wanted.data_type() {
        DataType::Utf8 if from.is_nested() && wanted.name() == "audience_profile" => {
            Ok((format!("json_text({column})"), None))
        }
        DataType::Utf8 if is_text => {
            Ok((format!("nullif(trim(CAST({column} AS VARCHAR)), '')"), None))
        }
        DataType::Utf8 if !from.is_nested() => Ok((format!("CAST({column} AS VARCHAR)"), None)),
        DataType::Float64 if matches!(from, DataType::Duration(_)) => {
            let parts = match from {
                DataType::Duration(TimeUnit::Second) => "1e0",
                DataType::Duration(TimeUnit::Millisecond) => "1e3",
                DataType::Duration(TimeUnit::Microsecond) => "1e6",
                _ => "1e9",
            };
            Ok((format!("CAST(CAST({column} AS BIGINT) AS DOUBLE) / {parts}"), None))
        }
        DataType::Int64 if from.is_integer() && *from != DataType::UInt64 => {
            Ok((format!("CAST({column} AS BIGINT)"), None))
        }
        DataType::Float64 | DataType::Int64 if is_text || from.is_numeric() => {
            let kind = match wanted.data_type() {
                DataType::Int64 => NumberKind::Whole,
                _ if TIMES.contains(&wanted.name().as_str()) => NumberKind::Time,
                _ => NumberKind::Length,
            };
            Ok(number(found.name(), is_text, kind))
        }
        _ => Err(Error::new(
            ErrorCode::InputColumn,
            format!(
                "the column {} of {place} holds {}, which cannot be read as {}",
                found.name(),
                found.data_type(),
                if wanted.data_type() == &DataType::Utf8 { "text" } else { "numbers" }
            ),
        )),
    }
}

/// The columns that say where in the source; their times may count frames.
pub(super) const TIMES: [&str; 4] = ["start", "end", "within_start", "within_end"];

/// What a number of a request is.
#[derive(Clone, Copy, PartialEq)]
enum NumberKind {
    Whole,
    Length,
    Time,
}

/// The SQL of the trimmed text of a column, NULL if there is none.
fn trimmed(name: &str) -> String {
    format!("nullif(trim(CAST({} AS VARCHAR)), '')", quote(name))
}

/// The SQL of whether a text is a time that counts frames.
fn counts_frames(text: &str) -> String {
    format!("regexp_like({text}, '^[0-9]{{1,3}}:[0-5]?[0-9]:[0-5]?[0-9][:;][0-9]{{1,3}}$')")
}

/// The SQL of the texts of [`TIMES`] that count frames, joined by `|`; NULL where none does. `find` gives the column of
/// a name, if there is one.
pub(super) fn timecodes<'a>(find: impl Fn(&str) -> Option<&'a Field>) -> String {
    let text = |name: &str| {
        let found = find(name).filter(|field| is_text(value_type(field.data_type())))?;
        let text = trimmed(found.name());
        Some(format!("CASE WHEN {} THEN {text} ELSE '' END", counts_frames(&text)))
    };
    let texts = TIMES.map(text);
    if texts.iter().all(Option::is_none) {
        return "CAST(NULL AS VARCHAR)".to_owned();
    }
    let texts = texts.map(|text| format!("coalesce({}, '')", text.as_deref().unwrap_or("''")));
    format!("nullif(concat({}), '|||')", texts.join(", '|', "))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null)
}

/// The SQL of a number from a column of text or numbers, and of the message for other values.
fn number(name: &str, is_text: bool, kind: NumberKind) -> (String, Option<String>) {
    let whole = kind == NumberKind::Whole;
    let column = quote(name);
    let text = trimmed(name);
    let number = if is_text && kind == NumberKind::Time {
        // Frames are added once the rate of the source is known.
        let clock = format!("regexp_replace({text}, '[:;][0-9]+$', '')");
        format!(
            "coalesce(TRY_CAST({text} AS DOUBLE), timecode_seconds({text}), CASE WHEN {} THEN timecode_seconds({clock}) END)",
            counts_frames(&text)
        )
    } else if is_text {
        // Every number with a fraction is a time.
        format!("coalesce(TRY_CAST({text} AS DOUBLE), timecode_seconds({text}))")
    } else {
        format!("CAST({column} AS DOUBLE)")
    };
    let (value, lost, what) = if whole {
        // As a DOUBLE only if needed ("5.0"), because a DOUBLE is exact only to 53 bits.
        let exact = format!("TRY_CAST({text} AS BIGINT)");
        let value = format!("coalesce({exact}, TRY_CAST({number} AS BIGINT))");
        let lost = format!("{value} IS NULL OR ({exact} IS NULL AND {value} <> {number})");
        // The one whole number of a request.
        (value, lost, format!("a whole number from 1 to {MAX_CLIPS}"))
    } else {
        let what = "a number of seconds or a time such as 1:05";
        let frames = if kind == NumberKind::Time { " or, with frames, 00:01:05:12" } else { "" };
        (number.clone(), format!("{number} IS NULL"), format!("{what}{frames}"))
    };
    let name = name.replace('\'', "''");
    let sentence =
        format!("'{name} is ' || {text} || ', which is not {what}; correct it or leave it empty'");
    (value, Some(format!("CASE WHEN {text} IS NOT NULL AND ({lost}) THEN {sentence} END")))
}

/// The name of a type in SQL.
pub(super) fn sql_type(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Float64 => "DOUBLE",
        DataType::Int64 => "BIGINT",
        _ => "VARCHAR",
    }
}

/// The SQL of a column that is carried through. A nested value becomes JSON text, because files with
/// different fields are stored in one table.
pub(super) fn carried(field: &Field, cast: Option<&str>) -> String {
    let column = quote(field.name());
    let value = value_type(field.data_type());
    if value.is_nested() {
        return format!("json_text({column})");
    }
    let plain = match (field.data_type(), value) {
        // Views do not travel: other readers of the results want plain text.
        (_, DataType::Utf8View) => Some("VARCHAR"),
        (DataType::Dictionary(..), DataType::Utf8 | DataType::LargeUtf8) => Some("VARCHAR"),
        (DataType::Dictionary(..), DataType::Int64) => Some("BIGINT"),
        (DataType::Dictionary(..), DataType::Float64) => Some("DOUBLE"),
        _ => None,
    };
    match cast.or(plain) {
        Some(to) => format!("CAST({column} AS {to})"),
        None => column,
    }
}

/// The type of the values, without dictionary encoding.
pub(super) fn value_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, value) => value_type(value),
        other => other,
    }
}
