//! Kept results in front of work: what was done for the same source with the same settings and
//! programs is not done again.
//!
//! A row is asked for twice: before its source is fetched, if its validator can be had without (then
//! a hit costs no fetch), and after, if the fetch shows another validator. What is kept is what was
//! made of the source as it was fetched.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};

use super::Work;
use super::row::text_at;
use crate::cache::{Cache, CacheKey, CacheKeyFn, CacheStats, CacheSubject, Header, Lookup, Turn};
use crate::location::{redacted, scheme};
use crate::source::Sources;

/// A cache, and what keys in it are made of.
#[derive(Debug)]
pub struct Keeper {
    cache: Arc<Cache>,
    key: Option<CacheKeyFn>,
    tool: String,
}

/// What [`Keeper::ask`] found.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// The work's columns.
    Hit(Vec<ArrayRef>),
    /// Nothing: do it.
    Miss(Pending<'a>),
}

/// A row whose work is to be done, and kept if it can be.
#[derive(Debug)]
pub(super) struct Pending<'a>(Option<Wanted<'a>>);

#[derive(Debug)]
struct Wanted<'a> {
    keeper: &'a Keeper,
    sources: &'a Sources,
    work: Arc<dyn Work>,
    settings: String,
    location: String,
    schema: SchemaRef,
    /// Whose turn it is, and what it is about.
    turn: Option<(CacheKey, Turn)>,
}

impl Keeper {
    /// Results of `tool` (what changes when the media programs do) in `cache`; sources are told
    /// apart by `key`, or by location and validator.
    pub fn new(cache: Arc<Cache>, key: Option<CacheKeyFn>, tool: impl Into<String>) -> Self {
        Self { cache, key, tool: tool.into() }
    }

    /// The cache.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// What the cache has done.
    pub fn stats(&self) -> CacheStats {
        self.cache.stats()
    }

    /// The kept columns of `work` on `row`. If there are none it is the caller's turn to make them:
    /// others who want the same wait until the answer is dropped.
    pub(super) async fn ask<'a>(
        this: Option<&'a Self>,
        sources: &'a Sources,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
    ) -> Asked<'a> {
        let (Some(keeper), Some(settings), true) = (this, work.cache_key(), work.needs_source())
        else {
            return Asked::Miss(Pending(None));
        };
        let location = text_at(row, "location").unwrap_or_default();
        let schema = Arc::new(Schema::new(work.output_fields()));
        let work = Arc::clone(work);
        let mut wanted = Wanted { keeper, sources, work, settings, location, schema, turn: None };
        // A source that cannot be reached or may not be read is not answered for: the fetch says why.
        if let Ok(validator) = sources.validator(&wanted.location).await
            && (validator.is_some() || keeper.key.is_some())
            && let Some(columns) = wanted.look_up(validator.as_deref()).await
        {
            return Asked::Hit(columns);
        }
        Asked::Miss(Pending(Some(wanted)))
    }
}

impl Pending<'_> {
    /// The kept columns of the source as it was fetched, if that is not the one that was asked for.
    pub(super) async fn fetched(&mut self, validator: &str) -> Option<Vec<ArrayRef>> {
        self.0.as_mut()?.look_up(Some(validator)).await
    }

    /// Keep `columns`, made of the source as it was fetched with `validator`.
    pub(super) async fn done(self, validator: &str, columns: &[ArrayRef]) {
        let Some(mut wanted) = self.0 else { return };
        let Some((key, turn)) = wanted.turn.take() else { return };
        if !wanted.is_still(validator, &key).await {
            return;
        }
        let about = Header {
            work: wanted.work.name().to_owned(),
            location: redacted(&wanted.location),
            validator: validator.to_owned(),
            tool: wanted.keeper.tool.clone(),
            ..Header::default()
        };
        wanted.keeper.cache.store(&key, about, &wanted.schema, columns, turn).await;
    }
}

impl Wanted<'_> {
    /// The kept columns for this validator, as this row's; else it is our turn, unless it already is.
    async fn look_up(&mut self, validator: Option<&str>) -> Option<Vec<ArrayRef>> {
        let beside = beside(&self.work, &self.location).await;
        let key = self.key(validator, &beside);
        if self.turn.as_ref().is_some_and(|(ours, _)| *ours == key) {
            return None;
        }
        // Given back before another is waited for: two rows could else wait for each other.
        self.turn = None;
        match self.keeper.cache.look_up(&key, &self.schema).await {
            Lookup::Hit(header, columns) => {
                let validator = validator.unwrap_or(&header.validator);
                Some(self.work.adopt(&self.location, validator, &beside, columns))
            }
            Lookup::Miss(turn) => {
                self.turn = Some((key, turn));
                None
            }
        }
    }

    /// Whether what was read is what stands under `key`: a local source and its captions are read
    /// where they lie and may have changed meanwhile.
    async fn is_still(&self, validator: &str, key: &CacheKey) -> bool {
        if scheme(&self.location).is_some() {
            return true;
        }
        let now = self.sources.validator(&self.location).await;
        let beside = beside(&self.work, &self.location).await;
        now.ok().flatten().as_deref() == Some(validator)
            && self.key(Some(validator), &beside) == *key
    }

    fn key(&self, validator: Option<&str>, beside: &str) -> CacheKey {
        let (work, location) = (self.work.name(), self.location.as_str());
        let named = self
            .keeper
            .key
            .as_ref()
            .map(|key| key.name(&CacheSubject { work, location, validator }));
        let subject = match &named {
            Some(name) => ["named", name, ""],
            None => ["location", location, validator.unwrap_or_default()],
        };
        let version = env!("CARGO_PKG_VERSION");
        let settings = [version, work, &self.settings, &self.keeper.tool, beside];
        CacheKey::of(settings.into_iter().chain(subject))
    }
}

/// What `work` reads beside the source at `location`, see [`Work::beside`]; empty if that is elsewhere.
pub async fn beside(work: &Arc<dyn Work>, location: &str) -> String {
    if scheme(location).is_some() {
        return String::new();
    }
    let (work, path) = (Arc::clone(work), PathBuf::from(location));
    // A link's captions lie beside what it leads to.
    let look = move || work.beside(&path.canonicalize().unwrap_or(path));
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}
