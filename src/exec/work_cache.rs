//! The cache in front of work: results for the same source, settings and programs are reused.
//!
//! A row is looked up twice: before its source is fetched, if the validator is known without a fetch
//! (then a hit costs no fetch), and after it, if the fetched source has another validator. Results are
//! stored under the validator of the source as it was fetched.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};

use super::Work;
use super::row::text_at;
use crate::cache::{
    Cache, CacheKey, CacheKeyFn, CacheStats, CacheSubject, EntryHeader, EntryLookup, KeyLock,
};
use crate::location::{redacted, scheme};
use crate::source::Sources;

/// A cache, and how its keys are made.
#[derive(Debug)]
pub struct WorkCache {
    cache: Arc<Cache>,
    key: Option<CacheKeyFn>,
    tool: String,
}

/// Result of [`WorkCache::look_up`].
#[derive(Debug)]
pub(super) enum CacheLookup<'a> {
    /// The work's columns.
    Hit(Vec<ArrayRef>),
    /// There are none: the caller runs the work.
    Miss(CacheMiss<'a>),
}

/// A row whose work must run; its result is stored if the work can be cached.
#[derive(Debug)]
pub(super) struct CacheMiss<'a>(Option<CacheRequest<'a>>);

/// One row's work, as the cache sees it.
#[derive(Debug)]
struct CacheRequest<'a> {
    work_cache: &'a WorkCache,
    sources: &'a Sources,
    work: Arc<dyn Work>,
    settings: String,
    location: String,
    schema: SchemaRef,
    /// The key that was looked up last, and its lock.
    lock: Option<(CacheKey, KeyLock)>,
}

impl WorkCache {
    /// Caches results of `tool`, the identity of the media programs, in `cache`. Sources are identified
    /// by `key`, or by location and validator.
    pub fn new(cache: Arc<Cache>, key: Option<CacheKeyFn>, tool: impl Into<String>) -> Self {
        Self { cache, key, tool: tool.into() }
    }

    /// The cache.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// The counters of the cache.
    pub fn stats(&self) -> CacheStats {
        self.cache.stats()
    }

    /// Looks up the columns of `work` on `row`. After a miss, other rows with the same key wait until
    /// the result is stored or dropped. Without a cache, and for work that is not
    /// [`Cacheable`](super::Cacheable), every lookup is a miss.
    pub(super) async fn look_up<'a>(
        this: Option<&'a Self>,
        sources: &'a Sources,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
    ) -> CacheLookup<'a> {
        let settings = work.cacheable().and_then(|work| work.cache_key());
        let (Some(work_cache), Some(settings), true) = (this, settings, work.needs_source()) else {
            return CacheLookup::Miss(CacheMiss(None));
        };
        let of_row = work.cacheable().map(|work| work.row_key(row)).unwrap_or_default();
        let settings = settings + &of_row;
        let location = text_at(row, "location").unwrap_or_default();
        let schema = Arc::new(Schema::new(work.output_fields()));
        let work = Arc::clone(work);
        let mut request =
            CacheRequest { work_cache, sources, work, settings, location, schema, lock: None };
        // For a source that is unreachable or forbidden there is no lookup: the fetch reports the error.
        if let Ok(validator) = sources.validator(&request.location).await
            && (validator.is_some() || work_cache.key.is_some())
            && let Some(columns) = request.look_up(validator.as_deref()).await
        {
            return CacheLookup::Hit(columns);
        }
        CacheLookup::Miss(CacheMiss(Some(request)))
    }
}

impl CacheMiss<'_> {
    /// Whether there is a cache that was asked.
    pub(super) fn is_cacheable(&self) -> bool {
        self.0.is_some()
    }

    /// Looks up the columns of the source as it was fetched, if its validator is another one.
    pub(super) async fn look_up_fetched(&mut self, validator: &str) -> Option<Vec<ArrayRef>> {
        self.0.as_mut()?.look_up(Some(validator)).await
    }

    /// Stores `columns`, computed from the source as it was fetched with `validator`.
    pub(super) async fn store(self, validator: &str, columns: &[ArrayRef]) {
        let Some(mut request) = self.0 else { return };
        let Some((key, lock)) = request.lock.take() else { return };
        if !request.is_still(validator, &key).await {
            return;
        }
        let about = EntryHeader {
            work: request.work.name().to_owned(),
            location: redacted(&request.location),
            validator: validator.to_owned(),
            tool: request.work_cache.tool.clone(),
            ..EntryHeader::default()
        };
        request.work_cache.cache.put(&key, about, &request.schema, columns, lock).await;
    }
}

impl CacheRequest<'_> {
    /// The cached columns for this validator, adopted for this row; after a miss this row holds the lock.
    async fn look_up(&mut self, validator: Option<&str>) -> Option<Vec<ArrayRef>> {
        let sidecars = sidecar_state(&self.work, &self.location).await;
        let key = self.key(validator, &sidecars);
        if self.lock.as_ref().is_some_and(|(held, _)| *held == key) {
            return None;
        }
        // Released before another is awaited: two rows could otherwise wait for each other.
        self.lock = None;
        match self.work_cache.cache.look_up(&key, &self.schema).await {
            EntryLookup::Hit(header, columns) => {
                let validator = validator.unwrap_or(&header.validator);
                let work = self.work.cacheable()?;
                Some(work.adopt(&self.location, validator, &sidecars, columns))
            }
            EntryLookup::Miss(lock) => {
                self.lock = Some((key, lock));
                None
            }
        }
    }

    /// Whether the source that was read still has `key`: local sources and their captions are read in
    /// place and may have changed meanwhile.
    async fn is_still(&self, validator: &str, key: &CacheKey) -> bool {
        if scheme(&self.location).is_some() {
            return true;
        }
        let now = self.sources.validator(&self.location).await;
        let sidecars = sidecar_state(&self.work, &self.location).await;
        now.ok().flatten().as_deref() == Some(validator)
            && self.key(Some(validator), &sidecars) == *key
    }

    fn key(&self, validator: Option<&str>, sidecars: &str) -> CacheKey {
        let (work, location) = (self.work.name(), self.location.as_str());
        let named = self
            .work_cache
            .key
            .as_ref()
            .map(|key| key.name(&CacheSubject { work, location, validator }));
        let subject = match &named {
            Some(name) => ["named", name, ""],
            None => ["location", location, validator.unwrap_or_default()],
        };
        let version = env!("CARGO_PKG_VERSION");
        let settings = [version, work, &self.settings, &self.work_cache.tool, sidecars];
        CacheKey::of(settings.into_iter().chain(subject))
    }
}

/// The [`sidecar_state`](super::Cacheable::sidecar_state) of `work` for a local source; empty for a URL.
pub async fn sidecar_state(work: &Arc<dyn Work>, location: &str) -> String {
    if scheme(location).is_some() {
        return String::new();
    }
    let (work, path) = (Arc::clone(work), PathBuf::from(location));
    // The captions of a symbolic link lie beside its target.
    let look = move || {
        let path = path.canonicalize().unwrap_or(path);
        work.cacheable().map(|work| work.sidecar_state(&path)).unwrap_or_default()
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}
