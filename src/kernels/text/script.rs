//! The words of a clip, analysed once for all texts about it.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::hashtags::hashtags_in;
use super::keyphrases::keyphrases;
use super::lexicon::Lexicon;
use super::lines::Line;
use super::sentences::sentences;
use super::trim::graphemes;
use super::writing::spoken;
use crate::model::Keyphrase;

/// Number of keyphrases that are extracted if none are given.
const KEYPHRASES: usize = 12;

/// Smallest number of words of a sentence that is suitable as title.
pub(super) const LEAST_WORDS: usize = 3;

/// Facts about a clip that need no captions.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts {
    /// Length of the clip, in seconds.
    pub duration: f64,
    /// Size of the picture, in pixels, if known.
    pub size: Option<(i64, i64)>,
}

/// The input for the texts about a clip.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextInput<'a> {
    /// The clip's caption lines, in order.
    pub lines: &'a [Line<'a>],
    /// Their [`keyphrases`], strongest first; extracted if empty.
    pub keyphrases: &'a [Keyphrase],
    /// Tag of the captions' language, if known.
    pub language: Option<&'a str>,
    /// The topic that the request gives.
    pub topic: Option<&'a str>,
    /// Interests of the audience.
    pub interests: &'a [String],
    /// Facts that need no captions.
    pub facts: Facts,
}

/// What texts were made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextOrigin {
    /// The captions of the clip.
    Captions,
    /// The topic in the request.
    Request,
    /// Its length, size and language, without any words.
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

/// The words of a clip, analysed once for all of its texts.
///
/// Titles in several forms and lengths are made from it without reading the captions again.
pub struct Script<'a> {
    pub(super) sentences: Vec<Sentence>,
    pub(super) keyphrases: Cow<'a, [Keyphrase]>,
    pub(super) lexicon: Lexicon,
    /// All possible hashtags, best first.
    pub(super) tags: Vec<String>,
    pub(super) input: TextInput<'a>,
    pub(super) origin: TextOrigin,
}

/// A sentence with its measures.
pub(super) struct Sentence {
    pub(super) text: String,
    /// Length in grapheme clusters.
    pub(super) length: usize,
    /// Number of words, counted up to [`LEAST_WORDS`].
    pub(super) words: usize,
    /// Sum of the weights of the keyphrases in it.
    pub(super) weight: f64,
}

impl<'a> Script<'a> {
    /// Analyses the captions or, if there are none, the topic of the request.
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
}

fn measured(said: Vec<String>, keyphrases: &[Keyphrase]) -> Vec<Sentence> {
    let lower: Vec<(String, f64)> =
        keyphrases.iter().map(|k| (k.text.to_lowercase(), k.weight)).collect();
    let measure = |text: String| {
        let folded = text.to_lowercase();
        // Case-insensitive and within longer words: Chinese has no spaces, plurals have endings.
        let weight =
            lower.iter().filter(|(k, _)| folded.contains(k.as_str())).map(|(_, w)| w).sum();
        let words = text.unicode_words().take(LEAST_WORDS).count();
        Sentence { length: graphemes(&text), words, weight, text }
    };
    said.into_iter().map(measure).collect()
}
