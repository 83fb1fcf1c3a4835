//! Tokio's blocking threads, with a limit.

use std::sync::Arc;

use arrow::array::ArrayRef;
use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::{Backend, Task};
use crate::config::BackendType;
use crate::error::{Error, ErrorCode, Result};

/// See the module.
#[derive(Debug)]
pub struct AsyncBackend {
    workers: usize,
    slots: Arc<Semaphore>,
}

impl AsyncBackend {
    /// At most `workers` tasks at a time.
    pub fn new(workers: usize) -> Self {
        let workers = workers.max(1);
        Self { workers, slots: Arc::new(Semaphore::new(workers)) }
    }
}

#[async_trait]
impl Backend for AsyncBackend {
    fn backend_type(&self) -> BackendType {
        BackendType::Async
    }

    fn workers(&self) -> usize {
        self.workers
    }

    async fn run(&self, task: Task) -> Result<Vec<ArrayRef>> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let joined = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            task.cancel.check()?;
            task.work.run(&task.rows, &task.env, &task.cancel)
        })
        .await;
        joined.unwrap_or_else(|e| Err(panicked(&e)))
    }
}

/// What a row gets whose work panicked.
pub(super) fn panicked(what: &dyn std::fmt::Display) -> Error {
    tracing::error!("work panicked: {what}");
    Error::new(
        ErrorCode::Internal,
        "clipflow failed on this row through a fault of its own; please report it with the log",
    )
}
