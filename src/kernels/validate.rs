//! Requests that can be answered, told from those that cannot.
//!
//! The rules stand once, in `Request::check`; the column kernel, the typed row and the SQL
//! function all end there. A valid row costs no allocation.

mod source_url;

use std::fmt;

use arrow::array::{
    Array, AsArray, Float64Array, Int64Array, StringArray, StringArrayType, StringBuilder,
};
use arrow::datatypes::DataType;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::is_language_tag;
use crate::model::request::{
    DEFAULT_LANGUAGE, DEFAULT_MAX_CLIP_LENGTH, DEFAULT_MAX_CLIPS, DEFAULT_MIN_CLIP_LENGTH,
    VideoClipRequest,
};
use source_url::UrlFault;

/// The shortest `min_clip_length` accepted, in seconds.
pub const MIN_CLIP_LENGTH: f64 = 0.5;
/// The longest `max_clip_length` accepted, in seconds.
pub const MAX_CLIP_LENGTH: f64 = 600.0;
/// The most clips that one request may ask for.
pub const MAX_CLIPS: i64 = 100;
/// The longest `source_url` accepted, in bytes.
pub const MAX_URL_BYTES: usize = 8192;

/// How many characters of a wrong value a message shows.
const SHOWN_CHARS: usize = 80;

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
    let row = Request {
        source_url: Some(&request.source_url),
        language: Some(&request.language),
        min_clip_length: Some(request.min_clip_length),
        max_clip_length: Some(request.max_clip_length),
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
        let row = Request {
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

/// One request as its cells stand; `None` is NULL.
struct Request<'a> {
    source_url: Option<&'a str>,
    language: Option<&'a str>,
    min_clip_length: Option<f64>,
    max_clip_length: Option<f64>,
    max_clips: Option<i64>,
}

impl<'a> Request<'a> {
    /// The rules. The first that is broken is reported.
    fn check(&self) -> Result<(), Fault<'a>> {
        match self.source_url {
            Some(url) => source_url::check(url).map_err(|fault| Fault::Url(url, fault))?,
            None => return Err(Fault::Url("", UrlFault::Missing)),
        }
        let min = self.min_clip_length.unwrap_or(DEFAULT_MIN_CLIP_LENGTH);
        let max = self.max_clip_length.unwrap_or(DEFAULT_MAX_CLIP_LENGTH);
        // Written so that NaN fails each of them.
        if !min.is_finite() {
            return Err(Fault::NotANumber("min_clip_length", min));
        }
        if !max.is_finite() {
            return Err(Fault::NotANumber("max_clip_length", max));
        }
        // A bound that is left out gives way to the other one: the fault is that of the one given.
        if max < MIN_CLIP_LENGTH {
            return Err(Fault::TooShort("max_clip_length", max));
        }
        if min < MIN_CLIP_LENGTH {
            return Err(Fault::TooShort("min_clip_length", min));
        }
        if min > MAX_CLIP_LENGTH {
            return Err(Fault::TooLong("min_clip_length", min));
        }
        if max > MAX_CLIP_LENGTH {
            return Err(Fault::TooLong("max_clip_length", max));
        }
        if min > max {
            let defaulted = (self.min_clip_length.is_none(), self.max_clip_length.is_none());
            return Err(Fault::OutOfOrder { min, max, defaulted });
        }
        let max_clips = self.max_clips.unwrap_or(DEFAULT_MAX_CLIPS);
        if !(1..=MAX_CLIPS).contains(&max_clips) {
            return Err(Fault::MaxClips(max_clips));
        }
        let given = self.language.filter(|language| !language.trim().is_empty());
        let language = given.unwrap_or(DEFAULT_LANGUAGE);
        if !is_language_tag(language) {
            return Err(Fault::Language(language));
        }
        Ok(())
    }
}

/// A broken rule, with what its sentence needs.
enum Fault<'a> {
    Url(&'a str, UrlFault),
    NotANumber(&'static str, f64),
    TooShort(&'static str, f64),
    TooLong(&'static str, f64),
    OutOfOrder { min: f64, max: f64, defaulted: (bool, bool) },
    MaxClips(i64),
    Language(&'a str),
}

impl Fault<'_> {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Url(_, UrlFault::Missing) => ErrorCode::InvalidRequestMissingUrl,
            Self::Url(_, UrlFault::NotText) => ErrorCode::InvalidRequestBadValue,
            Self::Url(..) => ErrorCode::InvalidRequestBadUrl,
            Self::NotANumber(..)
            | Self::TooShort(..)
            | Self::TooLong(..)
            | Self::OutOfOrder { .. } => ErrorCode::InvalidRequestBadLength,
            Self::MaxClips(_) => ErrorCode::InvalidRequestBadMaxClips,
            Self::Language(_) => ErrorCode::InvalidRequestBadLanguage,
        }
    }
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Url(url, ref fault) => fault.explain(url, f),
            Self::NotANumber(column, value) => {
                write!(
                    f,
                    "{column} is {}; give a number of seconds, or leave it empty for the default",
                    Seconds(value)
                )
            }
            Self::TooShort(column, value) => {
                write!(
                    f,
                    "{column} is {}; make it at least {}",
                    Seconds(value),
                    Seconds(MIN_CLIP_LENGTH)
                )
            }
            Self::TooLong(column, value) => {
                write!(
                    f,
                    "{column} is {}; make it at most {}",
                    Seconds(value),
                    Seconds(MAX_CLIP_LENGTH)
                )
            }
            Self::OutOfOrder { min, max, defaulted } => {
                let mark = |is_default| if is_default { " (the default)" } else { "" };
                write!(
                    f,
                    "max_clip_length is {}{} but min_clip_length is {}{}; make the maximum at least the minimum",
                    Seconds(max),
                    mark(defaulted.1),
                    Seconds(min),
                    mark(defaulted.0),
                )
            }
            Self::MaxClips(value) => {
                write!(f, "max_clips is {value}; make it a number from 1 to {MAX_CLIPS}")
            }
            Self::Language(value) => {
                write!(
                    f,
                    "language is {}; give an ISO 639 or BCP 47 tag such as en, eng or pt-BR",
                    Shown(value)
                )
            }
        }
    }
}

/// Seconds as a person writes them; very large and small ones with an exponent.
struct Seconds(f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size != 0.0 && size.is_finite() && !(1e-3..1e9).contains(&size) {
            write!(f, "{:e} s", self.0)
        } else {
            write!(f, "{} s", self.0)
        }
    }
}

/// A value inside a sentence: quoted, escaped, and cut when it is long.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(SHOWN_CHARS).map_or(self.0.len(), |(i, _)| i);
        let cut = if end < self.0.len() { "…" } else { "" };
        write!(f, "\"{}{cut}\"", self.0[..end].escape_debug())
    }
}

#[cfg(test)]
mod tests;
