//! The state shared by all rows of media work; [`run`] runs one row.

mod elsewhere;
mod measure;
mod run;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::WorkEnv;
use super::backend::{AsyncBackend, Backend};
use super::prefetch::Prefetch;
use super::work::Progress;
use super::work_cache::WorkCache;
use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::location::Location;
use crate::media::MediaTools;
use crate::resilience::{Hosts, Resilience};
use crate::source::Sources;
use crate::telemetry::{Event, MediaCounters, Observer, Silent, Telemetry};

pub use measure::RowFigures;

/// The parts of a [`MediaRuntime`].
#[derive(Debug)]
pub struct MediaRuntimeConfig {
    /// ffmpeg and ffprobe.
    pub tools: MediaTools,
    /// Where sources come from.
    pub sources: Sources,
    /// Folder of rendered files.
    pub media_dir: PathBuf,
    /// Runs the rows and limits how many run at a time.
    pub backend: Arc<dyn Backend>,
    /// Retries and limits per host; its hosts are those of `sources`.
    pub resilience: Resilience,
    /// Receives events.
    pub observer: Arc<dyn Observer>,
}

/// Largest number of rows of one stream in flight: waiting rows (for a host or for a retry) cost little
/// and must not block the rows of other hosts.
const ROWS_AHEAD: usize = 1024;

/// The runtime of media work, shared by every `MediaExec` of a session so that its limits hold for all.
#[derive(Debug)]
pub struct MediaRuntime {
    /// ffmpeg and ffprobe.
    pub tools: MediaTools,
    /// Where sources come from.
    pub sources: Arc<Sources>,
    /// Receives events.
    pub observer: Arc<dyn Observer>,
    /// Live counters.
    pub counters: Arc<MediaCounters>,
    /// Metrics, traces and records of rows.
    pub telemetry: Telemetry,
    env: Arc<WorkEnv>,
    token: CancelToken,
    backend: Arc<dyn Backend>,
    /// One per worker: a row that holds one does not wait in the backend.
    slots: Arc<Semaphore>,
    prefetch: Arc<Prefetch>,
    resilience: Resilience,
    cache: Option<Arc<WorkCache>>,
    /// Number of rows in flight.
    rows: watch::Sender<usize>,
}

/// Forwards progress of work to the counters and the observer.
#[derive(Debug)]
struct ProgressToObserver {
    counters: Arc<MediaCounters>,
    observer: Arc<dyn Observer>,
}

impl Progress for ProgressToObserver {
    fn advanced(&self, stage: &str, seconds: f64) {
        self.counters.advanced(seconds);
        self.observer.event(&Event::Progress { stage, seconds });
    }

    fn expected(&self, stage: &str, seconds: f64) {
        self.observer.event(&Event::Expected { stage, seconds });
    }
}

impl MediaRuntime {
    /// A runtime for reading videos beneath `roots`; `None`: for files that the user named, every path is allowed,
    /// since the user may read it.
    ///
    /// # Errors
    /// `setup.missing_program` without ffmpeg.
    pub fn for_reading(roots: Option<Vec<Location>>) -> Result<Self> {
        let config = ParallelConfig::default();
        let resilience = Resilience::new(&config);
        let roots = roots.unwrap_or_else(|| vec![Location::from("/")]);
        Ok(Self::new(MediaRuntimeConfig {
            tools: MediaTools::find()?,
            sources: Sources::standard(roots, &config, &resilience.hosts),
            media_dir: std::env::temp_dir(),
            backend: Arc::new(AsyncBackend::new(1)),
            resilience,
            observer: Arc::new(Silent),
        }))
    }

    /// A runtime without rows.
    pub fn new(config: MediaRuntimeConfig) -> Self {
        let MediaRuntimeConfig { tools, sources, media_dir, backend, resilience, observer } =
            config;
        let counters = Arc::new(MediaCounters::default());
        let progress =
            ProgressToObserver { counters: Arc::clone(&counters), observer: Arc::clone(&observer) };
        let env = WorkEnv {
            tools: Some(tools.clone()),
            media_dir,
            progress: Arc::new(progress),
            ..WorkEnv::bare()
        };
        let token = CancelToken::new();
        let (env, workers) = (Arc::new(env), backend.workers());
        let slots = Arc::new(Semaphore::new(workers));
        let prefetch = Arc::new(Prefetch::new(workers, resilience.hosts.limits()));
        Self {
            tools,
            sources: Arc::new(sources),
            observer,
            counters,
            telemetry: Telemetry::default(),
            env,
            token,
            backend,
            slots,
            prefetch,
            resilience,
            cache: None,
            rows: watch::Sender::new(0),
        }
    }

    /// A runtime for another run, which shares workers, sources, hosts, counters and cache with this one
    /// and is cancelled independently.
    #[must_use]
    pub fn for_run(&self, media_dir: PathBuf) -> Self {
        let env = WorkEnv { media_dir, ..WorkEnv::clone(&self.env) };
        Self {
            tools: self.tools.clone(),
            sources: Arc::clone(&self.sources),
            observer: Arc::clone(&self.observer),
            counters: Arc::clone(&self.counters),
            telemetry: self.telemetry.clone(),
            env: Arc::new(env),
            token: CancelToken::new(),
            backend: Arc::clone(&self.backend),
            slots: Arc::clone(&self.slots),
            prefetch: Arc::clone(&self.prefetch),
            resilience: self.resilience.clone(),
            cache: self.cache.clone(),
            rows: watch::Sender::new(0),
        }
    }

    /// The same runtime on another backend.
    #[must_use]
    pub fn with_backend(&self, backend: Arc<dyn Backend>) -> Self {
        let workers = backend.workers();
        Self {
            slots: Arc::new(Semaphore::new(workers)),
            prefetch: Arc::new(Prefetch::new(workers, self.resilience.hosts.limits())),
            backend,
            ..self.for_run(self.env.media_dir.clone())
        }
    }

    /// The same runtime, whose sources are these.
    #[cfg(feature = "distributed")]
    #[must_use]
    pub(crate) fn with_sources(self, sources: Sources) -> Self {
        Self { sources: Arc::new(sources), ..self }
    }

    /// The same runtime, drained and cancelled with `stop`.
    #[must_use]
    pub fn with_stop(self, stop: &CancelToken) -> Self {
        Self { token: stop.child(), ..self }
    }

    /// The same runtime, whose rows report to `telemetry`.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Telemetry) -> Self {
        Self { telemetry, ..self }
    }

    /// The same runtime with results cached in `cache`.
    #[must_use]
    pub fn with_cache(self, cache: Arc<WorkCache>) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// The cache of results, if there is one.
    pub fn cache(&self) -> Option<&Arc<WorkCache>> {
        self.cache.as_ref()
    }

    /// The backend that runs the work.
    pub fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// The same, to be shared.
    #[cfg(feature = "distributed")]
    pub(crate) fn shared_backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    /// The hosts of sources and their state.
    pub fn hosts(&self) -> &Hosts {
        &self.resilience.hosts
    }

    /// Largest number of rows of one stream in flight; few of them are fetched at a time, fewer run.
    pub fn rows_ahead(&self) -> usize {
        ROWS_AHEAD
    }

    /// A token for the work of one stream; [`MediaRuntime::cancel`] cancels it too.
    pub fn token(&self) -> CancelToken {
        self.token.child()
    }

    /// Cancels all work of this runtime.
    pub fn cancel(&self) {
        self.token.cancel();
    }
}
