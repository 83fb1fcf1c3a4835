//! What a processor has done.

use crate::cache::CacheStats;
use crate::resilience::HostState;
use crate::telemetry::Counts;

/// What a processor has done, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProcessingStats {
    /// Batches and chunks that ended, well or not.
    pub batches: u64,
    /// Requests of those that ended well.
    pub requests: u64,
    /// Of which answered with clips.
    pub answered: u64,
    /// Rows of media work, those under way included.
    pub media: Counts,
    /// What the cache has done; all zero without one.
    pub cache: CacheStats,
    /// The hosts that were talked to, with the states of their circuit breakers.
    pub hosts: Vec<HostState>,
}
