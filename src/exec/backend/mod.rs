//! The ways to run work: each a [`Backend`], all of them giving the same rows.

mod tokio_tasks;

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use async_trait::async_trait;
pub use tokio_tasks::AsyncBackend;

use super::{Work, WorkEnv};
use crate::config::BackendType;
use crate::error::Result;
use crate::media::CancelToken;

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
}

/// A way to run tasks. No more than `workers` run at a time; the others wait for their turn
/// without holding a thread. Dropping the future of a task throws nothing away but the answer:
/// cancel its token to end it.
#[async_trait]
pub trait Backend: Debug + Send + Sync {
    /// Which one.
    fn backend_type(&self) -> BackendType;

    /// Tasks at a time, at least 1.
    fn workers(&self) -> usize;

    /// Run a task once a worker is free: the work's columns.
    ///
    /// # Errors
    /// The work's own; `internal` if it panicked, `worker_crashed` if its process died,
    /// `cancelled` if its token was thrown.
    async fn run(&self, task: Task) -> Result<Vec<ArrayRef>>;
}
