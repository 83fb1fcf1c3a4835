//! Which windows of a source become clips.
//!
//! 1. *Places* at which a viewer would cut: shot boundaries, pauses, sentences, the ends of the source;
//!    where the picture is black, when it is back or last there. None inside a word whose time is known.
//! 2. *Windows* from place to place, of a length that was asked for; a few for each place to start,
//!    so at most about 2.5 for each second of the source (9,000 for an hour).
//! 3. *Score* of each window from what was measured in it, see [`Weights`].
//! 4. *Choice* of the windows that do not overlap and score most together, see [`schedule`].
//!
//! Deterministic: the same columns, parameters and weights give the same candidates.

mod black;
mod bound;
mod bounds;
mod choice;
mod columns;
mod features;
mod frames;
mod limits;
mod list;
mod page;
mod params;
mod pauses;
mod schedule;
mod score;
mod timeline;
mod track;
mod weights_file;
mod windows;
mod words;

pub(in crate::kernels) use black::Blacks;
pub(in crate::kernels) use columns::CueSpan;
pub use columns::{Nullable, OwnedColumns, SourceColumns};
pub use features::{FEATURES, SelectionFeature, Weights, signal_features};
pub(in crate::kernels) use frames::FrameGrid;
pub use list::{AskedColumns, SpanColumns, select_clips, select_clips_in, select_clips_with};
pub use page::SourceMarks;
pub use params::{NoCandidate, SelectParams};
pub(in crate::kernels) use pauses::pauses;
pub use schedule::schedule;
pub(in crate::kernels) use timeline::Timeline;
pub(in crate::kernels) use track::Track;
pub use weights_file::WeightsFile;

use crate::kernels::span::RequestSpan;
use crate::kernels::text::TopicTrack;
use crate::model::Candidate;
use bounds::Bounds;
use score::{Known, Scales};
use windows::Window;
use words::WordTimes;

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

/// A source made ready: places, sums over time and what is usual in it. Serves any number of
/// requests; does not borrow from the columns.
#[derive(Debug, Clone)]
pub struct PreparedSource {
    span: Option<(f64, f64)>,
    timeline: Timeline,
    bounds: Bounds,
    scales: Scales,
    page: SourceMarks,
}

impl PreparedSource {
    /// Reads `columns` once; O(n log n) in their rows.
    pub fn new(columns: &SourceColumns<'_>) -> Self {
        let span = span(columns);
        let (from, to) = span.unwrap_or_default();
        let timeline = Timeline::new(columns, to);
        let bounds = Bounds::new(columns, &timeline, (from, to));
        let scales = Scales::new(&timeline, &bounds, (from, to));
        Self { span, timeline, bounds, scales, page: SourceMarks::default() }
    }

    /// The same source, of which `page` is known too.
    #[must_use]
    pub fn with_page(mut self, page: SourceMarks) -> Self {
        self.bounds.mark(&page, self.span.unwrap_or_default());
        self.page = page;
        self
    }

    /// Seconds from the first frame to the end of the last, as shots and signals tell.
    pub fn duration(&self) -> f64 {
        self.span.map_or(0.0, |(from, to)| to - from)
    }

    /// The features of [`signal_features`] in a stretch, in [0, 1], 0.5 being usual in the source where they
    /// have no scale of their own; `None` for those that the source does not have.
    pub fn signal_parts(&self, start: f64, end: f64) -> Vec<Option<f64>> {
        self.scales.signals(&score::measure(&self.timeline, &self.bounds, start, end))
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
        self.anywhere(params, (weights, None))
    }

    fn anywhere(
        &self,
        params: &SelectParams,
        by: (&Weights, Option<&TopicTrack>),
    ) -> Result<Selection, NoCandidate> {
        if !params.is_valid() {
            return Err(NoCandidate::BadRequest(*params));
        }
        let Some(span) = self.span else {
            return Err(NoCandidate::NothingMeasured);
        };
        let (duration, min) = (span.1 - span.0, params.min_clip_length);
        if duration < min - limits::TOLERANCE {
            return Err(NoCandidate::SourceTooShort { duration, min });
        }
        let windows = windows::windows(&self.bounds, span, params);
        Ok(Selection { candidates: self.chosen_of(&windows, params, by) })
    }

    /// As [`Self::select`], of a request that may say where and about what: the very span that it gives, snapped to
    /// frames, is the one window and chosen; else windows that lie within the one that it gives.
    ///
    /// # Errors
    /// Says why there is no window.
    pub fn select_in(
        &self,
        params: &SelectParams,
        (asked, topic): (&RequestSpan, Option<&TopicTrack>),
        weights: &Weights,
    ) -> Result<Selection, NoCandidate> {
        let score = |windows: &[Window]| self.chosen_of(windows, params, (weights, topic));
        let is_anywhere = asked.clip().is_none() && asked.window().is_none();
        let (false, true, Some(span)) = (is_anywhere, params.is_valid(), self.span) else {
            return self.anywhere(params, (weights, topic));
        };
        if asked.outside(span.1, params.min_clip_length).is_some() {
            return Err(NoCandidate::Outside {
                asked: *asked,
                duration: span.1,
                min: params.min_clip_length,
            });
        }
        if let Some((start, end)) = asked.clip() {
            let window = windows::asked(&self.bounds, span, (start, end));
            let mut candidates = score(&[window]);
            // It is the user's own choice, even where nothing speaks for it.
            for candidate in &mut candidates {
                (candidate.chosen, candidate.reason) = (true, None);
            }
            return Ok(Selection { candidates });
        }
        let (from, to) = asked.window().unwrap_or(span);
        let within = (from.max(span.0), to.min(span.1));
        let duration = within.1 - within.0;
        if duration < params.min_clip_length - limits::TOLERANCE {
            return Err(NoCandidate::SourceTooShort { duration, min: params.min_clip_length });
        }
        let windows = windows::windows(&self.bounds.within(within), within, params);
        Ok(Selection { candidates: score(&windows) })
    }

    /// `windows` scored, and which of them are chosen.
    fn chosen_of(
        &self,
        windows: &[Window],
        params: &SelectParams,
        (weights, topic): (&Weights, Option<&TopicTrack>),
    ) -> Vec<Candidate> {
        let usual = params.ideal_length();
        let of_topic = |w: &Window| topic.map(|topic| topic.of(w.start.t, w.end.t, usual));
        let said: Vec<Option<f64>> = windows.iter().map(of_topic).collect();
        let heat: Vec<Option<f64>> =
            windows.iter().map(|w| self.page.replayed(w.start.t, w.end.t)).collect();
        let (about, replays) = (shares(&said), shares(&heat));
        let scored = windows.iter().enumerate().map(|(i, w)| {
            let fit = params.length_fit(w.end.t - w.start.t);
            let known = Known { topic: about[i], replayed: heat[i], replays: replays[i] };
            (*w, self.scales.score(w, (fit, known), (&self.timeline, &self.bounds), weights))
        });
        choice::choose(scored.collect(), params.max_clips)
    }
}

/// Each value as a share of the greatest; `None` for all where none is above 0.
fn shares(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    values.iter().map(|value| value.filter(|_| most > 0.0).map(|value| value / most)).collect()
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
