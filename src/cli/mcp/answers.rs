//! The answers of the tools. Their documentation stands in the JSON schema of each tool's output.

use rmcp::schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// Answer of `validate`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct ValidateAnswer {
    /// Requests that were checked.
    pub(super) requests: u64,
    /// Of those, invalid ones.
    pub(super) invalid: u64,
    /// The first invalid ones.
    pub(super) errors: Vec<InvalidRequest>,
    /// What was guessed or left out, as sentences.
    pub(super) notes: Vec<String>,
}

/// Why a request is invalid.
#[derive(Debug, Serialize, serde::Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct InvalidRequest {
    /// Number of the row, from 1.
    row: u64,
    request_id: Option<String>,
    /// A stable code.
    error_code: String,
    /// What is wrong, and what to do.
    error_message: String,
}

/// Answer of `explain`. Figures are estimates, and the most that the run may come to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct ExplainAnswer {
    pub(super) requests: u64,
    /// Requests that are invalid and cost nothing.
    pub(super) rejected: u64,
    /// Distinct videos.
    pub(super) sources: u64,
    /// Videos that cannot be opened.
    pub(super) unreadable_sources: u64,
    /// Videos that would have to be fetched, which the figures below leave out.
    pub(super) remote_sources: u64,
    /// Seconds of video to analyse.
    pub(super) decode_seconds: f64,
    /// Seconds of clips and variants to encode at the most.
    pub(super) encode_seconds: f64,
    /// Seconds that the analysis may take on this machine.
    pub(super) analysis_time: f64,
    /// Seconds that the encoding may take at the most.
    pub(super) encoding_time: f64,
    /// Bytes of the media files at the most.
    pub(super) bytes: f64,
    /// What was guessed or left out, as sentences.
    pub(super) notes: Vec<String>,
}

/// Answer of `run`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct RunAnswer {
    /// Folder of the results, for the tools sql, stats and report.
    pub(super) results: String,
    /// Requests that were done.
    pub(super) requests: u64,
    /// Requests answered with clips.
    pub(super) answered: u64,
    /// Requests that failed; the table outcomes says why each did.
    pub(super) failed: u64,
    /// Why requests failed, by error code.
    pub(super) failures: Vec<FailuresOfCode>,
    /// Why variants have no file, by error code.
    pub(super) failed_variants: Vec<FailuresOfCode>,
    pub(super) clips: u64,
    pub(super) variants: u64,
    /// Media files.
    pub(super) files: u64,
    /// Length of the media files together, in seconds.
    pub(super) clip_seconds: f64,
    /// Size of the media files together, in bytes.
    pub(super) bytes: u64,
    /// Distinct videos that were analysed.
    pub(super) sources: u64,
    /// Their length together, in seconds.
    pub(super) source_seconds: f64,
    /// Seconds that the run took.
    pub(super) elapsed: f64,
    /// Whether an earlier run had done it all already.
    pub(super) reused: bool,
    /// Folder of the files under names for people, with posts.csv: what to post with each. Null if there are none.
    pub(super) posts: Option<String>,
    /// What to know beside the counts, as sentences.
    pub(super) notes: Vec<String>,
    /// The same as text.
    pub(super) summary: String,
}

/// Failures with one code.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct FailuresOfCode {
    pub(super) error_code: String,
    pub(super) count: u64,
    /// The sentence of one of them.
    pub(super) example: String,
}

/// Answer of `sql` and `stats`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct TableAnswer {
    pub(super) columns: Vec<AnswerColumn>,
    /// One object a row; a column that is NULL is null. Lists and structs are arrays and objects.
    pub(super) rows: Vec<Map<String, Value>>,
    /// Whether there are more rows than these.
    pub(super) has_more: bool,
    /// What was skipped or guessed, as sentences.
    pub(super) notes: Vec<String>,
}

/// A column of an answer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct AnswerColumn {
    pub(super) name: String,
    /// Its type, as Arrow names it.
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// Answer of `report`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct ReportAnswer {
    /// The page, to be opened in a browser.
    pub(super) page: String,
    /// Clips that it lists.
    pub(super) clips: u64,
    /// Videos that it lists.
    pub(super) sources: u64,
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// What it leaves out, as sentences.
    pub(super) notes: Vec<String>,
}
