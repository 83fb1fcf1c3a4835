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
mod build;
mod choose;
mod features;
mod find_brief;
mod layout;
mod list;
mod offers;
mod rescore;
mod scorer;
mod sentences;
mod size;
mod texts;
mod timing;

pub use brief::{ClipBrief, ClipFacts, Ending, MIN_FPS, Moment, Stretch, Title};
pub use features::{FEATURE_NAMES, FEATURES, VariantFeature};
pub use find_brief::clip_brief;
pub use layout::{MAX_UPSCALE, fitting_size, upscale};
pub use list::{
    BriefColumns, brief_type, briefs, caption_mode, make_variants as variant_lists,
    no_variant_message, shortest_variant, with_size, with_texts,
};
pub use rescore::{features_of, rescore};
pub use scorer::Scorer;
pub use size::VariantSize;

use crate::error::Result;
use crate::model::edit::CaptionMode;
use crate::model::{AudienceProfile, Platform, Platforms, Variant};
use build::Combination;
use choose::{Offer, choose};
use offers::PlatformOptions;
use texts::TextsFor;

/// Most variants of a clip.
pub const MAX_VARIANTS: u32 = 50;

/// At most `n` variants of a clip for `audience` (and no more than [`MAX_VARIANTS`]), best first; fewer if
/// the clip fits no platform or allows no more that differ. `platforms` are those that they are made for
/// ([`platforms_for`]). `captions` says where they go; `None`: nowhere.
///
/// # Errors
/// `invalid_request.bad_value` if the audience's ages are no range, `config.invalid` if the brief's size is none.
pub fn make_variants(
    brief: &ClipBrief,
    n: usize,
    audience: &AudienceProfile,
    platforms: &[&Platform],
    captions: Option<CaptionMode>,
    scorer: &Scorer,
) -> Result<Vec<Variant>> {
    let choice = ClipOptions::new(brief, audience, platforms, captions)?;
    Ok(choice.best(n.min(MAX_VARIANTS as usize), scorer))
}

/// Combinations that are made for each variant, at most.
const MOST_TRIES: usize = 4;

/// Whether two variants are one: the same file under the same title.
fn is_same(a: &Variant, b: &Variant) -> bool {
    a.platform == b.platform && a.title == b.title && a.edit == b.edit
}

/// What can be done with a clip on each of the platforms that it fits.
struct ClipOptions<'a> {
    brief: &'a ClipBrief,
    texts: TextsFor<'a>,
    platforms: Vec<PlatformOptions<'a>>,
}

impl<'a> ClipOptions<'a> {
    fn new(
        brief: &'a ClipBrief,
        audience: &'a AudienceProfile,
        platforms: &[&'a Platform],
        captions: Option<CaptionMode>,
    ) -> Result<Self> {
        let ages = audience.ages()?;
        let size = brief.size.as_deref().map(str::parse).transpose()?;
        let options =
            platforms.iter().map(|p| PlatformOptions::new(p, brief, ages, (captions, size)));
        Ok(Self {
            brief,
            texts: TextsFor::new(brief, audience),
            platforms: options.filter(|options| !options.timings.is_empty()).collect(),
        })
    }

    /// The best `n` that differ, ranked.
    fn best(&self, n: usize, scorer: &Scorer) -> Vec<Variant> {
        let offers: Vec<Offer> =
            self.platforms.iter().map(|options| options.offer(&self.texts, scorer)).collect();
        let (mut variants, mut done, mut asked): (Vec<Variant>, _, _) = (vec![], 0, n);
        loop {
            let picks = choose(&offers, asked);
            for pick in picks.iter().skip(done) {
                let options = &self.platforms[pick.offer];
                let made = Combination::new(pick, options, self.brief, &self.texts).variant(scorer);
                if variants.len() < n && !variants.iter().any(|other| is_same(other, &made)) {
                    variants.push(made);
                }
            }
            // A span may have fewer titles than the clip: others take the place of what comes out alike.
            let is_all = picks.len() < asked || asked >= MOST_TRIES.saturating_mul(n);
            if is_all || variants.len() >= n {
                break;
            }
            (done, asked) = (asked, asked + n - variants.len());
        }
        // Those of one score keep the order in which they were taken.
        variants.sort_by(|a, b| b.viral_score.total_cmp(&a.viral_score));
        for (rank, variant) in (1..).zip(&mut variants) {
            variant.rank = rank;
        }
        variants
    }
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
    Platforms::built_in()?.named(if asked.is_empty() { &audience.platforms } else { asked })
}

#[cfg(test)]
mod tests;
