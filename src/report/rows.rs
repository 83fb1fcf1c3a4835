//! The rows of the report's queries (`sql/report`), which go to the page as they are read.

use serde::{Deserialize, Serialize, Serializer};

use crate::model::ScorePart;

/// Three decimals: as precise as the page shows, at half the size.
pub(super) fn short<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(*value))
}

/// As [`short`], of what may be missing.
fn short_option<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(rounded).serialize(serializer)
}

/// As [`short`], of a list.
pub(super) fn short_list<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|value| rounded(*value)))
}

pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// What the results hold, from requests to files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ReportTotals {
    pub requests: i64,
    pub answered: i64,
    pub valid: i64,
    pub sources: i64,
    #[serde(serialize_with = "short")]
    pub source_seconds: f64,
    pub candidates: i64,
    pub clips: i64,
    pub variants: i64,
    pub cues: i64,
    pub files: i64,
    #[serde(serialize_with = "short")]
    pub file_seconds: f64,
    pub bytes: i64,
}

/// Failures of one code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FailureGroup {
    /// `requests` or `variants`.
    pub what: String,
    pub code: Option<String>,
    pub count: i64,
    pub example: Option<String>,
    pub request: Option<String>,
    pub may_change: bool,
    /// What the code means; `None` for a code of another version.
    #[serde(skip_deserializing)]
    pub meaning: Option<&'static str>,
    /// What to do about it.
    #[serde(skip_deserializing)]
    pub advice: &'static str,
}

/// A request and how it ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RequestLine {
    pub id: String,
    pub row: i64,
    pub url: Option<String>,
    pub source: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub attempts: i64,
    #[serde(serialize_with = "short")]
    pub seconds: f64,
    pub candidates: i64,
    pub clips: i64,
    pub variants: i64,
    pub language: Option<String>,
    pub topic: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub max_clips: Option<i64>,
    pub experiment: Option<String>,
}

/// A source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SourceLine {
    pub id: String,
    pub location: Option<String>,
    /// The location with its signature, for reading; not for the page.
    #[serde(skip_serializing)]
    pub place: String,
    #[serde(skip_serializing)]
    pub validator: String,
    pub container: String,
    pub bytes: i64,
    #[serde(serialize_with = "short")]
    pub duration: f64,
    pub video_codec: String,
    pub audio_codec: Option<String>,
    pub width: i64,
    pub height: i64,
    #[serde(serialize_with = "short")]
    pub fps: f64,
    #[serde(serialize_with = "short_option")]
    pub loudness: Option<f64>,
    pub language: Option<String>,
    pub caption_tracks: i64,
    pub requests: i64,
    #[serde(serialize_with = "short")]
    pub seconds: f64,
    pub clips: i64,
}

/// A bucket of a source's signals.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct SignalBucket {
    pub source: String,
    pub bucket: i64,
    pub step: f64,
    pub motion: f64,
    pub loudness: Option<f64>,
    pub onset: Option<f64>,
    pub speech: Option<f64>,
}

/// A shot.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ShotLine {
    pub source: String,
    pub start: f64,
    pub end: f64,
    pub transition: String,
}

/// A caption line.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CueLine {
    pub source: String,
    pub start: f64,
    pub end: f64,
    pub text: String,
}

/// A window that was considered.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct WindowLine {
    pub request: String,
    pub source: String,
    pub start: f64,
    pub end: f64,
    pub start_kind: String,
    pub end_kind: String,
    pub hook: f64,
    pub start_quality: f64,
    pub end_quality: f64,
    pub length_fit: f64,
    pub score: f64,
    pub rank: i64,
    pub chosen: bool,
    pub strengths: String,
    pub reason: Option<String>,
}

/// A clip.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ClipLine {
    pub id: String,
    pub request: String,
    pub source: String,
    pub rank: i64,
    #[serde(serialize_with = "short")]
    pub start: f64,
    #[serde(serialize_with = "short")]
    pub end: f64,
    #[serde(serialize_with = "short")]
    pub score: f64,
    pub hook: Option<String>,
    pub transcript: Option<String>,
}

/// A variant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct VariantLine {
    pub id: String,
    pub clip: String,
    pub rank: i64,
    pub platform: String,
    #[serde(serialize_with = "short")]
    pub duration: f64,
    pub width: i64,
    pub height: i64,
    pub layout: String,
    pub captions: String,
    pub title: Option<String>,
    pub hook: Option<String>,
    pub description: Option<String>,
    pub hashtags: Option<Vec<String>>,
    #[serde(serialize_with = "short")]
    pub score: f64,
    pub model: String,
    #[serde(serialize_with = "parts")]
    pub parts: Vec<ScorePart>,
    #[serde(serialize_with = "short")]
    pub engagement: f64,
    #[serde(serialize_with = "short")]
    pub hook_rate: f64,
    #[serde(serialize_with = "short")]
    pub completion: f64,
    pub reason: String,
    pub code: Option<String>,
    pub message: Option<String>,
    pub experiment: Option<String>,
}

/// Feature, value and part of each feature that moves the score, in the order of the model.
fn parts<S: Serializer>(parts: &[ScorePart], serializer: S) -> Result<S::Ok, S::Error> {
    let moving = parts.iter().filter(|part| part.part.abs() >= 0.0005);
    serializer.collect_seq(
        moving.map(|part| (&part.feature, part.value.map(rounded), rounded(part.part))),
    )
}

/// A media file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FileLine {
    pub clip: String,
    pub variant: Option<String>,
    pub uri: String,
    pub container: String,
    pub video: Option<String>,
    pub audio: Option<String>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    #[serde(serialize_with = "short")]
    pub duration: f64,
    pub bytes: i64,
    #[serde(serialize_with = "short_option")]
    pub av_offset: Option<f64>,
    pub captions: Option<String>,
    pub thumbnail: Option<String>,
}

/// Seconds of a run, by metric and labels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RunFigure {
    pub metric: String,
    pub labels: Option<String>,
    #[serde(serialize_with = "short")]
    pub seconds: f64,
}
