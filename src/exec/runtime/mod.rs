//! What all rows of media work share; [`run`] is how one of them is run.

mod run;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::WorkEnv;
use super::ahead::Ahead;
use super::backend::{AsyncBackend, Backend};
use super::kept::Keeper;
use super::work::Progress;
use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::media::MediaTools;
use crate::resilience::{Hosts, Resilience};
use crate::source::Sources;
use crate::telemetry::{Counters, Event, Observer, Silent};

/// What a [`MediaRuntime`] is made of.
#[derive(Debug)]
pub struct MediaRuntimeConfig {
    /// ffmpeg and ffprobe.
    pub tools: MediaTools,
    /// Where sources come from.
    pub sources: Sources,
    /// Folder rendered files go to.
    pub media_dir: PathBuf,
    /// How rows are run, and how many at a time.
    pub backend: Arc<dyn Backend>,
    /// How faults are dealt with; its hosts are those of `sources`.
    pub resilience: Resilience,
    /// Who is told about events.
    pub observer: Arc<dyn Observer>,
}

/// Rows of one stream that are under way at the most: those that wait, for a host or for their next
/// try, cost little and must not keep the rows of other hosts out.
const ROWS_AHEAD: usize = 1024;

/// Shared by every `MediaExec` of a session, so that its limit holds for all of them together.
#[derive(Debug)]
pub struct MediaRuntime {
    /// ffmpeg and ffprobe.
    pub tools: MediaTools,
    /// Where sources come from.
    pub sources: Arc<Sources>,
    /// Who is told about events.
    pub observer: Arc<dyn Observer>,
    /// Live counters.
    pub counters: Arc<Counters>,
    env: Arc<WorkEnv>,
    token: CancelToken,
    backend: Arc<dyn Backend>,
    /// One for each worker: a row that has one does not wait in the backend.
    slots: Arc<Semaphore>,
    ahead: Arc<Ahead>,
    resilience: Resilience,
    keeper: Option<Arc<Keeper>>,
    /// Rows that were begun with and are not done.
    rows: watch::Sender<usize>,
}

/// Progress of work goes to the counters and the observer.
#[derive(Debug)]
struct Told {
    counters: Arc<Counters>,
    observer: Arc<dyn Observer>,
}

impl Progress for Told {
    fn advanced(&self, stage: &'static str, seconds: f64) {
        self.counters.advanced(seconds);
        self.observer.event(&Event::Progress { stage, seconds });
    }
}

impl MediaRuntime {
    /// A runtime for looking at files that somebody named: a path that they typed is one they may read, so
    /// every file is allowed.
    ///
    /// # Errors
    /// `setup.missing_program` without ffmpeg.
    pub fn for_reading() -> Result<Self> {
        let config = ParallelConfig::default();
        let resilience = Resilience::new(&config);
        Ok(Self::new(MediaRuntimeConfig {
            tools: MediaTools::find()?,
            sources: Sources::standard([PathBuf::from("/")], &config, &resilience.hosts),
            media_dir: std::env::temp_dir(),
            backend: Arc::new(AsyncBackend::new(1)),
            resilience,
            observer: Arc::new(Silent),
        }))
    }

    /// A runtime at rest.
    pub fn new(config: MediaRuntimeConfig) -> Self {
        let MediaRuntimeConfig { tools, sources, media_dir, backend, resilience, observer } =
            config;
        let counters = Arc::new(Counters::default());
        let progress = Told { counters: Arc::clone(&counters), observer: Arc::clone(&observer) };
        let env = WorkEnv {
            tools: Some(tools.clone()),
            media_dir,
            progress: Arc::new(progress),
            ..WorkEnv::bare()
        };
        let token = CancelToken::new();
        let (env, workers) = (Arc::new(env), backend.workers());
        let slots = Arc::new(Semaphore::new(workers));
        let ahead = Arc::new(Ahead::new(workers, resilience.hosts.limits()));
        Self {
            tools,
            sources: Arc::new(sources),
            observer,
            counters,
            env,
            token,
            backend,
            slots,
            ahead,
            resilience,
            keeper: None,
            rows: watch::Sender::new(0),
        }
    }

    /// One for another run, which shares workers, sources, hosts, counters and kept results with this
    /// one and is stopped by itself.
    #[must_use]
    pub fn for_run(&self, media_dir: PathBuf) -> Self {
        let env = WorkEnv { media_dir, ..WorkEnv::clone(&self.env) };
        Self {
            tools: self.tools.clone(),
            sources: Arc::clone(&self.sources),
            observer: Arc::clone(&self.observer),
            counters: Arc::clone(&self.counters),
            env: Arc::new(env),
            token: CancelToken::new(),
            backend: Arc::clone(&self.backend),
            slots: Arc::clone(&self.slots),
            ahead: Arc::clone(&self.ahead),
            resilience: self.resilience.clone(),
            keeper: self.keeper.clone(),
            rows: watch::Sender::new(0),
        }
    }

    /// The same on another backend.
    #[must_use]
    pub fn with_backend(&self, backend: Arc<dyn Backend>) -> Self {
        let workers = backend.workers();
        Self {
            slots: Arc::new(Semaphore::new(workers)),
            ahead: Arc::new(Ahead::new(workers, self.resilience.hosts.limits())),
            backend,
            ..self.for_run(self.env.media_dir.clone())
        }
    }

    /// The same, drained and cancelled with `stop`.
    #[must_use]
    pub fn with_stop(self, stop: &CancelToken) -> Self {
        Self { token: stop.child(), ..self }
    }

    /// The same with results kept by `keeper`.
    #[must_use]
    pub fn with_keeper(self, keeper: Arc<Keeper>) -> Self {
        Self { keeper: Some(keeper), ..self }
    }

    /// Who keeps results.
    pub fn keeper(&self) -> Option<&Arc<Keeper>> {
        self.keeper.as_ref()
    }

    /// What runs the work.
    pub fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// The hosts sources come from, and how they are doing.
    pub fn hosts(&self) -> &Hosts {
        &self.resilience.hosts
    }

    /// Rows of one stream under way at a time, of which few are fetched and fewer worked on.
    pub fn rows_ahead(&self) -> usize {
        ROWS_AHEAD
    }

    /// A token for the work of one stream; [`MediaRuntime::cancel`] throws it too.
    pub fn token(&self) -> CancelToken {
        self.token.child()
    }

    /// End all work of this runtime.
    pub fn cancel(&self) {
        self.token.cancel();
    }
}
