//! Dissolves: frames that are a linear blend of an earlier and a later picture.

use super::around::Surroundings;
use super::picture::{COARSE, FAR, PLANES, Picture};
use super::window::{Frame, FrameWindow};
use super::{Boundary, LOOKAHEAD};
use crate::model::Transition;

/// Half lengths in seconds at which a dissolve is looked for around each moment. One is enough
/// if it covers between a half and the double of the dissolve.
const HALVES: [f64; 7] = [0.12, 0.18, 0.28, 0.42, 0.62, 0.9, LOOKAHEAD - 0.05];
/// Moments are tried at most this often, in seconds …
const STEP: f64 = 0.03;
/// … and after this share of the half length: a long dissolve looks the same a little later.
const STEP_SHARE: f64 = 0.06;
/// Points within the span at which the blend is looked at, as a share of the half length.
const POINTS: [f64; 7] = [-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75];
/// Residual of the blend in the middle, as a share of the difference between the two pictures.
/// Blends of real footage give 0.05–0.25, with strong motion up to 0.4, unrelated frames 0.87.
const MOST_RESIDUAL: f32 = 0.37;
/// The same for the worst point of the span.
const WORST_RESIDUAL: f32 = 0.46;
/// The two pictures differ by this share of their contrast, pixel by pixel …
const LEAST_DISTANCE: f32 = 0.45;
/// … by this share of it also with the mean of each plane taken away (else only the light changed) …
const LEAST_DETAIL: f32 = 0.15;
/// … and by this share of their contrast even after motion.
const LEAST_SHARE: f32 = 0.35;
/// The lower of the two contrasts as a share of the higher: below it is a fade from or to a
/// nearly plain picture …
const LEAST_EVEN: f32 = 0.1;
/// … and this if that picture is nearly black: black with a caption, or a fade that has begun.
const LEAST_EVEN_DARK: f32 = 0.4;
/// Mean luma, in levels, below which a picture is nearly black.
const DARK: f32 = 30.0;
/// Correlation of the two pictures from which one is the other lit differently.
const RELIT: f32 = 0.92;
/// So long before and after, in seconds, the pictures were already, and are still, much as at
/// the ends: not so in the light of a flash that dies down.
const REST: f64 = 0.16;
/// How much they may change in that time, as a share of the difference between them …
const MOST_UNREST: f32 = 0.5;
/// … and of two clearly different pictures.
const MOST_UNREST_CLEAR: f32 = 0.6;
/// Contrast below this is a plain picture: that blend is a fade.
const PLAIN: f32 = 5.0;
/// The frame in the middle is a better blend than a moved picture by this factor …
const BETTER_THAN_MOVED: f32 = 0.6;
/// … and between two clearly different pictures, where motion in them spoils the blend, by this.
const BETTER_THAN_MOVED_CLEAR: f32 = 0.8;
/// Structure shared by the two pictures from which only the light, or part of the picture, changed.
const SAME_STRUCTURE: f32 = 0.5;
/// Clearly different pictures share less structure than this and differ more than this after motion.
const CLEAR_STRUCTURE: f32 = 0.35;
const CLEAR_SHARE: f32 = 0.55;
/// How evenly the difference lies over the picture (1: the same everywhere): a title or a subject
/// that fades in covers less of it, letterboxed pictures still 0.4.
const LEAST_SPREAD: f32 = 0.25;
/// Share of the other picture that cannot be seen.
const PURE: f32 = 0.08;
/// How far the share of the new picture may fall back between two points.
const SLACK: f32 = 0.06;

/// Sums are kept in so many lanes, so that the compiler may use vector instructions: a sum of
/// floats in order cannot. The coarse picture is a multiple of it.
const LANES: usize = 16;
const _: () = assert!(COARSE.is_multiple_of(LANES));

/// Follows the stream for dissolves.
#[derive(Default)]
pub(super) struct DissolveTracker {
    /// The moment tried last for each half length.
    tried: [Option<f64>; HALVES.len()],
    /// The best views so far, of each half length by itself: which length fits is known only
    /// when the cuts and fades are.
    found: [Vec<DissolveView>; HALVES.len()],
}

/// A stretch of the video that looks like a dissolve.
pub(super) struct DissolveView {
    pub boundary: Boundary,
    /// When the two pictures it was judged by were shown.
    pub pictures: (f64, f64),
}

impl DissolveView {
    /// Is `other` the same dissolve?
    fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.boundary.span, other.boundary.span);
        a.0 <= b.1 && b.0 <= a.1
    }
}

impl DissolveTracker {
    /// Looks for a dissolve whose middle is frame `number`.
    pub fn examine(&mut self, window: &FrameWindow, number: i64) {
        let Some(middle) = window.get(number) else {
            return;
        };
        for ((&half, found), tried) in HALVES.iter().zip(&mut self.found).zip(&mut self.tried) {
            if tried.is_some_and(|at| middle.at - at < STEP.max(STEP_SHARE * half)) {
                continue;
            }
            *tried = Some(middle.at);
            let Some(new) = at(window, number, middle, half) else {
                continue;
            };
            match found.last_mut() {
                // The same dissolve seen from another moment: the best view stays.
                Some(old) if old.overlaps(&new) => {
                    if new.boundary.score > old.boundary.score {
                        *old = new;
                    }
                }
                _ => found.push(new),
            }
        }
    }

