//! Which windows are considered: for each place to start, the best few places to end.

use super::bound::Bound;
use super::bounds::{Bounds, GRID_QUALITY};
use super::limits::{FLASH, TOLERANCE};
use super::params::SelectParams;
use crate::model::BoundKind;

/// Windows considered for each second of the source, at most (but for the ends of the source and
/// [`FEWEST_ENDS`] for each start).
const WINDOWS_PER_SECOND: f64 = 2.5;
/// Ends looked for after each start: never fewer, never more.
const FEWEST_ENDS: usize = 2;
const MOST_ENDS: usize = 12;
/// Places on the grid are no closer than this, in seconds.
const MIN_STEP: f64 = 1.0;
/// Places on the grid at the most: further apart in what is said to last longer than a day.
const MOST_STEPS: f64 = 86_400.0;

/// A window before it is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub start: Bound,
    pub end: Bound,
}

/// The very window that a request asks for, snapped to frames; it ends with the source at the latest.
pub(super) fn asked(bounds: &Bounds, span: (f64, f64), (start, end): (f64, f64)) -> Window {
    let place = |t: f64, places: &[Bound]| {
        let t = bounds.frames.nearest(t).clamp(span.0, span.1);
        let known = places.iter().find(|place| (place.t - t).abs() <= TOLERANCE);
        let quality = known.map_or(GRID_QUALITY, |place| place.quality);
        Bound { t, quality, kind: BoundKind::Request }
    };
    Window { start: place(start, &bounds.starts), end: place(end, &bounds.ends) }
}

/// The windows of `span` that `params` allows, in order of start, then end. At least one if the
/// source is long enough. Linear in the length of the source for a given greatest length, as there
/// is at most one place to start or end in a second.
pub(super) fn windows(bounds: &Bounds, span: (f64, f64), params: &SelectParams) -> Vec<Window> {
    let last_start = span.1 - params.min_clip_length + TOLERANCE;
    let mut starts = with_grid(bounds, span, params);
    starts.retain(|s| s.t <= last_start);
    if starts.is_empty() {
        // The picture comes late: as much of the black is left out as the shortest clip allows.
        let t = bounds.frames.before((span.1 - params.min_clip_length).max(span.0)).max(span.0);
        starts.push(Bound { t, quality: GRID_QUALITY, kind: BoundKind::Grid });
    }
    let bands = (WINDOWS_PER_SECOND * (span.1 - span.0) / starts.len().max(1) as f64) as usize;
    let bands = bands.clamp(FEWEST_ENDS, MOST_ENDS);

    let mut found = Vec::new();
    let mut best: Vec<Option<Bound>> = vec![None; bands];
    let mut first = 0;
    for start in starts {
        let shortest = start.t + params.min_clip_length - TOLERANCE;
        let longest = start.t + params.max_clip_length + TOLERANCE;
        while bounds.ends.get(first).is_some_and(|e| e.t < shortest) {
            first += 1;
        }
        let ends = bounds.ends[first..].iter().take_while(|e| e.t <= longest);
        best_by_length(ends, start.t, params, &mut best);
        let before = found.len();
        found.extend(best.iter().flatten().map(|end| Window { start, end: *end }));
        if found.len() == before {
            let end = grid_end(bounds, start.t, span.1, params);
            found.push(Window { start, end });
        }
    }
    found
}

/// The places to start, and a regular grid where there is none for longer than a clip may be: a
/// single shot without sound still gives clips.
fn with_grid(bounds: &Bounds, span: (f64, f64), params: &SelectParams) -> Vec<Bound> {
    let step = (params.min_clip_length / 2.0).max(MIN_STEP).max((span.1 - span.0) / MOST_STEPS);
    let mut starts = Vec::with_capacity(bounds.starts.len());
    for (i, bound) in bounds.starts.iter().enumerate() {
        starts.push(*bound);
        let next = bounds.starts.get(i + 1).map_or(span.1, |b| b.t);
        if next - bound.t <= params.max_clip_length {
            continue;
        }
        let steps = ((next - bound.t) / step) as usize;
        for n in 1..steps {
            let t = bounds.frames.nearest(bounds.words.beside(bound.t + n as f64 * step));
            let cut = bounds.cuts.get(bounds.cuts.partition_point(|c| *c <= t));
            // Moved onto frames, two steps may meet.
            let is_new = t < next && starts.last().is_none_or(|last| last.t < t);
            if is_new && cut.is_none_or(|c| c - t >= FLASH) && bounds.blacks.start(t) == t {
                starts.push(Bound { t, quality: GRID_QUALITY, kind: BoundKind::Grid });
            }
        }
    }
    starts
}

/// The best of `ends` in each of `best.len()` bands of length, so that short and long windows are
/// both considered. Of equal ones the one nearest to the middle of its band.
fn best_by_length<'a>(
    ends: impl Iterator<Item = &'a Bound>,
    start: f64,
    params: &SelectParams,
    best: &mut [Option<Bound>],
) {
    best.fill(None);
    let width =
        (params.max_clip_length - params.min_clip_length).max(TOLERANCE) / best.len() as f64;
    let place = |end: &Bound| (end.t - start - params.min_clip_length).max(0.0) / width;
    let off_centre = |end: &Bound| (place(end).fract() - 0.5).abs();
    for end in ends {
        let band = (place(end) as usize).min(best.len() - 1);
        let better = best[band].is_none_or(|b| {
            end.quality > b.quality
                || (end.quality == b.quality && off_centre(end) < off_centre(&b))
        });
        if better {
            best[band] = Some(*end);
        }
    }
}

/// An end where the source offers none: at the length that fits best, after a shot boundary rather
/// than just behind one, and before a black stretch rather than in it.
fn grid_end(bounds: &Bounds, start: f64, source_end: f64, params: &SelectParams) -> Bound {
    let longest = (start + params.max_clip_length).min(source_end);
    // To the frame, unless the lengths asked for leave no room for that.
    let to_frame = |t: f64| {
        Some(bounds.frames.before(t)).filter(|f| f - start >= params.min_clip_length).unwrap_or(t)
    };
    // Before a word rather than in it.
    let whole = |t: f64| {
        Some(bounds.words.before(t)).filter(|w| w - start >= params.min_clip_length).unwrap_or(t)
    };
    let mut t = to_frame(whole((start + params.ideal_length()).min(longest)));
    let behind = bounds.cuts.partition_point(|c| *c < t).checked_sub(1).map(|i| bounds.cuts[i]);
    if let Some(cut) = behind.filter(|cut| t - cut < FLASH) {
        let clear = bounds.frames.after(cut + FLASH);
        t = if clear <= longest { clear } else { to_frame(longest) };
    }
    let lit = bounds.blacks.end(t);
    if lit - start >= params.min_clip_length {
        t = lit;
    }
    Bound { t, quality: GRID_QUALITY, kind: BoundKind::Grid }
}
