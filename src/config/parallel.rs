//! [`ParallelConfig`]: every setting of a batch.

use serde::{Deserialize, Serialize};

use super::BackendType;

/// How a batch is run. Durations are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParallelConfig {
    /// Rows worked on at a time; 0: one per core, fewer if `memory_limit_gb` holds fewer.
    pub max_workers: usize,
    /// Request rows of a chunk of [`crate::processors`]' streams, and of kernels on a backend.
    pub chunk_size: usize,
    /// Seconds one attempt at one row may take; 0: no limit but those of its media processes.
    pub timeout: f64,
    /// How rows are spread.
    pub backend: BackendType,
    /// Program that the process backend starts as its workers; empty: this one, which must call
    /// `clipflow::worker::run_if_worker()` first in its `main`.
    pub worker_program: String,
    /// Memory of queries and media processes together, in GB (10⁹ bytes).
    pub memory_limit_gb: f64,
    /// Whether analyses are kept for other runs.
    pub enable_caching: bool,
    /// Hours a kept analysis is good for.
    pub cache_ttl_hours: f64,
    /// Folder or object store URL of kept analyses; empty: in the user's cache folder.
    pub cache_dir: String,
    /// Most that kept analyses may take, in GB.
    pub cache_limit_gb: f64,
    /// How often a row is tried again, if what it failed of can change.
    pub max_retries: u32,
    /// Seconds before the first new try at the most (full jitter).
    pub retry_delay_seconds: f64,
    /// Whether the delay doubles with each try, up to 20 s.
    pub exponential_backoff: bool,
    /// Whether a host that fails is left alone for a while.
    pub circuit_breaker_enabled: bool,
    /// Failures in a row after which it is.
    pub failure_threshold: u32,
    /// Seconds until it is tried again; doubles up to 60.
    pub recovery_timeout_seconds: f64,
    /// Requests a second to one host; 0: no limit.
    pub rate_limit_per_host: f64,
    /// Fetches at a time, over all hosts.
    pub max_fetches: usize,
    /// Largest source that is fetched, in GB.
    pub max_source_gb: f64,
    /// Folder for fetched sources; empty: the temporary folder.
    pub spool_dir: String,
    /// Most that fetched sources may take on disk, in GB.
    pub spool_limit_gb: f64,
    /// Whether sources may lie on private and loopback addresses.
    pub allow_private: bool,
    /// Whether spans are recorded.
    pub enable_tracing: bool,
    /// Share of rows of which they are, 0 to 1.
    pub trace_sampling_rate: f64,
    /// Whether everything is logged.
    pub debug: bool,
}

impl Default for ParallelConfig {
    fn default() -> Self {
        Self {
            max_workers: 0,
            chunk_size: 1000,
            timeout: 0.0,
            backend: BackendType::Auto,
            worker_program: String::new(),
            memory_limit_gb: 4.0,
            enable_caching: false,
            cache_ttl_hours: 24.0,
            cache_dir: String::new(),
            cache_limit_gb: 10.0,
            max_retries: 2,
            retry_delay_seconds: 0.2,
            exponential_backoff: true,
            circuit_breaker_enabled: true,
            failure_threshold: 20,
            recovery_timeout_seconds: 10.0,
            rate_limit_per_host: 0.0,
            max_fetches: 16,
            max_source_gb: 10.0,
            spool_dir: String::new(),
            spool_limit_gb: 20.0,
            allow_private: false,
            enable_tracing: false,
            trace_sampling_rate: 1.0,
            debug: false,
        }
    }
}

/// Memory of one media process with the decoder's and the encoder's pictures of 1080p video, as
/// measured (analysis of 720p: 146 MB; rendering 1080p with x264 `veryfast`: about 400 MB).
const MEDIA_PROCESS_BYTES: f64 = 5e8;

/// Address space below which no worker process works: threads and the allocator's arenas.
const WORKER_BYTES: f64 = 512e6;

impl ParallelConfig {
    /// Rows of media work at a time: `max_workers`, or one per core; never more than the memory
    /// that queries leave holds media processes.
    pub fn workers(&self) -> usize {
        let wanted = match self.max_workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let memory = self.memory_limit_gb * 1e9 - self.query_memory_bytes() as f64;
        wanted.min((memory / MEDIA_PROCESS_BYTES) as usize).max(1)
    }

    /// Memory of one worker process for its own part of the work, in bytes: what queries leave, shared
    /// by the workers. Media processes have limits of their own.
    pub fn worker_memory_bytes(&self) -> u64 {
        let rest = self.memory_limit_gb * 1e9 - self.query_memory_bytes() as f64;
        (rest / self.workers() as f64).max(WORKER_BYTES) as u64
    }

    /// Memory for queries, in bytes; beyond it sorts and aggregates spill to disk: a quarter of the
    /// limit.
    pub fn query_memory_bytes(&self) -> usize {
        (self.memory_limit_gb * 1e9 / 4.0) as usize
    }
}
