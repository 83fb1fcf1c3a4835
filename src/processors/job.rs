//! Batches that share engines and counters.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::handler::ErrorHandler;
use super::response::{VideoClipResponse, answered};
use super::stats::ProcessingStats;
use crate::cancel::CancelToken;
use crate::config::BackendType;
use crate::error::Result;
use crate::pipeline::{self, Engine, Requests, RunConfig, VariantSettings};
use crate::telemetry::logs::{DebugLog, LogEntry, LogSubscription, subscribe};
use crate::telemetry::{MetricSample, Span};

/// Runs batches with one configuration. Clones share engines and counters.
#[derive(Debug, Clone)]
pub(super) struct BatchJob {
    config: RunConfig,
    pub(super) handler: Option<ErrorHandler>,
    /// Receives log events as long as this lives.
    pub(super) logger: Option<LogSubscription>,
    shared: Arc<SharedEngines>,
}

#[derive(Debug, Default)]
struct SharedEngines {
    /// One engine per backend in use; they share everything but the backend.
    engines: Mutex<Vec<(BackendType, Arc<Engine>)>>,
    batches: AtomicU64,
    requests: AtomicU64,
    answered: AtomicU64,
    /// Batches under way.
    under_way: watch::Sender<usize>,
    /// The last log events, once a batch with `debug` began.
    log: DebugLog,
    logs: OnceLock<Option<LogSubscription>>,
}

impl BatchJob {
    pub(super) fn new(config: RunConfig) -> Self {
        Self { config, handler: None, logger: None, shared: Arc::default() }
    }

    pub(super) fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The configuration, to change it. Shared engines and counters are reset.
    pub(super) fn config_mut(&mut self) -> &mut RunConfig {
        self.shared = Arc::default();
        &mut self.config
    }

    /// Change the variant settings, which the engines do not depend on.
    pub(super) fn change_variants(&mut self, change: impl FnOnce(&mut VariantSettings)) {
        change(&mut self.config.variants);
    }

    /// Change the token that stops batches, which the engines do not depend on.
    pub(super) fn change_stop(&mut self, stop: CancelToken) {
        self.config.stop = stop;
    }

    /// The same on another backend.
    pub(super) fn on(mut self, backend: BackendType) -> Self {
        self.config.parallel.backend = backend;
        self
    }

    /// Answer a batch, then clean up.
    pub(super) async fn process(&self, requests: Requests) -> Result<Vec<VideoClipResponse>> {
        let responses = self.answer(requests).await?;
        self.finish().await;
        Ok(responses)
    }

    /// Answer a batch and keep shared resources for the next one.
    pub(super) async fn answer(&self, requests: Requests) -> Result<Vec<VideoClipResponse>> {
        let under_way = BatchUnderWay::new(&self.shared.under_way);
        let result = self.run(requests).await;
        drop(under_way);
        self.shared.batches.fetch_add(1, Ordering::Relaxed);
        let responses = result?;
        let answered = responses.iter().filter(|r| r.success).count();
        self.shared.requests.fetch_add(responses.len() as u64, Ordering::Relaxed);
        self.shared.answered.fetch_add(answered as u64, Ordering::Relaxed);
        Ok(responses)
    }

    async fn run(&self, requests: Requests) -> Result<Vec<VideoClipResponse>> {
        let config = RunConfig { requests, engine: Some(self.engine()?), ..self.config.clone() };
        let (_, answers) = pipeline::run_and_collect(&config).await?;
        let responses = answered(&answers, &self.config.out)?.into_iter();
        Ok(responses
            .map(|(request, response)| match &self.handler {
                Some(handler) => handler.handle(&request, response),
                None => response,
            })
            .collect())
    }

    /// Release resources that were kept for further batches.
    pub(super) async fn finish(&self) {
        let engine = self.engines().first().map(|(_, engine)| Arc::clone(engine));
        if let Some(engine) = engine {
            engine.runs_are_done().await;
        }
    }

    pub(super) fn stats(&self) -> ProcessingStats {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let SharedEngines { batches, requests, answered, .. } = &*self.shared;
        let counts = ProcessingStats {
            batches: get(batches),
            requests: get(requests),
            answered: get(answered),
            ..ProcessingStats::default()
        };
        match self.engines().first() {
            Some((_, engine)) => ProcessingStats {
                media: engine.counts(),
                cache: engine.cache_stats().unwrap_or_default(),
                hosts: engine.hosts().snapshot(),
                ..counts
            },
            None => counts,
        }
    }

    /// Every metric as it is now; none before the first batch.
    pub(super) fn metrics(&self) -> Vec<MetricSample> {
        self.first_engine().map_or(vec![], |engine| engine.metrics())
    }

    /// The spans of the last batches.
    pub(super) fn spans(&self) -> Vec<Span> {
        self.first_engine().map_or(vec![], |engine| engine.spans())
    }

    /// Send the metrics that have changed to the agent of the settings: the number of datagrams.
    pub(super) fn send_to_datadog(&self) -> Result<usize> {
        match self.first_engine() {
            Some(engine) => engine.send_to_datadog(),
            None => pipeline::check_datadog(&self.config.parallel).map(|()| 0),
        }
    }

    /// The last log events.
    pub(super) fn debug_logs(&self) -> Vec<LogEntry> {
        self.shared.log.entries()
    }

    /// Whether no batch is under way within `time`.
    pub(super) async fn idle_within(&self, time: Duration) -> bool {
        let mut under_way = self.shared.under_way.subscribe();
        let idle = under_way.wait_for(|batches| *batches == 0);
        tokio::time::timeout(time, idle).await.is_ok()
    }

    fn first_engine(&self) -> Option<Arc<Engine>> {
        self.engines().first().map(|(_, engine)| Arc::clone(engine))
    }

    /// Keep log events from now on, if the settings say so.
    fn keep_logs(&self) {
        if self.config.parallel.debug {
            self.shared.logs.get_or_init(|| {
                let subscribed = subscribe(Arc::new(self.shared.log.clone()));
                // The program has a log of its own, where this is said.
                subscribed.map_err(|e| tracing::warn!("debug logs are not kept: {e}")).ok()
            });
        }
    }

    fn engine(&self) -> Result<Arc<Engine>> {
        self.keep_logs();
        let backend = self.config.parallel.backend;
        let mut engines = self.engines();
        if let Some((_, engine)) = engines.iter().find(|(b, _)| *b == backend) {
            return Ok(Arc::clone(engine));
        }
        let engine = match engines.first() {
            Some((_, other)) => other.with_backend_of(&self.config)?,
            None => Engine::new(&self.config)?,
        };
        let engine = Arc::new(engine);
        engines.push((backend, Arc::clone(&engine)));
        Ok(engine)
    }

    fn engines(&self) -> std::sync::MutexGuard<'_, Vec<(BackendType, Arc<Engine>)>> {
        self.shared.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a batch as under way while it lives.
struct BatchUnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> BatchUnderWay<'a> {
    fn new(batches: &'a watch::Sender<usize>) -> Self {
        batches.send_modify(|batches| *batches += 1);
        Self(batches)
    }
}

impl Drop for BatchUnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|batches| *batches -= 1);
    }
}
