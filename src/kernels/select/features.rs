//! What counts in the score of a window: the list of features, each with its weight and how it is measured.

use serde::{Deserialize, Serialize};

use super::timeline::Means;
use super::track::{Medium, Track};

/// A feature of the selection's score.
#[derive(Debug, Clone, Copy)]
pub struct SelectionFeature {
    /// Its name in files of weights and among a candidate's `strengths`.
    pub name: &'static str,
    /// What it counts by default.
    pub weight: f64,
    pub(super) measure: Measure,
    documentation: &'static str,
    of: fn(&Weights) -> f64,
    of_mut: fn(&mut Weights) -> &mut f64,
}

impl SelectionFeature {
    /// What it is, as a sentence.
    pub fn description(&self) -> &'static str {
        self.documentation.trim()
    }

    /// Whether it is measured in any stretch of a source, wherever that begins and ends.
    pub fn is_of_signals(&self) -> bool {
        matches!(self.measure, Measure::Signal { .. })
    }
}

/// How a feature is measured, in [0, 1].
#[derive(Debug, Clone, Copy)]
pub(super) enum Measure {
    /// From where a window begins and ends.
    Window(fn(&WindowMeasures) -> f64),
    /// From what is known of a window beside its signals; `None` where nothing is.
    Known(fn(&WindowMeasures) -> Option<f64>),
    /// From the signals of a stretch.
    Signal {
        /// What the source needs to have; without it the feature drops out.
        medium: Medium,
        /// The value; `None` where the stretch has no sound.
        of: fn(&StretchMeasures) -> Option<f64>,
        /// A difference that is just worth noticing, for what is held against the source; `None`: the value
        /// has a scale of its own.
        floor: Option<f64>,
    },
}

/// What is measured in a stretch of a source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StretchMeasures {
    pub means: Means,
    /// Shot boundaries inside, a second.
    pub cut_rate: f64,
}

/// What is measured in a window beside its signals, each in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WindowMeasures {
    pub hook: f64,
    pub start_quality: f64,
    pub end_quality: f64,
    pub length_fit: f64,
    /// How much of what is said is about the topic of the request, 1 for the most in any of its windows; `None`
    /// without a topic, and where no window speaks of it.
    pub topic: Option<f64>,
    /// How often it is replayed, 1 for the most replayed window; `None` where nothing says so.
    pub replays: Option<f64>,
}

const fn window(of: fn(&WindowMeasures) -> f64) -> Measure {
    Measure::Window(of)
}

/// A value in [0, 1] by itself.
const fn share(medium: Medium, of: fn(&StretchMeasures) -> Option<f64>) -> Measure {
    Measure::Signal { medium, of, floor: None }
}

/// A value that is held against what is usual in the source.
const fn against_source(
    medium: Medium,
    floor: f64,
    of: fn(&StretchMeasures) -> Option<f64>,
) -> Measure {
    Measure::Signal { medium, of, floor: Some(floor) }
}

/// The features as `name: weight, measure`, and the struct of their weights.
macro_rules! features {
    ($($(#[doc = $doc:literal])+ $name:ident: $weight:literal, $measure:expr;)+) => {
        /// What counts how much. Set by hand: what makes a viewer stay in the first seconds weighs most,
        /// then movement and sound, then that the clip begins and ends well. Only their ratios matter;
        /// parts that a source does not have (sound, captions) drop out. Negative and non-finite weights
        /// count as 0.
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Weights {$(
            $(#[doc = $doc])+
            #[doc = concat!(" Default ", $weight, ".")]
            pub $name: f64,
        )+}

        impl Default for Weights {
            fn default() -> Self {
                Self { $($name: $weight,)+ }
            }
        }

        /// Every feature, in the order in which they are summed.
        pub const FEATURES: [SelectionFeature; [$($weight),+].len()] = [$(SelectionFeature {
            name: stringify!($name),
            weight: $weight,
            measure: $measure,
            documentation: concat!($($doc),+),
            of: |weights| weights.$name,
            of_mut: |weights| &mut weights.$name,
        },)+];
    };
}

features! {
    /// Motion, onsets, loudness and speech of the first three seconds against the source.
    hook: 0.15, window(|w| w.hook);
    /// Mean motion against the source.
    motion: 0.11, against_source(Medium::Picture, 0.005, |s| Some(s.means.of(Track::Motion)));
    /// Mean loudness against the source.
    loudness: 0.07, against_source(Medium::Sound, 1.0, |s| s.means.loudness());
    /// Loudest moment against the source.
    loudness_peak: 0.05, against_source(Medium::Sound, 1.0, |s| s.means.loudness_peak());
    /// Onset strength against the source.
    onset: 0.09, against_source(Medium::Sound, 0.02, |s| s.means.heard(Track::Onset));
    /// Mean likelihood of speech.
    speech: 0.09, share(Medium::Sound, |s| s.means.heard(Track::Speech));
    /// Share of the time that is not silent.
    sound: 0.07, share(Medium::Sound, |s| Some(1.0 - s.means.heard(Track::Silence)?));
    /// Shot boundaries a second against the source.
    cut_rate: 0.05, against_source(Medium::Picture, 0.02, |s| Some(s.cut_rate));
    /// Share of the time that the picture is not dark.
    light: 0.05, share(Medium::Picture, |s| Some(1.0 - s.means.of(Track::Dark)));
    /// Colour against the source.
    chroma: 0.03, against_source(Medium::Picture, 0.01, |s| Some(s.means.of(Track::Chroma)));
    /// Caption characters a second against the source.
    captions: 0.03, against_source(Medium::Captions, 1.0, |s| Some(s.means.of(Track::Captions)));
    /// How well the window starts.
    start: 0.09, window(|w| w.start_quality);
    /// How well the window ends.
    end: 0.09, window(|w| w.end_quality);
    /// How near the length is to the middle of those asked for.
    length: 0.03, window(|w| w.length_fit);
    /// How much of what is said is about the topic of the request.
    topic: 0.4, Measure::Known(|w| w.topic);
    /// How often it is replayed, against the most replayed window.
    replays: 0.2, Measure::Known(|w| w.replays);
}

/// The features that signals give for any stretch of a source, wherever it begins and ends.
pub fn signal_features() -> impl Iterator<Item = &'static SelectionFeature> {
    const ALL: &[SelectionFeature] = &FEATURES;
    ALL.iter().filter(|feature| feature.is_of_signals())
}

impl Weights {
    /// What a feature counts.
    pub fn of(&self, feature: &SelectionFeature) -> f64 {
        (feature.of)(self)
    }

    /// These weights with another for `feature`.
    #[must_use]
    pub fn with(mut self, feature: &SelectionFeature, weight: f64) -> Self {
        *(feature.of_mut)(&mut self) = weight;
        self
    }
}

/// A part of the hook beside motion.
#[derive(Debug, Clone, Copy)]
pub(super) struct HookPart {
    /// The value; `None` where the stretch has no sound.
    pub of: fn(&Means) -> Option<f64>,
    /// A difference that is just worth noticing.
    pub floor: f64,
}

/// What the hook is beside motion: sound.
pub(super) const HOOK_SOUND: [HookPart; 3] = [
    HookPart { of: |means| means.heard(Track::Onset), floor: 0.02 },
    HookPart { of: |means| means.loudness(), floor: 1.0 },
    HookPart { of: |means| means.heard(Track::Speech), floor: 0.1 },
];

/// A difference in motion that is just worth noticing in the hook.
pub(super) const HOOK_MOTION_FLOOR: f64 = 0.005;
