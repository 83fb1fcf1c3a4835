//! The path of a window that frames faces.

use super::path::{FASTEST, between, ease, limit, turns};
use super::subject::{FramedPart, parts};
use super::{Gaze, RATE, SeenFace};
use crate::model::edit::Anchor;

/// How far from its best place a face may be before the window moves, as a share of the window.
const DEAD_ZONE: f64 = 0.18;
/// Room that is left beside a face, as a share of the window.
const MARGIN: f64 = 0.03;
/// Where eyes are, as a share of the window's height from its top.
const EYES: f64 = 1.0 / 3.0;
/// Most room ahead of a face that looks aside, as a share of the window's width, and by how much of a look.
const LEAD: f64 = 0.1;
const LOOK: f64 = 0.6;
/// Seconds that a window rests, on the mean, for its path to be a number of rests with moves between.
const LEAST_REST: f64 = 2.5;
/// Seconds over which a change of speed is spread.
const EASE: f64 = 0.6;

/// The anchors of a shot in which faces are seen; `None` if there are none to frame.
///
/// `faces` are those of the shot, by track, then time.
pub(super) fn shot(
    faces: &[SeenFace],
    gaze: Gaze<'_>,
    (from, to): (f64, f64),
    window: (f64, f64),
) -> Option<Vec<Anchor>> {
    let speech = |t: f64| {
        let next = gaze.t.partition_point(|at| *at <= t);
        let voice = next.checked_sub(1).and_then(|at| gaze.speech.get(at)).copied();
        voice.filter(|voice| voice.is_finite()).unwrap_or(0.0)
    };
    let parts = parts(faces, speech, (from, to), window);
    (!parts.is_empty()).then(|| parts.iter().flat_map(|part| anchors(part, window)).collect())
}

/// Where the middle of the window may be at a moment, and where it is best.
#[derive(Debug, Clone, Copy, PartialEq)]
struct AllowedRange {
    low: f64,
    high: f64,
    best: f64,
}

impl AllowedRange {
    /// For a window of this length that shows a face from `start` to `end`, best with its middle at `best`.
    fn new((start, end): (f64, f64), best: f64, window: f64) -> Self {
        let (least, most) = (0.5 * window, 1.0 - 0.5 * window);
        let inside = |at: f64| at.clamp(least.min(0.5), most.max(0.5));
        let margin = (MARGIN * window).min(0.5 * (window - (end - start)).max(0.0));
        // The window that shows all of it; of a face larger than the window, its middle.
        let (mut low, mut high) = (end + margin - 0.5 * window, start - margin + 0.5 * window);
        if low > high {
            (low, high) = (0.5 * (start + end), 0.5 * (start + end));
        }
        let best = best.clamp(low, high);
        let (low, high) = (low.max(best - DEAD_ZONE * window), high.min(best + DEAD_ZONE * window));
        Self { low: inside(low), high: inside(high), best: inside(best) }
    }
}

fn anchors(part: &FramedPart<'_>, window: (f64, f64)) -> Vec<Anchor> {
    let steps = ((part.to - part.from) * RATE).ceil().max(1.0) as usize;
    let mut times: Vec<f64> =
        (0..steps).map(|i| part.from + (part.to - part.from) * i as f64 / steps as f64).collect();
    // Exact, so that two anchors at the same time are a jump.
    times.push(part.to);
    let x = course(part, &times, window.0, |track| {
        let lead = LEAD * window.0 * (median(track, |face| face.looks) / LOOK).clamp(-1.0, 1.0);
        FaceExtent {
            start: series(track, |face| face.x),
            end: series(track, |face| face.x + face.width),
            best: series(track, |face| face.x + 0.5 * face.width + lead),
        }
    });
    let y = course(part, &times, window.1, |track| FaceExtent {
        start: series(track, |face| face.y),
        end: series(track, |face| face.y + face.height),
        best: series(track, |face| face.eyes + (0.5 - EYES) * window.1),
    });
    let turns = turns(&times, &x, &y);
    turns.into_iter().map(|i| Anchor { t: times[i], x: x[i], y: y[i] }).collect()
}

