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
    /// A part of a source's picture, upright and in square pixels.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
    pub struct PictureArea {
        /// Its left edge, in pixels.
        pub x: i64,
        /// Its upper edge, in pixels.
        pub y: i64,
        /// Its width, in pixels.
        pub width: i64,
        /// Its height, in pixels.
        pub height: i64,
    }
}

impl PictureArea {
    /// The smallest that holds both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let below = (self.y + self.height).max(other.y + other.height);
        Self { x, y, width: right - x, height: below - y }
    }

    /// That of what is shown from `start` to `end` of shots, each with its start, its end and its area; `None` if
    /// a shot without bars is among them.
    pub fn shown(
        shots: impl IntoIterator<Item = (f64, f64, Option<Self>)>,
        (start, end): (f64, f64),
    ) -> Option<Self> {
        let seen = shots.into_iter().filter(|shot| shot.0 < end - 1e-6 && shot.1 > start + 1e-6);
        let areas: Option<Vec<Self>> = seen.map(|shot| shot.2).collect();
        areas?.into_iter().reduce(Self::with)
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
        /// The part of the picture within baked-in bars; NULL: all of it.
        #[serde(default)]
        pub area: Option<PictureArea>,
    }
}
