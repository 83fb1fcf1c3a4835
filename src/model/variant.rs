//! `variants`: one row per version of a clip, made for one platform.

use serde::{Deserialize, Serialize};

use super::column::table;
use super::edit::Edit;

table! {
    /// A version of a clip, before it has ids.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Variant {
        /// 1 for the clip's best variant.
        pub rank: i64,
        /// Whom it is shaped for, as named in the table of platforms.
        pub platform: String,
        /// First frame in the source, in seconds: where its span begins, whatever is shown first.
        pub start: f64,
        /// End of its span in the source (exclusive), in seconds.
        pub end: f64,
        /// How long it plays, in seconds.
        pub duration: f64,
        /// Picture and sound.
        pub edit: Edit,
        /// Form of the title.
        pub title_style: String,
        /// Title, within the platform's length; in tables NULL where there are only facts of the file to make it
        /// from (`text_origin` is `facts`).
        pub title: String | NULL,
        /// First sentence that is said in it; NULL without captions.
        pub hook_text: Option<String>,
        /// What is said in its span; NULL without captions.
        pub transcript: Option<String>,
        /// Description, within the platform's length; NULL where `title` is.
        pub description: String | NULL,
        /// Hashtags with their `#`, most fitting first; NULL where `title` is.
        pub hashtags: Vec<String> | NULL,
        /// What the texts are made from: `captions`, `request`, `facts` or `model`.
        pub text_origin: String,
        /// Why a language model that was asked did not write them, or that it wrote them for more than is shown, as a
        /// sentence.
        pub text_note: Option<String>,
        /// Predicted engagements by views, in [0, 1].
        pub predicted_engagement_rate: f64,
        /// Predicted share of impressions that become views of 3 s, in [0, 1].
        pub predicted_hook_rate: f64,
        /// Predicted share of views that reach the end, in [0, 1].
        pub predicted_completion_rate: f64,
        /// Score in [0, 1] by `score_model`; see `score_parts`.
        pub viral_score: f64,
        /// Name and version of the model that scored.
        pub score_model: String,
        /// Each feature's part in the score.
        pub score_parts: Vec<ScorePart>,
        /// What sets it apart from the clip's other variants, as a sentence.
        pub reason: String,
    }
}

table! {
    /// A feature of a score.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct ScorePart {
        /// Its name in the model.
        pub feature: std::borrow::Cow<'static, str>,
        /// What was measured; NULL where it could not be, which counts as usual.
        pub value: Option<f64>,
        /// The model's weight for one standard deviation.
        pub weight: f64,
        /// What it adds to the score, before the link function.
        pub part: f64,
    }
}
