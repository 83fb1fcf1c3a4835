//! What a platform offers for a clip: the options of each axis, and what each adds to the score.

use super::accents::Accents;
use super::brief::ClipBrief;
use super::choose::{Choice, Offer};
use super::features::Measure;
use super::layout::{Fitted, layouts, layouts_at};
use super::scorer::Scorer;
use super::size::VariantSize;
use super::texts::TextsFor;
use super::timing::{Timing, timings};
use crate::model::Platform;
use crate::model::edit::{CaptionMode, CaptionStyle};

/// The options that a platform leaves for a clip.
pub(super) struct PlatformOptions<'a> {
    pub(super) platform: &'a Platform,
    pub(super) timings: Vec<Timing>,
    pub(super) layouts: Vec<Fitted>,
    pub(super) captions: Vec<CaptionStyle>,
    pub(super) caption_mode: Option<CaptionMode>,
    /// Youngest and oldest of the audience, in years, if they are known.
    pub(super) ages: Option<(u8, u8)>,
}

impl<'a> PlatformOptions<'a> {
    /// Those of `platform` for an audience of these ages, of the size that is asked for.
    pub(super) fn new(
        platform: &'a Platform,
        brief: &ClipBrief,
        ages: Option<(u8, u8)>,
        (captions, size): (Option<CaptionMode>, Option<VariantSize>),
    ) -> Self {
        Self {
            platform,
            timings: timings(brief, platform),
            layouts: match size {
                None => layouts((brief.width, brief.height), brief.motion, platform),
                Some(size) => {
                    layouts_at(size.on(platform), (brief.width, brief.height), brief.motion)
                }
            },
            captions: caption_styles(brief, platform, captions),
            caption_mode: captions.filter(|_| brief.captioned),
            ages,
        }
    }

    /// The options with what each adds to the score of `scorer`.
    pub(super) fn offer(&self, texts: &TextsFor<'_>, scorer: &Scorer) -> Offer {
        let platform = self.platform;
        let timing = |timing: &Timing| {
            let gain = scorer.gain(|measure| match measure {
                Measure::Timing(of) => Some(of(timing, platform)),
                _ => None,
            });
            Choice { key: timing.key(), gain }
        };
        let layout = |layout: &Fitted| {
            let gain = scorer.gain(|measure| match measure {
                Measure::Layout(of) => Some(of(layout, platform)),
                _ => None,
            });
            Choice { key: layout.layout as u8, gain }
        };
        let captions = |style: &CaptionStyle| {
            let gain = scorer.gain(|measure| match measure {
                Measure::Captions(of) => Some(of(*style)),
                _ => None,
            });
            Choice { key: *style as u8, gain }
        };
        let title = |title: u8| {
            let gain = scorer.gain(|measure| match measure {
                Measure::Title(of) => Some(of(texts.style(usize::from(title)))),
                _ => None,
            });
            Choice { key: title, gain }
        };
        // Options are numbered in a byte.
        let titles = u8::try_from(texts.titles()).unwrap_or(u8::MAX);
        Offer {
            gain: scorer.gain(|measure| match measure {
                Measure::Platform(of) => Some(of(platform, self.ages)),
                _ => None,
            }),
            axes: [
                self.timings.iter().map(timing).collect(),
                self.layouts.iter().map(layout).collect(),
                self.captions.iter().map(captions).collect(),
                (0..titles).map(title).collect(),
            ],
            accents: self.timings.iter().map(|timing| accents(timing, scorer)).collect(),
        }
    }
}

/// What each of the accents adds to the score with a timing; `None` for those that it has no place for.
fn accents(timing: &Timing, scorer: &Scorer) -> [Option<f64>; Accents::ALL.len()] {
    let gain = |accents: Accents| {
        scorer.gain(|measure| match measure {
            Measure::Accents(of) => of(accents, timing),
            _ => None,
        })
    };
    Accents::ALL.map(|accents| accents.a_second(timing).map(|_| gain(accents)))
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
