//! The ways to run work: each a [`Backend`], all of them giving the same rows.
//!
//! | backend | work runs in | many rows of a kernel | a crash costs |
//! |---|---|---|---|
//! | [`ThreadBackend`] | threads of its own | one thread | the program |
//! | [`AsyncBackend`] | tokio's blocking threads, with a limit | one thread | the program |
//! | [`JoblibBackend`] | a rayon pool of its own | split over all threads, as they have time | the program |
//! | [`ProcessBackend`] | worker processes | one process | the row that caused it |
//! | [`AutoBackend`] | whichever of them costs least | | |
//!
//! [`build`] makes one from a [`crate::config::ParallelConfig`].

mod auto;
mod build;
mod costs;
mod joblib;
mod pool;
pub mod process;
mod thread;
mod ticket;
mod tokio_tasks;

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch};
use async_trait::async_trait;
pub use auto::AutoBackend;
pub use build::build;
pub use joblib::JoblibBackend;
pub use process::{ProcessBackend, ProcessConfig};
pub use thread::ThreadBackend;
pub use tokio_tasks::AsyncBackend;

use super::{Work, WorkEnv};
use crate::cancel::CancelToken;
use crate::config::BackendType;
use crate::error::Result;

/// One piece of work on some rows, done once.
#[derive(Debug, Clone)]
pub struct Task {
    /// What to do.
    pub work: Arc<dyn Work>,
    /// On which rows.
    pub rows: RecordBatch,
    /// What it finds.
    pub env: Arc<WorkEnv>,
    /// Ends it.
    pub cancel: CancelToken,
    /// How long it may take once a worker has begun; `None`: as long as it likes.
    pub timeout: Option<Duration>,
}

impl Task {
    /// A task without a limit of time.
    pub fn new(
        work: Arc<dyn Work>,
        rows: RecordBatch,
        env: Arc<WorkEnv>,
        cancel: CancelToken,
    ) -> Self {
        Self { work, rows, env, cancel, timeout: None }
    }

    /// The same with a limit, counted from when a worker begins with it.
    #[must_use]
    pub fn with_timeout(self, timeout: Option<Duration>) -> Self {
        Self { timeout, ..self }
    }
}

/// A way to run tasks. No more than `workers` run at a time; the others wait for their turn
/// without holding a thread. Dropping the future of a task throws nothing away but the answer:
/// cancel its token to end it.
///
/// Runs inside a tokio runtime with a timer.
#[async_trait]
pub trait Backend: Debug + Send + Sync {
    /// Which one.
    fn backend_type(&self) -> BackendType;

    /// Tasks at a time, at least 1.
    fn workers(&self) -> usize;

    /// Run a task once a worker is free: the work's columns.
    ///
    /// Work that is cancelled, or takes longer than the task's timeout, is told to stop. If it has
    /// not after 2 s the answer is given without it; a worker process is then ended, a thread stays
    /// taken until the work returns.
    ///
    /// # Errors
    /// The work's own; `internal` if it panicked or gave other columns than promised,
    /// `worker_crashed` if its process died twice, `cancelled` if its token was thrown, `timeout`.
    async fn run(&self, task: Task) -> Result<Vec<ArrayRef>>;

    /// Where `rows` rows of `work` would run, and why; `None`: any number of them.
    fn choice(&self, work: &dyn Work, rows: Option<usize>) -> Choice {
        let _ = (work, rows);
        Choice {
            backend: Some(self.backend_type()),
            workers: self.workers(),
            reason: "as configured".to_owned(),
        }
    }
}

/// Where work runs, and why. `Display`: `async × 2 (reason)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The backend; `None`: the thread that asks.
    pub backend: Option<BackendType>,
    /// Tasks at a time.
    pub workers: usize,
    /// One sentence with the figures that decided.
    pub reason: String,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.backend {
            Some(backend) => write!(f, "{backend} × {} ({})", self.workers, self.reason),
            None => write!(f, "at once ({})", self.reason),
        }
    }
}
