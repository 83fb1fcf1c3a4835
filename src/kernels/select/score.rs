//! From what was measured to one number.
//!
//! Each part of the score lies in [0, 1]. What has no natural scale (motion, loudness, onsets, …) is
//! held against the source itself: `0.5 + 0.5·z/(1 + |z|)` with `z = (x − median)/(1.4826·MAD + floor)`
//! over windows of [`REFERENCE_SECONDS`], so 0.5 is what is usual in this source and a few wild
//! moments do not move the scale; the floor keeps imperceptible differences small.
//! The score is the weighted mean of the parts that the source has.

use std::fmt::Write;

use super::bounds::Bounds;
use super::features::{
    FEATURES, HOOK_MOTION_FLOOR, HOOK_SOUND, HookPart, Measure, SelectionFeature, StretchMeasures,
    Weights, WindowMeasures,
};
use super::timeline::{Means, Timeline};
use super::track::{Medium, Track};
use super::windows::Window;

/// Length of the windows that say what is usual in a source, in seconds.
const REFERENCE_SECONDS: f64 = 20.0;
/// The hook is what a window opens with, in seconds.
const HOOK_SECONDS: f64 = 3.0;
/// At most so many windows are measured to find what is usual.
const MOST_REFERENCES: f64 = 4000.0;

/// A value and what is usual for it in the source.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Usual {
    median: f64,
    scale: f64,
}

impl Usual {
    /// For what has a scale of its own.
    const NONE: Self = Self { median: 0.0, scale: 1.0 };

    /// From values of the source; `floor` is a difference that is just worth noticing.
    fn of(mut values: Vec<f64>, floor: f64) -> Self {
        let median = median(&mut values);
        for v in &mut values {
            *v = (*v - median).abs();
        }
        Self { median, scale: 1.4826 * self::median(&mut values) + floor }
    }

    /// `x` in [0, 1]; 0.5 is usual.
    fn place(&self, x: f64) -> f64 {
        let z = (x - self.median) / self.scale;
        0.5 + 0.5 * z / (1.0 + z.abs())
    }
}

fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// What is usual in a source.
#[derive(Debug, Clone)]
pub(super) struct Scales {
    /// Of each of [`FEATURES`].
    features: [Usual; FEATURES.len()],
    hook_motion: Usual,
    /// Of each of [`HOOK_SOUND`].
    hook_sound: [Usual; HOOK_SOUND.len()],
    has_sound: bool,
    has_captions: bool,
}

/// What one window scores.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoredWindow {
    pub measures: StretchMeasures,
    pub hook: f64,
    pub length_fit: f64,
    pub known: Known,
    pub score: f64,
    pub strengths: String,
}

/// What is known of a window beside its signals.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Known {
    /// As in [`WindowMeasures`].
    pub topic: Option<f64>,
    /// Mean of the heat map.
    pub replayed: Option<f64>,
    /// The same, 1 for the most replayed window.
    pub replays: Option<f64>,
}

