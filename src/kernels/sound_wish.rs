//! Which sound track of a source is wanted, as requests say it: `2`, `spa`, `mix`.

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::to_iso639_3;

/// How the text of a wish begins that need not be met.
const OPTIONAL: char = '?';

/// Which sound track of a source is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SoundWish {
    /// The first that is not silent.
    #[default]
    Any,
    /// One in the language of this ISO 639-3 code.
    Language {
        /// The code.
        code: String,
        /// Whether the request names the track, and not only the language of its captions.
        named: bool,
    },
    /// The track of this number, counted from 1.
    Track(usize),
    /// All tracks together.
    Mix,
}

impl SoundWish {
    /// The wish of a text: a number from 1, `mix`, or the tag of a language (`?es`: if there is one in it).
    ///
    /// # Errors
    /// `invalid_request.bad_value`.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Some(language) = text.strip_prefix(OPTIONAL) {
            // Another column says what is wrong with it.
            return Ok(to_iso639_3(language)
                .map_or(Self::Any, |code| Self::Language { code, named: false }));
        }
        if text.eq_ignore_ascii_case("mix") {
            return Ok(Self::Mix);
        }
        // Tables have whole numbers as decimals where cells are empty.
        let whole = text.strip_suffix(".0").unwrap_or(text);
        if let Some(number) = whole.parse().ok().filter(|number| (1..=1000).contains(number)) {
            return Ok(Self::Track(number));
        }
        to_iso639_3(text).map(|code| Self::Language { code, named: true }).ok_or_else(|| {
            let sentence = format!(
                "audio_track is {text}; give the number of a track from 1 on, a language such as es, or mix"
            );
            Error::new(ErrorCode::InvalidRequestBadValue, sentence)
        })
    }

    /// The wish of a cell; empty and NULL ones, and those that cannot be read, want any track.
    pub fn of_cell(text: Option<&str>) -> Self {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        text.and_then(|text| Self::parse(text).ok()).unwrap_or_default()
    }

    /// Whether it is [`SoundWish::Any`].
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn wishes_are_numbers_languages_and_mix() {
        let language = |code: &str, named| SoundWish::Language { code: code.into(), named };
        for (text, want) in [
            ("2", SoundWish::Track(2)),
            ("3.0", SoundWish::Track(3)),
            (" Mix ", SoundWish::Mix),
            ("es", language("spa", true)),
            ("pt-BR", language("por", true)),
            ("?es", language("spa", false)),
            ("?", SoundWish::Any),
        ] {
            assert_eq!(SoundWish::parse(text).unwrap(), want, "{text}");
        }
        for text in ["0", "-1", "1.5", "track 2", "xx", ""] {
            assert!(SoundWish::parse(text).unwrap_err().message().contains("give the number"));
        }
        assert!(SoundWish::of_cell(None).is_any() && SoundWish::of_cell(Some(" ")).is_any());
    }
}
