//! Backends: the ways to run work. All of them return the same rows.
//!
//! | backend | work runs in | a kernel on many rows uses | a crash affects |
//! |---|---|---|---|
//! | [`ThreadBackend`] | threads of its own | one thread | the program |
//! | [`AsyncBackend`] | tokio's blocking threads, with a limit | one thread | the program |
//! | [`JoblibBackend`] | a rayon pool of its own | all threads, by work stealing | the program |
//! | [`ProcessBackend`] | worker processes | one process | the row that caused it |
//! | [`AutoBackend`] | the cheapest of these for the work | | |
//!
//! With the feature `distributed` a run has one more, `dask`: media rows go to the executors of a cluster
//! ([`RemoteRows`]), all other work stays on this machine.
//!
//! [`build()`] makes one from a [`crate::config::ParallelConfig`].

mod auto;
mod build;
mod costs;
mod joblib;
mod pool;
pub(crate) mod process;
mod remote;
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
pub use remote::{RemoteFigures, RemoteOutcome, RemoteRow, RemoteRows};
pub use thread::ThreadBackend;
pub use tokio_tasks::AsyncBackend;

use super::{Work, WorkEnv};
use crate::cancel::CancelToken;
use crate::config::BackendType;
use crate::error::Result;

/// One run of a work on some rows.
#[derive(Debug, Clone)]
pub struct Task {
    /// The work.
    pub work: Arc<dyn Work>,
    /// Its rows.
    pub rows: RecordBatch,
    /// Its environment.
    pub env: Arc<WorkEnv>,
    /// Stops it.
    pub cancel: CancelToken,
    /// Time limit, counted from when a worker starts it; `None`: no limit.
    pub timeout: Option<Duration>,
}

impl Task {
    /// A task without a time limit.
    pub fn new(
        work: Arc<dyn Work>,
        rows: RecordBatch,
        env: Arc<WorkEnv>,
        cancel: CancelToken,
    ) -> Self {
        Self { work, rows, env, cancel, timeout: None }
    }

    /// The same task with a time limit, counted from when a worker starts it.
    #[must_use]
    pub fn with_timeout(self, timeout: Option<Duration>) -> Self {
        Self { timeout, ..self }
    }
}

/// A way to run tasks, at most `workers` at a time. Waiting tasks hold no thread. Dropping the future of
/// a task only discards its answer: cancel its token to stop the work.
///
/// Requires a tokio runtime with a timer.
#[async_trait]
pub trait Backend: Debug + Send + Sync {
    /// Its type in the settings.
    fn backend_type(&self) -> BackendType;

    /// Tasks that run at a time, at least 1.
    fn workers(&self) -> usize;

    /// Runs a task once a worker is free and returns the work's columns.
    ///
    /// Work that is cancelled or exceeds the task's time limit is asked to stop. If it has not stopped
    /// after 2 s, this returns anyway: a worker process is then killed, a thread stays occupied until
    /// the work returns.
    ///
    /// # Errors
    /// Those of the work; `work_panicked` if it panicked (`internal` if it is clipflow's own), `internal` if it
    /// returned other columns than declared,
    /// `worker_crashed` if its process died twice, `cancelled`, `timeout`.
    async fn run(&self, task: Task) -> Result<Vec<ArrayRef>>;

    /// Takes rows of `work` with their sources still to be fetched, if this backend runs them elsewhere.
    fn remote(&self, work: &dyn Work) -> Option<&dyn RemoteRows> {
        let _ = work;
        None
    }

    /// Where `rows` rows of `work` (`None`: any number) would run, and why.
    fn choice(&self, work: &dyn Work, rows: Option<usize>) -> BackendChoice {
        let _ = (work, rows);
        BackendChoice {
            backend: Some(self.backend_type()),
            workers: self.workers(),
            reason: "as configured".to_owned(),
        }
    }
}

/// Where work runs, and why. `Display`: `async × 2 (reason)`.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendChoice {
    /// The backend; `None`: the calling thread.
    pub backend: Option<BackendType>,
    /// Tasks at a time.
    pub workers: usize,
    /// The reason, with the figures that decided.
    pub reason: String,
}

impl fmt::Display for BackendChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.backend {
            Some(backend) => write!(f, "{backend} × {} ({})", self.workers, self.reason),
            None => write!(f, "at once ({})", self.reason),
        }
    }
}
