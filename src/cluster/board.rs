//! The rows of a run that wait for their outcomes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::oneshot;

use crate::cancel::{CancelToken, stopped};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::WorkSpec;
use crate::exec::backend::RemoteOutcome;

type Waiter = oneshot::Sender<Result<RemoteOutcome>>;

/// A row that waits for its outcome.
#[derive(Debug)]
pub(super) struct WaitingRow {
    pub(super) work: WorkSpec,
    /// Size of its file in bytes.
    pub(super) size: u64,
    pub(super) cancel: CancelToken,
    pub(super) waiters: Vec<Waiter>,
    /// The job it is in.
    pub(super) job: Option<String>,
    /// Whether an executor was seen to run it.
    pub(super) has_begun: bool,
}

impl WaitingRow {
    pub(super) fn new(work: WorkSpec, size: u64, cancel: CancelToken) -> Self {
        Self { work, size, cancel, waiters: vec![], job: None, has_begun: false }
    }
}

/// The rows that wait, by key.
#[derive(Debug, Default)]
pub(super) struct RowBoard {
    rows: Mutex<HashMap<String, WaitingRow>>,
    /// Why there is no watch.
    closed: OnceLock<(ErrorCode, String)>,
}

impl RowBoard {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<String, WaitingRow>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the outcome of a row. Dropping the future gives the row up.
    pub(super) async fn wait_for(&self, key: String, row: WaitingRow) -> Result<RemoteOutcome> {
        let (sender, receiver) = oneshot::channel();
        if let Some((code, message)) = self.closed.get() {
            return Err(Error::new(*code, message.clone()));
        }
        self.lock().entry(key).or_insert(row).waiters.push(sender);
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Ends all rows, now and later, with the error.
    pub(super) fn close(&self, error: &Error) {
        let _ = self.closed.set((error.code(), error.message().to_owned()));
        self.fail(error);
    }

    /// Ends all rows with the error of the run.
    pub(super) fn fail(&self, error: &Error) {
        for (_, row) in self.lock().drain() {
            for waiter in row.waiters {
                let _ = waiter.send(Err(Error::new(error.code(), error.message().to_owned())));
            }
        }
    }
}
