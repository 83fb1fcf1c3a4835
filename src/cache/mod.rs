//! Results kept for other runs.
//!
//! A [`Cache`] keeps columns under a [`CacheKey`] in a [`Place`]: a folder, or a prefix of an object
//! store. What it hands out is what was put in, whole and under that key, or nothing: the content is
//! hashed, and an entry that is damaged, cut off, too old or kept under another's name is removed and
//! counts as missing. A fault of the cache itself is never the caller's: it is logged once, counted,
//! and the work is done as if there were no cache.

mod entry;
mod key;
mod place;
mod stats;
mod turn;
mod usage;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt, stream};

pub use entry::Header;
pub use key::{CacheKey, CacheKeyFn, CacheSubject};
pub use place::{Place, Stored};
pub use stats::CacheStats;
pub use turn::Turn;

use crate::error::{Error, ErrorCode, Result};
use entry::Reject;
use stats::{Counts, count};
use turn::Turns;
use usage::Usage;

/// How far clocks of machines that share a cache may lie apart: an entry from further in the future
/// was written by a clock that was wrong.
const CLOCKS_APART: Duration = Duration::from_secs(3600);

/// Entries whose headers are read at a time.
const AT_A_TIME: usize = 16;

/// Which results are kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheLimits {
    /// How long a result is good for.
    pub ttl: Duration,
    /// Most bytes that results may take; those that were not used for longest make room.
    pub bytes: u64,
}

/// See the module. One is shared by all who keep results in the same place.
pub struct Cache {
    place: Place,
    limits: CacheLimits,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    turns: Turns,
    usage: Usage,
    counts: Counts,
    warned: AtomicBool,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("place", &self.place)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What [`Cache::look_up`] found.
#[derive(Debug)]
pub enum Lookup {
    /// The result.
    Hit(Header, Vec<ArrayRef>),
    /// Nothing: it is the caller's turn to do the work, and others who want it wait.
    Miss(Turn),
}

/// An entry as `clipflow cache ls` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Where it lies and how large it is.
    pub stored: Stored,
    /// What it says about itself; `None` if that cannot be read.
    pub header: Option<Header>,
}

/// What [`Cache::verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries that are what was written.
    pub good: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries that were not and have been removed: key and reason.
    pub removed: Vec<(CacheKey, String)>,
}

impl Cache {
    /// A cache in `place`, by the system's clock.
    pub fn new(place: Place, limits: CacheLimits) -> Self {
        Self::with_clock(place, limits, SystemTime::now)
    }

    /// As [`Cache::new`], by another clock.
    pub fn with_clock(
        place: Place,
        limits: CacheLimits,
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        Self {
            place,
            limits,
            now: Arc::new(now),
            turns: Turns::default(),
            usage: Usage::default(),
            counts: Counts::default(),
            warned: AtomicBool::new(false),
        }
    }

    /// The place.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The counters.
    pub fn stats(&self) -> CacheStats {
        self.counts.get()
    }

    /// The columns of `schema` kept under `key`. If there are none, waits until nobody else is
    /// making them (in this process, and in others that share the folder), looks again, and leaves
    /// it to the caller. Dropping the future ends the wait.
    pub async fn look_up(&self, key: &CacheKey, schema: &SchemaRef) -> Lookup {
        if let Some((header, columns)) = self.find(key, schema).await {
            return Lookup::Hit(header, columns);
        }
        let (turn, trouble) = self.turns.take(key, self.place.local()).await;
        if let Some(trouble) = trouble {
            self.fault(&trouble);
        }
        // In a folder somebody may have finished between the look and the turn; in a store that
        // look is a request.
        let again = turn.waited || self.place.local().is_some();
        match if again { self.find(key, schema).await } else { None } {
            Some((header, columns)) => Lookup::Hit(header, columns),
            None => {
                count(&self.counts.misses, 1);
                Lookup::Miss(turn)
            }
        }
    }

