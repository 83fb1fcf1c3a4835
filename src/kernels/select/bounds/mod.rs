//! Where a viewer would cut: the places at which a window may start or end.
//!
//! Every place has a quality in [0, 1]. A cut in the picture, a pause and a sentence each make a
//! place; where two of them meet within [`FLASH`] they are one, which is better than either. A cut
//! in the picture during speech is worse.

use super::black::Blacks;
use super::bound::Bound;
use super::columns::{CueSpan, SourceColumns};
use super::frames::FrameGrid;
use super::limits::FLASH;
use super::page::{SourceMarks, is_clear};
use super::pauses::{Pause, pauses};
use super::timeline::Timeline;
use super::words::WordTimes;
use crate::model::BoundKind;

/// What a window takes of the pause before the first word, in seconds, but no more than half of it.
const LEAD: f64 = 0.15;
/// What a window takes of the pause after the last word, in seconds, but no more than half of it.
const TAIL: f64 = 0.25;
/// At most one place in so many seconds is kept, the best.
const CELL: f64 = 1.0;

const SOURCE_QUALITY: f64 = 0.8;
const SHOT_QUALITY: f64 = 0.65;
const FADE_QUALITY: f64 = 0.65;
const SENTENCE_QUALITY: f64 = 0.75;
const PAUSE_QUALITY: f64 = 0.5;
pub(super) const GRID_QUALITY: f64 = 0.2;
/// Added where two kinds meet.
const AGREEMENT: f64 = 0.15;
/// Factor for a cut inside a caption line.
const INSIDE_CUE: f64 = 0.6;
/// Factor for a cut between two buckets with speech and no silence.
const INSIDE_SPEECH: f64 = 0.8;

/// All places of a source, in order of time.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    /// Shot boundaries inside the source, also those that are no good as a place.
    pub cuts: Vec<f64>,
    pub starts: Vec<Bound>,
    pub ends: Vec<Bound>,
    /// Where the picture is gone.
    pub blacks: Blacks,
    /// Where the frames are.
    pub frames: FrameGrid,
    /// Where words are said, in which no window begins or ends.
    pub words: WordTimes,
}

/// Whether a place is looked for to start or to end at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    Start,
    End,
}

impl Bounds {
    /// The places of the source that lasts `from..to`.
    pub(super) fn new(
        columns: &SourceColumns<'_>,
        timeline: &Timeline,
        (from, to): (f64, f64),
    ) -> Self {
        let cuts = shot_boundaries(columns, (from, to));
        let cues = columns.cue_spans((from, to));
        let pauses = pauses(timeline, &cues);
        let frames = FrameGrid::new(columns);
        let cut_times: Vec<f64> = cuts.iter().map(|c| c.0).collect();
        let blacks = Blacks::new(timeline, &cut_times, &frames);
        let words = WordTimes::new(columns.words);
        let of = |side| {
            let mut bounds = cut_bounds(&cuts, (from, to), side);
            out_of_black(&mut bounds, &blacks, (from, to), side);
            bounds.retain(|b| b.kind == BoundKind::Source || !words.is_inside(b.t));
            for bound in &mut bounds {
                bound.quality *= speech_factor(bound.t, &cues, timeline);
            }
            let mut spoken = sentence_bounds(&cues, side);
            spoken.extend(pauses.iter().map(|pause| pause_bound(pause, side)));
            spoken.iter_mut().for_each(|b| b.t = frames.nearest(b.t));
            spoken.retain(|b| b.t > from && b.t < to && may_stand(b, &blacks, side));
            let forced = if side == Side::Start { blacks.start(from) } else { blacks.end(to) };
            thin(join(bounds, spoken, &cut_times, side), forced)
        };
        Self {
            starts: of(Side::Start),
            ends: of(Side::End),
            cuts: cut_times,
            blacks,
            frames,
            words,
        }
    }

    /// Raises or adds the places at which chapters begin, in a source that lasts `from..to`.
    pub(super) fn mark(&mut self, page: &SourceMarks, (from, to): (f64, f64)) {
        let Self { cuts, starts, ends, blacks, frames, words } = self;
        let is_inside = |t: f64| t > from && t < to && is_clear(t, cuts) && !words.is_inside(t);
        page.mark(starts, frames, |t| is_inside(t) && !is_hidden(t, blacks, Side::Start));
        page.mark(ends, frames, |t| is_inside(t) && !is_hidden(t, blacks, Side::End));
    }

