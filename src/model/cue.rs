//! `cues`: one row per caption line of a source.

use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::{float, int, text};

/// A caption line. Times are on the same clock as the shots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// 0 for the first cue of the source, over all its tracks.
    pub cue_id: i64,
    /// When the line appears, in seconds.
    pub start: f64,
    /// When it goes, in seconds.
    pub end: f64,
    /// The words, without markup; lines are separated by `\n`.
    pub text: String,
    /// ISO 639-3 code of the track (`eng`): from its text where that is certain, else from its tag or
    /// file name; NULL when unknown.
    pub language: Option<String>,
    /// `embedded` or `sidecar`.
    pub origin: String,
}

/// The columns of a cue, without its source.
pub fn fields() -> Vec<Field> {
    vec![
        int("cue_id", false),
        float("start", false),
        float("end", false),
        text("text", false),
        text("language", true),
        text("origin", false),
    ]
}

/// The struct type of one cue inside a list.
pub fn data_type() -> DataType {
    DataType::Struct(fields().into())
}
