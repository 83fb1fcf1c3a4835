//! `requests`: one row per clip request, as people hand them in.

use serde::{Deserialize, Deserializer, Serialize};

use super::column::table;

/// `language` where neither a request nor its audience says one.
pub const DEFAULT_LANGUAGE: &str = "en";
/// `min_clip_length` where a request leaves it out, in seconds.
pub const DEFAULT_MIN_CLIP_LENGTH: f64 = 15.0;
/// `max_clip_length` where a request leaves it out, in seconds.
pub const DEFAULT_MAX_CLIP_LENGTH: f64 = 60.0;
/// `max_clips` where a request leaves it out.
pub const DEFAULT_MAX_CLIPS: i64 = 3;

table! {
    /// What to cut from one source. Only the source has to be named; a field that is
    /// missing or NULL has its default. In a table every cell may be NULL, and a row without a source is kept
    /// so that it can be answered.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct VideoClipRequest {
        /// Name of the request, unique in its batch; made from the rest of the row when missing.
        #[serde(default)]
        pub request_id: Option<String>,
        /// Path or URL of the source. Also read from `youtube_url`.
        #[serde(default, alias = "youtube_url", deserialize_with = "null_as_default")]
        pub source_url: String | NULL,
        /// BCP 47 or ISO 639 tag of the language of captions and texts; empty: that of the audience;
        /// default en without one.
        #[serde(default = "default_language", deserialize_with = "language_or_default")]
        pub language: String | NULL,
        /// Shortest clip wanted, in seconds; default 15.
        #[serde(default = "default_min_clip_length", deserialize_with = "min_clip_length_or_default")]
        pub min_clip_length: f64 | NULL,
        /// Longest clip wanted, in seconds; default 60.
        #[serde(default = "default_max_clip_length", deserialize_with = "max_clip_length_or_default")]
        pub max_clip_length: f64 | NULL,
        /// Most clips wanted; default 3.
        #[serde(default = "default_max_clips", deserialize_with = "max_clips_or_default")]
        pub max_clips: i64 | NULL,
        /// Whom the clips are for, as JSON.
        #[serde(default)]
        pub audience_profile: Option<String>,
        /// The experiment that the request belongs to.
        #[serde(default)]
        pub experiment_id: Option<String>,
        /// What the source is about, in the requester's words: for titles where there is no speech.
        #[serde(default)]
        pub topic: Option<String>,
        /// Where the clip starts, in seconds or as 1:05: with `end` this very span is the one clip, whatever
        /// lengths and number are wanted.
        #[serde(default)]
        pub start: Option<f64>,
        /// Where the clip ends, in seconds or as 1:05.
        #[serde(default)]
        pub end: Option<f64>,
        /// Where clips may start at the earliest, in seconds or as 1:05.
        #[serde(default)]
        pub within_start: Option<f64>,
        /// Where clips may end at the latest, in seconds or as 1:05.
        #[serde(default)]
        pub within_end: Option<f64>,
        /// The sound track to hear: its number from 1 on, a language, or `mix` for all of them; empty: one in
        /// `language`, else the first that is not silent.
        #[serde(default, deserialize_with = "text_of_any")]
        pub audio_track: Option<String>,
        /// What becomes of high dynamic range in plain clips: `sdr` (tone-mapped to BT.709) or `keep` (10 bits);
        /// empty: as the setting `hdr` says.
        #[serde(default)]
        pub hdr: Option<String>,
    }
}

impl VideoClipRequest {
    /// A request for clips of `source_url` with every default.
    pub fn new(source_url: impl Into<String>) -> Self {
        Self { source_url: source_url.into(), ..Self::default() }
    }
}

impl Default for VideoClipRequest {
    fn default() -> Self {
        Self {
            request_id: None,
            source_url: String::new(),
            language: default_language(),
            min_clip_length: DEFAULT_MIN_CLIP_LENGTH,
            max_clip_length: DEFAULT_MAX_CLIP_LENGTH,
            max_clips: DEFAULT_MAX_CLIPS,
            audience_profile: None,
            experiment_id: None,
            topic: None,
            start: None,
            end: None,
            within_start: None,
            within_end: None,
            audio_track: None,
            hdr: None,
        }
    }
}

fn default_language() -> String {
    DEFAULT_LANGUAGE.to_owned()
}

fn default_min_clip_length() -> f64 {
    DEFAULT_MIN_CLIP_LENGTH
}

fn default_max_clip_length() -> f64 {
    DEFAULT_MAX_CLIP_LENGTH
}

fn default_max_clips() -> i64 {
    DEFAULT_MAX_CLIPS
}

/// A text, which may be written as a number.
fn text_of_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrNumber {
        Text(String),
        Number(i64),
    }
    let given: Option<TextOrNumber> = Option::deserialize(deserializer)?;
    Ok(given.map(|given| match given {
        TextOrNumber::Text(text) => text,
        TextOrNumber::Number(number) => number.to_string(),
    }))
}

fn null_as_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn language_or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_language))
}

fn min_clip_length_or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(DEFAULT_MIN_CLIP_LENGTH))
}

fn max_clip_length_or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(DEFAULT_MAX_CLIP_LENGTH))
}

fn max_clips_or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(DEFAULT_MAX_CLIPS))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn only_the_source_is_needed_and_null_is_the_default() {
        let want = VideoClipRequest::new("a.mp4");
        for json in [
            r#"{"source_url":"a.mp4"}"#,
            r#"{"youtube_url":"a.mp4","language":null,"min_clip_length":null,"max_clip_length":null,"max_clips":null}"#,
        ] {
            assert_eq!(serde_json::from_str::<VideoClipRequest>(json).unwrap(), want);
        }
        let back = serde_json::to_string(&want).unwrap();
        assert_eq!(serde_json::from_str::<VideoClipRequest>(&back).unwrap(), want);
        assert_eq!(serde_json::from_str::<VideoClipRequest>("{}").unwrap().source_url, "");
    }

    #[test]
    fn columns_say_the_defaults() {
        let lengths = [DEFAULT_MIN_CLIP_LENGTH, DEFAULT_MAX_CLIP_LENGTH].map(|d| d.to_string());
        let [min, max] = lengths;
        for (name, default) in [
            ("language", DEFAULT_LANGUAGE.to_owned()),
            ("min_clip_length", min),
            ("max_clip_length", max),
            ("max_clips", DEFAULT_MAX_CLIPS.to_string()),
        ] {
            let column = VideoClipRequest::COLUMNS.iter().find(|c| c.name == name).unwrap();
            assert!(column.description().contains(&format!("default {default}")), "{name}");
        }
        assert!(VideoClipRequest::COLUMNS.iter().all(|c| c.nullable));
    }
}
