//! The size limit: what was not used for longest makes room.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::Mutex as Queue;

use super::{Cache, CacheKey, Stored, count};

/// When the limit is met, room is made down to this share of it, so that not every entry costs a look
/// at all of them.
const DOWN_TO: f64 = 0.9;
/// Share of the limit after which all entries are counted again: others may have added theirs.
const COUNT_EVERY: f64 = 1.0 / 16.0;

/// How full a place is, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Bytes put in by this process since the entries were counted; `None` before that.
    since: Mutex<Option<u64>>,
    /// Bytes when they were.
    counted: AtomicU64,
    /// One makes room at a time.
    making_room: Queue<()>,
    /// What this process has used, for places that do not remember it.
    recent: Mutex<HashMap<CacheKey, SystemTime>>,
}

impl Usage {
    /// An entry was used.
    pub(super) fn used(&self, key: &CacheKey, now: SystemTime) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).insert(*key, now);
    }

    /// `bytes` were added; whether the entries must be counted.
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
    /// Keep below the limit, now that `bytes` were added.
    pub(super) async fn make_room(&self, bytes: u64) {
        if !self.usage.added(bytes, self.limits.bytes) {
            return;
        }
        // Whoever is at it sees what was added.
        let Ok(_turn) = self.usage.making_room.try_lock() else { return };
        self.place.sweep((self.now)()).await;
        let entries = match self.place.list().await {
            Ok(entries) => entries,
            Err(e) => return self.fault(&e),
        };
        let mut total: u64 = entries.iter().map(|e| e.bytes).sum();
        if total > self.limits.bytes {
            let target = (self.limits.bytes as f64 * DOWN_TO) as u64;
            for Stored { key, bytes, .. } in self.oldest_first(entries) {
                if total <= target {
                    break;
                }
                match self.place.remove(&key).await {
                    Ok(removed) => count(&self.counts.evicted, u64::from(removed)),
                    Err(e) => return self.fault(&e),
                }
                total -= bytes;
            }
        }
        self.usage.counted(total);
    }

    fn oldest_first(&self, mut entries: Vec<Stored>) -> Vec<Stored> {
        if self.place.local().is_none() {
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
