//! What a cache has done, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Results that were found.
    pub hits: u64,
    /// Results that were not.
    pub misses: u64,
    /// Results that were put in.
    pub stored: u64,
    /// Results that were removed to make room.
    pub evicted: u64,
    /// Entries that were removed since they were damaged or not what their name says.
    pub rejected: u64,
    /// Entries that were removed since they were too old.
    pub expired: u64,
    /// Times the place could not be read or written.
    pub faults: u64,
}

impl CacheStats {
    /// What was done after `before`.
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

/// [`CacheStats`] while they are counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) evicted: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) faults: AtomicU64,
}

impl Counts {
    /// The counters as they stand.
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
