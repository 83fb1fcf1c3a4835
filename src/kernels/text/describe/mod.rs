//! Title, hook, description, hashtags and keywords of a clip, from its captions.

use super::script::{Facts, Script, TextInput, TextOrigin};
use super::titles::{self, TitleStyle};
use super::trim::{graphemes, trim_to};
use super::writing::join;
use crate::model::platform::TextLimits;

/// Texts about a clip, within their [`TextLimits`].
#[derive(Debug, Clone, PartialEq)]
pub struct ClipText {
    /// One line.
    pub title: String,
    /// The first spoken sentence; `None` without captions.
    pub hook_text: Option<String>,
    /// The spoken sentences, as many as fit.
    pub description: String,
    /// Hashtags with their `#`, those of the audience's interests first.
    pub hashtags: Vec<String>,
    /// The keyphrases, strongest first.
    pub keywords: Vec<String>,
    /// What the texts were made from.
    pub origin: TextOrigin,
}

/// The texts of a clip, with a statement as title.
///
/// For several titles of one clip create a [`Script`] once.
pub fn describe(input: &TextInput<'_>, limits: &TextLimits) -> ClipText {
    Script::of(input).describe(limits, TitleStyle::Statement)
}

impl Script<'_> {
    /// The title in one form, at most `most` grapheme clusters long.
    ///
    /// `None` if the clip has no words for it, for example no question or only one sentence.
    pub fn title(&self, style: TitleStyle, most: usize) -> Option<String> {
        titles::title(self, style, most).filter(|title| graphemes(title) <= most)
    }

    /// The forms that this clip has words for.
    pub fn styles(&self, most: usize) -> Vec<TitleStyle> {
        TitleStyle::ALL.into_iter().filter(|style| self.title(*style, most).is_some()).collect()
    }

    /// All texts, with the title in this form, or in another one if the clip has no words for it.
    pub fn describe(&self, limits: &TextLimits, style: TitleStyle) -> ClipText {
        let most = limits.title_chars;
        let forms = [style].into_iter().chain(TitleStyle::ALL);
        let title = forms.into_iter().find_map(|form| self.title(form, most));
        let hook =
            || self.sentences.first().map(|s| trim_to(&s.text, most)).filter(|s| !s.is_empty());
        ClipText {
            title: title.unwrap_or_else(|| trim_to(&self.facts(), most)),
            hook_text: if self.origin == TextOrigin::Captions { hook() } else { None },
            description: self.description(limits.description_chars),
            hashtags: self.tags.iter().take(limits.hashtags).cloned().collect(),
            keywords: self.keyphrases.iter().map(|k| k.text.clone()).collect(),
            origin: self.origin,
        }
    }

    /// As many sentences as fit; the beginning of the first if it does not fit.
    fn description(&self, most: usize) -> String {
        let (mut text, mut length) = (String::new(), 0);
        for sentence in &self.sentences {
            let before = text.len();
            join(&mut text, &sentence.text);
            // With the space before it.
            length += sentence.length + usize::from(before > 0);
            if length > most {
                text.truncate(before);
                break;
            }
        }
        match self.sentences.first() {
            Some(first) if text.is_empty() => trim_to(&first.text, most),
            None => trim_to(&self.facts(), most),
            _ => text,
        }
    }

    /// Length, size and language, for clips without words.
    fn facts(&self) -> String {
        let Facts { duration, size } = self.input.facts;
        let seconds = if duration.is_finite() { duration.max(0.0).round() as u64 } else { 0 };
        let mut parts = vec![format!("{}:{:02}", seconds / 60, seconds % 60)];
        parts.extend(size.map(|(width, height)| format!("{width}×{height}")));
        parts.extend(self.input.language.filter(|l| super::is_language_tag(l)).map(str::to_owned));
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests;
