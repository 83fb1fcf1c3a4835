//! The crate's one error type: a stable code for programs and a sentence for people.
//!
//! The same [`Error`] ends up in the `error_code` and `error_message` columns of `outcomes`
//! when it belongs to a row, and on standard error when it belongs to the whole command. Messages name
//! settings as the library does (`max_clips`); the command prints the flag instead (`--max-clips`).

use std::fmt;
use std::time::Duration;

/// The enum, its list and its spellings from one list of `Variant = "spelling";`, so that none is forgotten.
macro_rules! error_codes {
    (
        $(#[$about:meta])*
        $enum:ident {$(
            $(#[doc = $doc:literal])+
            $variant:ident = $code:literal;
        )+}
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $enum {$(
            $(#[doc = $doc])+
            $variant,
        )+}

        impl $enum {
            /// Every code, in the order of the enum.
            pub const ALL: &'static [$enum] = &[$(Self::$variant,)+];

            /// The stable spelling, as it stands in `error_code`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// What the code means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc,)+).trim(),)+
                }
            }
        }
    };
}

error_codes! {
    /// What went wrong, as a stable code. A variant is named like its code. Codes are grouped by a prefix
    /// before the first dot; new ones may be added, existing ones keep their spelling.
    ErrorCode {
        /// The row names no source.
        InvalidRequestMissingUrl = "invalid_request.missing_url";
        /// The source is not a URL or path that can be read.
        InvalidRequestBadUrl = "invalid_request.bad_url";
        /// `min_clip_length`/`max_clip_length` are not positive, not finite or out of order.
        InvalidRequestBadLength = "invalid_request.bad_length";
        /// `start`/`end` or `within_start`/`within_end` are no stretch of time that a clip can be.
        InvalidRequestBadSpan = "invalid_request.bad_span";
        /// `max_clips` is below 1 or above the limit.
        InvalidRequestBadMaxClips = "invalid_request.bad_max_clips";
        /// A value is not of the column's type.
        InvalidRequestBadValue = "invalid_request.bad_value";
        /// `language` is not a BCP 47 / ISO 639 tag.
        InvalidRequestBadLanguage = "invalid_request.bad_language";
        /// Two rows of one batch carry the same `request_id`.
        InvalidRequestDuplicateId = "invalid_request.duplicate_id";
        /// The source does not exist.
        SourceNotFound = "source.not_found";
        /// The source exists but may not be read, by its permissions or by our rules.
        SourceForbidden = "source.forbidden";
        /// The source's server could not be reached.
        SourceUnreachable = "source.unreachable";
        /// The source's server asks for fewer requests.
        SourceThrottled = "source.throttled";
        /// The source is another one than when this run first saw it.
        SourceChanged = "source.changed";
        /// The source is larger than the limit.
        SourceTooLarge = "source.too_large";
        /// The source ends before it should.
        SourceTruncated = "source.truncated";
        /// The source is of a kind that clipflow does not read.
        SourceUnsupported = "source.unsupported";
        /// The source is refused for safety.
        SourceBlocked = "source.blocked";
        /// The source has no video stream.
        MediaNoVideo = "media.no_video";
        /// The source's data cannot be decoded.
        MediaCorrupt = "media.corrupt";
        /// The decoder or encoder took longer than allowed.
        MediaTimeout = "media.timeout";
        /// The decoder or encoder ended abnormally.
        MediaCrashed = "media.crashed";
        /// The source asks for more than the limits allow (pixels, streams, memory).
        MediaLimits = "media.limits";
        /// No window of the source meets the request.
        SelectionNoCandidate = "selection.no_candidate";
        /// The span or window that the request names is not in the source.
        SelectionOutside = "selection.outside";
        /// The encoder failed.
        RenderFailed = "render.failed";
        /// The written file is not what was asked for.
        RenderMismatch = "render.mismatch";
        /// The transcriber failed, or its answer cannot be read; the clips are made without its captions.
        TranscribeFailed = "transcribe.failed";
        /// The results could not be written.
        StoreWrite = "store.write";
        /// The results folder cannot be read.
        StoreRead = "store.read";
        /// A program that clipflow needs is missing.
        SetupMissingProgram = "setup.missing_program";
        /// An input table cannot be read.
        InputUnreadable = "input.unreadable";
        /// An input table lacks a column or has one of the wrong type.
        InputColumn = "input.column";
        /// A query is wrong or not allowed.
        QueryInvalid = "query.invalid";
        /// A query needs more memory or disk than it may take.
        QueryLimits = "query.limits";
        /// A setting is wrong.
        ConfigInvalid = "config.invalid";
        /// There are too few rows to fit a model to.
        FitTooFew = "fit.too_few";
        /// A fitted model predicts no better than the mean.
        FitNoBetter = "fit.no_better";
        /// A worker process died twice on the same row.
        WorkerCrashed = "worker_crashed";
        /// Work of an embedding program panicked on the row.
        WorkPanicked = "work_panicked";
        /// The row took longer than a row may.
        Timeout = "timeout";
        /// More requests failed than the run allows.
        RunTooManyFailures = "run.too_many_failures";
        /// The run was stopped before this row was done.
        Cancelled = "cancelled";
        /// A fault of clipflow itself.
        Internal = "internal";
    }
}

impl ErrorCode {
    /// The code with this spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.as_str() == text)
    }
}

