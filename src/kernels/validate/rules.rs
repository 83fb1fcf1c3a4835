//! The rules of a request, and what is said of one that breaks them.

use std::fmt;

use super::shown::{Quoted, Seconds};
use super::source_url::{self, UrlFault};
use crate::error::ErrorCode;
use crate::kernels::span::{MAX_CLIP_LENGTH, MIN_CLIP_LENGTH};
use crate::kernels::text::is_language_tag;
use crate::model::request::{
    DEFAULT_LANGUAGE, DEFAULT_MAX_CLIP_LENGTH, DEFAULT_MAX_CLIPS, DEFAULT_MIN_CLIP_LENGTH,
};

/// The most clips that one request may ask for.
pub const MAX_CLIPS: i64 = 100;

/// One request as its cells stand; `None` is NULL.
pub(super) struct RequestCells<'a> {
    pub(super) source_url: Option<&'a str>,
    pub(super) language: Option<&'a str>,
    pub(super) min_clip_length: Option<f64>,
    pub(super) max_clip_length: Option<f64>,
    pub(super) max_clips: Option<i64>,
}

impl<'a> RequestCells<'a> {
    /// The rules. The first that is broken is reported.
    pub(super) fn check(&self) -> Result<(), RequestFault<'a>> {
        match self.source_url {
            Some(url) => source_url::check(url).map_err(|fault| RequestFault::Url(url, fault))?,
            None => return Err(RequestFault::Url("", UrlFault::Missing)),
        }
        let min = self.min_clip_length.unwrap_or(DEFAULT_MIN_CLIP_LENGTH);
        let max = self.max_clip_length.unwrap_or(DEFAULT_MAX_CLIP_LENGTH);
        // Written so that NaN fails each of them.
        if !min.is_finite() {
            return Err(RequestFault::NotANumber("min_clip_length", min));
        }
        if !max.is_finite() {
            return Err(RequestFault::NotANumber("max_clip_length", max));
        }
        // A bound that is left out gives way to the other one: the fault is that of the one given.
        if max < MIN_CLIP_LENGTH {
            return Err(RequestFault::TooShort("max_clip_length", max));
        }
        if min < MIN_CLIP_LENGTH {
            return Err(RequestFault::TooShort("min_clip_length", min));
        }
        if min > MAX_CLIP_LENGTH {
            return Err(RequestFault::TooLong("min_clip_length", min));
        }
        if max > MAX_CLIP_LENGTH {
            return Err(RequestFault::TooLong("max_clip_length", max));
        }
        if min > max {
            let defaulted = (self.min_clip_length.is_none(), self.max_clip_length.is_none());
            return Err(RequestFault::OutOfOrder { min, max, defaulted });
        }
        let max_clips = self.max_clips.unwrap_or(DEFAULT_MAX_CLIPS);
        if !(1..=MAX_CLIPS).contains(&max_clips) {
            return Err(RequestFault::MaxClips(max_clips));
        }
        let given = self.language.filter(|language| !language.trim().is_empty());
        let language = given.unwrap_or(DEFAULT_LANGUAGE);
        if !is_language_tag(language) {
            return Err(RequestFault::Language(language));
        }
        Ok(())
    }
}

/// A broken rule, with what its sentence needs.
pub(super) enum RequestFault<'a> {
    Url(&'a str, UrlFault),
    NotANumber(&'static str, f64),
    TooShort(&'static str, f64),
    TooLong(&'static str, f64),
    OutOfOrder { min: f64, max: f64, defaulted: (bool, bool) },
    MaxClips(i64),
    Language(&'a str),
}

impl RequestFault<'_> {
    pub(super) fn code(&self) -> ErrorCode {
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

impl fmt::Display for RequestFault<'_> {
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
                    Quoted(value)
                )
            }
        }
    }
}
