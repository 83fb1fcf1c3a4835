//! Dissolves: frames that are a linear blend of an earlier and a later picture.

use super::picture::{COARSE, FAR, Picture};
use super::window::{Frame, Window};
use super::{Boundary, LOOKAHEAD};
use crate::model::Transition;

/// Half lengths in seconds at which a dissolve is looked for around each moment. One is enough
/// if it covers between a half and the double of the dissolve.
const HALVES: [f64; 7] = [0.12, 0.18, 0.28, 0.42, 0.62, 0.9, LOOKAHEAD - 0.05];
/// Moments are tried at most this often, in seconds.
const STEP: f64 = 0.03;
/// Points within the span at which the blend is looked at, as a share of the half length.
const POINTS: [f64; 7] = [-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75];
/// Residual of the blend as a share of the difference between the two pictures. Blends of real
/// footage with motion in it give 0.05–0.25, unrelated frames 0.87.
const MOST_RESIDUAL: f32 = 0.27;
/// The two pictures differ by this share of their contrast, pixel by pixel …
const LEAST_DISTANCE: f32 = 0.45;
/// … less than by this, which only a plain flood of light gives …
const MOST_DISTANCE: f32 = 4.0;
/// … and by this even after motion.
const LEAST_SHARE: f32 = 0.35;
/// The lower of the two contrasts as a share of the higher: below it is a fade from or to a
/// nearly plain picture.
const LEAST_EVEN: f32 = 0.1;
/// So long before and after, in seconds, the pictures were already, and are still, much as at
/// the ends: not so in the light of a flash that dies down.
const REST: f64 = 0.16;
/// How much they may change in that time, as a share of the difference between them.
const MOST_UNREST: f32 = 0.5;
/// Contrast below this is a plain picture: that blend is a fade.
const PLAIN: f32 = 5.0;
/// The frame in the middle is a better blend than a moved picture by this factor.
const BETTER_THAN_MOVED: f32 = 0.6;
/// Structure shared by the two pictures from which only the light, or part of the picture, changed.
const SAME_STRUCTURE: f32 = 0.5;
/// How evenly the difference lies over the picture (1: the same everywhere): a title or a subject
/// that fades in covers less of it, letterboxed pictures still 0.4.
const LEAST_SPREAD: f32 = 0.25;
/// Share of the other picture that cannot be seen.
const PURE: f32 = 0.08;
/// How far the share of the new picture may fall back between two points.
const SLACK: f32 = 0.06;

/// Follows the stream for dissolves.
#[derive(Default)]
pub(super) struct Tracker {
    tried: Option<f64>,
    found: Vec<Boundary>,
}

impl Tracker {
    /// Looks for a dissolve whose middle is frame `number`.
    pub fn examine(&mut self, window: &Window, number: i64) {
        let Some(middle) = window.get(number) else {
            return;
        };
        if self.tried.is_some_and(|at| middle.at - at < STEP) {
            return;
        }
        self.tried = Some(middle.at);
        let best = HALVES
            .iter()
            .filter_map(|&half| at(window, number, middle, half))
            .max_by(|a, b| a.score.total_cmp(&b.score));
        if let Some(new) = best {
            match self.found.last_mut() {
                // The same dissolve seen from another moment: the best view stays.
                Some(old) if new.span.0 <= old.span.1 => {
                    if new.score > old.score {
                        *old = new;
                    }
                }
                _ => self.found.push(new),
            }
        }
    }

    /// The dissolves that were found, in time order.
    pub fn finish(self) -> Vec<Boundary> {
        self.found
    }
}

