//! `clips`: one row per chosen clip.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// A chosen clip of a request that was answered, with or without a file of its own.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Clip {
        /// Stable id of request, source, start and end.
        pub clip_id: String,
        /// The request it answers.
        pub request_id: String,
        /// The source it is cut from.
        pub source_id: String,
        /// The file it is rendered to; clips of the same span of the same source share one.
        pub media_id: String,
        /// 1 for the request's best clip.
        pub clip_rank: i64,
        /// PTS of the first frame, in seconds of the source's clock.
        pub start: f64,
        /// End of the last frame (exclusive), in seconds.
        pub end: f64,
        /// `end − start` in seconds.
        pub duration: f64,
        /// Score in [0, 1]; its parts stand in `candidates`.
        pub score: f64,
        /// First caption line of the clip; NULL without captions in the request's language.
        pub hook_text: Option<String>,
        /// All caption lines of the clip, in order; NULL without captions in the request's language.
        pub transcript: Option<String>,
        /// Code of the error for which its own file could not be rendered; NULL if there is none.
        #[serde(default)]
        pub error_code: Option<String>,
        /// The error as a sentence; NULL if there is none.
        #[serde(default)]
        pub error_message: Option<String>,
    }
}
