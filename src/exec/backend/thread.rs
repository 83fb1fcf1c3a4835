//! A pool of operating system threads.

use std::sync::Arc;

use arrow::array::ArrayRef;
use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::pool::{NextTicket, WorkerPool};
use super::ticket::hand_over;
use super::{Backend, Task};
use crate::config::BackendType;
use crate::error::Result;

/// A pool of threads. As many tasks again are queued, so that no thread waits for its caller to be
/// scheduled; further callers wait.
#[derive(Debug)]
pub struct ThreadBackend {
    workers: usize,
    slots: Arc<Semaphore>,
    pool: WorkerPool,
}

impl ThreadBackend {
    /// At most `workers` threads, started when work arrives.
    pub fn new(workers: usize) -> Self {
        let workers = workers.max(1);
        let pool = WorkerPool::new(workers, "clipflow-thread", |queue| {
            while let NextTicket::Ready(ticket) = queue.next(None) {
                ticket.run();
            }
        });
        Self { workers, slots: Arc::new(Semaphore::new(2 * workers)), pool }
    }
}

#[async_trait]
impl Backend for ThreadBackend {
    fn backend_type(&self) -> BackendType {
        BackendType::Thread
    }

    fn workers(&self) -> usize {
        self.workers
    }

    async fn run(&self, task: Task) -> Result<Vec<ArrayRef>> {
        hand_over(&self.slots, task, |ticket| self.pool.push(ticket)).await
    }
}