/// Is there a dissolve from `half` seconds before `middle` to `half` seconds after?
fn at(window: &Window, number: i64, middle: &Frame, half: f64) -> Option<Boundary> {
    let first = window.get(window.shown_at(middle.at - half)?)?;
    let last = window.get(window.shown_at(middle.at + half)?)?;
    let (old, new) = (&first.picture, &last.picture);
    let low = old.contrast.min(new.contrast);
    if low < PLAIN || low < LEAST_EVEN * old.contrast.max(new.contrast) {
        return None;
    }
    let between = Between::new(old, new);
    let contrast = 0.5 * (old.contrast + new.contrast);
    if !(LEAST_DISTANCE * contrast..MOST_DISTANCE * contrast).contains(&between.distance) {
        return None;
    }
    let (share, residual) = between.blend(&middle.picture);
    if between.spread < LEAST_SPREAD || residual > MOST_RESIDUAL || !(0.25..=0.75).contains(&share)
    {
        return None;
    }
    let mut before = 0.0_f32;
    let mut worst = residual;
    for point in POINTS {
        let frame = window.get(window.shown_at(middle.at + point * half)?)?;
        let (share, residual) = between.blend(&frame.picture);
        if residual > MOST_RESIDUAL * 1.25 || share < before - SLACK || share - before > 0.5 {
            return None;
        }
        before = share.max(before);
        worst = worst.max(residual);
    }
    if old.shared_structure(new) > SAME_STRUCTURE {
        return None;
    }
    // Motion: the pictures are alike once moved, or the middle is one of them moved.
    let apart = new.moved_difference(old, FAR);
    let unlike = apart / (contrast + 3.0);
    if unlike < LEAST_SHARE {
        return None;
    }
    if !rests(window, first, last, apart) {
        return None;
    }
    let moved =
        middle.picture.moved_difference(old, FAR).min(new.moved_difference(&middle.picture, FAR));
    let blended = residual * between.distance;
    if blended > BETTER_THAN_MOVED * moved {
        return None;
    }
    Some(Boundary {
        frame: number,
        at: middle.at,
        transition: Transition::Dissolve,
        score: f64::from((1.0 - worst) * (unlike / (unlike + LEAST_SHARE))),
        span: blended_span(window, &between, (first.at, last.at)),
    })
}

/// From the last frame that is still the old picture to the first that is the new one.
fn blended_span(window: &Window, between: &Between<'_>, outer: (f64, f64)) -> (f64, f64) {
    let (Some(first), Some(last)) = (window.shown_at(outer.0), window.shown_at(outer.1)) else {
        return outer;
    };
    let frames = || (first..=last).filter_map(|n| window.get(n));
    let share = |frame: &&Frame| between.blend(&frame.picture).0;
    let start = frames().take_while(|f| share(f) < PURE).last().map_or(outer.0, |f| f.at);
    let end = frames().find(|f| share(f) > 1.0 - PURE).map_or(outer.1, |f| f.at);
    (start, end)
}

/// Do the pictures stand before and after the dissolve? At the ends of the video: yes.
fn rests(window: &Window, first: &Frame, last: &Frame, apart: f32) -> bool {
    let at = |time| window.shown_at(time).and_then(|n| window.get(n));
    let rests = |frame: &Frame, time| {
        at(time).is_none_or(|f: &Frame| {
            f.picture.moved_difference(&frame.picture, FAR) < MOST_UNREST * apart
        })
    };
    rests(first, first.at - REST) && rests(last, last.at + REST)
}

/// The straight line between two pictures.
struct Between<'a> {
    old: &'a Picture,
    step: [f32; COARSE],
    square: f32,
    /// Root mean square difference of the two pictures, in levels.
    distance: f32,
    /// (mean |step|)² / mean step², in [0, 1].
    spread: f32,
}

impl<'a> Between<'a> {
    fn new(old: &'a Picture, new: &Picture) -> Self {
        let mut step = [0.0; COARSE];
        for ((step, a), b) in step.iter_mut().zip(&old.coarse).zip(&new.coarse) {
            *step = b - a;
        }
        let square: f32 = step.iter().map(|s| s * s).sum();
        let sum: f32 = step.iter().map(|s| s.abs()).sum();
        let spread = if square > 0.0 { sum * sum / (square * COARSE as f32) } else { 0.0 };
        Self { old, step, square, distance: (square / COARSE as f32).sqrt(), spread }
    }

    /// The share of the new picture that fits `picture` best (least squares), and the root mean
    /// square of what is left as a share of the distance.
    fn blend(&self, picture: &Picture) -> (f32, f32) {
        let (mut along, mut square) = (0.0, 0.0);
        for ((m, a), s) in picture.coarse.iter().zip(&self.old.coarse).zip(&self.step) {
            let d = m - a;
            along += d * s;
            square += d * d;
        }
        let share = along / self.square;
        let left = (square - share * along).max(0.0);
        (share, (left / self.square).sqrt())
    }
}
