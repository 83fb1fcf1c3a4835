//! Rows that run elsewhere, with their sources.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::exec::Work;
use crate::telemetry::ProcessRecord;

/// One row for another machine, which fetches the source and runs the work with retries of its own.
#[derive(Debug, Clone)]
pub struct RemoteRow {
    /// The work.
    pub work: Arc<dyn Work>,
    /// The columns that the work reads, one row.
    pub row: RecordBatch,
    /// Stops it. [`CancelToken::begin`] is called once the row has started somewhere.
    pub cancel: CancelToken,
}

/// What became of a [`RemoteRow`].
#[derive(Debug)]
pub struct RemoteOutcome {
    /// The work's columns, or the error of the row.
    pub result: Result<Vec<ArrayRef>>,
    /// What the row took.
    pub figures: RemoteFigures,
}

/// What a row took where it ran.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RemoteFigures {
    /// Runs of the work, at least 1.
    pub attempts: u32,
    /// Seconds of fetching and working.
    pub seconds: f64,
    /// Seconds of video gone through.
    pub video_seconds: f64,
    /// Seconds of video that were announced.
    pub expected_seconds: f64,
    /// The validator of the source as it was read.
    pub validator: Option<String>,
    /// The media processes that ran.
    pub processes: Vec<ProcessRecord>,
    /// Who ran it, for people.
    pub executor: String,
}

/// The side of a [`Backend`](super::Backend) that takes rows elsewhere.
#[async_trait]
pub trait RemoteRows: Debug + Send + Sync {
    /// Runs a row. Dropping the future gives the row up.
    ///
    /// # Errors
    /// What concerns the whole run, such as a cluster that cannot be reached; an error of the row is in the
    /// outcome.
    async fn run_row(&self, row: RemoteRow) -> Result<RemoteOutcome>;
}
