//! `renditions`: one row per media file that was written.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// The facts of a media file, all measured after it was written. Which clip or variant it shows
    /// and where it lies (`clip_id`, `variant_id`, `uri`) is the table's to add.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Rendition {
        /// Stable id of the file.
        pub rendition_id: String,
        /// Container, which is the end of the file's name (`mp4`, `webm`, `gif`, `webp`, `mp3`, `m4a`, `opus`).
        pub container: String,
        /// Video codec (`h264`); empty, in tables NULL, without a picture.
        #[serde(with = "absent")]
        pub video_codec: String | NULL,
        /// Audio codec (`aac`); NULL without sound.
        pub audio_codec: Option<String>,
        /// Width in square pixels; 0, in tables NULL, without a picture.
        #[serde(with = "absent")]
        pub width: i64 | NULL,
        /// Height in square pixels, as the width.
        #[serde(with = "absent")]
        pub height: i64 | NULL,
        /// Average frame rate: frames / duration; 0, in tables NULL, without a picture.
        #[serde(with = "absent")]
        pub fps: f64 | NULL,
        /// Number of frames in the file; 0, in tables NULL, without a picture.
        #[serde(with = "absent")]
        pub frames: i64 | NULL,
        /// Duration of the picture in seconds, to the end of the last frame; without one, of the sound.
        pub duration: f64,
        /// Size of the file in bytes.
        pub bytes: i64,
        /// BLAKE3 of the file, in lower-case hexadecimal digits.
        pub blake3: String,
        /// Start of the audio minus start of the video, in seconds; NULL without both.
        pub av_offset: Option<f64>,
        /// Frames that are the source's own packets, by smart cut; NULL where all were encoded, or in a
        /// file that was found.
        #[serde(default)]
        pub copied_frames: Option<i64>,
        /// Transfer of its high dynamic range (`hlg`, `pq`), where that was kept; NULL for the usual one.
        #[serde(default)]
        pub hdr: Option<String>,
        /// What is left out of its captions, and why, as a sentence; NULL where nothing is.
        #[serde(default)]
        pub text_note: Option<String>,
        /// Whether its captions lie beside it, as `.srt` and `.vtt` of its name.
        #[serde(default)]
        pub sidecar: bool,
        /// Whether a still lies beside it, as `.jpg` of its name.
        #[serde(default)]
        pub thumbnail: bool,
    }
}

/// What a file without a picture has not: nothing in Rust is NULL in tables.
mod absent {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Serialize + Default + PartialEq,
        S: Serializer,
    {
        Some(value).filter(|value| **value != T::default()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: Deserialize<'de> + Default,
        D: Deserializer<'de>,
    {
        Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
    }
}
