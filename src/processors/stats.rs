//! [`ProcessingStats`]: counters of a processor.

use serde::Serialize;

use crate::cache::CacheStats;
use crate::resilience::HostState;
use crate::telemetry::MediaCounts;

/// Counters of a processor and its clones at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ProcessingStats {
    /// Batches and chunks that ended, failed ones included.
    pub batches: u64,
    /// Requests of batches that succeeded.
    pub requests: u64,
    /// Requests that were answered with clips.
    pub answered: u64,
    /// Rows of media work, those under way included.
    pub media: MediaCounts,
    /// Counters of the cache; all zero without one.
    pub cache: CacheStats,
    /// Hosts that were contacted, with the state of their circuit breakers.
    pub hosts: Vec<HostState>,
}