    /// Keep `columns` of `schema` under `key`, made in one's `turn`. `about`: `work`, `location`,
    /// `validator` and `tool` of the header; the rest is filled in.
    pub async fn store(
        &self,
        key: &CacheKey,
        about: Header,
        schema: &SchemaRef,
        columns: &[ArrayRef],
        turn: Turn,
    ) {
        let created = (self.now)().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let header = Header {
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
        // It would only push out all others.
        if size > self.limits.bytes {
            return;
        }
        if let Err(e) = self.place.write(key, bytes).await {
            return self.fault(&e);
        }
        count(&self.counts.stored, 1);
        self.mark_used(key).await;
        drop(turn);
        self.make_room(size).await;
    }

    /// Every entry, in no order, with its header.
    ///
    /// # Errors
    /// `store.read` if the place cannot be listed.
    pub async fn list(&self) -> Result<Vec<Listed>> {
        let entries = self.place.list().await.map_err(|e| self.unreadable(e))?;
        let listed = stream::iter(entries).map(|stored| self.with_header(stored));
        let listed = listed.buffered(AT_A_TIME).try_filter_map(|l| async { Ok(l) }).try_collect();
        listed.await.map_err(|e| self.unreadable(e))
    }

    async fn with_header(&self, stored: Stored) -> object_store::Result<Option<Listed>> {
        let Some(head) = self.place.head(&stored.key).await? else { return Ok(None) };
        let mut header = entry::header(&head);
        if header.is_err() {
            // A location may be longer than what was read.
            let all = self.place.read(&stored.key).await?;
            header = entry::header(&all.unwrap_or_default());
        }
        Ok(Some(Listed { stored, header: header.ok() }))
    }

    /// Remove every entry, and nothing else that lies there; how many and how many bytes.
    ///
    /// # Errors
    /// `store.read`, `store.write` if the place cannot be listed or written.
    pub async fn clear(&self) -> Result<(u64, u64)> {
        self.remove_where(|_| true).await
    }

    /// Remove the entries that `is_meant` picks; how many and how many bytes.
    ///
    /// # Errors
    /// As [`Cache::clear`].
    pub async fn remove_where(&self, is_meant: impl Fn(&Stored) -> bool) -> Result<(u64, u64)> {
        let (mut entries, mut bytes) = (0, 0);
        for stored in self.place.list().await.map_err(|e| self.unreadable(e))? {
            if !is_meant(&stored) {
                continue;
            }
            let removed = self.place.remove(&stored.key).await.map_err(|e| self.unwritable(e))?;
            if removed {
                entries += 1;
                bytes += stored.bytes;
            }
        }
        self.place.sweep((self.now)()).await;
        Ok((entries, bytes))
    }

    /// Read every entry and remove those that are not what was written.
    ///
    /// # Errors
    /// As [`Cache::clear`].
    pub async fn verify(&self) -> Result<Verified> {
        let mut verified = Verified::default();
        for Stored { key, bytes, .. } in self.place.list().await.map_err(|e| self.unreadable(e))? {
            let read = self.place.read(&key).await.map_err(|e| self.unreadable(e))?;
            let Some(content) = read else { continue };
            let checked = tokio::task::spawn_blocking(move || entry::check(&content, &key)).await;
            match checked.unwrap_or_else(|e| Err(Reject(e.to_string()))) {
                Ok(_) => {
                    verified.good += 1;
                    verified.bytes += bytes;
                }
                Err(Reject(why)) => {
                    self.place.remove(&key).await.map_err(|e| self.unwritable(e))?;
                    verified.removed.push((key, why));
                }
            }
        }
        self.place.sweep((self.now)()).await;
        Ok(verified)
    }

    /// A good entry.
    async fn find(&self, key: &CacheKey, schema: &SchemaRef) -> Option<(Header, Vec<ArrayRef>)> {
        let bytes = match self.place.read(key).await {
            Ok(bytes) => bytes?,
            Err(e) => {
                self.fault(&e);
                return None;
            }
        };
        let (own, schema) = (*key, Arc::clone(schema));
        let decoded =
            tokio::task::spawn_blocking(move || entry::decode(&bytes, &own, &schema)).await;
        match decoded.unwrap_or_else(|e| Err(Reject(e.to_string()))) {
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
            Err(Reject(why)) => {
                tracing::warn!(place = %self.place, %key, "a kept result {why}; it is removed");
                count(&self.counts.rejected, 1);
                self.discard(key).await;
                None
            }
        }
    }

    async fn mark_used(&self, key: &CacheKey) {
        match self.place.local() {
            Some(_) => self.place.touch(key, (self.now)()).await,
            None => self.usage.used(key, (self.now)()),
        }
    }

    async fn discard(&self, key: &CacheKey) {
        if let Err(e) = self.place.remove(key).await {
            self.fault(&e);
        }
    }

    fn is_good(&self, header: &Header) -> bool {
        let created = UNIX_EPOCH + Duration::from_secs(header.created);
        match (self.now)().duration_since(created) {
            Ok(age) => age <= self.limits.ttl,
            Err(ahead) => ahead.duration() <= CLOCKS_APART,
        }
    }

    /// Something is wrong with the place: said once, counted each time.
    fn fault(&self, cause: &dyn fmt::Display) {
        count(&self.counts.faults, 1);
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(place = %self.place, "results are not kept: {cause}");
        }
    }

    fn unreadable(&self, cause: object_store::Error) -> Error {
        let message = format!("cannot read the cache in {} ({cause}); check it", self.place);
        Error::new(ErrorCode::StoreRead, message).with_source(cause)
    }

    fn unwritable(&self, cause: object_store::Error) -> Error {
        let message = format!("cannot remove from the cache in {} ({cause})", self.place);
        Error::new(ErrorCode::StoreWrite, message).with_source(cause)
    }
}

#[cfg(test)]
mod tests;
