//! Records of rows of media work, from which debug bundles are made.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::process_log::ProcessRecord;

/// Most rows of one run that are recorded; the oldest ones go.
const MAX_ROWS: usize = 1000;

/// A row of media work and its media processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowRecord {
    /// `analyze`, `render` or the name of work of an embedding program.
    pub stage: String,
    /// The source, without secrets.
    pub location: String,
    /// The trace that it belongs to, in hexadecimal.
    pub trace_id: Option<String>,
    /// The backend that ran it.
    pub backend: String,
    /// The code it failed with.
    pub error_code: Option<String>,
    /// What happened and what to do.
    pub error_message: Option<String>,
    /// Attempts.
    pub attempts: u32,
    /// Seconds since 1970 when it started.
    pub started: f64,
    /// Seconds over all attempts, without waiting for a worker.
    pub seconds: f64,
    /// Seconds of waiting.
    pub waited: f64,
    /// Whether its result was found in a cache.
    pub cached: bool,
    /// Its media processes in the order in which they ended.
    pub processes: Vec<ProcessRecord>,
}

/// Keeps the records of rows that failed, or of all. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct RowLog {
    keeps_all: bool,
    rows: Arc<Mutex<VecDeque<RowRecord>>>,
}

impl RowLog {
    /// Keeps rows that failed; `keeps_all`: the others too.
    pub fn new(keeps_all: bool) -> Self {
        Self { keeps_all, rows: Arc::default() }
    }

    /// Keeps a record, if it is one to keep.
    pub fn record(&self, row: RowRecord) {
        if !self.keeps_all && row.error_code.is_none() {
            return;
        }
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() == MAX_ROWS {
            rows.pop_front();
        }
        rows.push_back(row);
    }

    /// The records so far.
    pub fn rows(&self) -> Vec<RowRecord> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.iter().cloned().collect()
    }
}
