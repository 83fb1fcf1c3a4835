//! Builds a backend from settings.

use std::path::PathBuf;
use std::sync::Arc;

use super::ThreadBackend;
use super::{AsyncBackend, AutoBackend, Backend, JoblibBackend, ProcessBackend, ProcessConfig};
use crate::config::{BackendType, ParallelConfig};
use crate::error::Result;

/// Builds the backend of `config`. Threads and processes are started when work arrives.
///
/// # Errors
/// `config.invalid` for `dask`, which a run makes of its results folder, and for `process` in a program that
/// has not called [`super::process::worker::run_if_worker`] and names no worker program.
pub fn build(config: &ParallelConfig) -> Result<Arc<dyn Backend>> {
    let workers = config.workers();
    Ok(match config.backend {
        BackendType::Auto => Arc::new(AutoBackend::new(config)),
        BackendType::Thread => Arc::new(ThreadBackend::new(workers)),
        BackendType::Joblib => Arc::new(JoblibBackend::new(workers)),
        BackendType::Async => Arc::new(AsyncBackend::new(workers)),
        BackendType::Process => {
            let named =
                (!config.worker_program.is_empty()).then(|| PathBuf::from(&config.worker_program));
            Arc::new(ProcessBackend::new(ProcessConfig {
                workers,
                program: named,
                memory_bytes: config.worker_memory_bytes(),
                ..ProcessConfig::default()
            })?)
        }
        BackendType::Dask => return Err(BackendType::not_of_a_cluster()),
    })
}
