//! Caption text: bytes to text, subtitle files to cues, languages, ends of sentences.
//!
//! Everything here takes what strangers made, so nothing here fails or panics: what cannot be
//! understood is left out.

pub mod ass;
mod captions;
mod decode;
mod language;
mod sentence;
mod subtitles;

pub use captions::{CaptionLine, caption_lines};
pub use decode::decode_bytes;
pub use language::{detect_language, is_language_tag, to_iso639_3};
pub use sentence::ends_sentence;
pub use subtitles::{RawCue, parse_subtitles, to_srt, to_vtt};