/// Its stable spelling.
impl serde::Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a retry can succeed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outlook {
    /// As is usual for the code; see [`crate::resilience::may_change`].
    #[default]
    ByCode,
    /// A retry can succeed, after this time at the earliest.
    Passing(Duration),
    /// No retry succeeds within this run.
    Lasting,
}

/// A code, a sentence, the settings that the sentence names, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    code: ErrorCode,
    message: String,
    /// Where in the message, and which.
    settings: Vec<(usize, &'static str)>,
    outlook: Outlook,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `code`; `message` says in one sentence what happened and what to do about it.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let (message, settings, outlook) = (message.into(), vec![], Outlook::default());
        Self { code, message, settings, outlook, source: None }
    }

    /// A `config.invalid` error about the setting `name`; `what` continues the sentence that the name begins.
    pub fn setting(name: &'static str, what: impl fmt::Display) -> Self {
        Self::new(ErrorCode::ConfigInvalid, format!("{name} {what}")).about(name)
    }

    /// Declare that the message names the setting `name`, where that first occurs as a word.
    #[must_use]
    pub fn about(mut self, name: &'static str) -> Self {
        let place = word(&self.message, name);
        debug_assert!(place.is_some(), "{name} in {:?}", self.message);
        self.settings.extend(place.map(|at| (at, name)));
        self
    }

    /// The same error, keeping the one that caused it.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, which can pass if it is retried after `wait`, as a server may have said.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.outlook = Outlook::Passing(wait);
        self
    }

    /// The same error, which no retry within this run overcomes, whatever its code says.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.outlook = Outlook::Lasting;
        self
    }

    /// The same error without its cause, for another caller that waits for the same result.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            outlook: self.outlook,
            settings: self.settings.clone(),
            ..Self::new(self.code, self.message.as_str())
        }
    }

    /// The same error with `before` in front of its sentence, such as the file it is about, and `after`
    /// behind it.
    #[must_use]
    pub fn framed(mut self, before: impl fmt::Display, after: impl fmt::Display) -> Self {
        let before = before.to_string();
        self.settings.iter_mut().for_each(|(at, _)| *at += before.len());
        self.message = format!("{before}{}{after}", self.message);
        self
    }

    /// Whether a retry can succeed.
    pub fn outlook(&self) -> Outlook {
        self.outlook
    }

    /// Time to wait before a retry, if it is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.outlook {
            Outlook::Passing(wait) => Some(wait),
            _ => None,
        }
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence, which names settings as the library does.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The settings that the sentence names.
    pub fn settings(&self) -> impl Iterator<Item = &'static str> {
        self.settings.iter().map(|(_, name)| *name)
    }

    /// The sentence with each setting spelled as `spell` says, such as a flag.
    pub fn message_with(&self, spell: impl Fn(&str) -> String) -> String {
        let mut places = self.settings.clone();
        places.sort_unstable();
        places.dedup();
        let mut message = self.message.clone();
        for (at, name) in places.into_iter().rev() {
            message.replace_range(at..at + name.len(), &spell(name));
        }
        message
    }
}

/// Where `name` first stands in `text` as a word of its own.
fn word(text: &str, name: &str) -> Option<usize> {
    let in_a_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[*at + name.len()..].chars().next();
        !before.is_some_and(in_a_word) && !after.is_some_and(in_a_word)
    })
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_spelling_and_parses_back() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code} twice");
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
            let named = code.as_str().replace(['.', '_'], "");
            assert_eq!(format!("{code:?}").to_lowercase(), named);
            assert!(code.meaning().ends_with('.'), "{code}");
        }
    }

    #[test]
    fn settings_are_named_by_name_and_spelled_as_asked() {
        let flag = |name: &str| format!("--{}", name.replace('_', "-"));
        let error = Error::setting("max_clips", "is 0; give a number from 1");
        assert_eq!(error.message(), "max_clips is 0; give a number from 1");
        assert_eq!(error.message_with(flag), "--max-clips is 0; give a number from 1");
        let message = "variants-like variants and captions: set captions, not my_captions";
        let error =
            Error::new(ErrorCode::ConfigInvalid, message).about("captions").about("variants");
        assert_eq!(
            error.message_with(flag),
            "variants-like --variants and --captions: set captions, not my_captions"
        );
        assert_eq!(error.copy().settings().collect::<Vec<_>>(), ["captions", "variants"]);
        let error = Error::setting("day", "is 31").framed("day.csv: ", "; see day");
        assert_eq!(error.message_with(flag), "day.csv: --day is 31; see day");
    }
}
