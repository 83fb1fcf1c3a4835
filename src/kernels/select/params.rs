//! What a request asks of the selection, and why a source may have no answer.

use std::fmt;

use crate::error::{Error, ErrorCode};
use crate::kernels::span::RequestSpan;
use crate::model::request::{DEFAULT_MAX_CLIP_LENGTH, DEFAULT_MAX_CLIPS, DEFAULT_MIN_CLIP_LENGTH};

/// What a request asks of the selection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelectParams {
    /// Shortest clip, in seconds.
    pub min_clip_length: f64,
    /// Longest clip, in seconds.
    pub max_clip_length: f64,
    /// Most clips; above [`MAX_CLIPS`](crate::kernels::validate::MAX_CLIPS) it stands for that many.
    pub max_clips: i64,
}

impl Default for SelectParams {
    fn default() -> Self {
        Self {
            min_clip_length: DEFAULT_MIN_CLIP_LENGTH,
            max_clip_length: DEFAULT_MAX_CLIP_LENGTH,
            max_clips: DEFAULT_MAX_CLIPS,
        }
    }
}

impl SelectParams {
    /// The length that fits best: the geometric mean of shortest and longest, 30 s by default.
    pub fn ideal_length(&self) -> f64 {
        let ideal = (self.min_clip_length * self.max_clip_length).sqrt();
        ideal.clamp(self.min_clip_length, self.max_clip_length)
    }

    /// 1 at the ideal length, falling with the logarithm of the length to 0 at the shortest and longest.
    pub fn length_fit(&self, length: f64) -> f64 {
        let half = (self.max_clip_length / self.min_clip_length).ln() / 2.0;
        if half < 1e-9 {
            1.0
        } else {
            (1.0 - ((length / self.ideal_length()).ln() / half).abs()).max(0.0)
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        let lengths = self.min_clip_length > 0.0 && self.min_clip_length <= self.max_clip_length;
        lengths && self.max_clip_length.is_finite() && self.max_clips >= 1
    }
}

/// Why a source has no window for a request. `Display` is the sentence for the person.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum NoCandidate {
    /// The source is shorter than the shortest clip wanted. Both in seconds.
    SourceTooShort {
        /// Duration of the source.
        duration: f64,
        /// `min_clip_length` of the request.
        min: f64,
    },
    /// Where the request wants its clip the source has none.
    Outside {
        /// Where the request wants it.
        asked: RequestSpan,
        /// Duration of the source, in seconds.
        duration: f64,
        /// `min_clip_length` of the request, in seconds.
        min: f64,
    },
    /// There are neither signals nor shots.
    NothingMeasured,
    /// The lengths are out of order or not positive, or no clip is wanted; validation keeps such rows out.
    BadRequest(SelectParams),
}

impl fmt::Display for NoCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SourceTooShort { duration, min } => write!(
                f,
                "the source lasts {} s but min_clip_length is {min} s; lower min_clip_length or name a longer source",
                // Rounded down: 14.9996 s must not read as 15.
                (duration * 1000.0).floor() / 1000.0
            ),
            Self::Outside { asked, duration, min } => {
                f.write_str(&asked.outside(*duration, *min).unwrap_or_default())
            }
            Self::NothingMeasured => f.write_str(
                "nothing was measured in the source, so no window could be looked at; check that it plays",
            ),
            Self::BadRequest(params) => write!(
                f,
                "no window can be from {} s to {} s long with at most {} clips; correct the request",
                params.min_clip_length, params.max_clip_length, params.max_clips
            ),
        }
    }
}

impl From<NoCandidate> for Error {
    fn from(why: NoCandidate) -> Self {
        let code = match why {
            NoCandidate::Outside { .. } => ErrorCode::SelectionOutside,
            _ => ErrorCode::SelectionNoCandidate,
        };
        Error::new(code, why.to_string())
    }
}
