//! Versions of a clip for platforms: what could be done with it, what each would score, and which are
//! taken.
//!
//! 1. A [`ClipBrief`] says what making them needs to know of the clip; it is made once ([`clip_brief`]).
//! 2. Each platform offers options on five axes: timing (where it opens and ends, how fast it goes),
//!    layout, captions, title, accents. What an option adds to the score is a sum of features.
//! 3. [`make_variants`] takes the best combinations that differ from those taken already
//!    (maximal marginal relevance), evenly over the platforms, and ranks them by score.
//!
//! Deterministic: the same brief, audience, platforms and models give the same variants.

mod accents;
mod brief;
mod choose;
mod layout;
mod list;
pub mod platforms;
mod rescore;
mod texts;
mod timing;

pub use brief::{ClipBrief, ClipFacts, Ending, MIN_FPS, Moment, Stretch, Title, clip_brief};
pub use layout::{MAX_UPSCALE, fitting_size, upscale};
pub use list::{
    BriefColumns, brief_type, briefs, caption_mode, make_variants as variant_lists,
    no_variant_message, with_texts,
};
pub use rescore::{features_of, rescore};

use crate::error::Result;
use crate::kernels::score::{BoundModel, ScoreModels};
use crate::model::edit::{CaptionMode, CaptionStyle, Edit, Effect, EffectKind, Layout, SafeZone};
use crate::model::{AudienceProfile, Variant};
use accents::Accents;
use choose::{Choice, Offer, Pick, choose};
use layout::{Fitted, layouts};
use platforms::Platform;
use texts::TextsFor;
use timing::{Timing, timings};

/// Most variants of a clip.
pub const MAX_VARIANTS: u32 = 50;

/// The features that models may use, in the order in which they are measured.
pub const FEATURES: [&str; 19] = [
    "hook_strength",
    "opening_silence",
    "length_fit",
    "pace",
    "end_quality",
    "cold_open",
    "picture_fill",
    "visible_area",
    "caption_emphasis",
    "title_question",
    "accents",
    "platform_match",
    "motion",
    "speech",
    "loudness_peak",
    "cut_rate",
    "caption_density",
    "keyphrase_weight",
    "interest_match",
];

/// Where the features of each axis begin in [`FEATURES`]; those from the last on are the clip's own.
const AXIS_FEATURES: [std::ops::Range<usize>; choose::AXES] = [0..6, 6..8, 8..9, 9..10, 10..11];
const PLATFORM_FEATURE: usize = 11;
const CLIP_FEATURES: std::ops::Range<usize> = 12..FEATURES.len();

/// Models, ready for the features of variants.
#[derive(Debug, Clone, PartialEq)]
pub struct Scorer {
    label: String,
    viral: BoundModel,
    engagement: BoundModel,
    hook: BoundModel,
    completion: BoundModel,
}

impl Scorer {
    /// The models over [`FEATURES`].
    ///
    /// # Errors
    /// `config.invalid` if one uses a feature that is not measured.
    pub fn new(models: &ScoreModels) -> Result<Self> {
        Ok(Self {
            label: models.viral_score.label(),
            viral: models.viral_score.bind(&FEATURES)?,
            engagement: models.engagement_rate.bind(&FEATURES)?,
            hook: models.hook_rate.bind(&FEATURES)?,
            completion: models.completion_rate.bind(&FEATURES)?,
        })
    }
}

/// What a platform offers, with what stands behind each option.
struct Shelf {
    platform: &'static Platform,
    timings: Vec<Timing>,
    layouts: Vec<Fitted>,
    captions: Vec<CaptionStyle>,
    caption_mode: Option<CaptionMode>,
    platform_match: f64,
}

