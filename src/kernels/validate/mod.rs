//! Requests that can be answered, told from those that cannot.
//!
//! The rules stand once, in `RequestCells::check`; the column kernel, the typed row and the SQL
//! function all end there. A valid row costs no allocation.

mod rules;
mod shown;
mod source_url;

use std::fmt;

use arrow::array::{
    Array, AsArray, Float64Array, Int64Array, StringArray, StringArrayType, StringBuilder,
};
use arrow::datatypes::DataType;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::span::RequestSpan;
use crate::model::request::VideoClipRequest;
use rules::RequestCells;

pub use crate::kernels::span::{MAX_CLIP_LENGTH, MIN_CLIP_LENGTH};
pub use rules::MAX_CLIPS;
pub use source_url::MAX_URL_BYTES;

/// The columns that are checked, all of one length. A column that is `None` and a cell that is
/// NULL have the default, except for the source; so has a blank language.
#[derive(Clone, Copy)]
pub struct RequestColumns<'a> {
    /// Path or URL: `Utf8`, `LargeUtf8` or `Utf8View`.
    pub source_url: &'a dyn Array,
    /// Language tag: `Utf8`, `LargeUtf8` or `Utf8View`.
    pub language: Option<&'a dyn Array>,
    /// Seconds.
    pub min_clip_length: Option<&'a Float64Array>,
    /// Seconds.
    pub max_clip_length: Option<&'a Float64Array>,
    /// Count.
    pub max_clips: Option<&'a Int64Array>,
}

/// The answer for each row: both NULL where the request is valid, neither where it is not.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// Stable code, see [`ErrorCode::as_str`].
    pub error_code: StringArray,
    /// One sentence: the value, and what to do.
    pub error_message: StringArray,
}

/// Checks every row of `columns`.
///
/// # Errors
/// `input.column` if the columns differ in length or a text column is not text.
pub fn validate(columns: &RequestColumns<'_>) -> Result<Validation> {
    check_lengths(columns)?;
    match columns.source_url.data_type() {
        DataType::Utf8 => with_source(columns, columns.source_url.as_string::<i32>()),
        DataType::LargeUtf8 => with_source(columns, columns.source_url.as_string::<i64>()),
        DataType::Utf8View => with_source(columns, columns.source_url.as_string_view()),
        // A column that was empty in a CSV or NDJSON file may come without a type.
        DataType::Null => with_source(columns, &StringArray::new_null(columns.source_url.len())),
        other => Err(not_text("source_url", other)),
    }
}

/// Checks one typed request by the same rules.
///
/// # Errors
/// One of the `invalid_request` codes.
pub fn validate_one(request: &VideoClipRequest) -> Result<()> {
    let span = RequestSpan::of(request);
    span.check(Some(request.min_clip_length))?;
    // The very span is the clip: lengths are not looked at.
    let length = span.clip().map(|(start, end)| end - start);
    let row = RequestCells {
        source_url: Some(&request.source_url),
        language: Some(&request.language),
        min_clip_length: Some(length.unwrap_or(request.min_clip_length)),
        max_clip_length: Some(length.unwrap_or(request.max_clip_length)),
        max_clips: Some(request.max_clips),
    };
    row.check().map_err(|fault| Error::new(fault.code(), fault.to_string()))
}

fn with_source<'a>(
    columns: &RequestColumns<'_>,
    source_url: impl StringArrayType<'a>,
) -> Result<Validation> {
    match columns.language {
        None => Ok(check_rows(columns, source_url, |_| None)),
        Some(language) => match language.data_type() {
            DataType::Utf8 => {
                Ok(check_rows(columns, source_url, cells(language.as_string::<i32>())))
            }
            DataType::LargeUtf8 => {
                Ok(check_rows(columns, source_url, cells(language.as_string::<i64>())))
            }
            DataType::Utf8View => {
                Ok(check_rows(columns, source_url, cells(language.as_string_view())))
            }
            DataType::Null => Ok(check_rows(columns, source_url, |_| None)),
            other => Err(not_text("language", other)),
        },
    }
}

fn check_rows<'a, 'b>(
    columns: &RequestColumns<'_>,
    source_url: impl StringArrayType<'a>,
    language: impl Fn(usize) -> Option<&'b str>,
) -> Validation {
    let rows = source_url.len();
    let source_url = cells(source_url);
    let (mut codes, mut messages) =
        (StringBuilder::with_capacity(rows, 0), StringBuilder::with_capacity(rows, 0));
    let mut message = String::new();
    for i in 0..rows {
        let row = RequestCells {
            source_url: source_url(i),
            language: language(i),
            min_clip_length: columns
                .min_clip_length
                .and_then(|a| a.is_valid(i).then(|| a.value(i))),
            max_clip_length: columns
                .max_clip_length
                .and_then(|a| a.is_valid(i).then(|| a.value(i))),
            max_clips: columns.max_clips.and_then(|a| a.is_valid(i).then(|| a.value(i))),
        };
        match row.check() {
            Ok(()) => {
                codes.append_null();
                messages.append_null();
            }
            Err(fault) => {
                codes.append_value(fault.code().as_str());
                message.clear();
                // Writing to a String cannot fail.
                let _ = fmt::write(&mut message, format_args!("{fault}"));
                messages.append_value(&message);
            }
        }
    }
    Validation { error_code: codes.finish(), error_message: messages.finish() }
}

fn cells<'a>(array: impl StringArrayType<'a>) -> impl Fn(usize) -> Option<&'a str> {
    move |i| array.is_valid(i).then(|| array.value(i))
}

fn check_lengths(columns: &RequestColumns<'_>) -> Result<()> {
    let rows = columns.source_url.len();
    let lengths = [
        ("language", columns.language.map(Array::len)),
        ("min_clip_length", columns.min_clip_length.map(Array::len)),
        ("max_clip_length", columns.max_clip_length.map(Array::len)),
        ("max_clips", columns.max_clips.map(Array::len)),
    ];
    for (name, length) in lengths {
        if let Some(length) = length.filter(|l| *l != rows) {
            return Err(Error::new(
                ErrorCode::InputColumn,
                format!(
                    "column {name} has {length} rows but source_url has {rows}; give columns of one table"
                ),
            ));
        }
    }
    Ok(())
}

fn not_text(name: &str, found: &DataType) -> Error {
    Error::new(
        ErrorCode::InputColumn,
        format!("column {name} is {found}, not text; cast it to Utf8"),
    )
}

#[cfg(test)]
mod tests;
