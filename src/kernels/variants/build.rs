//! A combination of options made into a variant: its edit, its texts, its scores and its reason.

use std::rc::Rc;

use super::accents::Accents;
use super::brief::{ClipBrief, Title};
use super::choose::Pick;
use super::features::{FEATURES, Measure};
use super::layout::{self, Fitted};
use super::offers::PlatformOptions;
use super::rescore;
use super::scorer::Scorer;
use super::texts::{TextsFor, VariantTexts};
use super::timing::Timing;
use crate::model::Variant;
use crate::model::edit::{CaptionMode, CaptionStyle, Edit, Effect, EffectKind, Layout, SafeZone};

/// One option of each axis.
pub(super) struct Combination<'a> {
    brief: &'a ClipBrief,
    texts: &'a TextsFor<'a>,
    options: &'a PlatformOptions<'a>,
    timing: &'a Timing,
    layout: &'a Fitted,
    captions: CaptionStyle,
    /// Those of what it shows.
    own: Rc<VariantTexts>,
    title: Title,
    accents: Accents,
}

impl<'a> Combination<'a> {
    /// The options of `options` that were picked.
    pub(super) fn new(
        pick: &Pick,
        options: &'a PlatformOptions<'a>,
        brief: &'a ClipBrief,
        texts: &'a TextsFor<'a>,
    ) -> Self {
        let [timing, layout, captions, title, accents] = pick.options.map(usize::from);
        let timing = &options.timings[timing];
        let own = texts.of_span((timing.start(), timing.ending.t));
        Self {
            brief,
            texts,
            options,
            timing,
            layout: &options.layouts[layout],
            captions: options.captions[captions],
            title: own.title(&brief.titles[title], options.platform.limits.title_chars),
            own,
            accents: Accents::ALL[accents],
        }
    }

    /// The variant, not ranked yet.
    pub(super) fn variant(&self, scorer: &Scorer) -> Variant {
        let (own, features) = (&self.own, self.features());
        let limits = self.options.platform.limits;
        Variant {
            rank: 0,
            platform: self.options.platform.name.to_owned(),
            start: self.timing.start(),
            end: self.timing.ending.t,
            duration: self.timing.duration,
            edit: self.edit(),
            title_style: self.title.style.clone(),
            title: self.title.text.clone(),
            hook_text: own.hook.clone(),
            transcript: own.transcript.clone(),
            description: own.description(limits.description_chars),
            hashtags: own.hashtags(limits.hashtags),
            text_origin: own.origin.clone(),
            text_note: own.note.clone(),
            predicted_engagement_rate: scorer.engagement.score(&features),
            predicted_hook_rate: scorer.hook.score(&features),
            predicted_completion_rate: scorer.completion.score(&features),
            viral_score: scorer.viral.score(&features),
            score_model: scorer.label.clone(),
            score_parts: rescore::score_parts(&features, &scorer.viral),
            reason: self.reason(),
        }
    }

    /// The values of [`FEATURES`]; NaN where one is missing.
    fn features(&self) -> [f64; FEATURES.len()] {
        FEATURES.map(|feature| match feature.measure {
            Measure::Timing(of) => of(self.timing, self.options.platform),
            Measure::Layout(of) => of(self.layout, self.options.platform),
            Measure::Captions(of) => of(self.captions),
            Measure::Title(of) => of(&self.title.style),
            Measure::Accents(of) => of(self.accents, self.timing).unwrap_or(0.0),
            Measure::Platform(of) => of(self.options.platform, self.options.ages),
            Measure::Clip(of) => of(self.brief, self.texts),
        })
    }

    fn edit(&self) -> Edit {
        let (platform, captions, layout) = (self.options.platform, self.captions, self.layout);
        // What changes nothing in the file is left out: equal pictures are one file.
        let keeps_clear =
            captions != CaptionStyle::Off || layout.layout == Layout::PictureInPicture;
        let mode = self.options.caption_mode;
        Edit {
            width: layout.size.0,
            height: layout.size.1,
            fps: self.brief.fps.min(platform.max_fps),
            layout: layout.layout,
            area: self.brief.area,
            reframe: vec![],
            segments: self.timing.segments(self.brief),
            join: self.timing.join(),
            caption_style: captions,
            caption_mode: mode.unwrap_or(CaptionMode::Burned),
            language: self.brief.language.clone().filter(|_| mode.is_some()),
            safe_zone: if keeps_clear { platform.safe_zone } else { SafeZone::default() },
            effects: self.effects(),
            loudness: Some(platform.loudness),
        }
    }

    fn effects(&self) -> Vec<Effect> {
        let onsets = || self.timing.onsets(self.brief);
        let effect = |kind, at, strength| Effect { kind, at, strength };
        let mut effects: Vec<Effect> = match self.accents {
            Accents::Clean => vec![],
            Accents::Punches => {
                onsets().map(|t| effect(EffectKind::ZoomPunch, Some(t), 0.6)).collect()
            }
            Accents::Vignette => vec![effect(EffectKind::Vignette, None, 0.5)],
            Accents::Glitch => {
                onsets().take(1).map(|t| effect(EffectKind::Glitch, Some(t), 0.6)).collect()
            }
        };
        // Played again and again, a fade is a hole in it. None fades in: feeds show the first frame.
        if !self.options.platform.loops {
            effects.push(effect(EffectKind::FadeOut, None, 0.5));
        }
        effects
    }

    /// What the variant is, as a sentence.
    fn reason(&self) -> String {
        let captions = match (self.captions, self.options.caption_mode) {
            (CaptionStyle::Off, Some(CaptionMode::Soft)) => "captions in a text track".to_owned(),
            (CaptionStyle::Off, Some(CaptionMode::Sidecar)) => "captions beside it".to_owned(),
            (CaptionStyle::Off, _) => "no captions".to_owned(),
            (style, _) => format!("{style} captions"),
        };
        format!(
            "for {}: {}; {}; {captions}; {} title{}",
            self.options.platform.name,
            self.timing.words(self.brief),
            layout::words(self.layout),
            self.title.style,
            self.accents.words(),
        )
    }
}
