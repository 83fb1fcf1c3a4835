//! The size limit: eviction of the least recently used entries.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::Mutex as AsyncMutex;

use super::{Cache, CacheKey, StoredEntry, count};

/// Eviction stops at this share of the limit, so that not every new entry lists all others.
const EVICT_TO: f64 = 0.9;
/// Share of the limit after which all entries are counted again: other processes may have added some.
const COUNT_EVERY: f64 = 1.0 / 16.0;

/// The size of a store and the times of use, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct UsageLog {
    /// Bytes this process stored since the entries were counted; `None` before the first count.
    since: Mutex<Option<u64>>,
    /// Total size when the entries were counted.
    counted: AtomicU64,
    /// Held during an eviction; there is one at a time.
    evicting: AsyncMutex<()>,
    /// Times of use in this process, for stores that do not record them.
    recent: Mutex<HashMap<CacheKey, SystemTime>>,
}

impl UsageLog {
    /// Records the use of an entry.
    pub(super) fn used(&self, key: &CacheKey, now: SystemTime) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).insert(*key, now);
    }

    /// Records `bytes` as added; whether the entries must be counted.
    fn added(&self, bytes: u64, limit: u64) -> bool {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(since) = since.as_mut() else { return true };
        *since += bytes;
        *since as f64 > limit as f64 * COUNT_EVERY
            || self.counted.load(Ordering::Relaxed) + *since > limit
    }

    fn counted(&self, bytes: u64) {
        self.counted.store(bytes, Ordering::Relaxed);
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(0);
    }
}

impl Cache {
    /// Evicts entries if the `bytes` just added exceed the limit.
    pub(super) async fn make_room(&self, bytes: u64) {
        if !self.usage.added(bytes, self.limits.bytes) {
            return;
        }
        // A running eviction sees what was added.
        let Ok(_guard) = self.usage.evicting.try_lock() else { return };
        self.store.sweep((self.now)()).await;
        let entries = match self.store.list().await {
            Ok(entries) => entries,
            Err(e) => return self.fault(&e),
        };
        let mut total: u64 = entries.iter().map(|e| e.bytes).sum();
        if total > self.limits.bytes {
            let target = (self.limits.bytes as f64 * EVICT_TO) as u64;
            for StoredEntry { key, bytes, .. } in self.oldest_first(entries) {
                if total <= target {
                    break;
                }
                match self.store.remove(&key).await {
                    Ok(removed) => count(&self.counts.evicted, u64::from(removed)),
                    Err(e) => return self.fault(&e),
                }
                total -= bytes;
            }
        }
        self.usage.counted(total);
    }

    fn oldest_first(&self, mut entries: Vec<StoredEntry>) -> Vec<StoredEntry> {
        if self.store.local().is_none() {
            let recent = self.usage.recent.lock().unwrap_or_else(PoisonError::into_inner);
            for entry in &mut entries {
                if let Some(used) = recent.get(&entry.key) {
                    entry.used = entry.used.max(*used);
                }
            }
        }
        entries.sort_by_key(|e| e.used);
        entries
    }
}