    /// The places of a part of the source, whose own start and end are places too.
    pub(super) fn within(&self, (from, to): (f64, f64)) -> Self {
        let (from, to) = (self.frames.after(from), self.frames.before(to));
        let own = |t| Bound { t, quality: GRID_QUALITY, kind: BoundKind::Request };
        let inside = |places: &[Bound]| -> Vec<Bound> {
            places.iter().copied().filter(|place| place.t >= from && place.t <= to).collect()
        };
        let (mut starts, mut ends) = (inside(&self.starts), inside(&self.ends));
        if starts.first().is_none_or(|first| first.t > from) {
            starts.insert(0, own(from));
        }
        if ends.last().is_none_or(|last| last.t < to) {
            ends.push(own(to));
        }
        Self { starts, ends, ..self.clone() }
    }

    /// Number of shot boundaries inside `start..end`, without those at its ends.
    pub(super) fn cuts_inside(&self, start: f64, end: f64) -> usize {
        let first = self.cuts.partition_point(|c| *c <= start);
        self.cuts.partition_point(|c| *c < end).saturating_sub(first)
    }
}

/// Times and confidences of the boundaries between shots.
fn shot_boundaries(columns: &SourceColumns<'_>, (from, to): (f64, f64)) -> Vec<(f64, f64)> {
    let scores =
        columns.shot_score.iter().map(|s| if s.is_finite() { s.clamp(0.0, 1.0) } else { 0.0 });
    let mut cuts: Vec<_> = columns
        .shot_start
        .iter()
        .copied()
        .zip(scores)
        .filter(|(t, _)| *t > from && *t < to)
        .collect();
    cuts.sort_by(|a, b| a.0.total_cmp(&b.0));
    cuts.dedup_by(|b, a| a.0 == b.0);
    cuts
}

/// The ends of the source and the shot boundaries that leave no flash.
fn cut_bounds(cuts: &[(f64, f64)], (from, to): (f64, f64), side: Side) -> Vec<Bound> {
    let source = |t| Bound { t, quality: SOURCE_QUALITY, kind: BoundKind::Source };
    let shots = cuts.iter().enumerate().filter_map(|(i, (t, score))| {
        let shown = match side {
            Side::Start => cuts.get(i + 1).map_or(to, |next| next.0) - t,
            Side::End => t - i.checked_sub(1).map_or(from, |last| cuts[last].0),
        };
        let quality = SHOT_QUALITY + 0.15 * score;
        (shown >= FLASH).then_some(Bound { t: *t, quality, kind: BoundKind::Shot })
    });
    match side {
        Side::Start => std::iter::once(source(from)).chain(shots).collect(),
        Side::End => shots.chain(std::iter::once(source(to))).collect(),
    }
}

/// In place of those where nothing is seen, the moments at which the picture is back (or last there).
fn out_of_black(bounds: &mut Vec<Bound>, blacks: &Blacks, (from, to): (f64, f64), side: Side) {
    let fades: Vec<f64> = match side {
        Side::Start => blacks.backs().collect(),
        Side::End => blacks.goings().collect(),
    };
    bounds.retain(|bound| !is_hidden(bound.t, blacks, side));
    let is_new =
        |t: &f64| *t > from && *t < to && bounds.binary_search_by(|b| b.t.total_cmp(t)).is_err();
    let fades: Vec<f64> = fades.into_iter().filter(is_new).collect();
    bounds.extend(fades.into_iter().map(|t| Bound {
        t,
        quality: FADE_QUALITY,
        kind: BoundKind::Fade,
    }));
    bounds.sort_by(|a, b| a.t.total_cmp(&b.t));
}

/// Whether who starts (or ends) at `t` sees nothing there.
fn is_hidden(t: f64, blacks: &Blacks, side: Side) -> bool {
    match side {
        Side::Start => blacks.start(t) != t,
        Side::End => blacks.end(t) != t,
    }
}

/// What is said over black is heard to its end; else nothing begins or ends there.
fn may_stand(bound: &Bound, blacks: &Blacks, side: Side) -> bool {
    let is_said = side == Side::End && bound.kind == BoundKind::Sentence;
    is_said || !is_hidden(bound.t, blacks, side)
}

/// What a cut at `t` is worth while there may be speech. Captions know better than sound.
fn speech_factor(t: f64, cues: &[CueSpan], timeline: &Timeline) -> f64 {
    if !cues.is_empty() {
        let after = cues.partition_point(|c| c.start < t - 0.2);
        // Few captions are on screen at once: looking at the last ones is enough.
        let inside = cues[after.saturating_sub(4)..after].iter().any(|c| c.end > t + 0.2);
        return if inside { INSIDE_CUE } else { 1.0 };
    }
    if !timeline.has_sound() {
        return 1.0;
    }
    let here = timeline.bucket_at(t);
    let spoken = |i: usize| timeline.speech(i) >= 0.5 && timeline.silence(i) < 0.2;
    let inside = spoken(here) && here > 0 && spoken(here - 1);
    if inside { INSIDE_SPEECH } else { 1.0 }
}

