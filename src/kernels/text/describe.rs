//! Title, hook, description, hashtags and keywords of a clip, from what is said in it.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::hashtags::hashtags;
use super::keyphrases::keyphrases;
use super::lexicon::Lexicon;
use super::script::spoken;
use super::sentences::sentences;
use super::titles::{self, TitleStyle};
use super::trim::{graphemes, trim_to};
use crate::model::Keyphrase;

/// Keyphrases that are looked for where none are given.
const KEYPHRASES: usize = 12;

/// A caption line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// The words, without markup.
    pub text: &'a str,
    /// When it appears, in seconds of the source.
    pub start: f64,
    /// When it goes, in seconds.
    pub end: f64,
}

/// What is plainly so, whatever is said.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts {
    /// Length of the clip, in seconds.
    pub duration: f64,
    /// Size of the picture, in pixels, if known.
    pub size: Option<(i64, i64)>,
}

/// What texts about a clip are made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextInput<'a> {
    /// The clip's caption lines, in order.
    pub lines: &'a [Line<'a>],
    /// Their [`keyphrases`], strongest first; empty: they are looked for.
    pub keyphrases: &'a [Keyphrase],
    /// Tag of the captions' language, if known.
    pub language: Option<&'a str>,
    /// What the person who made the request calls it.
    pub topic: Option<&'a str>,
    /// Interests of the audience.
    pub interests: &'a [String],
    /// What is known without captions.
    pub facts: Facts,
}

/// How long texts may be, in grapheme clusters, and how many hashtags there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct TextLimits {
    /// Of the title, and of the hook.
    pub title_chars: usize,
    /// Of the description.
    pub description_chars: usize,
    /// Hashtags.
    pub hashtags: usize,
}

impl Default for TextLimits {
    /// What every large platform takes.
    fn default() -> Self {
        Self { title_chars: 100, description_chars: 500, hashtags: 5 }
    }
}

/// What texts were made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextOrigin {
    /// What is said in the clip.
    Captions,
    /// What the request calls it.
    Request,
    /// Its length, size and language: nobody said anything.
    Facts,
    /// A language model.
    Model,
}

impl TextOrigin {
    /// The spelling in `text_origin`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Captions => "captions",
            Self::Request => "request",
            Self::Facts => "facts",
            Self::Model => "model",
        }
    }
}

/// Texts about a clip, within their [`TextLimits`].
#[derive(Debug, Clone, PartialEq)]
pub struct ClipText {
    /// One line.
    pub title: String,
    /// The first sentence that is said; `None` without captions.
    pub hook_text: Option<String>,
    /// What is said, as many sentences as fit.
    pub description: String,
    /// With their `#`, those of the audience's interests first.
    pub hashtags: Vec<String>,
    /// The keyphrases, strongest first.
    pub keywords: Vec<String>,
    /// What all of it was made from.
    pub origin: TextOrigin,
}

/// The texts of a clip, its title a statement. For several titles of one clip make a [`Script`] once.
pub fn describe(input: &TextInput<'_>, limits: &TextLimits) -> ClipText {
    Script::of(input).describe(limits, TitleStyle::Statement)
}

/// What is said in a clip, made ready: titles in several forms and lengths are made from it without
/// looking through the captions again.
pub struct Script<'a> {
    pub(super) sentences: Vec<String>,
    /// Of each sentence, the weights of the keyphrases in it.
    pub(super) weights: Vec<f64>,
    pub(super) keyphrases: Cow<'a, [Keyphrase]>,
    pub(super) lexicon: Lexicon,
    input: TextInput<'a>,
    origin: TextOrigin,
}

