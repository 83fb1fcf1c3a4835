//! From what was measured to one number.
//!
//! Each part of the score lies in [0, 1]. What has no natural scale (motion, loudness, onsets, …) is
//! held against the source itself: `0.5 + 0.5·z/(1 + |z|)` with `z = (x − median)/(1.4826·MAD + floor)`
//! over windows of [`REFERENCE_SECONDS`], so 0.5 is what is usual in this source and a few wild
//! moments do not move the scale; the floor keeps differences that nobody sees or hears small.
//! The score is the weighted mean of the parts that the source has.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::features::{Means, Sound, Timeline};
use super::windows::Window;

/// Length of the windows that say what is usual in a source, in seconds.
const REFERENCE_SECONDS: f64 = 20.0;
/// The hook is what a window opens with, in seconds.
const HOOK_SECONDS: f64 = 3.0;
/// At most so many windows are measured to find what is usual.
const MOST_REFERENCES: f64 = 4000.0;

/// What counts how much. Set by hand: what makes a viewer stay in the first seconds weighs most,
/// then movement and sound, then that the clip begins and ends well. Only their ratios matter;
/// parts that a source does not have (sound, captions) drop out. Negative and non-finite weights count as 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Motion, onsets, loudness and speech of the first three seconds against the source. Default 0.15.
    pub hook: f64,
    /// Mean motion against the source. Default 0.11.
    pub motion: f64,
    /// Mean loudness against the source. Default 0.07.
    pub loudness: f64,
    /// Loudest moment against the source. Default 0.05.
    pub loudness_peak: f64,
    /// Onset strength against the source. Default 0.09.
    pub onset: f64,
    /// Mean likelihood of speech. Default 0.09.
    pub speech: f64,
    /// Share of the time that is not silent. Default 0.07.
    pub sound: f64,
    /// Shot boundaries a second against the source. Default 0.05.
    pub cut_rate: f64,
    /// Share of the time that the picture is not dark. Default 0.05.
    pub light: f64,
    /// Colour against the source. Default 0.03.
    pub chroma: f64,
    /// Caption characters a second against the source. Default 0.03.
    pub captions: f64,
    /// How well the window starts. Default 0.09.
    pub start: f64,
    /// How well the window ends. Default 0.09.
    pub end: f64,
    /// How near the length is to the middle of those asked for. Default 0.03.
    pub length: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            hook: 0.15,
            motion: 0.11,
            loudness: 0.07,
            loudness_peak: 0.05,
            onset: 0.09,
            speech: 0.09,
            sound: 0.07,
            cut_rate: 0.05,
            light: 0.05,
            chroma: 0.03,
            captions: 0.03,
            start: 0.09,
            end: 0.09,
            length: 0.03,
        }
    }
}

/// The parts that signals give for any stretch of a source, wherever it begins and ends.
pub const SIGNAL_PARTS: [&str; 10] = [
    "motion",
    "loudness",
    "loudness_peak",
    "onset",
    "speech",
    "sound",
    "cut_rate",
    "light",
    "chroma",
    "captions",
];

impl Weights {
    /// The weights of [`SIGNAL_PARTS`].
    pub fn signals(mut self) -> [f64; 10] {
        self.each_signal().map(|weight| *weight)
    }

    /// These weights with others for [`SIGNAL_PARTS`].
    #[must_use]
    pub fn with_signals(mut self, signals: [f64; 10]) -> Self {
        for (weight, signal) in self.each_signal().into_iter().zip(signals) {
            *weight = signal;
        }
        self
    }

    fn each_signal(&mut self) -> [&mut f64; 10] {
        [
            &mut self.motion,
            &mut self.loudness,
            &mut self.loudness_peak,
            &mut self.onset,
            &mut self.speech,
            &mut self.sound,
            &mut self.cut_rate,
            &mut self.light,
            &mut self.chroma,
            &mut self.captions,
        ]
    }
}

/// A value and what is usual for it in the source.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Usual {
    median: f64,
    scale: f64,
}

impl Usual {
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
    motion: Usual,
    cut_rate: Usual,
    loudness: Usual,
    loudness_peak: Usual,
    onset: Usual,
    chroma: Usual,
    caption: Usual,
    hook_motion: Usual,
    hook_onset: Usual,
    hook_loudness: Usual,
    hook_speech: Usual,
    has_sound: bool,
    has_captions: bool,
}

/// What one window scores.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scored {
    pub means: Means,
    pub cut_rate: f64,
    pub hook: f64,
    pub length_fit: f64,
    pub score: f64,
    pub strengths: String,
}

impl Scales {
    /// Measures what is usual between `from` and `to`.
    pub(super) fn new(timeline: &Timeline, bounds: &Bounds, (from, to): (f64, f64)) -> Self {
        let long = sample(timeline, (from, to), REFERENCE_SECONDS);
        let short = sample(timeline, (from, to), HOOK_SECONDS);
        let all = |of: &[(f64, f64, Means)], get: fn(&Means) -> f64, floor| {
            Usual::of(of.iter().map(|w| get(&w.2)).collect(), floor)
        };
        let heard = |of: &[(f64, f64, Means)], get: fn(&Sound) -> f64, floor| {
            Usual::of(of.iter().filter_map(|w| w.2.sound.as_ref()).map(get).collect(), floor)
        };
        let cuts =
            long.iter().map(|(a, b, _)| bounds.cuts_inside(*a, *b) as f64 / (b - a)).collect();
        Self {
            motion: all(&long, |m| m.motion, 0.005),
            cut_rate: Usual::of(cuts, 0.02),
            loudness: heard(&long, |s| s.loudness, 1.0),
            loudness_peak: heard(&long, |s| s.peak, 1.0),
            onset: heard(&long, |s| s.onset, 0.02),
            chroma: all(&long, |m| m.chroma, 0.01),
            caption: all(&long, |m| m.caption, 1.0),
            hook_motion: all(&short, |m| m.motion, 0.005),
            hook_onset: heard(&short, |s| s.onset, 0.02),
            hook_loudness: heard(&short, |s| s.loudness, 1.0),
            hook_speech: heard(&short, |s| s.speech, 0.1),
            has_sound: timeline.has_sound(),
            has_captions: timeline.has_captions(),
        }
    }

