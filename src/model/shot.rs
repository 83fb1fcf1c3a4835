//! `shots`: one row per shot of a source.

use serde::{Deserialize, Serialize};

use super::column::table;
use super::spelled::spelled;

spelled! {
    /// How a shot begins.
    Transition {
        /// The first shot of the source.
        Start => "start",
        /// From one frame to the next.
        Cut => "cut",
        /// Through black (or another plain frame).
        Fade => "fade",
        /// One picture blended into the next.
        Dissolve => "dissolve",
    }
}

table! {
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
}
