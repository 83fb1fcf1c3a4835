//! The error of this crate: a stable code for programs and a sentence for people.
//!
//! The same [`Error`] ends up in the `error_code` and `error_message` columns of `outcomes`
//! when it belongs to a row, and on standard error when it belongs to the whole command.

use std::fmt;
use std::time::Duration;

/// What went wrong, as a stable code. Codes are grouped by a prefix before the first dot;
/// new ones may be added, existing ones keep their spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The row names no source.
    MissingUrl,
    /// The source is not a URL or path that can be read.
    BadUrl,
    /// `min_clip_length`/`max_clip_length` are not positive, not finite or out of order.
    BadLength,
    /// `max_clips` is below 1 or above the limit.
    BadMaxClips,
    /// A value is not of the column's type.
    BadValue,
    /// `language` is not a BCP 47 / ISO 639 tag.
    BadLanguage,
    /// Two rows of one batch carry the same `request_id`.
    DuplicateId,
    /// The source does not exist.
    SourceNotFound,
    /// The source exists but may not be read, because of its permissions or of `allow_roots`.
    SourceForbidden,
    /// The source's server could not be reached.
    SourceUnreachable,
    /// The source's server asks for fewer requests.
    SourceThrottled,
    /// The source has changed since this run first read it.
    SourceChanged,
    /// The source is larger than the limit.
    SourceTooLarge,
    /// The source ends before it should.
    SourceTruncated,
    /// The source is of a kind that clipflow does not read.
    SourceUnsupported,
    /// The source is rejected for security.
    SourceBlocked,
    /// There is no moving picture in the source.
    NoVideo,
    /// The source's data cannot be decoded.
    MediaCorrupt,
    /// The decoder or encoder took longer than allowed.
    MediaTimeout,
    /// The decoder or encoder ended abnormally.
    MediaCrashed,
    /// The source asks for more than the limits allow (pixels, streams, memory).
    MediaLimits,
    /// No window of the source meets the request.
    NoCandidate,
    /// The encoder failed.
    RenderFailed,
    /// The written file is not what was asked for.
    RenderMismatch,
    /// The results could not be written.
    StoreWrite,
    /// The results folder cannot be read.
    StoreRead,
    /// A program that clipflow needs is missing.
    MissingProgram,
    /// An input table cannot be read.
    InputUnreadable,
    /// An input table lacks a column or has one of the wrong type.
    InputColumn,
    /// A query is wrong or not allowed.
    Query,
    /// A query needs more memory or disk than it may take.
    QueryLimits,
    /// A setting is wrong.
    Config,
    /// There are too few rows to fit a model to.
    FitTooFew,
    /// A fitted model predicts no better than the mean.
    FitNoBetter,
    /// A worker process died twice on the same row.
    WorkerCrashed,
    /// The row took longer than a row may.
    Timeout,
    /// The run was stopped before this row was done.
    Cancelled,
    /// A fault of clipflow itself.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the enum.
    pub const ALL: &'static [ErrorCode] = &[
        Self::MissingUrl,
        Self::BadUrl,
        Self::BadLength,
        Self::BadMaxClips,
        Self::BadValue,
        Self::BadLanguage,
        Self::DuplicateId,
        Self::SourceNotFound,
        Self::SourceForbidden,
        Self::SourceUnreachable,
        Self::SourceThrottled,
        Self::SourceChanged,
        Self::SourceTooLarge,
        Self::SourceTruncated,
        Self::SourceUnsupported,
        Self::SourceBlocked,
        Self::NoVideo,
        Self::MediaCorrupt,
        Self::MediaTimeout,
        Self::MediaCrashed,
        Self::MediaLimits,
        Self::NoCandidate,
        Self::RenderFailed,
        Self::RenderMismatch,
        Self::StoreWrite,
        Self::StoreRead,
        Self::MissingProgram,
        Self::InputUnreadable,
        Self::InputColumn,
        Self::Query,
        Self::QueryLimits,
        Self::Config,
        Self::FitTooFew,
        Self::FitNoBetter,
        Self::WorkerCrashed,
        Self::Timeout,
        Self::Cancelled,
        Self::Internal,
    ];

    /// The stable spelling, as it stands in `error_code`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingUrl => "invalid_request.missing_url",
            Self::BadUrl => "invalid_request.bad_url",
            Self::BadLength => "invalid_request.bad_length",
            Self::BadMaxClips => "invalid_request.bad_max_clips",
            Self::BadValue => "invalid_request.bad_value",
            Self::BadLanguage => "invalid_request.bad_language",
            Self::DuplicateId => "invalid_request.duplicate_id",
            Self::SourceNotFound => "source.not_found",
            Self::SourceForbidden => "source.forbidden",
            Self::SourceUnreachable => "source.unreachable",
            Self::SourceThrottled => "source.throttled",
            Self::SourceChanged => "source.changed",
            Self::SourceTooLarge => "source.too_large",
            Self::SourceTruncated => "source.truncated",
            Self::SourceUnsupported => "source.unsupported",
            Self::SourceBlocked => "source.blocked",
            Self::NoVideo => "media.no_video",
            Self::MediaCorrupt => "media.corrupt",
            Self::MediaTimeout => "media.timeout",
            Self::MediaCrashed => "media.crashed",
            Self::MediaLimits => "media.limits",
            Self::NoCandidate => "selection.no_candidate",
            Self::RenderFailed => "render.failed",
            Self::RenderMismatch => "render.mismatch",
            Self::StoreWrite => "store.write",
            Self::StoreRead => "store.read",
            Self::MissingProgram => "setup.missing_program",
            Self::InputUnreadable => "input.unreadable",
            Self::InputColumn => "input.column",
            Self::Query => "query.invalid",
            Self::QueryLimits => "query.limits",
            Self::Config => "config.invalid",
            Self::FitTooFew => "fit.too_few",
            Self::FitNoBetter => "fit.no_better",
            Self::WorkerCrashed => "worker_crashed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// The code with this spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.as_str() == text)
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
    /// Depends on the code, see [`crate::resilience::may_change`].
    #[default]
    ByCode,
    /// It can, after this time.
    Passing(Duration),
    /// It cannot within this run.
    Lasting,
}

/// A code, a sentence, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    code: ErrorCode,
    message: String,
    outlook: Outlook,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `code`; `message` says in one sentence what happened and what the user can do.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), outlook: Outlook::default(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, retryable after `wait`, for instance because a server asked for that pause.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.outlook = Outlook::Passing(wait);
        self
    }

    /// The same error, not retryable in this run, whatever its code.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.outlook = Outlook::Lasting;
        self
    }

    /// A copy without the cause, for another caller that waits for the same operation.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { outlook: self.outlook, ..Self::new(self.code, self.message.as_str()) }
    }

    /// Whether a retry can succeed.
    pub fn outlook(&self) -> Outlook {
        self.outlook
    }

    /// The pause before a retry, if one is set.
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

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// The result type of this crate.
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
        }
    }
}
