//! Variants scored anew by another model, as `clipflow score` gives them.

use serde::{Deserialize, Serialize};

use super::ScorePart;
use super::column::table;

table! {
    /// A variant with a new score.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct RescoredVariant {
        /// The variant.
        pub variant_id: String,
        /// Its clip.
        pub clip_id: String,
        /// Its platform.
        pub platform: String,
        /// Place among the clip's variants by the new score; 1 is the best.
        pub rank: i64,
        /// The new score, in [0, 1].
        pub viral_score: f64,
        /// Name and version of the model that gave it.
        pub score_model: String,
        /// Place in the results.
        pub previous_rank: i64,
        /// Score in the results.
        pub previous_score: f64,
        /// What gave that.
        pub previous_model: String,
        /// What lifts the new score most, best first: `hook_strength +0.42, pace +0.10`.
        pub strengths: String,
        /// Each feature's part in the new score.
        pub score_parts: Vec<ScorePart>,
    }
}
