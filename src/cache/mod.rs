//! Content-addressed cache of work results, shared by runs and processes.
//!
//! A [`Cache`] stores columns under a [`CacheKey`] in a [`CacheStore`]: a folder, or a prefix of an
//! object store. A lookup returns exactly what was stored under that key, or nothing: the content is
//! hashed, and an entry that is damaged, truncated, expired or stored under a different key is removed
//! and counts as missing. A fault of the cache is never an error of the caller: it is logged once and
//! counted, and the work runs as without a cache.

mod entry;
mod key;
mod key_lock;
mod stats;
mod store;
mod usage;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt, stream};

pub use entry::EntryHeader;
pub use key::{CacheKey, CacheKeyFn, CacheSubject};
pub use key_lock::KeyLock;
pub use stats::CacheStats;
pub use store::{CacheStore, StoredEntry};

use crate::error::{Error, ErrorCode, Result};
use entry::RejectedEntry;
use key_lock::KeyLocks;
use stats::{CacheCounters, count};
use usage::UsageLog;

/// Largest clock difference between machines that share a cache. An entry from further in the future
/// was written by a wrong clock.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(3600);

/// Entries whose headers are read concurrently.
const CONCURRENT_READS: usize = 16;

/// Size and age limits of a cache.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheLimits {
    /// How long a result stays valid.
    pub ttl: Duration,
    /// Largest total size in bytes; the least recently used entries are evicted.
    pub bytes: u64,
}

/// Columns by key; see the module. One instance per store and process.
pub struct Cache {
    store: CacheStore,
    limits: CacheLimits,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    locks: KeyLocks,
    usage: UsageLog,
    counts: CacheCounters,
    warned: AtomicBool,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("store", &self.store)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Result of [`Cache::look_up`].
#[derive(Debug)]
pub enum EntryLookup {
    /// The result.
    Hit(EntryHeader, Vec<ArrayRef>),
    /// There is none. The caller computes it; other lookups of the key wait until the lock is dropped.
    Miss(KeyLock),
}

/// An entry with its header, as `clipflow cache ls` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedEntry {
    /// Key, size and time of use.
    pub stored: StoredEntry,
    /// Its header; `None` if it cannot be read.
    pub header: Option<EntryHeader>,
}

/// Result of [`Cache::verify`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheVerification {
    /// Intact entries.
    pub good: u64,
    /// Total size of the intact entries in bytes.
    pub bytes: u64,
    /// Entries that were damaged and have been removed: key and reason.
    pub removed: Vec<(CacheKey, String)>,
}

impl Cache {
    /// A cache in `store` that uses the system clock.
    pub fn new(store: CacheStore, limits: CacheLimits) -> Self {
        Self::with_clock(store, limits, SystemTime::now)
    }

    /// As [`Cache::new`], with another clock.
    pub fn with_clock(
        store: CacheStore,
        limits: CacheLimits,
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        Self {
            store,
            limits,
            now: Arc::new(now),
            locks: KeyLocks::default(),
            usage: UsageLog::default(),
            counts: CacheCounters::default(),
            warned: AtomicBool::new(false),
        }
    }

    /// Where the entries are.
    pub fn store(&self) -> &CacheStore {
        &self.store
    }

    /// The counters.
    pub fn stats(&self) -> CacheStats {
        self.counts.get()
    }

    /// The columns of `schema` stored under `key`. On a miss, waits while another task or process that
    /// shares the folder computes them, looks again, and returns the lock to the caller. Dropping the
    /// future ends the wait.
    pub async fn look_up(&self, key: &CacheKey, schema: &SchemaRef) -> EntryLookup {
        if let Some((header, columns)) = self.find(key, schema).await {
            return EntryLookup::Hit(header, columns);
        }
        let (lock, lock_error) = self.locks.acquire(key, self.store.local()).await;
        if let Some(error) = lock_error {
            self.fault(&error);
        }
        // In a folder, another process may have finished between the lookup and the lock. In an object
        // store a second lookup would cost a request.
        let again = lock.waited || self.store.local().is_some();
        match if again { self.find(key, schema).await } else { None } {
            Some((header, columns)) => EntryLookup::Hit(header, columns),
            None => {
                count(&self.counts.misses, 1);
                EntryLookup::Miss(lock)
            }
        }
    }

