//! `shots`: one row per shot of a source.

use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::{float, int, text};

/// How a shot begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// The first shot of the source.
    Start,
    /// From one frame to the next.
    Cut,
    /// Through black (or another plain frame).
    Fade,
    /// One picture blended into the next.
    Dissolve,
}

impl Transition {
    /// The spelling in the `transition` column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Cut => "cut",
            Self::Fade => "fade",
            Self::Dissolve => "dissolve",
        }
    }
}

/// A run of frames from one camera, in time order, without gaps: `start` of a shot is the `end`
/// of the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shot {
    /// 0 for the first shot of the source.
    pub shot_id: i64,
    /// PTS of the first frame, in seconds.
    pub start: f64,
    /// End of the last frame, in seconds (exclusive).
    pub end: f64,
    /// How the shot begins.
    pub transition: Transition,
    /// Confidence of the boundary in [0, 1]; 1 for the first shot.
    pub score: f64,
    /// Number of the first frame, counted from 0 in presentation order.
    pub first_frame: i64,
    /// Number of the last frame (inclusive).
    pub last_frame: i64,
}

/// The columns of a shot, without its source.
pub fn fields() -> Vec<Field> {
    vec![
        int("shot_id", false),
        float("start", false),
        float("end", false),
        text("transition", false),
        float("score", false),
        int("first_frame", false),
        int("last_frame", false),
    ]
}

/// The struct type of one shot inside a list.
pub fn data_type() -> DataType {
    DataType::Struct(fields().into())
}
