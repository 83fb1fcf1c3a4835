//! The texts of a clip's variants: made ready in the brief, cut to each platform's lengths.

use super::brief::{ClipBrief, DESCRIPTION_CHARS, TITLE_CHARS};
use crate::kernels::text::{hashtags, trim_to};
use crate::model::AudienceProfile;

/// Hashtags of a variant at the most.
const HASHTAGS: usize = 8;

/// The texts of a clip for an audience.
pub(super) struct TextsFor<'a> {
    brief: &'a ClipBrief,
    tags: Vec<String>,
    /// Share of the audience's interests that the clip is about; NaN for an audience without any.
    pub(super) interest_match: f64,
}

impl<'a> TextsFor<'a> {
    pub(super) fn new(brief: &'a ClipBrief, audience: &AudienceProfile) -> Self {
        let language = brief.language.as_deref();
        let tags = match brief.hashtags.as_slice() {
            [] => hashtags(&brief.keyphrases, &audience.interests, language, HASHTAGS),
            written => written.to_vec(),
        };
        Self { brief, tags, interest_match: interest_match(brief, &audience.interests) }
    }

    /// 1 if title `i` asks something.
    pub(super) fn question(&self, i: usize) -> f64 {
        f64::from(u8::from(self.brief.titles[i].style == "question"))
    }

    pub(super) fn title(&self, i: usize, most: usize) -> String {
        let title = &self.brief.titles[i].text;
        if most >= TITLE_CHARS { title.clone() } else { trim_to(title, most) }
    }

    pub(super) fn description(&self, most: usize) -> String {
        let ready = DESCRIPTION_CHARS.iter().zip(&self.brief.descriptions);
        match ready.into_iter().find(|(chars, _)| **chars <= most) {
            Some((_, text)) => text.clone(),
            None => trim_to(self.brief.descriptions.last().map_or("", String::as_str), most),
        }
    }

    pub(super) fn hashtags(&self, most: usize) -> Vec<String> {
        self.tags.iter().take(most).cloned().collect()
    }
}

fn interest_match(brief: &ClipBrief, interests: &[String]) -> f64 {
    if interests.is_empty() {
        return f64::NAN;
    }
    let phrases: Vec<String> = brief.keyphrases.iter().map(|k| k.text.to_lowercase()).collect();
    let is_met = |interest: &&String| {
        let interest = interest.to_lowercase();
        phrases.iter().any(|phrase| phrase.contains(&interest))
    };
    interests.iter().filter(is_met).count() as f64 / interests.len() as f64
}
