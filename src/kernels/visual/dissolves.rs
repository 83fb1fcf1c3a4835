//! Dissolves: frames that are a linear blend of an earlier and a later picture.

use super::around::Surroundings;
use super::picture::{COARSE, FAR, PLANES, Picture};
use super::window::{Frame, FrameWindow};
use super::{Boundary, LOOKAHEAD};
use crate::model::Transition;

/// Half lengths in seconds of the dissolves that are tested around each moment.
///
/// A length detects dissolves of half to twice its own length.
const HALVES: [f64; 7] = [0.12, 0.18, 0.28, 0.42, 0.62, 0.9, LOOKAHEAD - 0.05];
/// Smallest interval between tested moments, in seconds.
const STEP: f64 = 0.03;
/// Smallest interval as a share of the half length: long dissolves change slowly.
const STEP_SHARE: f64 = 0.06;
/// Points within the span at which the blend is tested, as shares of the half length.
const POINTS: [f64; 7] = [-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75];
/// Largest residual of the blend in the middle, as a share of the pictures' difference.
///
/// Blends of real footage give 0.05–0.25, with strong motion up to 0.4, unrelated frames 0.87.
const MOST_RESIDUAL: f32 = 0.37;
/// The same at the worst point of the span.
const WORST_RESIDUAL: f32 = 0.46;
/// Smallest difference of the two pictures, pixel by pixel, as a share of their contrast.
const LEAST_DISTANCE: f32 = 0.45;
/// Smallest part of that difference without the plane means (else only the light changed).
const LEAST_DETAIL: f32 = 0.15;
/// Smallest difference after motion compensation, as a share of the contrast.
const LEAST_SHARE: f32 = 0.35;
/// Smallest ratio of the two contrasts; below it the blend is a fade.
const LEAST_EVEN: f32 = 0.1;
/// The same if one picture is nearly black: black with a caption, or a fade that has begun.
const LEAST_EVEN_DARK: f32 = 0.4;
/// Mean luma, in levels, below which a picture is nearly black.
const DARK: f32 = 30.0;
/// Correlation from which the two pictures are one in different light.
const RELIT: f32 = 0.92;
/// Seconds before and after the blend in which the pictures must be stable.
///
/// In the light of a flash that dies down they are not.
const REST: f64 = 0.16;
/// Largest change in that time, as a share of the difference between the pictures.
const MOST_UNREST: f32 = 0.5;
/// The same for two clearly different pictures.
const MOST_UNREST_CLEAR: f32 = 0.6;
/// Contrast in levels below which a picture is plain, and its blend a fade.
const PLAIN: f32 = 5.0;
/// Largest ratio of the blend's error to that of a moved picture.
const BETTER_THAN_MOVED: f32 = 0.6;
/// The same for two clearly different pictures, in which motion disturbs the blend.
const BETTER_THAN_MOVED_CLEAR: f32 = 0.8;
/// Shared structure from which only the light, or part of the picture, changed.
const SAME_STRUCTURE: f32 = 0.5;
/// Largest shared structure and smallest difference of clearly different pictures.
const CLEAR_STRUCTURE: f32 = 0.35;
const CLEAR_SHARE: f32 = 0.55;
/// Smallest evenness of the difference over the picture (1: the same everywhere).
///
/// A title or a subject that fades in covers less; letterboxed pictures still reach 0.4.
const LEAST_SPREAD: f32 = 0.25;
/// Share of the other picture that is invisible.
const PURE: f32 = 0.08;
/// Largest decrease of the new picture's share between two points.
const SLACK: f32 = 0.06;

/// Number of partial sums, which let the compiler vectorise a sum of floats.
///
/// The size of the coarse picture is a multiple of it.
const LANES: usize = 16;
const _: () = assert!(COARSE.is_multiple_of(LANES));

/// Tracks the stream for dissolves.
#[derive(Default)]
pub(super) struct DissolveTracker {
    /// The moment tested last for each half length.
    tried: [Option<f64>; HALVES.len()],
    /// The best candidates so far for each half length.
    ///
    /// Which length fits is known only once cuts and fades are.
    found: [Vec<DissolveView>; HALVES.len()],
}

/// A span of the video that resembles a dissolve.
pub(super) struct DissolveView {
    pub boundary: Boundary,
    /// Times of the two pictures between which the blend was tested.
    pub pictures: (f64, f64),
}

impl DissolveView {
    /// Whether `other` is the same dissolve.
    fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.boundary.span, other.boundary.span);
        a.0 <= b.1 && b.0 <= a.1
    }
}

impl DissolveTracker {
    /// Tests for dissolves whose middle is frame `number`.
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
                // The same dissolve at another moment: the best one stays.
                Some(old) if old.overlaps(&new) => {
                    if new.boundary.score > old.boundary.score {
                        *old = new;
                    }
                }
                _ => found.push(new),
            }
        }
    }

    /// The dissolves among the candidates that `possible` accepts, unordered.
    pub fn finish(self, possible: impl Fn(&DissolveView) -> bool) -> Vec<Boundary> {
        let mut views: Vec<_> = self.found.into_iter().flatten().filter(possible).collect();
        views.sort_by(|a, b| b.boundary.score.total_cmp(&a.boundary.score));
        // A candidate whose middle lies within a better one is the same dissolve and extends its reach:
        // what it touches is not a second dissolve.
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

/// The dissolve from `half` seconds before `middle` to `half` seconds after, if there is one.
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

/// The difference of `first` and `last` after motion, in levels and relative to contrast.
///
/// `None` if motion explains the middle better than the blend, whose error is `blended`: the pictures are
/// alike once moved, or the middle is one of them moved.
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

/// Whether one of the two pictures is nearly plain, so that a blend of them is a fade.
fn is_fade(old: &Picture, new: &Picture) -> bool {
    let (plainer, fuller) = if old.contrast < new.contrast { (old, new) } else { (new, old) };
    let even = if plainer.mean < DARK { LEAST_EVEN_DARK } else { LEAST_EVEN };
    plainer.contrast < PLAIN || plainer.contrast < even * fuller.contrast
}

/// The largest residual over the span, if it is a steady blend from old to new.
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

/// Whether the pictures are stable before and after the dissolve, to within `most` levels.
///
/// At the ends of the video they are.
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

/// Correlation of two coarse pictures over all planes, each about its own mean.
///
/// It is 1 if one is the other brighter, darker or with less contrast.
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
