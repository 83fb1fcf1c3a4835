//! What media processes of a row did: collected where they end, in this process or in a worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Most processes of one row that are recorded; a row has a handful.
const MAX_RECORDS: usize = 256;

/// A media process that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// `ffmpeg` or `ffprobe`.
    pub program: String,
    /// Its arguments, without secrets.
    pub args: Vec<String>,
    /// Its process id.
    pub pid: u32,
    /// The process that started it: clipflow or one of its workers.
    pub parent: u32,
    /// Seconds since 1970 when it started.
    pub started: f64,
    /// Wall time in seconds.
    pub seconds: f64,
    /// CPU time in seconds.
    pub cpu_seconds: f64,
    /// Largest resident memory in bytes; 0 where it is not known.
    pub peak_bytes: u64,
    /// `ok`, `failed`, `timeout` or `cancelled`.
    pub end: String,
    /// Its exit status in words.
    pub status: String,
    /// The end of its standard error if it failed, without secrets.
    pub stderr: String,
}

/// Collects the records of media processes. Clones share them; all are equal.
#[derive(Debug, Clone, Default)]
pub struct ProcessLog(Arc<Mutex<Vec<ProcessRecord>>>);

impl ProcessLog {
    /// Adds a record, unless there are too many.
    pub fn record(&self, record: ProcessRecord) {
        let mut records = self.lock();
        if records.len() < MAX_RECORDS {
            records.push(record);
        }
    }

    /// Adds records that another process has collected.
    pub fn extend(&self, records: Vec<ProcessRecord>) {
        records.into_iter().for_each(|record| self.record(record));
    }

    /// The records so far, which are forgotten.
    pub fn take(&self) -> Vec<ProcessRecord> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ProcessRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for ProcessLog {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ProcessLog {}