/// At most `n` variants of a clip for `audience` (and no more than [`MAX_VARIANTS`]), best first; fewer if
/// the clip fits no platform or allows no more that differ. `platforms` are those that they are made for
/// ([`platforms_for`]). `captions` says where they go; `None`: nowhere.
///
/// # Errors
/// `invalid_request.bad_value` if the audience's ages are no range.
pub fn make_variants(
    brief: &ClipBrief,
    n: usize,
    audience: &AudienceProfile,
    platforms: &[&'static Platform],
    captions: Option<CaptionMode>,
    scorer: &Scorer,
) -> Result<Vec<Variant>> {
    best_variants(brief, n.min(MAX_VARIANTS as usize), audience, platforms, captions, scorer)
}

/// [`make_variants`], as many as are asked for.
fn best_variants(
    brief: &ClipBrief,
    n: usize,
    audience: &AudienceProfile,
    platforms: &[&'static Platform],
    captions: Option<CaptionMode>,
    scorer: &Scorer,
) -> Result<Vec<Variant>> {
    let ages = audience.ages()?;
    let texts = TextsFor::new(brief, audience);
    let source = (brief.width, brief.height);
    let shelf = |platform: &&'static Platform| Shelf {
        platform,
        timings: timings(brief, platform),
        layouts: layouts(source, brief.motion, platform),
        captions: caption_styles(brief, platform, captions),
        caption_mode: captions.filter(|_| brief.captioned),
        platform_match: ages.map_or(f64::NAN, |ages| overlap(ages, platform.ages)),
    };
    let shelves: Vec<Shelf> =
        platforms.iter().map(shelf).filter(|shelf| !shelf.timings.is_empty()).collect();
    let offers: Vec<Offer> =
        shelves.iter().map(|shelf| offer(shelf, brief, &texts, scorer)).collect();
    let clip = clip_features(brief, texts.interest_match);
    let picks = choose(&offers, n);
    let build = |pick: &Pick| variant(&shelves[pick.offer], pick, brief, &texts, &clip, scorer);
    let mut variants: Vec<Variant> = picks.iter().map(build).collect();
    // Those of one score keep the order in which they were taken.
    variants.sort_by(|a, b| b.viral_score.total_cmp(&a.viral_score));
    for (rank, variant) in (1..).zip(&mut variants) {
        variant.rank = rank;
    }
    Ok(variants)
}

/// The platforms that variants are made for: those asked for; if none are, the audience's; if it names
/// none, all.
///
/// # Errors
/// `config.invalid` for a name that is none.
pub fn platforms_for(
    asked: &[String],
    audience: &AudienceProfile,
) -> Result<Vec<&'static Platform>> {
    platforms::named(if asked.is_empty() { &audience.platforms } else { asked })
}

fn offer(shelf: &Shelf, brief: &ClipBrief, texts: &TextsFor<'_>, scorer: &Scorer) -> Offer {
    let gain = |axis: usize, values: &[f64]| -> f64 {
        let features = AXIS_FEATURES[axis].clone().zip(values);
        features.map(|(i, value)| scorer.viral.part(i, *value)).sum()
    };
    let choices = |axis: usize, options: &mut dyn Iterator<Item = (u8, [f64; 6], usize)>| {
        let choice = |(key, values, count): (u8, [f64; 6], usize)| Choice {
            key,
            gain: gain(axis, &values[..count]),
        };
        options.map(choice).collect::<Vec<_>>()
    };
    // Nobody writes more.
    let titles = u8::try_from(brief.titles.len()).unwrap_or(u8::MAX);
    let one = |value: f64| [value, 0.0, 0.0, 0.0, 0.0, 0.0];
    // Most add the same to every timing.
    let fixed = Accents::ALL.map(|accents| accents.always().map(|value| gain(4, &[value])));
    let accents = |timing: &Timing| {
        let own = |i: usize| Some(gain(4, &[Accents::ALL[i].a_second(timing)?]));
        std::array::from_fn(|i| fixed[i].or_else(|| own(i)))
    };
    Offer {
        gain: scorer.viral.part(PLATFORM_FEATURE, shelf.platform_match),
        axes: [
            choices(
                0,
                &mut shelf.timings.iter().map(|t| (t.key(), timing_features(t, shelf.platform), 6)),
            ),
            choices(
                1,
                &mut shelf.layouts.iter().map(|l| {
                    let [fill, area] = layout_features(l, shelf.platform);
                    (l.layout as u8, [fill, area, 0.0, 0.0, 0.0, 0.0], 2)
                }),
            ),
            choices(2, &mut shelf.captions.iter().map(|c| (*c as u8, one(emphasis(*c)), 1))),
            choices(3, &mut (0..titles).map(|i| (i, one(texts.question(usize::from(i))), 1))),
        ],
        accents: shelf.timings.iter().map(accents).collect(),
    }
}

