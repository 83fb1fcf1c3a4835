//! `variants`: one row per version of a clip, made for one platform.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::edit::{self, Edit, list};
use super::{float, int, text};

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
    /// Title, within the platform's length.
    pub title: String,
    /// First words that are heard or read; NULL without captions.
    pub hook_text: Option<String>,
    /// Description, within the platform's length.
    pub description: String,
    /// Hashtags with their `#`, most fitting first.
    pub hashtags: Vec<String>,
    /// What the texts are made from: `captions`, `request`, `facts` or `model`.
    pub text_origin: String,
    /// Why a language model that was asked did not write them, as a sentence.
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

/// The columns of a variant as [`make_variants`](crate::kernels) gives it.
pub fn fields() -> Vec<Field> {
    let edit = Field::new("edit", edit::data_type(), false);
    [head(), vec![edit], tail()].concat()
}

/// The struct type of one variant.
pub fn data_type() -> DataType {
    DataType::Struct(fields().into())
}

/// The columns of the table `variants`: ids, the edit's columns among the variant's own, and why it has no
/// file that was to have one.
pub fn table_fields() -> Vec<Field> {
    let ids = ["variant_id", "clip_id", "request_id", "source_id"];
    let ids = ids.map(|name| text(name, false)).to_vec();
    let fault = ["error_code", "error_message"].map(|name| text(name, true)).to_vec();
    [ids, vec![text("experiment_id", true)], head(), edit::fields(), tail(), fault].concat()
}

fn head() -> Vec<Field> {
    vec![
        int("rank", false),
        text("platform", false),
        float("start", false),
        float("end", false),
        float("duration", false),
    ]
}

fn tail() -> Vec<Field> {
    let tag = Field::new_list_field(DataType::Utf8, true);
    vec![
        text("title_style", false),
        text("title", false),
        text("hook_text", true),
        text("description", false),
        Field::new("hashtags", DataType::List(Arc::new(tag)), false),
        text("text_origin", false),
        text("text_note", true),
        float("predicted_engagement_rate", false),
        float("predicted_hook_rate", false),
        float("predicted_completion_rate", false),
        float("viral_score", false),
        text("score_model", false),
        score_parts(),
        text("reason", false),
    ]
}

/// The column of a score's parts.
pub(super) fn score_parts() -> Field {
    let parts = vec![
        text("feature", false),
        float("value", true),
        float("weight", false),
        float("part", false),
    ];
    list("score_parts", parts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_column_stands_twice() {
        let mut names: Vec<_> = table_fields().iter().map(|f| f.name().clone()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