/// A feature of a window: its weight, 0 if the source does not have it, and its value in [0, 1].
type Part = (&'static SelectionFeature, f64, f64);

impl Scales {
    /// Measures what is usual between `from` and `to`.
    pub(super) fn new(timeline: &Timeline, bounds: &Bounds, (from, to): (f64, f64)) -> Self {
        let long = stretches((from, to), REFERENCE_SECONDS);
        let long: Vec<StretchMeasures> =
            long.map(|(start, end)| measure(timeline, bounds, start, end)).collect();
        let short: Vec<Means> = stretches((from, to), HOOK_SECONDS)
            .map(|(start, end)| timeline.means(start, end))
            .collect();
        let usual = |feature: SelectionFeature| match feature.measure {
            Measure::Signal { of, floor: Some(floor), .. } => {
                Usual::of(long.iter().filter_map(of).collect(), floor)
            }
            _ => Usual::NONE,
        };
        let motion = short.iter().map(|means| means.of(Track::Motion)).collect();
        Self {
            features: FEATURES.map(usual),
            hook_motion: Usual::of(motion, HOOK_MOTION_FLOOR),
            hook_sound: HOOK_SOUND.map(|HookPart { of, floor }| {
                Usual::of(short.iter().filter_map(of).collect(), floor)
            }),
            has_sound: timeline.has_sound(),
            has_captions: timeline.has_captions(),
        }
    }

    /// Measures `window` and scores it; `length_fit` as in [`super::SelectParams::length_fit`].
    pub(super) fn score(
        &self,
        window: &Window,
        (length_fit, known): (f64, Known),
        (timeline, bounds): (&Timeline, &Bounds),
        weights: &Weights,
    ) -> ScoredWindow {
        let (start, end) = (window.start.t, window.end.t);
        let measures = measure(timeline, bounds, start, end);
        let hook = self.hook(&timeline.means(start, end.min(start + HOOK_SECONDS)));
        let (start_quality, end_quality) = (window.start.quality, window.end.quality);
        let Known { topic, replays, .. } = known;
        let of_window =
            WindowMeasures { hook, start_quality, end_quality, length_fit, topic, replays };
        let parts = self.parts(&of_window, &measures, weights);
        let (mut sum, mut weight) = (0.0, 0.0);
        for (_, w, value) in &parts {
            sum += w * value;
            weight += w;
        }
        let score = if weight > 0.0 { (sum / weight).clamp(0.0, 1.0) } else { 0.0 };
        ScoredWindow { measures, hook, length_fit, known, score, strengths: strengths(parts) }
    }

    /// The mean of motion and the parts of sound, each against the source.
    fn hook(&self, opening: &Means) -> f64 {
        let motion = self.hook_motion.place(opening.of(Track::Motion));
        if !self.has_sound {
            return motion;
        }
        // What is missing in a source that has sound is as good as silent.
        let sound = HOOK_SOUND.iter().zip(&self.hook_sound);
        let sound = sound.filter_map(|(part, usual)| (part.of)(opening).map(|x| usual.place(x)));
        (motion + sound.sum::<f64>()) / (HOOK_SOUND.len() + 1) as f64
    }

    /// Feature number `i` of a stretch, in [0, 1]; `None` if the source does not have it, or if it is not one
    /// of signals.
    fn signal(&self, i: usize, stretch: &StretchMeasures) -> Option<f64> {
        let Measure::Signal { medium, of, floor } = FEATURES[i].measure else { return None };
        let is_had = match medium {
            Medium::Picture => true,
            Medium::Sound => self.has_sound,
            Medium::Captions => self.has_captions,
        };
        let place = |x| if floor.is_some() { self.features[i].place(x) } else { x };
        // A stretch whose sound is missing in a source that has sound is as good as silent.
        is_had.then(|| of(stretch).map_or(0.0, place))
    }

    /// The features of [`signal_features`](super::signal_features), in [0, 1]; `None` for those that the source
    /// does not have.
    pub(super) fn signals(&self, stretch: &StretchMeasures) -> Vec<Option<f64>> {
        let of_signals = (0..FEATURES.len()).filter(|i| FEATURES[*i].is_of_signals());
        of_signals.map(|i| self.signal(i, stretch)).collect()
    }

    /// Every feature of a window; those the source does not have weigh nothing.
    fn parts(
        &self,
        window: &WindowMeasures,
        stretch: &StretchMeasures,
        weights: &Weights,
    ) -> [Part; FEATURES.len()] {
        const ALL: &[SelectionFeature; FEATURES.len()] = &FEATURES;
        std::array::from_fn(|i| {
            let feature = &ALL[i];
            let value = match feature.measure {
                Measure::Window(of) => Some(of(window)),
                Measure::Known(of) => of(window),
                Measure::Signal { .. } => self.signal(i, stretch),
            };
            let weight = value.map_or(0.0, |_| weights.of(feature));
            let weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 };
            let value = value.filter(|value| value.is_finite()).unwrap_or(0.0);
            (feature, weight, value.clamp(0.0, 1.0))
        })
    }
}

/// Measures what is between `start` and `end`.
pub(super) fn measure(
    timeline: &Timeline,
    bounds: &Bounds,
    start: f64,
    end: f64,
) -> StretchMeasures {
    let cut_rate = bounds.cuts_inside(start, end) as f64 / (end - start);
    StretchMeasures { means: timeline.means(start, end), cut_rate }
}

/// The three parts that lift the score most above the usual.
fn strengths(mut parts: [Part; FEATURES.len()]) -> String {
    let lift = |part: &Part| part.1 * (part.2 - 0.5);
    parts.sort_by(|a, b| lift(b).total_cmp(&lift(a)));
    let mut text = String::with_capacity(48);
    for part in parts.iter().take(3).filter(|part| lift(part) > 0.0) {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{} {:.2}", part.0.name, part.2);
    }
    text
}

/// Stretches of `length` (or the whole source if it is shorter) in regular steps.
fn stretches((from, to): (f64, f64), length: f64) -> impl Iterator<Item = (f64, f64)> {
    let length = length.min(to - from);
    let step = ((to - from) / MOST_REFERENCES).max(1.0);
    let count = ((to - from - length) / step) as usize + 1;
    (0..count).map(move |i| {
        let start = from + i as f64 * step;
        (start, start + length)
    })
}
