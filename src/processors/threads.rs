//! Threads that belong to a processor, so that it behaves the same in any program and occupies none of
//! its workers: connections and timers belong to the runtime in which they were created.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

use crate::error::{Error, ErrorCode, Result};

/// A runtime that starts on first use.
#[derive(Default)]
pub(super) struct Threads(Mutex<Option<Runtime>>);

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Threads")
    }
}

impl Threads {
    /// Run `work` on these threads. Dropping the future ends it.
    ///
    /// # Errors
    /// Its own; `internal` if no threads can be started or it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let task = AbortOnDropHandle::new(self.handle()?.spawn(work));
        task.await.unwrap_or_else(|e| {
            tracing::error!("a batch ended abnormally: {e}");
            Err(Error::new(
                ErrorCode::Internal,
                format!("clipflow failed on this batch through a fault of its own ({e}); please report it"),
            ))
        })
    }

    /// Run `work` on these threads and block the calling thread.
    ///
    /// # Errors
    /// As [`Threads::run`]; `internal` inside an asynchronous program, which it would block.
    pub(super) fn block_on<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        if Handle::try_current().is_ok() {
            return Err(Error::new(
                ErrorCode::Internal,
                "process_batch_parallel blocks; inside an async program await process_batch_async",
            ));
        }
        self.handle()?.block_on(self.run(work))
    }

    fn handle(&self) -> Result<Handle> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if runtime.is_none() {
            let threads = Builder::new_multi_thread().enable_all().thread_name("clipflow").build();
            *runtime = Some(threads.map_err(|e| {
                Error::new(ErrorCode::Internal, format!("cannot start threads ({e})"))
            })?);
        }
        let handle = runtime.as_ref().map(|r| r.handle().clone());
        handle.ok_or_else(|| Error::new(ErrorCode::Internal, "cannot start threads"))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let runtime = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtime.take() {
            // A runtime that waits for its threads must not be dropped in another one.
            runtime.shutdown_background();
        }
    }
}
