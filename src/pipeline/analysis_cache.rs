//! Where analyses are kept: the cache, or the results folder itself until the run is done.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::RunConfig;
use crate::cache::{Cache, CacheLimits, CacheStats, CacheStore};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::WorkCache;
use crate::location::Location;
use crate::media::MediaTools;
use crate::resilience::Resilience;
use crate::source::object::{ObjectStores, SteadyStore};
use crate::store;

/// Folder in the results folder for analyses of a run that is not done yet.
pub const RESUME_FOLDER: &str = "_resume";
/// How long a run that was stopped can be resumed without analysing again.
const RESUME_TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// Where `config` keeps analyses for other runs: `cache_dir`, a folder or a prefix of an object store,
/// or a folder in the user's cache folder.
///
/// # Errors
/// `config.invalid` if there is no such folder or the place is of an unknown kind, `store.write` if
/// it cannot be made.
pub fn cache_place(config: &ParallelConfig) -> Result<CacheStore> {
    if config.cache_dir.is_empty() {
        return CacheStore::folder(&default_folder()?);
    }
    match Location::from(&config.cache_dir) {
        Location::Path(folder) => CacheStore::folder(&folder),
        Location::Url(url) => {
            let opened = ObjectStores::default().open(&url)?;
            let store = SteadyStore::new(&opened, &Resilience::new(config))?;
            Ok(CacheStore::objects(Arc::new(store), opened.path, Location::Url(url).to_string()))
        }
    }
}

/// Where a run into `results` keeps analyses until it is done.
fn resume_place(results: &store::DatasetRoot) -> Result<CacheStore> {
    match results {
        store::DatasetRoot::Folder(root) => CacheStore::folder(&root.join(RESUME_FOLDER)),
        store::DatasetRoot::Objects(objects) => {
            let (store, prefix) = (Arc::new(objects.store().clone()), objects.path(RESUME_FOLDER));
            Ok(CacheStore::objects(
                store,
                prefix,
                results.location().join(RESUME_FOLDER).to_string(),
            ))
        }
    }
}

/// The cache of `config` in `place`.
pub fn cache(config: &ParallelConfig, place: CacheStore) -> Cache {
    let hours = Duration::try_from_secs_f64(config.cache_ttl_hours * 3600.0);
    let limits = CacheLimits {
        ttl: hours.unwrap_or(Duration::MAX),
        bytes: (config.cache_limit_gb * 1e9) as u64,
    };
    Cache::new(place, limits)
}

/// `$XDG_CACHE_HOME/clipflow`, else `~/.cache/clipflow`.
fn default_folder() -> Result<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    base.map(|base| base.join("clipflow")).ok_or_else(|| {
        Error::new(
            ErrorCode::ConfigInvalid,
            "there is no home folder to keep analyses in; name a folder (cache_dir)",
        )
    })
}

/// The cache of a run's analyses, and what to remove after the run.
#[derive(Debug)]
pub(super) struct AnalysisCache {
    keeper: Arc<WorkCache>,
    /// The results folder's own, if there is no cache.
    resume: Option<Resume>,
    /// Whether a cache was asked for that cannot be used.
    no_cache: bool,
    started: SystemTime,
}

impl AnalysisCache {
    /// As `config` says. A cache that cannot be used costs nothing but itself: then analyses are
    /// kept until this run is done, as without one.
    pub(super) fn new(
        config: &RunConfig,
        results: &store::DatasetRoot,
        tools: &MediaTools,
    ) -> Option<Self> {
        let keeper = |cache: Cache| {
            Arc::new(WorkCache::new(Arc::new(cache), config.cache_key.clone(), &tools.identity))
        };
        let started = SystemTime::now();
        let mut no_cache = false;
        if config.parallel.enable_caching {
            let place = config.cache.clone().map_or_else(|| cache_place(&config.parallel), Ok);
            match place {
                Ok(place) => {
                    let keeper = keeper(cache(&config.parallel, place));
                    return Some(Self { keeper, resume: None, no_cache, started });
                }
                Err(e) => tracing::warn!(code = %e.code(), "analyses are not kept: {e}"),
            }
            no_cache = true;
        }
        let limits = CacheLimits { ttl: RESUME_TTL, bytes: u64::MAX };
        match resume_place(results) {
            Ok(place) => {
                let keeper = keeper(Cache::new(place, limits));
                let folder = results.location().join(RESUME_FOLDER);
                let folder = folder.as_path().map(Path::to_path_buf);
                Some(Self { keeper, resume: Some(Resume(folder)), no_cache, started })
            }
            Err(e) => {
                tracing::warn!(code = %e.code(), "this run cannot be resumed: {e}");
                None
            }
        }
    }

    pub(super) fn keeper(&self) -> &Arc<WorkCache> {
        &self.keeper
    }

    /// What the cache has done, if there is one.
    pub(super) fn cache_stats(&self) -> Option<CacheStats> {
        match (&self.resume, self.no_cache) {
            (None, _) => Some(self.keeper.stats()),
            (Some(_), true) => Some(CacheStats { faults: 1, ..CacheStats::default() }),
            (Some(_), false) => None,
        }
    }

    /// The run is done: what was kept for it alone goes, with what was left of runs long ago.
    pub(super) async fn run_is_done(&self) {
        if self.resume.is_none() {
            return;
        }
        let long_ago = SystemTime::now().checked_sub(RESUME_TTL);
        let mine = |used: SystemTime| used >= self.started || long_ago.is_some_and(|t| used < t);
        if let Err(e) = self.keeper.cache().remove_where(|stored| mine(stored.used)).await {
            tracing::warn!(code = %e.code(), "{e}");
        }
    }
}

/// Removes folders that are left empty.
#[derive(Debug)]
struct Resume(Option<PathBuf>);

impl Drop for Resume {
    fn drop(&mut self) {
        let Some(all) = &self.0 else { return };
        for folder in std::fs::read_dir(all).into_iter().flatten().flatten() {
            // Only succeeds when it is empty.
            let _ = std::fs::remove_dir(folder.path());
        }
        let _ = std::fs::remove_dir(all);
    }
}
