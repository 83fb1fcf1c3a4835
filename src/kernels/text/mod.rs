//! Text of captions: decoding, subtitle files, languages, keyphrases, titles and hashtags.
//!
//! The input is untrusted, so nothing here fails or panics: what cannot be parsed is skipped.

pub mod ass;
mod captions;
mod decode;
mod describe;
mod fillers;
mod hashtags;
mod keyphrases;
mod language;
mod lexicon;
mod lines;
mod model;
mod script;
mod sentence;
mod sentence_parts;
mod sentences;
mod subtitles;
mod titles;
mod topic;
mod transcript;
mod trim;
mod words;
mod writing;

pub use captions::{CaptionLine, caption_lines, captions_left_out};
pub use decode::{Decoded, decode, encoding_of};
pub use describe::{ClipText, describe};
pub(in crate::kernels) use fillers::fillers;
pub use hashtags::{hashtag, hashtags, hashtags_and_match};
pub use keyphrases::keyphrases;
pub use language::{detect_language, is_language_tag, to_iso639_3, to_short_tag};
pub(in crate::kernels) use lines::joined;
pub use lines::{Line, lines_in, said};
pub use model::{BuiltIn, TextModel, TextModelAnswer, TextModelRequest};
pub use script::{Facts, Script, TextInput, TextOrigin};
pub use sentence::ends_sentence;
pub use sentence_parts::{SentencePart, sentence_parts};
pub use subtitles::{RawCue, parse_subtitles, to_srt, to_vtt};
pub use titles::TitleStyle;
pub use topic::TopicTrack;
pub use transcript::{
    CAPTION_ENDINGS, HeardWord, OmittedWords, Passage, Transcript, VoiceTimes, parse_captions,
    read_captions,
};
pub use trim::{graphemes, trim_to};
