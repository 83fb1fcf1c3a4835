//! `renditions`: one row per media file that was written.

use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::{float, int, text};

/// The facts of a media file, all measured after it was written. Which clip or variant it shows
/// and where it lies (`clip_id`, `variant_id`, `uri`) is the table's to add.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rendition {
    /// Stable id of the file.
    pub rendition_id: String,
    /// Container (`mp4`).
    pub container: String,
    /// Video codec (`h264`).
    pub video_codec: String,
    /// Audio codec (`aac`); NULL when the source has no audio.
    pub audio_codec: Option<String>,
    /// Width in square pixels.
    pub width: i64,
    /// Height in square pixels.
    pub height: i64,
    /// Average frame rate: frames / duration.
    pub fps: f64,
    /// Number of frames in the file.
    pub frames: i64,
    /// Duration of the picture in seconds, to the end of the last frame.
    pub duration: f64,
    /// Size of the file in bytes.
    pub bytes: i64,
    /// BLAKE3 of the file, in lower-case hexadecimal digits.
    pub blake3: String,
    /// Start of the audio minus start of the video, in seconds; NULL without audio.
    pub av_offset: Option<f64>,
}

/// The columns of a rendition, without its clip, variant and place.
pub fn fields() -> Vec<Field> {
    vec![
        text("rendition_id", false),
        text("container", false),
        text("video_codec", false),
        text("audio_codec", true),
        int("width", false),
        int("height", false),
        float("fps", false),
        int("frames", false),
        float("duration", false),
        int("bytes", false),
        text("blake3", false),
        float("av_offset", true),
    ]
}

/// The struct type of one rendition.
pub fn data_type() -> DataType {
    DataType::Struct(fields().into())
}
