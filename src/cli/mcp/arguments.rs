//! The arguments of the tools. Their documentation is what an agent reads: it stands in the JSON schema of each tool.

use std::collections::BTreeMap;

use rmcp::schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One request: what to cut from one video.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct RequestRow {
    /// The video: a path (relative to the first root), an http(s), YouTube or object store URL.
    source_url: String,
    /// Your name for this request, unique among the requests; made from the rest of the row when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Language of captions and texts, as a BCP 47 tag such as en, de or pt-BR; default en.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Shortest clip, in seconds; default 15. Set it together with max_clip_length for a short video.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_clip_length: Option<f64>,
    /// Longest clip, in seconds; default 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_clip_length: Option<f64>,
    /// Most clips, 1 to 100; default 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_clips: Option<i64>,
    /// Start of the one clip to cut, in seconds; together with end. Without them clips are chosen by what is in the video.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<f64>,
    /// End of the one clip to cut, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<f64>,
    /// Choose clips that start here or later, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    within_start: Option<f64>,
    /// Choose clips that end here or before, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    within_end: Option<f64>,
    /// What the video is about, in a few words, for titles where there is no speech.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// Whom the clips are for, as a JSON text: {"age":"18-35","interests":["tech"],"language":"en","platforms":["tiktok"]}.
    #[serde(skip_serializing_if = "Option::is_none")]
    audience_profile: Option<String>,
    /// Experiment that the request belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    experiment_id: Option<String>,
    /// Columns of your own (texts, numbers or booleans), which are carried to the table outcomes.
    #[serde(flatten)]
    own: BTreeMap<String, Value>,
}

/// Arguments of `validate`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct ValidateArguments {
    /// The requests, one object each; or give requests_file.
    pub(super) requests: Option<Vec<RequestRow>>,
    /// A table of requests beneath the roots, in place of requests: a CSV, NDJSON, Parquet, Arrow or Excel file, or a
    /// folder of such. Its column source_url is required.
    pub(super) requests_file: Option<String>,
}

/// Arguments of `run`, which `explain` shares.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct RunArguments {
    /// The requests, one object each; or give requests_file.
    pub(super) requests: Option<Vec<RequestRow>>,
    /// A table of requests beneath the roots, in place of requests: a CSV, NDJSON, Parquet, Arrow or Excel file, or a
    /// folder of such. Its column source_url is required.
    pub(super) requests_file: Option<String>,
    /// Folder of the results beneath the roots, made if it is missing. Run again into it to add requests, or to go on
    /// after a run that was cancelled.
    pub(super) results: String,
    /// Most clips that any request gets, and the number where its row does not say; default 3.
    pub(super) max_clips: Option<i64>,
    /// Versions made of each clip, for platforms, 0 to 50; default 0: the plain clips alone.
    pub(super) variants: Option<u32>,
    /// Platforms of the variants, of tiktok, shorts, reels, x, linkedin and feed; default: those of the
    /// audience, else all. Needs variants.
    pub(super) platforms: Option<Vec<String>>,
    /// Whom variants are for where a request does not say, as a JSON text like audience_profile. Needs variants.
    pub(super) audience: Option<String>,
    /// Where captions of variants go: burned (into the picture; the default), soft (a text track), sidecar (.srt and
    /// .vtt files) or off. Needs variants.
    pub(super) captions: Option<String>,
    /// Size of the variants in pixels, as 1080x1920, or full for each platform's largest. Needs variants.
    pub(super) size: Option<String>,
    /// Render the variants without the plain clips; default false. Needs variants.
    pub(super) variants_only: Option<bool>,
    /// Format of the files: mp4 (the default), webm, gif, webp, or sound alone: mp3, aac, opus.
    pub(super) format: Option<String>,
    /// Quality of the files: low, medium, high (the default), best or lossless.
    pub(super) quality: Option<String>,
    /// Choose clips and write all tables, but render no media files; default false.
    pub(super) plan_only: Option<bool>,
    /// Write a JPEG still beside each file; default false.
    pub(super) thumbnails: Option<bool>,
    /// Do again only requests that are new or that failed with one of these error codes or groups of them (such as
    /// source.unreachable or source); an empty list: with any code.
    pub(super) retry_failed: Option<Vec<String>>,
    /// Stop once more requests failed than this number (5) or share (10%); nothing becomes visible then.
    pub(super) max_failures: Option<String>,
}

/// Arguments of `sql`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct SqlArguments {
    /// Folder of results beneath the roots, as given to run.
    pub(super) results: String,
    /// One statement that only reads, in DataFusion's SQL (like PostgreSQL's): SELECT, EXPLAIN, SHOW TABLES,
    /// SHOW FUNCTIONS or DESCRIBE a_table. Times and lengths are in seconds, sizes in bytes.
    pub(super) query: String,
    /// Most rows of the answer, 1 to 1000; default 100.
    pub(super) max_rows: Option<usize>,
    /// File, folder or object store URL of events (views, likes, …) beneath the roots, for the tables events and
    /// event_days.
    pub(super) events: Option<String>,
    /// Files of your own to join with, by the name of the table, beneath the roots: {"campaigns": "campaigns.csv"}.
    #[serde(default)]
    pub(super) tables: BTreeMap<String, String>,
}

/// Arguments of `stats`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct StatsArguments {
    /// Folder of results beneath the roots, as given to run.
    pub(super) results: String,
    /// All runs that wrote to it; default false: the last one.
    #[serde(default)]
    pub(super) all: bool,
}

/// Arguments of `report`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct ReportArguments {
    /// Folder of results beneath the roots, as given to run.
    pub(super) results: String,
    /// The page to write beneath the roots, which ends in .html; default report.html in the results.
    pub(super) page: Option<String>,
    /// File, folder or object store URL of events (views, likes, …) beneath the roots, for what happened after posting.
    pub(super) events: Option<String>,
    /// Whether stills of the sources are in the page; default true.
    pub(super) stills: Option<bool>,
}
