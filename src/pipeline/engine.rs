//! What runs share.

use std::path::PathBuf;
use std::sync::Arc;

use super::RunConfig;
use super::analysis_cache::AnalysisCache;
use super::monitor::{Monitor, RunMonitor};
use crate::cache::CacheStats;
use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::exec::MediaRuntime;
use crate::exec::backend::{self, Backend};
use crate::media::MediaTools;
use crate::resilience::Hosts;
use crate::store::DatasetRoot;
use crate::telemetry::{MediaCounts, MetricSample, Observer, Span, catalogue};

/// Workers, connections and what is known of hosts, fetched sources, the cache of analyses and counters: of
/// one run, or of several that share them (see [`RunConfig::engine`]).
#[derive(Debug)]
pub struct Engine {
    /// At rest; each run has one of its own that shares with it.
    runtime: MediaRuntime,
    cache: Option<Arc<AnalysisCache>>,
    monitor: Arc<Monitor>,
}

impl Engine {
    /// As `config` says, for runs that differ from it in their requests only.
    ///
    /// # Errors
    /// `setup.missing_program`, `config.invalid`.
    pub fn new(config: &RunConfig) -> Result<Self> {
        let place = config.place(&config.resilience())?;
        Self::with(config, config.media_tools()?, &place)
    }

    pub(super) fn with(config: &RunConfig, tools: MediaTools, place: &DatasetRoot) -> Result<Self> {
        let cache = AnalysisCache::new(config, place, &tools).map(Arc::new);
        let runtime = config.runtime(tools, PathBuf::new(), config.resilience())?;
        let runtime = match &cache {
            Some(cache) => runtime.with_cache(Arc::clone(cache.keeper())),
            None => runtime,
        };
        let monitor = Monitor::start(&config.parallel, runtime.hosts())?;
        Ok(Self { runtime, cache, monitor })
    }

    /// The same on the backend of another configuration.
    ///
    /// # Errors
    /// `config.invalid`.
    pub fn with_backend_of(&self, config: &RunConfig) -> Result<Self> {
        let runtime =
            self.runtime.with_backend(backend::build(&config.parallel.on_this_machine())?);
        Ok(Self { runtime, cache: self.cache.clone(), monitor: Arc::clone(&self.monitor) })
    }

    /// Rows of media work so far.
    pub fn counts(&self) -> MediaCounts {
        self.runtime.counters.get()
    }

    /// The hosts sources come from, and how they are doing.
    pub fn hosts(&self) -> &Hosts {
        self.runtime.hosts()
    }

    /// What the cache has done, if there is one.
    pub fn cache_stats(&self) -> Option<CacheStats> {
        self.cache.as_ref().and_then(|cache| cache.cache_stats())
    }

    /// Every metric of the runs so far, as it is now.
    pub fn metrics(&self) -> Vec<MetricSample> {
        self.monitor.samples()
    }

    /// The metrics in the text format of Prometheus.
    pub fn prometheus(&self) -> String {
        self.monitor.prometheus()
    }

    /// The spans of the last runs, as far as their traces are kept, in the order of their start.
    pub fn spans(&self) -> Vec<Span> {
        self.monitor.spans()
    }

    /// Send the metrics that have changed to the DogStatsD agent of the settings; returns the number of datagrams.
    ///
    /// # Errors
    /// `config.invalid` if the settings name none, `internal` if it cannot be reached.
    pub fn send_to_datadog(&self) -> Result<usize> {
        self.monitor.send_to_datadog()
    }

    /// Write and send metrics and traces to where the settings say.
    pub(super) fn export(&self) {
        self.monitor.export();
    }

    /// Begin a run: what it reports also counts for the engine.
    pub(super) fn begin(&self, config: &ParallelConfig) -> RunMonitor {
        let run = self.monitor.begin(config);
        let backend = self.runtime.backend();
        let labels = [backend.backend_type().as_str()];
        let metrics = &run.telemetry.metrics;
        metrics.set(&catalogue::WORKERS, &labels, backend.workers() as f64);
        for (layer, state) in self.runtime.tools.sandbox.layers() {
            metrics.set(&catalogue::SANDBOX, &[layer, state], 1.0);
            tracing::info!(layer, state, "confinement of media processes");
        }
        run
    }

    /// The runs that share this are done: what was kept for them alone is removed.
    pub async fn runs_are_done(&self) {
        if let Some(cache) = &self.cache {
            cache.run_is_done().await;
        }
    }

    /// Runs the work of this machine.
    #[cfg(feature = "distributed")]
    pub(super) fn backend(&self) -> Arc<dyn Backend> {
        self.runtime.shared_backend()
    }

    /// The runtime of one run, which writes media files to `media_dir`, tells `observer` and ends with `stop`. Its
    /// backend is `own`, or that of the engine.
    pub(super) fn for_run(
        &self,
        media_dir: PathBuf,
        own: Option<Arc<dyn Backend>>,
        (observer, stop): (&Arc<dyn Observer>, &CancelToken),
        monitor: &RunMonitor,
    ) -> MediaRuntime {
        let mut runtime = self.runtime.for_run(media_dir);
        if let Some(backend) = own {
            runtime = runtime.with_backend(backend);
        }
        // Only progress within a row goes to the observer that the engine was made with.
        runtime.observer = Arc::clone(observer);
        runtime.with_telemetry(monitor.telemetry.clone()).with_stop(stop)
    }
}
