//! Which windows of a source become clips.
//!
//! 1. *Places* at which a viewer would cut: shot boundaries, pauses, sentences, the ends of the source;
//!    where the picture is black, when it is back or last there.
//! 2. *Windows* from place to place, of a length that was asked for; a few for each place to start,
//!    so at most about 2.5 for each second of the source (9,000 for an hour).
//! 3. *Score* of each window from what was measured in it, see [`Weights`].
//! 4. *Choice* of the windows that do not overlap and score most together, see [`schedule`].
//!
//! Deterministic: the same columns, parameters and weights give the same candidates.

mod black;
mod bounds;
mod choice;
mod columns;
mod features;
mod frames;
mod list;
mod pauses;
mod schedule;
mod score;
mod weights_file;
mod windows;

use std::fmt;

pub(in crate::kernels) use black::Blacks;
pub(in crate::kernels) use bounds::CueSpan;
pub use columns::{Nullable, OwnedColumns, SourceColumns};
pub(in crate::kernels) use features::Timeline;
pub(in crate::kernels) use frames::FrameGrid;
pub use list::{select_clips, select_clips_with};
pub(in crate::kernels) use pauses::pauses;
pub use schedule::schedule;
pub use score::{SIGNAL_PARTS, Weights};
pub use weights_file::WeightsFile;

use crate::error::{Error, ErrorCode};
use crate::model::Candidate;
use crate::model::request::{DEFAULT_MAX_CLIP_LENGTH, DEFAULT_MAX_CLIPS, DEFAULT_MIN_CLIP_LENGTH};
use bounds::Bounds;
use score::Scales;

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

    fn is_valid(&self) -> bool {
        let lengths = self.min_clip_length > 0.0 && self.min_clip_length <= self.max_clip_length;
        lengths && self.max_clip_length.is_finite() && self.max_clips >= 1
    }
}

/// Every window that was considered for a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// By start, then end. At least one is chosen, unless the weights make every score 0.
    pub candidates: Vec<Candidate>,
}

impl Selection {
    /// The windows that become clips, in order of time.
    pub fn chosen(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|c| c.chosen)
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
        Error::new(ErrorCode::SelectionNoCandidate, why.to_string())
    }
}

/// A source made ready: places, sums over time and what is usual in it. Serves any number of
/// requests; does not borrow from the columns.
#[derive(Debug, Clone)]
pub struct PreparedSource {
    span: Option<(f64, f64)>,
    timeline: Timeline,
    bounds: Bounds,
    scales: Scales,
}

impl PreparedSource {
    /// Reads `columns` once; O(n log n) in their rows.
    pub fn new(columns: &SourceColumns<'_>) -> Self {
        let span = span(columns);
        let (from, to) = span.unwrap_or_default();
        let timeline = Timeline::new(columns, to);
        let bounds = Bounds::new(columns, &timeline, (from, to));
        let scales = Scales::new(&timeline, &bounds, (from, to));
        Self { span, timeline, bounds, scales }
    }

    /// Seconds from the first frame to the end of the last, as shots and signals tell.
    pub fn duration(&self) -> f64 {
        self.span.map_or(0.0, |(from, to)| to - from)
    }

    /// What the signals of a stretch are in [0, 1], in the order of [`SIGNAL_PARTS`], 0.5 being usual in the
    /// source where they have no scale of their own; `None` for what the source does not have.
    pub fn signal_parts(&self, start: f64, end: f64) -> [Option<f64>; 10] {
        let cut_rate = self.bounds.cuts_inside(start, end) as f64 / (end - start);
        self.scales.signals(&self.timeline.means(start, end), cut_rate)
    }

    /// The windows that `params` allows, measured, scored and chosen.
    ///
    /// # Errors
    /// Says why there is no window.
    pub fn select(
        &self,
        params: &SelectParams,
        weights: &Weights,
    ) -> Result<Selection, NoCandidate> {
        if !params.is_valid() {
            return Err(NoCandidate::BadRequest(*params));
        }
        let Some(span) = self.span else {
            return Err(NoCandidate::NothingMeasured);
        };
        let (duration, min) = (span.1 - span.0, params.min_clip_length);
        if duration < min - windows::TOLERANCE {
            return Err(NoCandidate::SourceTooShort { duration, min });
        }
        let windows = windows::windows(&self.bounds, span, params);
        let scored = windows.iter().map(|w| {
            let fit = params.length_fit(w.end.t - w.start.t);
            (*w, self.scales.score(w, fit, (&self.timeline, &self.bounds), weights))
        });
        Ok(Selection { candidates: choice::choose(scored.collect(), params.max_clips) })
    }
}

/// First and last moment of the source: of its shots, else of its signals.
fn span(columns: &SourceColumns<'_>) -> Option<(f64, f64)> {
    let low = |of: &[f64]| of.iter().copied().filter(|t| t.is_finite()).min_by(f64::total_cmp);
    let high = |of: &[f64]| of.iter().copied().filter(|t| t.is_finite()).max_by(f64::total_cmp);
    let (from, to) = match (low(columns.shot_start), high(columns.shot_end)) {
        (Some(from), Some(to)) => (from, to),
        _ => {
            let (first, last) = (low(columns.t)?, high(columns.t)?);
            // The last bucket is as long as the others are on average.
            let buckets = columns.t.len().saturating_sub(1).max(1) as f64;
            (first, last + (last - first) / buckets)
        }
    };
    (from < to).then_some((from, to))
}

#[cfg(test)]
pub(crate) mod tests;
