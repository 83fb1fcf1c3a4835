//! The texts of a clip's variants: made ready in the brief, cut to each platform's lengths.

use super::brief::{ClipBrief, DESCRIPTION_CHARS, TITLE_CHARS};
use crate::kernels::text::{hashtags_and_match, trim_to};
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
        let (made, interest_match) =
            hashtags_and_match(&brief.keyphrases, &audience.interests, language, HASHTAGS);
        let tags = if brief.hashtags.is_empty() { made } else { brief.hashtags.clone() };
        Self { brief, tags, interest_match: interest_match.unwrap_or(f64::NAN) }
    }

    /// Number of titles.
    pub(super) fn titles(&self) -> usize {
        self.brief.titles.len()
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