impl<'a> Script<'a> {
    /// Look through what is said, or what the request says where nothing is.
    pub fn of(input: &TextInput<'a>) -> Self {
        let mut said = sentences(input.lines);
        let mut origin = TextOrigin::Captions;
        if said.is_empty() {
            let topic = input.topic.map(spoken).unwrap_or_default();
            said = sentences(&[Line { text: &topic, start: 0.0, end: 0.0 }]);
            origin = if said.is_empty() { TextOrigin::Facts } else { TextOrigin::Request };
        }
        let whole = said.join(" ");
        let given = origin == TextOrigin::Captions && !input.keyphrases.is_empty();
        let keyphrases = match given {
            true => Cow::Borrowed(input.keyphrases),
            false => Cow::Owned(keyphrases(&whole, input.language, KEYPHRASES)),
        };
        let lexicon = Lexicon::of(input.language, &whole);
        let weights = said.iter().map(|s| weight(s, &keyphrases)).collect();
        Self { sentences: said, weights, keyphrases, lexicon, input: *input, origin }
    }

    /// What texts are made from.
    pub fn origin(&self) -> TextOrigin {
        self.origin
    }

    /// The title in one form, at most `most` grapheme clusters; `None` if the clip has no words for
    /// it: asks no question, or says one sentence only.
    pub fn title(&self, style: TitleStyle, most: usize) -> Option<String> {
        titles::title(self, style, most).filter(|title| graphemes(title) <= most)
    }

    /// The forms that this clip has words for.
    pub fn styles(&self, most: usize) -> Vec<TitleStyle> {
        TitleStyle::ALL.into_iter().filter(|style| self.title(*style, most).is_some()).collect()
    }

    /// All texts, the title in this form, or in another one if there are no words for it.
    pub fn describe(&self, limits: &TextLimits, style: TitleStyle) -> ClipText {
        let most = limits.title_chars;
        let forms = [style].into_iter().chain(TitleStyle::ALL);
        let title = forms.into_iter().find_map(|form| self.title(form, most));
        let hook = || self.sentences.first().map(|s| trim_to(s, most)).filter(|s| !s.is_empty());
        let tags =
            hashtags(&self.keyphrases, self.input.interests, self.input.language, limits.hashtags);
        ClipText {
            title: title.unwrap_or_else(|| trim_to(&self.facts(), most)),
            hook_text: if self.origin == TextOrigin::Captions { hook() } else { None },
            description: self.description(limits.description_chars),
            hashtags: tags,
            keywords: self.keyphrases.iter().map(|k| k.text.clone()).collect(),
            origin: self.origin,
        }
    }

    /// As many sentences as fit; of a first one that does not, its beginning.
    fn description(&self, most: usize) -> String {
        let mut text = String::new();
        for sentence in &self.sentences {
            let mut longer = text.clone();
            super::script::join(&mut longer, sentence);
            if graphemes(&longer) > most {
                break;
            }
            text = longer;
        }
        match self.sentences.first() {
            Some(first) if text.is_empty() => trim_to(first, most),
            None => trim_to(&self.facts(), most),
            _ => text,
        }
    }

    /// Length, size and language, which need no words of any language.
    fn facts(&self) -> String {
        let Facts { duration, size } = self.input.facts;
        let seconds = if duration.is_finite() { duration.max(0.0).round() as u64 } else { 0 };
        let mut parts = vec![format!("{}:{:02}", seconds / 60, seconds % 60)];
        parts.extend(size.map(|(width, height)| format!("{width}×{height}")));
        parts.extend(self.input.language.filter(|l| super::is_language_tag(l)).map(str::to_owned));
        parts.join(" · ")
    }
}

/// What the keyphrases in a sentence weigh. One is in it if it stands there in any case.
fn weight(sentence: &str, keyphrases: &[Keyphrase]) -> f64 {
    let lower = sentence.to_lowercase();
    let words: Vec<&str> = lower.unicode_words().collect();
    let is_said = |k: &&Keyphrase| {
        let wanted = k.text.to_lowercase();
        let parts: Vec<&str> = wanted.unicode_words().collect();
        !parts.is_empty()
            && (words.windows(parts.len()).any(|w| w == parts) || lower.contains(&wanted))
    };
    keyphrases.iter().filter(is_said).map(|k| k.weight).sum()
}

#[cfg(test)]
mod tests;