fn timing_features(timing: &Timing, platform: &Platform) -> [f64; 6] {
    let fit = 1.0 - (timing.duration / platform.sweet_seconds).ln().abs() / 2.0;
    let pace = if timing.cold() > 0.0 { 1.0 } else { timing.speed() };
    [
        timing.first.strength,
        timing.first.silence,
        fit.max(0.0),
        pace,
        timing.ending.quality,
        timing.cold(),
    ]
}

fn layout_features(layout: &Fitted, platform: &Platform) -> [f64; 2] {
    let zone = platform.safe_zone;
    [layout.fill, (1.0 - zone.top - zone.bottom) * (1.0 - zone.left - zone.right)]
}

/// How much a caption style asks to be read, in [0, 1].
fn emphasis(style: CaptionStyle) -> f64 {
    match style {
        CaptionStyle::BoldPop => 1.0,
        CaptionStyle::Karaoke => 0.85,
        CaptionStyle::Classic => 0.55,
        CaptionStyle::Minimal => 0.35,
        CaptionStyle::Off => 0.0,
    }
}

fn clip_features(brief: &ClipBrief, interest_match: f64) -> [f64; 7] {
    let known = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let weight = match brief.keyphrases.len() {
        0 => f64::NAN,
        n => brief.keyphrases.iter().take(5).map(|k| k.weight).sum::<f64>() / n.min(5) as f64,
    };
    [
        brief.motion,
        known(brief.speech),
        known(brief.loudness_peak),
        brief.cut_rate,
        brief.caption_density,
        weight,
        interest_match,
    ]
}

/// Share of the audience's years that are also the platform's.
fn overlap((low, high): (u8, u8), platform: (f64, f64)) -> f64 {
    // Few are older.
    let (low, high) = (f64::from(low), f64::from(high).min(80.0) + 1.0);
    let both = high.min(platform.1 + 1.0) - low.max(platform.0);
    (both / (high - low).max(1.0)).clamp(0.0, 1.0)
}

/// Only what is burned in has a look.
fn caption_styles(
    brief: &ClipBrief,
    platform: &Platform,
    captions: Option<CaptionMode>,
) -> Vec<CaptionStyle> {
    match captions {
        Some(CaptionMode::Burned) if brief.captioned => platform.caption_styles.clone(),
        _ => vec![CaptionStyle::Off],
    }
}

