//! Counters of a cache.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Counters of a cache since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CacheStats {
    /// Lookups that found a result.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// Results stored.
    pub stored: u64,
    /// Entries removed because of the size limit.
    pub evicted: u64,
    /// Entries removed because they were damaged or stored under a different key.
    pub rejected: u64,
    /// Entries removed because they had expired.
    pub expired: u64,
    /// Failed reads and writes of the store.
    pub faults: u64,
}

impl CacheStats {
    /// The difference to `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            hits: self.hits - before.hits,
            misses: self.misses - before.misses,
            stored: self.stored - before.stored,
            evicted: self.evicted - before.evicted,
            rejected: self.rejected - before.rejected,
            expired: self.expired - before.expired,
            faults: self.faults - before.faults,
        }
    }
}

/// The live counters behind [`CacheStats`].
#[derive(Debug, Default)]
pub(super) struct CacheCounters {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) evicted: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) faults: AtomicU64,
}

impl CacheCounters {
    /// A snapshot.
    pub(super) fn get(&self) -> CacheStats {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let Self { hits, misses, stored, evicted, rejected, expired, faults } = self;
        CacheStats {
            hits: get(hits),
            misses: get(misses),
            stored: get(stored),
            evicted: get(evicted),
            rejected: get(rejected),
            expired: get(expired),
            faults: get(faults),
        }
    }
}

pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