    /// The dissolves among the views that `possible` lets pass, in no order.
    pub fn finish(self, possible: impl Fn(&DissolveView) -> bool) -> Vec<Boundary> {
        let mut views: Vec<_> = self.found.into_iter().flatten().filter(possible).collect();
        views.sort_by(|a, b| b.boundary.score.total_cmp(&a.boundary.score));
        // A view whose middle lies within a better one is that dissolve, and tells how far it
        // goes: what it touches is not a second one.
        let mut kept: Vec<(DissolveView, (f64, f64))> = Vec::new();
        for view in views {
            let span = view.boundary.span;
            match kept.iter_mut().find(|(_, reach)| span.0 <= reach.1 && reach.0 <= span.1) {
                Some((best, reach)) => {
                    let best = best.boundary.span;
                    if best.0 <= view.boundary.at && view.boundary.at <= best.1 {
                        *reach = (reach.0.min(span.0), reach.1.max(span.1));
                    }
                }
                None => kept.push((view, span)),
            }
        }
        kept.into_iter().map(|(view, _)| view.boundary).collect()
    }
}

/// Is there a dissolve from `half` seconds before `middle` to `half` seconds after?
fn at(window: &FrameWindow, number: i64, middle: &Frame, half: f64) -> Option<DissolveView> {
    let first = window.get(window.shown_at(middle.at - half)?)?;
    let last = window.get(window.shown_at(middle.at + half)?)?;
    let (old, new) = (&first.picture, &last.picture);
    if is_fade(old, new) {
        return None;
    }
    let between = BlendLine::new(old, new);
    if between.distance < LEAST_DISTANCE * mean_contrast(old, new) {
        return None;
    }
    let (share, residual) = between.blend(&middle.picture);
    if between.spread < LEAST_SPREAD || residual > MOST_RESIDUAL || !(0.25..=0.75).contains(&share)
    {
        return None;
    }
    let worst = residual.max(worst_residual(window, &between, middle, half)?);
    let around = Surroundings::new(window, first, last, between.distance);
    if around.drifts(between.distance, |far, near| BlendLine::new(far, near).distance) {
        return None;
    }
    if between.detail() < LEAST_DETAIL * between.distance || correlation(old, new) > RELIT {
        return None;
    }
    let (apart, unlike) = unmoved(window, (first, middle, last), residual * between.distance)?;
    let score = (1.0 - worst) * (unlike / (unlike + LEAST_SHARE));
    if !around.stands_out(apart, score) {
        return None;
    }
    let boundary = Boundary {
        frame: number,
        at: middle.at,
        transition: Transition::Dissolve,
        score: f64::from(score),
        span: blended_span(window, &between, (first.at, last.at)),
    };
    Some(DissolveView { boundary, pictures: (first.at, last.at) })
}

/// How far apart the pictures of `first` and `last` are however one is moved, and as a share of their
/// contrast; none if what lies between is motion and not a blend that misses the middle by `blended`:
/// the pictures are alike once moved, or the middle is one of them moved.
fn unmoved(
    window: &FrameWindow,
    (first, middle, last): (&Frame, &Frame, &Frame),
    blended: f32,
) -> Option<(f32, f32)> {
    let (old, new) = (&first.picture, &last.picture);
    let structure = old.shared_structure(new);
    if structure > SAME_STRUCTURE {
        return None;
    }
    let apart = new.moved_difference(old, FAR);
    let unlike = apart / (mean_contrast(old, new) + 3.0);
    if unlike < LEAST_SHARE {
        return None;
    }
    let clear = structure < CLEAR_STRUCTURE && unlike > CLEAR_SHARE;
    let (unrest, better) = if clear {
        (MOST_UNREST_CLEAR, BETTER_THAN_MOVED_CLEAR)
    } else {
        (MOST_UNREST, BETTER_THAN_MOVED)
    };
    if !rests(window, first, last, unrest * apart) {
        return None;
    }
    let moved =
        middle.picture.moved_difference(old, FAR).min(new.moved_difference(&middle.picture, FAR));
    if blended > better * moved { None } else { Some((apart, unlike)) }
}

fn mean_contrast(old: &Picture, new: &Picture) -> f32 {
    0.5 * (old.contrast + new.contrast)
}

/// Is one of the two pictures nearly plain: a blend of them is a fade?
fn is_fade(old: &Picture, new: &Picture) -> bool {
    let (plainer, fuller) = if old.contrast < new.contrast { (old, new) } else { (new, old) };
    let even = if plainer.mean < DARK { LEAST_EVEN_DARK } else { LEAST_EVEN };
    plainer.contrast < PLAIN || plainer.contrast < even * fuller.contrast
}