fn variant(
    shelf: &Shelf,
    pick: &Pick,
    brief: &ClipBrief,
    texts: &TextsFor<'_>,
    clip: &[f64; 7],
    scorer: &Scorer,
) -> Variant {
    let [timing, layout, captions, title, accents] = pick.options.map(usize::from);
    let (timing, layout) = (&shelf.timings[timing], &shelf.layouts[layout]);
    let (captions, accents) = (shelf.captions[captions], Accents::ALL[accents]);
    let mut features = [f64::NAN; FEATURES.len()];
    features[AXIS_FEATURES[0].clone()].copy_from_slice(&timing_features(timing, shelf.platform));
    features[AXIS_FEATURES[1].clone()].copy_from_slice(&layout_features(layout, shelf.platform));
    features[AXIS_FEATURES[2].start] = emphasis(captions);
    features[AXIS_FEATURES[3].start] = texts.question(title);
    features[AXIS_FEATURES[4].start] = accents.a_second(timing).unwrap_or(0.0);
    features[PLATFORM_FEATURE] = shelf.platform_match;
    features[CLIP_FEATURES].copy_from_slice(clip);
    let chosen = &brief.titles[title];
    Variant {
        rank: 0,
        platform: shelf.platform.name.to_owned(),
        start: timing.start(),
        end: timing.ending.t,
        duration: timing.duration,
        edit: edit(shelf, timing, layout, captions, accents, brief),
        title_style: chosen.style.clone(),
        title: texts.title(title, shelf.platform.limits.title_chars),
        hook_text: brief.hook_text.clone(),
        description: texts.description(shelf.platform.limits.description_chars),
        hashtags: texts.hashtags(shelf.platform.limits.hashtags),
        text_origin: brief.text_origin.clone(),
        text_note: brief.text_note.clone(),
        predicted_engagement_rate: scorer.engagement.score(&features),
        predicted_hook_rate: scorer.hook.score(&features),
        predicted_completion_rate: scorer.completion.score(&features),
        viral_score: scorer.viral.score(&features),
        score_model: scorer.label.clone(),
        score_parts: rescore::score_parts(&features, &scorer.viral),
        reason: reason(shelf, timing, layout, captions, &chosen.style, accents, brief),
    }
}

fn edit(
    shelf: &Shelf,
    timing: &Timing,
    layout: &Fitted,
    captions: CaptionStyle,
    accents: Accents,
    brief: &ClipBrief,
) -> Edit {
    let platform = shelf.platform;
    // What changes nothing in the file is left out: equal pictures are one file.
    let keeps_clear = captions != CaptionStyle::Off || layout.layout == Layout::PictureInPicture;
    let within = || timing.onsets(brief);
    let effect = |kind, at, strength| Effect { kind, at, strength };
    let mut effects: Vec<Effect> = match accents {
        Accents::Clean => vec![],
        Accents::Punches => within().map(|t| effect(EffectKind::ZoomPunch, Some(t), 0.6)).collect(),
        Accents::Vignette => vec![effect(EffectKind::Vignette, None, 0.5)],
        Accents::Glitch => {
            within().take(1).map(|t| effect(EffectKind::Glitch, Some(t), 0.6)).collect()
        }
    };
    // Played again and again, a fade is a hole in it. None fades in: feeds show the first frame.
    if !platform.loops {
        effects.push(effect(EffectKind::FadeOut, None, 0.5));
    }
    Edit {
        width: layout.size.0,
        height: layout.size.1,
        fps: brief.fps.min(platform.max_fps),
        layout: layout.layout,
        reframe: vec![],
        segments: timing.segments(brief),
        join: timing.join(),
        caption_style: captions,
        caption_mode: shelf.caption_mode.unwrap_or(CaptionMode::Burned),
        language: brief.language.clone().filter(|_| shelf.caption_mode.is_some()),
        safe_zone: if keeps_clear { platform.safe_zone } else { SafeZone::default() },
        effects,
        loudness: Some(platform.loudness),
    }
}

/// What the variant is, as a sentence.
fn reason(
    shelf: &Shelf,
    timing: &Timing,
    layout: &Fitted,
    captions: CaptionStyle,
    title: &str,
    accents: Accents,
    brief: &ClipBrief,
) -> String {
    let captions = match (captions, shelf.caption_mode) {
        (CaptionStyle::Off, Some(CaptionMode::Soft)) => "captions in a text track".to_owned(),
        (CaptionStyle::Off, Some(CaptionMode::Sidecar)) => "captions beside it".to_owned(),
        (CaptionStyle::Off, _) => "no captions".to_owned(),
        (style, _) => format!("{style} captions"),
    };
    let accents = accents.words();
    format!(
        "for {}: {}; {}; {captions}; {title} title{accents}",
        shelf.platform.name,
        timing.words(brief),
        layout::words(layout)
    )
}

#[cfg(test)]
mod tests;
