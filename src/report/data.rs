//! What a page shows, as it is embedded in it.

use serde::Serialize;

use super::rows::{
    ClipLine, FailureGroup, FileLine, ReportTotals, RequestLine, RunFigure, SourceLine,
    VariantLine, short, short_list,
};
use crate::model::ExperimentRow;

/// Everything a page shows.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct ReportData {
    pub about: AboutPage,
    pub totals: ReportTotals,
    pub failures: Vec<FailureGroup>,
    /// What a failed request can be run again with; `None` if none failed.
    pub again: Option<String>,
    pub run_stats: Vec<RunFigure>,
    pub requests: Vec<RequestLine>,
    pub sources: Vec<SourceLine>,
    pub timelines: Vec<Timeline>,
    pub windows: Vec<Windows>,
    pub features: Vec<FeatureText>,
    pub clips: Vec<ClipLine>,
    pub variants: Vec<VariantLine>,
    pub files: Vec<FileLine>,
    /// What happened after posting; `None` without events.
    pub posted: Option<Posted>,
}

/// What the page is about, and what it leaves out.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct AboutPage {
    pub version: &'static str,
    /// Where the results are.
    pub results: String,
    /// When the page was made, in UTC.
    pub made: String,
    /// Path from the page to the results; `None`: they are in an object store.
    pub base: Option<String>,
    /// Sentences about what is left out.
    pub notes: Vec<String>,
}

/// What is seen and heard in a source, in order of time.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Timeline {
    pub source: String,
    /// Seconds of a bucket of the signals.
    #[serde(serialize_with = "short")]
    pub step: f64,
    /// In thousandths.
    pub motion: Vec<Option<i32>>,
    /// In tenths of LUFS.
    pub loudness: Vec<Option<i32>>,
    /// In thousandths.
    pub onset: Vec<Option<i32>>,
    /// In thousandths.
    pub speech: Vec<Option<i32>>,
    /// Start, end and kind of transition of each shot.
    pub shots: Vec<(f64, f64, String)>,
    /// Start, end and text of each caption line.
    pub cues: Vec<(f64, f64, String)>,
    pub stills: Option<Stills>,
    /// Why there are none.
    pub no_stills: Option<String>,
}

/// Stills of a source in order of time.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Stills {
    /// Each as JPEG in Base64.
    pub jpeg: Vec<String>,
    /// Where each is in the source, in seconds.
    #[serde(serialize_with = "short_list")]
    pub at: Vec<f64>,
}

/// The windows of a request in order of rank, by column.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Windows {
    pub request: String,
    pub source: String,
    #[serde(serialize_with = "short_list")]
    pub start: Vec<f64>,
    #[serde(serialize_with = "short_list")]
    pub end: Vec<f64>,
    #[serde(serialize_with = "short_list")]
    pub score: Vec<f64>,
    pub rank: Vec<i64>,
    /// Places of the chosen ones in these lists.
    pub chosen: Vec<usize>,
    /// What each starts and ends with, as `shot pause`.
    pub kinds: Vec<String>,
    pub strengths: Vec<String>,
    /// Why others were not chosen: place in `reasons`, or -1.
    pub reason: Vec<i32>,
    pub reasons: Vec<String>,
    /// Place of a window, and the value of each of the page's features in thousandths.
    pub parts: Vec<(usize, Vec<Option<i32>>)>,
    /// Whether the features add up to the scores, which they do with the built-in weights.
    pub adds_up: bool,
}

/// A feature of the selection.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FeatureText {
    pub name: &'static str,
    pub description: &'static str,
    pub weight: f64,
}

/// What happened after posting.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Posted {
    pub events: String,
    /// Names of the metrics, in the order of the figures' values.
    pub metrics: Vec<&'static str>,
    pub variants: Vec<PostedFigures>,
    pub platforms: Vec<PostedFigures>,
    pub experiments: Vec<ExperimentRow>,
    /// How each metric is computed.
    pub definitions: Vec<String>,
    pub notes: Vec<String>,
}

/// The figures of a variant or a platform.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct PostedFigures {
    pub name: String,
    pub values: Vec<Option<f64>>,
}