    /// Measures `window` and scores it; `length_fit` as in [`super::SelectParams::length_fit`].
    pub(super) fn score(
        &self,
        window: &Window,
        length_fit: f64,
        (timeline, bounds): (&Timeline, &Bounds),
        weights: &Weights,
    ) -> Scored {
        let (start, end) = (window.start.t, window.end.t);
        let means = timeline.means(start, end);
        let cut_rate = bounds.cuts_inside(start, end) as f64 / (end - start);
        let hook = self.hook(&timeline.means(start, end.min(start + HOOK_SECONDS)));
        let parts = self.parts(window, &means, [cut_rate, hook, length_fit], weights);
        let (mut sum, mut weight) = (0.0, 0.0);
        for (_, w, value) in &parts {
            sum += w * value;
            weight += w;
        }
        let score = if weight > 0.0 { (sum / weight).clamp(0.0, 1.0) } else { 0.0 };
        Scored { means, cut_rate, hook, length_fit, score, strengths: strengths(parts) }
    }

    fn hook(&self, opening: &Means) -> f64 {
        let motion = self.hook_motion.place(opening.motion);
        match &opening.sound {
            Some(s) => {
                let heard = self.hook_onset.place(s.onset)
                    + self.hook_loudness.place(s.loudness)
                    + self.hook_speech.place(s.speech);
                (motion + heard) / 4.0
            }
            None if self.has_sound => motion / 4.0,
            None => motion,
        }
    }

    /// The parts of [`SIGNAL_PARTS`], in [0, 1]; `None` for those that the source does not have.
    pub(super) fn signals(&self, means: &Means, cut_rate: f64) -> [Option<f64>; 10] {
        // A stretch whose sound is missing in a source that has sound is as good as silent.
        let heard = |get: &dyn Fn(&Sound) -> f64| {
            self.has_sound.then(|| means.sound.as_ref().map_or(0.0, get))
        };
        [
            Some(self.motion.place(means.motion)),
            heard(&|s| self.loudness.place(s.loudness)),
            heard(&|s| self.loudness_peak.place(s.peak)),
            heard(&|s| self.onset.place(s.onset)),
            heard(&|s| s.speech),
            heard(&|s| 1.0 - s.silence),
            Some(self.cut_rate.place(cut_rate)),
            Some(1.0 - means.dark),
            Some(self.chroma.place(means.chroma)),
            self.has_captions.then(|| self.caption.place(means.caption)),
        ]
    }

    /// Name, weight and value in [0, 1] of each part; those the source does not have weigh nothing.
    fn parts(
        &self,
        window: &Window,
        means: &Means,
        [cut_rate, hook, length_fit]: [f64; 3],
        weights: &Weights,
    ) -> [(&'static str, f64, f64); 14] {
        let signals = self.signals(means, cut_rate);
        let [motion, loudness, loudness_peak, onset, speech, sound, cuts, light, chroma, captions] =
            signals.map(|value| value.unwrap_or(0.0));
        let of = weights.signals();
        let weight = |i: usize| if signals[i].is_some() { of[i] } else { 0.0 };
        let parts = [
            ("hook", weights.hook, hook),
            ("motion", weight(0), motion),
            ("loudness", weight(1), loudness),
            ("loudness_peak", weight(2), loudness_peak),
            ("onset", weight(3), onset),
            ("speech", weight(4), speech),
            ("sound", weight(5), sound),
            ("cut_rate", weight(6), cuts),
            ("light", weight(7), light),
            ("chroma", weight(8), chroma),
            ("captions", weight(9), captions),
            ("start", weights.start, window.start.quality),
            ("end", weights.end, window.end.quality),
            ("length", weights.length, length_fit),
        ];
        parts.map(|(name, w, value)| {
            let w = if w.is_finite() { w.max(0.0) } else { 0.0 };
            (name, w, if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 })
        })
    }
}

/// The three parts that lift the score most above the usual.
fn strengths(mut parts: [(&'static str, f64, f64); 14]) -> String {
    let lift = |p: &(&str, f64, f64)| p.1 * (p.2 - 0.5);
    parts.sort_by(|a, b| lift(b).total_cmp(&lift(a)));
    let mut text = String::with_capacity(48);
    for part in parts.iter().take(3).filter(|p| lift(p) > 0.0) {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{} {:.2}", part.0, part.2);
    }
    text
}

/// Windows of `length` (or of the whole source if it is shorter) in regular steps.
fn sample(timeline: &Timeline, (from, to): (f64, f64), length: f64) -> Vec<(f64, f64, Means)> {
    let length = length.min(to - from);
    let step = ((to - from) / MOST_REFERENCES).max(1.0);
    let count = ((to - from - length) / step) as usize + 1;
    let window = |i: usize| {
        let start = from + i as f64 * step;
        (start, start + length, timeline.means(start, start + length))
    };
    (0..count).map(window).collect()
}
