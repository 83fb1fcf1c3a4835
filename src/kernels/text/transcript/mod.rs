//! Transcripts: words with their times, as programs that transcribe speech write them, and the captions they become.
//!
//! One reader for all of them: JSON of openai-whisper, faster-whisper, whisperX, whisper.cpp and servers of the
//! OpenAI form, JSON of YouTube (`json3`), and captions (SubRip, WebVTT and the others of
//! [`parse_subtitles`](super::parse_subtitles)).

mod dialects;
mod recut;
mod voice;

#[cfg(test)]
mod tests;

use super::subtitles::{parse_subtitles, read_subtitles};
use super::{RawCue, to_iso639_3};
pub use voice::{OmittedWords, VoiceTimes};

/// A word as it was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardWord {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends, in seconds; not before its start.
    pub end: f64,
    /// The word with its punctuation, without the space before it.
    pub text: String,
    /// Whether it goes on from the word before without a space.
    pub is_joined: bool,
}

/// What was said without a longer pause.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends, in seconds.
    pub end: f64,
    /// All of it.
    pub text: String,
    /// Its words; empty if they have no times.
    pub words: Vec<HeardWord>,
    /// Whether the transcriber itself takes it for invented: repeated over and over, or without speech.
    pub is_doubtful: bool,
}

/// What was heard in a source or a piece of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcript {
    /// In order of time.
    pub passages: Vec<Passage>,
    /// ISO 639-3 code that the transcriber states.
    pub language: Option<String>,
}

impl Transcript {
    /// Reads what a transcriber wrote; `None` if it is no transcript of a known form. Times that are missing between
    /// words are filled in; a transcript without any times has no passages.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{FEFF}').trim();
        let is_json = text.starts_with(['{', '[']) && !text.starts_with("[Script Info]");
        let mut read = match is_json {
            true => dialects::read(&serde_json::from_str(text).ok()?)?,
            false => Self::of_captions(text),
        };
        read.passages.sort_by(|a, b| a.start.total_cmp(&b.start));
        Some(read)
    }

    fn of_captions(text: &str) -> Self {
        let passage = |cue: RawCue| {
            let words = cue.words.unwrap_or_default();
            let ends = words.iter().skip(1).map(|word| word.start).chain([cue.end]);
            let word = |(word, end): (&crate::model::CueWord, f64)| HeardWord {
                start: word.start,
                end,
                text: word.text.clone(),
                is_joined: false,
            };
            Passage {
                start: cue.start,
                end: cue.end,
                words: words.iter().zip(ends).map(word).collect(),
                text: cue.text.replace('\n', " "),
                is_doubtful: false,
            }
        };
        let passages = parse_subtitles(text).into_iter().map(passage).collect();
        Self { passages, language: None }
    }

    /// The transcript `seconds` later, for a piece of a longer sound.
    #[must_use]
    pub fn later(mut self, seconds: f64) -> Self {
        for passage in &mut self.passages {
            passage.start += seconds;
            passage.end += seconds;
            for word in &mut passage.words {
                word.start += seconds;
                word.end += seconds;
            }
        }
        self
    }

    /// Adds a transcript that follows.
    pub fn append(&mut self, mut next: Self) {
        self.passages.append(&mut next.passages);
        self.language = self.language.take().or(next.language);
    }

    /// Its captions: cut at the ends of sentences and at pauses where the words have times, else as the transcriber cut
    /// them.
    pub fn cues(&self) -> Vec<RawCue> {
        recut::cues(&self.passages)
    }
}

/// Endings of the names of caption files; `json` is that of transcribers, other JSON holds no cues.
pub const CAPTION_ENDINGS: [&str; 10] =
    ["srt", "vtt", "ass", "ssa", "ttml", "dfxp", "sbv", "lrc", "json3", "json"];

/// The cues of a caption file: of a form that [`parse_subtitles`] reads, or the JSON of a transcriber.
pub fn parse_captions(text: &str) -> Vec<RawCue> {
    read_captions(text).0
}

/// [`parse_captions`], and the number of cues with words that are left out because they do not end after they start.
pub fn read_captions(text: &str) -> (Vec<RawCue>, usize) {
    match text.trim_start_matches('\u{FEFF}').trim_start().starts_with('{') {
        true => (Transcript::read(text).map(|read| read.cues()).unwrap_or_default(), 0),
        false => read_subtitles(text),
    }
}

/// ISO 639-3 code of a language that is named by its tag or in English (`english`).
fn language_named(name: &str) -> Option<String> {
    let tag = to_iso639_3(name);
    tag.or_else(|| {
        let known = whatlang::Lang::all().iter();
        let lang = known.into_iter().find(|lang| lang.eng_name().eq_ignore_ascii_case(name.trim()));
        lang.and_then(|lang| to_iso639_3(lang.code()))
    })
}