    /// Store `columns` of `schema` under `key`, which `lock` holds. `about` gives `work`, `location`,
    /// `validator` and `tool` of the header; the other fields are set here.
    pub async fn put(
        &self,
        key: &CacheKey,
        about: EntryHeader,
        schema: &SchemaRef,
        columns: &[ArrayRef],
        lock: KeyLock,
    ) {
        let created = (self.now)().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let header = EntryHeader {
            key: key.to_string(),
            clipflow: env!("CARGO_PKG_VERSION").to_owned(),
            created,
            ..about
        };
        let (schema, columns) = (Arc::clone(schema), columns.to_vec());
        let encoded =
            tokio::task::spawn_blocking(move || entry::encode(&header, &schema, &columns)).await;
        let bytes = match encoded {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(e)) => return self.fault(&e),
            Err(e) => return self.fault(&e),
        };
        let size = bytes.len() as u64;
        // An entry larger than the limit would evict all others.
        if size > self.limits.bytes {
            return;
        }
        if let Err(e) = self.store.write(key, bytes).await {
            return self.fault(&e);
        }
        count(&self.counts.stored, 1);
        self.mark_used(key).await;
        drop(lock);
        self.make_room(size).await;
    }

    /// All entries with their headers, in no particular order.
    ///
    /// # Errors
    /// `store.read` if the store cannot be listed.
    pub async fn list(&self) -> Result<Vec<ListedEntry>> {
        let entries = self.store.list().await.map_err(|e| self.unreadable(e))?;
        let listed = stream::iter(entries).map(|stored| self.with_header(stored));
        let listed =
            listed.buffered(CONCURRENT_READS).try_filter_map(|l| async { Ok(l) }).try_collect();
        listed.await.map_err(|e| self.unreadable(e))
    }

    async fn with_header(&self, stored: StoredEntry) -> object_store::Result<Option<ListedEntry>> {
        let Some(head) = self.store.head(&stored.key).await? else { return Ok(None) };
        let mut header = entry::header(&head);
        if header.is_err() {
            // A long location can make the header longer than what was read.
            let all = self.store.read(&stored.key).await?;
            header = entry::header(&all.unwrap_or_default());
        }
        Ok(Some(ListedEntry { stored, header: header.ok() }))
    }

    /// Removes all entries and no other file. Returns their number and total size in bytes.
    ///
    /// # Errors
    /// `store.read`, `store.write` if the store cannot be listed or written.
    pub async fn clear(&self) -> Result<(u64, u64)> {
        self.remove_where(|_| true).await
    }

    /// Removes the entries for which `is_meant` holds. Returns their number and total size in bytes.
    ///
    /// # Errors
    /// As [`Cache::clear`].
    pub async fn remove_where(
        &self,
        is_meant: impl Fn(&StoredEntry) -> bool,
    ) -> Result<(u64, u64)> {
        let (mut entries, mut bytes) = (0, 0);
        for stored in self.store.list().await.map_err(|e| self.unreadable(e))? {
            if !is_meant(&stored) {
                continue;
            }
            let removed = self.store.remove(&stored.key).await.map_err(|e| self.unwritable(e))?;
            if removed {
                entries += 1;
                bytes += stored.bytes;
            }
        }
        self.store.sweep((self.now)()).await;
        Ok((entries, bytes))
    }

    /// Reads every entry and removes the damaged ones.
    ///
    /// # Errors
    /// As [`Cache::clear`].
    pub async fn verify(&self) -> Result<CacheVerification> {
        let mut verified = CacheVerification::default();
        for StoredEntry { key, bytes, .. } in
            self.store.list().await.map_err(|e| self.unreadable(e))?
        {
            let read = self.store.read(&key).await.map_err(|e| self.unreadable(e))?;
            let Some(content) = read else { continue };
            let checked = tokio::task::spawn_blocking(move || entry::check(&content, &key)).await;
            match checked.unwrap_or_else(|e| Err(RejectedEntry(e.to_string()))) {
                Ok(_) => {
                    verified.good += 1;
                    verified.bytes += bytes;
                }
                Err(RejectedEntry(why)) => {
                    self.store.remove(&key).await.map_err(|e| self.unwritable(e))?;
                    verified.removed.push((key, why));
                }
            }
        }
        self.store.sweep((self.now)()).await;
        Ok(verified)
    }

    /// A valid entry.
    async fn find(
        &self,
        key: &CacheKey,
        schema: &SchemaRef,
    ) -> Option<(EntryHeader, Vec<ArrayRef>)> {
        let bytes = match self.store.read(key).await {
            Ok(bytes) => bytes?,
            Err(e) => {
                self.fault(&e);
                return None;
            }
        };
        let (own, schema) = (*key, Arc::clone(schema));
        let decoded =
            tokio::task::spawn_blocking(move || entry::decode(&bytes, &own, &schema)).await;
        match decoded.unwrap_or_else(|e| Err(RejectedEntry(e.to_string()))) {
            Ok((header, columns)) if self.is_good(&header) => {
                count(&self.counts.hits, 1);
                self.mark_used(key).await;
                Some((header, columns))
            }
            Ok(_) => {
                count(&self.counts.expired, 1);
                self.discard(key).await;
                None
            }
            Err(RejectedEntry(why)) => {
                tracing::warn!(store = %self.store, %key, "a cached result {why}; it is removed");
                count(&self.counts.rejected, 1);
                self.discard(key).await;
                None
            }
        }
    }

    async fn mark_used(&self, key: &CacheKey) {
        match self.store.local() {
            Some(_) => self.store.touch(key, (self.now)()).await,
            None => self.usage.used(key, (self.now)()),
        }
    }

    async fn discard(&self, key: &CacheKey) {
        if let Err(e) = self.store.remove(key).await {
            self.fault(&e);
        }
    }

    fn is_good(&self, header: &EntryHeader) -> bool {
        let created = UNIX_EPOCH + Duration::from_secs(header.created);
        match (self.now)().duration_since(created) {
            Ok(age) => age <= self.limits.ttl,
            Err(ahead) => ahead.duration() <= MAX_CLOCK_SKEW,
        }
    }

    /// Logs the first fault of the store and counts each.
    fn fault(&self, cause: &dyn fmt::Display) {
        count(&self.counts.faults, 1);
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(store = %self.store, "results are not cached: {cause}");
        }
    }

    fn unreadable(&self, cause: object_store::Error) -> Error {
        let message = format!("cannot read the cache in {} ({cause}); check it", self.store);
        Error::new(ErrorCode::StoreRead, message).with_source(cause)
    }

    fn unwritable(&self, cause: object_store::Error) -> Error {
        let message = format!("cannot remove from the cache in {} ({cause})", self.store);
        Error::new(ErrorCode::StoreWrite, message).with_source(cause)
    }
}

#[cfg(test)]
mod tests;
