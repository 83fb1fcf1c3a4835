//! Title, hook, description, hashtags and keywords of a clip, from what is said in it.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::hashtags::hashtags_in;
use super::keyphrases::keyphrases;
use super::lexicon::Lexicon;
use super::script::{join, spoken};
use super::sentences::sentences;
use super::titles::{self, TitleStyle};
use super::trim::{graphemes, trim_to};
use crate::model::Keyphrase;
use crate::model::platform::TextLimits;

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
    pub(super) sentences: Vec<Sentence>,
    pub(super) keyphrases: Cow<'a, [Keyphrase]>,
    pub(super) lexicon: Lexicon,
    /// All hashtags there may be, the most fitting first.
    tags: Vec<String>,
    input: TextInput<'a>,
    origin: TextOrigin,
}

/// A sentence, measured.
pub(super) struct Sentence {
    pub(super) text: String,
    /// In grapheme clusters.
    pub(super) length: usize,
    /// Words, as far as it matters how many there are.
    pub(super) words: usize,
    /// The weights of the keyphrases in it.
    pub(super) weight: f64,
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
        let given = origin == TextOrigin::Captions && !input.keyphrases.is_empty();
        let keyphrases = match given {
            true => Cow::Borrowed(input.keyphrases),
            false => Cow::Owned(keyphrases(&said.join("\n"), input.language, KEYPHRASES)),
        };
        let lexicon = Lexicon::of(input.language, &said.join(" "));
        let sentences = measured(said, &keyphrases);
        let tags = hashtags_in(&keyphrases, input.interests, &lexicon, usize::MAX);
        Self { sentences, keyphrases, lexicon, tags, input: *input, origin }
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

    /// As many sentences as fit; of a first one that does not, its beginning.
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

fn measured(said: Vec<String>, keyphrases: &[Keyphrase]) -> Vec<Sentence> {
    let lower: Vec<(String, f64)> =
        keyphrases.iter().map(|k| (k.text.to_lowercase(), k.weight)).collect();
    let measure = |text: String| {
        let folded = text.to_lowercase();
        // In any case, and as the beginning of a longer word: Chinese has no spaces, plurals have ends.
        let weight =
            lower.iter().filter(|(k, _)| folded.contains(k.as_str())).map(|(_, w)| w).sum();
        let words = text.unicode_words().take(titles::LEAST_WORDS).count();
        Sentence { length: graphemes(&text), words, weight, text }
    };
    said.into_iter().map(measure).collect()
}

#[cfg(test)]
mod tests;