/// A face along one axis, as points in time.
struct FaceExtent {
    start: Vec<(f64, f64)>,
    end: Vec<(f64, f64)>,
    best: Vec<(f64, f64)>,
}

fn series(track: &[SeenFace], value: impl Fn(&SeenFace) -> f64) -> Vec<(f64, f64)> {
    track.iter().map(|face| (face.t, value(face))).collect()
}

fn median(track: &[SeenFace], value: impl Fn(&SeenFace) -> f64) -> f64 {
    let mut values: Vec<f64> = track.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The middle of the window along one axis at each of `times`.
fn course(
    part: &FramedPart<'_>,
    times: &[f64],
    window: f64,
    side: impl Fn(&[SeenFace]) -> FaceExtent,
) -> Vec<f64> {
    if window > 0.999 {
        return vec![0.5; times.len()];
    }
    let sides: Vec<FaceExtent> = part.tracks.iter().map(|track| side(track)).collect();
    let ranges: Vec<AllowedRange> = match sides.as_slice() {
        [one] => {
            let at = |t: f64| {
                let extent = (between(&one.start, t), between(&one.end, t));
                AllowedRange::new(extent, between(&one.best, t), window)
            };
            times.iter().map(|t| at(*t)).collect()
        }
        // Several that fit together: one place for all of them.
        several => {
            let least = |points: &[(f64, f64)]| {
                points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min)
            };
            let most = |points: &[(f64, f64)]| {
                points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max)
            };
            let start = several.iter().map(|side| least(&side.start)).fold(f64::INFINITY, f64::min);
            let end = several.iter().map(|side| most(&side.end)).fold(0.0, f64::max);
            let bests = several.iter().flat_map(|side| &side.best).map(|point| point.1);
            let (count, sum) = bests.fold((0.0, 0.0), |(n, sum), best| (n + 1.0, sum + best));
            vec![AllowedRange::new((start, end), sum / f64::max(count, 1.0), window); times.len()]
        }
    };
    let step = times.get(1).map_or(1.0, |t| (t - times[0]).max(1e-9));
    let limited = limit(&rests(&ranges, step), FASTEST * step);
    let eased = ease(&limited, (0.5 * EASE / step).round() as usize);
    let (least, most) = (0.5 * window, 1.0 - 0.5 * window);
    eased.into_iter().map(|at| at.clamp(least, most)).collect()
}

/// A path within the ranges: places of rest with steps between, as few as possible; where they would be many, as beside
/// one who walks, the path that moves least.
fn rests(ranges: &[AllowedRange], step: f64) -> Vec<f64> {
    let mut path = Vec::with_capacity(ranges.len());
    let (mut count, mut rest) = (0, ranges);
    while !rest.is_empty() {
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        let held = |range: &&AllowedRange| {
            let (next_low, next_high) = (low.max(range.low), high.min(range.high));
            let is_one = next_low <= next_high + 1e-12;
            if is_one {
                (low, high) = (next_low, next_high);
            }
            is_one
        };
        let length = rest.iter().take_while(held).count().max(1);
        let (part, after) = rest.split_at(length);
        let mean = part.iter().map(|range| range.best).sum::<f64>() / length as f64;
        path.extend(std::iter::repeat_n(mean.clamp(low, high.max(low)), length));
        count += 1;
        rest = after;
    }
    let seconds = step * ranges.len() as f64;
    if count > 1 && seconds / f64::from(count) < LEAST_REST {
        let mut at = path.first().copied().unwrap_or(0.5);
        let least = |range: &AllowedRange| {
            at = at.clamp(range.low, range.high.max(range.low));
            at
        };
        return ranges.iter().map(least).collect();
    }
    path
}
