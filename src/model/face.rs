//! `faces`: one row per face and picture that was looked at.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// A point of a picture.
    #[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
    pub struct FacePoint {
        /// Share of the picture's width, 0 left to 1 right.
        pub x: f64,
        /// Share of the picture's height, 0 top to 1 bottom.
        pub y: f64,
    }
}

table! {
    /// A face in a picture of a source. Places are shares of the upright picture, baked-in bars included; a face at the
    /// edge may reach beyond it.
    #[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
    pub struct Face {
        /// When the picture is shown, in seconds.
        pub t: f64,
        /// Number of the track: the same face from picture to picture within a shot. Tracks are numbered from 0 in each
        /// source.
        pub track: i64,
        /// Left edge of the face's box.
        pub x: f64,
        /// Its upper edge.
        pub y: f64,
        /// Its width.
        pub width: f64,
        /// Its height.
        pub height: f64,
        /// The eye on the left of the picture.
        pub left_eye: FacePoint,
        /// The eye on the right of the picture.
        pub right_eye: FacePoint,
        /// The tip of the nose.
        pub nose: FacePoint,
        /// The corner of the mouth on the left of the picture.
        pub mouth_left: FacePoint,
        /// The corner of the mouth on the right of the picture.
        pub mouth_right: FacePoint,
        /// Confidence of the detector, in [0, 1].
        pub score: f64,
        /// Whether the detector saw it in this picture; else it lies on the line between the pictures before and after.
        pub detected: bool,
        /// How much the mouth moves relative to the eyes and the nose: 1 as much, more in a face that speaks; NULL
        /// without a picture just before, or where the face is too small.
        pub mouth: Option<f64>,
        /// Likelihood that this face speaks, from its mouth and the voices heard, in [0, 1]; NULL without `mouth`.
        pub speaking: Option<f64>,
    }
}
