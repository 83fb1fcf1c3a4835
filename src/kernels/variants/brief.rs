//! What making variants needs to know of a clip, found out once.

use serde::{Deserialize, Serialize};

use crate::kernels::text::{SentencePart, TextOrigin, trim_to};
use crate::model::{Keyphrase, PictureArea, WrittenTexts};

/// Titles are made no longer than this; every platform takes it.
pub(super) const TITLE_CHARS: usize = 100;
/// Lengths in which a description is made ready.
pub(super) const DESCRIPTION_CHARS: [usize; 2] = [500, 250];
/// Variants have at least so many frames a second: slides that stand for seconds come more than once.
pub const MIN_FPS: f64 = 10.0;
/// `title_style` of a written title.
const WRITTEN: &str = "written";
/// Keyphrases that are looked for.
pub(super) const KEYPHRASES: usize = 12;
/// Moments beside the clip's start.
pub(super) const MOMENTS: usize = 3;
/// How natural it is to end within a sentence, at most.
pub(super) const CUT_SENTENCE: f64 = 0.3;

/// A place where a variant may open, and how strong it is there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// When, in seconds of the source.
    pub t: f64,
    /// How much more is going on in the next seconds than is usual in the clip, in [0, 1]; 0.5 is usual.
    pub strength: f64,
    /// Share of the first two seconds that is silent, in [0, 1].
    pub silence: f64,
}

/// A place where a variant may end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// When, in seconds of the source.
    pub t: f64,
    /// How natural it is, in [0, 1].
    pub quality: f64,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// In seconds of the source.
    pub start: f64,
    /// In seconds of the source, exclusive.
    pub end: f64,
}

/// A title in one form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Title {
    /// The form, as in `title_style`.
    pub style: String,
    /// The words.
    pub text: String,
}

/// What making variants needs to know of a clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct ClipBrief {
    /// First frame, in seconds of the source.
    pub start: f64,
    /// End (exclusive), in seconds of the source.
    pub end: f64,
    /// Language of its captions, as the request gives it.
    pub language: Option<String>,
    /// Width of the source's picture in it without baked-in bars, upright, in square pixels.
    pub width: i64,
    /// Height of that picture.
    pub height: i64,
    /// Where that picture is in the source's; NULL: it is all of it.
    pub area: Option<PictureArea>,
    /// Frames a second of the source; [`MIN_FPS`] if it has fewer.
    pub fps: f64,
    /// Shortest that the request wants, in seconds.
    pub least: f64,
    /// Longest that it wants, in seconds.
    pub most: f64,
    /// Mean motion.
    pub motion: f64,
    /// Mean likelihood of speech; NULL without sound.
    pub speech: Option<f64>,
    /// Loudest moment, in LUFS; NULL without sound.
    pub loudness_peak: Option<f64>,
    /// Cuts a minute.
    pub cut_rate: f64,
    /// Caption characters a second.
    pub caption_density: f64,
    /// Its own start (that of its first whole sentence, if it cuts one in two and the request does not give the
    /// span), then the strongest moments, strongest first.
    pub moments: Vec<Moment>,
    /// Its own end (as the start: after a whole sentence), then earlier ones, in order of time.
    pub endings: Vec<Ending>,
    /// Pauses and filler words that tight pacing may cut out, in order of time.
    pub pauses: Vec<Stretch>,
    /// Filler words among them, as they are said.
    pub fillers: Vec<Stretch>,
    /// Strong onsets, far enough from each other, in order of time.
    pub onsets: Vec<f64>,
    /// What it is about, strongest first.
    pub keyphrases: Vec<Keyphrase>,
    /// Titles, one a form that it has words for; at least one.
    pub titles: Vec<Title>,
    /// First sentence that is said in it; NULL without captions.
    pub hook_text: Option<String>,
    /// Descriptions, longest first.
    pub descriptions: Vec<String>,
    /// What the texts are made from.
    pub text_origin: String,
    /// Written hashtags; empty: they are made from the keyphrases.
    pub hashtags: Vec<String>,
    /// Why the texts were not written by the model that was asked.
    pub text_note: Option<String>,
    /// What is said in it and around it, by sentence.
    pub said: Vec<SentencePart>,
    /// What the request says that the source is about.
    pub topic: Option<String>,
    /// Whether there are captions to show, a neighbour's line at either end among them.
    pub captioned: bool,
    /// The size that its variants are to have, as text of a [`VariantSize`](super::VariantSize); NULL: what suits
    /// source and platform.
    pub size: Option<String>,
}

impl ClipBrief {
    /// The brief with written texts in place of its own.
    #[must_use]
    pub fn with_texts(mut self, texts: WrittenTexts) -> Self {
        self.text_note = texts.note;
        let Some(title) = texts.title else { return self };
        self.titles = vec![Title { style: WRITTEN.to_owned(), text: trim_to(&title, TITLE_CHARS) }];
        self.hook_text = texts.hook_text;
        let description = texts.description.unwrap_or_default();
        self.descriptions = DESCRIPTION_CHARS.map(|most| trim_to(&description, most)).to_vec();
        self.hashtags = texts.hashtags;
        TextOrigin::Model.as_str().clone_into(&mut self.text_origin);
        self
    }
}

/// What is known of the clip beside its signals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipFacts<'a> {
    /// First frame, in seconds.
    pub start: f64,
    /// End, in seconds.
    pub end: f64,
    /// Language of the request.
    pub language: Option<&'a str>,
    /// What the request says that the source is about.
    pub topic: Option<&'a str>,
    /// Upright size of the source in square pixels.
    pub size: (i64, i64),
    /// Frames a second of the source.
    pub fps: f64,
    /// Shortest and longest that the request wants, in seconds; 0 and infinity where it gives the span itself,
    /// which then opens and ends as it is given.
    pub lengths: (f64, f64),
}
