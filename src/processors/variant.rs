//! Variants in responses.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Result;
use crate::location::Location;
use crate::model::{Column, ScorePart, table};
use crate::query::rows::typed;

/// A variant of a clip, with its score and its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViralVideoVariant {
    /// Stable id.
    pub variant_id: String,
    /// The clip it is made of.
    pub clip_id: String,
    /// The request that the clip answers.
    pub request_id: String,
    /// 1 for the clip's best variant.
    pub rank: i64,
    /// Platform it is shaped for.
    pub platform: String,
    /// Start of its span in the source, in seconds.
    pub start: f64,
    /// End of its span in the source (exclusive), in seconds.
    pub end: f64,
    /// How long it plays, in seconds.
    pub duration: f64,
    /// Width in square pixels.
    pub width: i64,
    /// Height in square pixels.
    pub height: i64,
    /// How the picture fills the frame.
    pub layout: String,
    /// How captions look.
    pub caption_style: String,
    /// Title; `None` where there are neither captions nor a topic to make it from.
    pub title: Option<String>,
    /// First words; `None` without captions.
    pub hook_text: Option<String>,
    /// Description; `None` where the title is.
    pub description: Option<String>,
    /// Hashtags with their `#`.
    #[serde(deserialize_with = "null_as_none")]
    pub hashtags: Vec<String>,
    /// Predicted engagements by views, in [0, 1].
    pub predicted_engagement_rate: f64,
    /// Predicted share of impressions that become views of 3 s, in [0, 1].
    pub predicted_hook_rate: f64,
    /// Predicted share of views that reach the end, in [0, 1].
    pub predicted_completion_rate: f64,
    /// Score in [0, 1].
    pub viral_score: f64,
    /// Each feature's part in the score.
    pub score_parts: Vec<ScorePart>,
    /// What sets it apart from the clip's other variants.
    pub reason: String,
    /// The media file: its place as text; `None` if it is only planned or could not be rendered.
    #[serde(default)]
    pub uri: Option<String>,
    /// Why it could not be rendered: the code.
    #[serde(default)]
    pub error_code: Option<String>,
    /// The same as a sentence.
    #[serde(default)]
    pub error_message: Option<String>,
}

/// An empty list for NULL.
fn null_as_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl ViralVideoVariant {
    /// The media file; `None` if it is only planned.
    pub fn location(&self) -> Option<Location> {
        self.uri.as_deref().map(Location::from)
    }
}

/// The columns of a variant in a response.
pub(super) fn fields() -> Vec<Field> {
    const NAMES: [&str; 24] = [
        "variant_id",
        "clip_id",
        "request_id",
        "rank",
        "platform",
        "start",
        "end",
        "duration",
        "width",
        "height",
        "layout",
        "caption_style",
        "title",
        "hook_text",
        "description",
        "hashtags",
        "predicted_engagement_rate",
        "predicted_hook_rate",
        "predicted_completion_rate",
        "viral_score",
        "score_parts",
        "reason",
        "error_code",
        "error_message",
    ];
    let known = table::variants();
    let known =
        NAMES.iter().filter_map(|name| known.iter().find(|c| c.name == *name).map(Column::field));
    known.chain([Field::new("uri", DataType::Utf8, true)]).collect()
}

/// Rows of the table `variants` with `uri`, relative to `out`.
pub(super) fn read(batches: &[RecordBatch], out: &Location) -> Result<Vec<ViralVideoVariant>> {
    let mut variants: Vec<ViralVideoVariant> = typed(batches)?;
    for variant in &mut variants {
        variant.uri = variant.uri.take().map(|uri| out.join(&uri).to_string());
    }
    Ok(variants)
}
