//! `signals`: one row per source and time bucket.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// What was seen and heard in one bucket of time. Picture values are means over the bucket's
    /// frames unless said otherwise; audio values are NULL where the source has no audio.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct Signal {
        /// Start of the bucket, in seconds.
        pub t: f64,
        /// Strongest evidence of a shot boundary in the bucket, in [0, 1].
        pub shot_score: f64,
        /// Mean absolute luma change from frame to frame after the shot boundary is left out, in [0, 1].
        pub motion: f64,
        /// Mean luma in [0, 1], full range.
        pub luma: f64,
        /// Mean distance of the colour from grey in [0, 1].
        pub chroma: f64,
        /// Horizontal centre of what draws the eye, 0 left to 1 right.
        pub saliency_x: f64,
        /// Vertical centre of what draws the eye, 0 top to 1 bottom.
        pub saliency_y: f64,
        /// Momentary loudness by EBU R128 at the end of the bucket, in LUFS, not below −70.
        pub loudness: Option<f64>,
        /// Onset strength: rise of log energy against the recent past, in [0, 1].
        pub onset: Option<f64>,
        /// Likelihood of speech, in [0, 1].
        pub speech: Option<f64>,
        /// Share of the bucket that is silent, in [0, 1].
        pub silence: Option<f64>,
        /// Caption characters a second that are on screen in the bucket.
        pub caption_density: f64,
    }
}
