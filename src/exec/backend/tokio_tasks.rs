//! Tokio's blocking threads, limited in number.

use std::sync::Arc;

use arrow::array::ArrayRef;
use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::ticket::hand_over;
use super::{Backend, Task};
use crate::config::BackendType;
use crate::error::Result;

/// Runs tasks on tokio's blocking threads.
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
        hand_over(&self.slots, task, |ticket| drop(tokio::task::spawn_blocking(|| ticket.run())))
            .await
    }
}
