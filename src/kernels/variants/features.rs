//! The features of a variant's score: the list of them, each with what it looks at and how it is measured.

use super::accents::Accents;
use super::brief::ClipBrief;
use super::layout::Fitted;
use super::texts::TextsFor;
use super::timing::Timing;
use crate::model::Platform;
use crate::model::edit::CaptionStyle;

/// A feature of a variant's score.
#[derive(Debug, Clone, Copy)]
pub struct VariantFeature {
    /// Its name in models and in `score_parts`.
    pub name: &'static str,
    pub(super) measure: Measure,
    documentation: &'static str,
}

impl VariantFeature {
    /// What it is, as a sentence.
    pub fn description(&self) -> &'static str {
        self.documentation.trim()
    }
}

/// What a feature looks at, which is one of the options of a variant or what all variants of a clip share, and
/// its value; NaN where it is missing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Measure {
    /// Where it opens and ends and how fast it goes.
    Timing(fn(&Timing, &Platform) -> f64),
    /// How the picture fills the frame.
    Layout(fn(&Fitted, &Platform) -> f64),
    /// How captions look.
    Captions(fn(CaptionStyle) -> f64),
    /// The form of its title.
    Title(fn(&str) -> f64),
    /// Which accents it has; `None` where the timing has no place for them.
    Accents(fn(Accents, &Timing) -> Option<f64>),
    /// Where it is shown, and to an audience of which ages.
    Platform(fn(&Platform, Option<(u8, u8)>) -> f64),
    /// The clip itself.
    Clip(fn(&ClipBrief, &TextsFor<'_>) -> f64),
}

/// The features as `name: what it looks at(measure)`.
macro_rules! features {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ident($measure:expr);)+) => {
        /// Every feature that models may use.
        pub const FEATURES: [VariantFeature; [$(stringify!($name)),+].len()] = [$(VariantFeature {
            name: stringify!($name),
            measure: Measure::$kind($measure),
            documentation: concat!($($doc),+),
        },)+];

        /// The names of [`FEATURES`], in their order.
        pub const FEATURE_NAMES: [&str; FEATURES.len()] = [$(stringify!($name)),+];
    };
}

features! {
    /// How much more is going on in what is seen first than is usual in the clip, in [0, 1].
    hook_strength: Timing(|timing, _| timing.first.strength);
    /// Share of the first two seconds that is silent.
    opening_silence: Timing(|timing, _| timing.first.silence);
    /// How near the duration is to the length that does best on the platform, in [0, 1].
    length_fit: Timing(length_fit);
    /// Seconds of the source for each second that is played; 1 for a cold open.
    pace: Timing(|timing, _| if timing.cold() > 0.0 { 1.0 } else { timing.speed() });
    /// How natural the end is, in [0, 1].
    end_quality: Timing(|timing, _| timing.ending.quality);
    /// 1 if a taste of the strongest moment comes first.
    cold_open: Timing(|timing, _| timing.cold());
    /// Share of the frame that shows the picture sharp.
    picture_fill: Layout(|layout, _| layout.fill);
    /// Share of the frame that the platform's interface leaves free.
    visible_area: Layout(|_, platform| visible_area(platform));
    /// How much the captions ask to be read, in [0, 1].
    caption_emphasis: Captions(emphasis);
    /// 1 if the title asks something.
    title_question: Title(|style| f64::from(u8::from(style == "question")));
    /// Accents a second.
    accents: Accents(Accents::a_second);
    /// Share of the audience's years that are also the platform's.
    platform_match: Platform(|platform, ages| {
        ages.map_or(f64::NAN, |ages| overlap(ages, platform.ages))
    });
    /// Mean motion of the clip.
    motion: Clip(|brief, _| brief.motion);
    /// Mean likelihood of speech in the clip.
    speech: Clip(|brief, _| brief.speech.unwrap_or(f64::NAN));
    /// Loudest moment of the clip, in LUFS.
    loudness_peak: Clip(|brief, _| brief.loudness_peak.unwrap_or(f64::NAN));
    /// Cuts a minute in the clip.
    cut_rate: Clip(|brief, _| brief.cut_rate);
    /// Caption characters a second in the clip.
    caption_density: Clip(|brief, _| brief.caption_density);
    /// Mean weight of the clip's strongest keyphrases.
    keyphrase_weight: Clip(|brief, _| keyphrase_weight(brief));
    /// Share of the audience's interests that the clip is about.
    interest_match: Clip(|_, texts| texts.interest_match);
}

fn length_fit(timing: &Timing, platform: &Platform) -> f64 {
    (1.0 - (timing.duration / platform.sweet_seconds).ln().abs() / 2.0).max(0.0)
}

fn visible_area(platform: &Platform) -> f64 {
    let zone = platform.safe_zone;
    (1.0 - zone.top - zone.bottom) * (1.0 - zone.left - zone.right)
}

fn emphasis(style: CaptionStyle) -> f64 {
    match style {
        CaptionStyle::BoldPop => 1.0,
        CaptionStyle::Karaoke => 0.85,
        CaptionStyle::Classic => 0.55,
        CaptionStyle::Minimal => 0.35,
        CaptionStyle::Off => 0.0,
    }
}

fn keyphrase_weight(brief: &ClipBrief) -> f64 {
    match brief.keyphrases.len() {
        0 => f64::NAN,
        n => brief.keyphrases.iter().take(5).map(|k| k.weight).sum::<f64>() / n.min(5) as f64,
    }
}

/// Share of the audience's years that are also the platform's.
fn overlap((low, high): (u8, u8), platform: (f64, f64)) -> f64 {
    // Few are older.
    let (low, high) = (f64::from(low), f64::from(high).min(80.0) + 1.0);
    let both = high.min(platform.1 + 1.0) - low.max(platform.0);
    (both / (high - low).max(1.0)).clamp(0.0, 1.0)
}