fn pause_bound(pause: &Pause, side: Side) -> Bound {
    let length = pause.to - pause.from;
    let t = match side {
        Side::Start => pause.to - LEAD.min(length / 2.0),
        Side::End => pause.from + TAIL.min(length / 2.0),
    };
    Bound { t, quality: PAUSE_QUALITY + 0.3 * length.min(1.0), kind: BoundKind::Pause }
}

/// Ends of sentences, and the beginnings after them.
fn sentence_bounds(cues: &[CueSpan], side: Side) -> Vec<Bound> {
    let bound = |t| Bound { t, quality: SENTENCE_QUALITY, kind: BoundKind::Sentence };
    let mut bounds = Vec::new();
    if let (Side::Start, Some(first)) = (side, cues.first()) {
        bounds.push(bound(first.start - LEAD));
    }
    for (i, cue) in cues.iter().enumerate().filter(|(_, c)| c.ends_sentence) {
        let next = cues.get(i + 1).map_or(f64::INFINITY, |n| n.start);
        let gap = (next - cue.end).max(0.0);
        match side {
            Side::Start if next.is_finite() => bounds.push(bound(next - LEAD.min(gap / 2.0))),
            Side::Start => {}
            Side::End => bounds.push(bound(cue.end.min(next) + TAIL.min(gap / 2.0))),
        }
    }
    bounds
}

/// `cut_places` and `spoken` as one list in order of time. A spoken place moves onto the nearest
/// place of the picture within [`FLASH`]; elsewhere it stands on its own, unless it would show a
/// flash; spoken places close together are one.
fn join(
    mut cut_places: Vec<Bound>,
    mut spoken: Vec<Bound>,
    cuts: &[f64],
    side: Side,
) -> Vec<Bound> {
    spoken.sort_by(|a, b| a.t.total_cmp(&b.t).then(a.quality.total_cmp(&b.quality)));
    let mut own: Vec<Bound> = Vec::new();
    for bound in spoken {
        if let Some(near) = nearest(&mut cut_places, bound.t) {
            near.quality = (near.quality.max(bound.quality) + AGREEMENT).min(1.0);
            continue;
        }
        if shows_flash(bound.t, cuts, side) {
            continue;
        }
        if let Some(last) = own.last_mut().filter(|last| bound.t - last.t < FLASH) {
            let agreement = if last.kind == bound.kind { 0.0 } else { AGREEMENT };
            let quality = (last.quality.max(bound.quality) + agreement).min(1.0);
            // Captions know better than sound where a sentence begins and ends.
            let place = if bound.kind == BoundKind::Sentence { bound } else { *last };
            *last = Bound { quality, ..place };
        } else {
            own.push(bound);
        }
    }
    cut_places.extend(own);
    cut_places.sort_by(|a, b| a.t.total_cmp(&b.t));
    cut_places
}

/// The place nearest to `t` and within [`FLASH`] of it.
fn nearest(places: &mut [Bound], t: f64) -> Option<&mut Bound> {
    let after = places.partition_point(|b| b.t < t);
    let distance = |i: usize| places.get(i).map_or(f64::INFINITY, |b| (b.t - t).abs());
    let before = after.checked_sub(1).filter(|i| distance(*i) <= distance(after));
    let near = before.unwrap_or(after);
    if distance(near) < FLASH { places.get_mut(near) } else { None }
}

/// Whether a window that starts (or ends) at `t` shows too little of the shot there.
fn shows_flash(t: f64, cuts: &[f64], side: Side) -> bool {
    match side {
        Side::Start => cuts.get(cuts.partition_point(|c| *c <= t)).is_some_and(|c| c - t < FLASH),
        Side::End => {
            let before = cuts.partition_point(|c| *c < t).checked_sub(1);
            before.is_some_and(|i| t - cuts[i] < FLASH)
        }
    }
}

/// The best place of each [`CELL`], and the one at `forced`.
fn thin(bounds: Vec<Bound>, forced: f64) -> Vec<Bound> {
    let mut kept: Vec<Bound> = Vec::new();
    for bound in bounds {
        let cell = |b: &Bound| (b.t / CELL).floor();
        match kept.last_mut() {
            Some(last) if bound.t != forced && last.t != forced && cell(last) == cell(&bound) => {
                if bound.quality > last.quality {
                    *last = bound;
                }
            }
            _ => kept.push(bound),
        }
    }
    kept
}

#[cfg(test)]
mod tests;