/// The largest residual of the blend over the span, if it is one everywhere and goes from the old
/// picture to the new one steadily.
fn worst_residual(
    window: &FrameWindow,
    between: &BlendLine<'_>,
    middle: &Frame,
    half: f64,
) -> Option<f32> {
    let (mut before, mut worst) = (0.0_f32, 0.0_f32);
    for point in POINTS {
        let frame = window.get(window.shown_at(middle.at + point * half)?)?;
        let (share, residual) = between.blend(&frame.picture);
        if residual > WORST_RESIDUAL || share < before - SLACK || share - before > 0.5 {
            return None;
        }
        before = share.max(before);
        worst = worst.max(residual);
    }
    Some(worst)
}

/// From the last frame that is still the old picture to the first that is the new one.
fn blended_span(window: &FrameWindow, between: &BlendLine<'_>, outer: (f64, f64)) -> (f64, f64) {
    let (Some(first), Some(last)) = (window.shown_at(outer.0), window.shown_at(outer.1)) else {
        return outer;
    };
    let frames = || (first..=last).filter_map(|n| window.get(n));
    let share = |frame: &&Frame| between.blend(&frame.picture).0;
    let start = frames().take_while(|f| share(f) < PURE).last().map_or(outer.0, |f| f.at);
    let end = frames().find(|f| share(f) > 1.0 - PURE).map_or(outer.1, |f| f.at);
    (start, end)
}

/// Do the pictures stand before and after the dissolve, changing by less than `most` levels? At
/// the ends of the video: yes.
fn rests(window: &FrameWindow, first: &Frame, last: &Frame, most: f32) -> bool {
    let at = |time| window.shown_at(time).and_then(|n| window.get(n));
    let rests = |frame: &Frame, time| {
        at(time).is_none_or(|f: &Frame| f.picture.moved_difference(&frame.picture, FAR) < most)
    };
    rests(first, first.at - REST) && rests(last, last.at + REST)
}

/// The straight line between two pictures.
struct BlendLine<'a> {
    old: &'a Picture,
    step: [f32; COARSE],
    square: f32,
    /// Root mean square difference of the two pictures, in levels.
    distance: f32,
    /// (mean |step|)² / mean step², in [0, 1].
    spread: f32,
}

impl<'a> BlendLine<'a> {
    fn new(old: &'a Picture, new: &Picture) -> Self {
        let mut step = [0.0; COARSE];
        let (mut squares, mut sums) = ([0.0; LANES], [0.0; LANES]);
        let pictures = old.coarse.chunks_exact(LANES).zip(new.coarse.chunks_exact(LANES));
        for (step, (a, b)) in step.chunks_exact_mut(LANES).zip(pictures) {
            for lane in 0..LANES {
                let d = b[lane] - a[lane];
                step[lane] = d;
                squares[lane] += d * d;
                sums[lane] += d.abs();
            }
        }
        let (square, sum): (f32, f32) = (squares.iter().sum(), sums.iter().sum());
        let spread = if square > 0.0 { sum * sum / (square * COARSE as f32) } else { 0.0 };
        Self { old, step, square, distance: (square / COARSE as f32).sqrt(), spread }
    }

    /// Root mean square difference with the mean difference of each plane taken away, in levels.
    fn detail(&self) -> f32 {
        let means: f32 = PLANES
            .iter()
            .map(|plane| {
                let step = &self.step[plane.clone()];
                let sum: f32 = step.iter().sum();
                sum * sum / step.len() as f32
            })
            .sum();
        ((self.square - means).max(0.0) / COARSE as f32).sqrt()
    }

    /// The share of the new picture that fits `picture` best (least squares), and the root mean
    /// square of what is left as a share of the distance.
    fn blend(&self, picture: &Picture) -> (f32, f32) {
        let (mut along, mut squares) = ([0.0; LANES], [0.0; LANES]);
        let pictures = picture.coarse.chunks_exact(LANES).zip(self.old.coarse.chunks_exact(LANES));
        for ((m, a), s) in pictures.zip(self.step.chunks_exact(LANES)) {
            for lane in 0..LANES {
                let d = m[lane] - a[lane];
                along[lane] += d * s[lane];
                squares[lane] += d * d;
            }
        }
        let (along, square): (f32, f32) = (along.iter().sum(), squares.iter().sum());
        let share = along / self.square;
        let left = (square - share * along).max(0.0);
        (share, (left / self.square).sqrt())
    }
}

/// Correlation of two coarse pictures over all planes, each about its own mean: 1 when one is the
/// other brighter, darker or of less contrast.
fn correlation(a: &Picture, b: &Picture) -> f32 {
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for plane in PLANES {
        let (a, b) = (&a.coarse[plane.clone()], &b.coarse[plane]);
        let mean = |p: &[f32]| p.iter().sum::<f32>() / p.len() as f32;
        let (mean_a, mean_b) = (mean(a), mean(b));
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (a - mean_a, b - mean_b);
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
    }
    let most = (aa * bb).sqrt();
    if most > 0.0 { ab / most } else { 0.0 }
}
