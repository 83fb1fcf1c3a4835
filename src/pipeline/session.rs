//! A run session: what a run works with from its start to its commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::monitor::RunMonitor;
use super::publish::Publisher;
use super::requests::LocalRequests;
use super::statements::Statements;
use super::validate_requests::{CheckedRows, validate_requests};
use super::{Engine, RunConfig, cluster, from_results, merge, stats};
use datafusion::common::ScalarValue;

use crate::cache::CacheStats;
use crate::cancel::{CancelToken, stopped};
use crate::error::Result;
use crate::exec::MediaRuntime;
use crate::kernels::ids::stable_id;
use crate::media::MediaTools;
use crate::model::table::Table;
use crate::query::results::register_store;
use crate::query::sql::{self, Step};
use crate::query::{register_media_relations, session};
use crate::store::{Dataset, DatasetRoot, FileEntry, ShardWriter};
use crate::telemetry::{Event, catalogue, unix_seconds};

/// Time that media processes have to end and their threads to clean up.
const TIME_TO_END: Duration = Duration::from_secs(4);

/// Settings, results, engine and statements of one run. Dropping it ends the run's media work; what was
/// not committed stays invisible.
pub(super) struct RunSession {
    // Dropped first: media work ends before its folders go.
    _cancel: CancelOnDrop,
    /// The settings, with the encoder decided and the requests local.
    pub(super) config: RunConfig,
    /// Where the results lie.
    pub(super) root: DatasetRoot,
    /// The results as they were at the start.
    pub(super) dataset: Dataset,
    /// The shard that the run writes.
    pub(super) writer: ShardWriter,
    /// Media work of this run.
    pub(super) runtime: Arc<MediaRuntime>,
    /// The statements, whose rows go to the shard's staging folder.
    pub(super) statements: Statements,
    /// What the run reports. Dropped before the engine, which exports it.
    pub(super) monitor: RunMonitor,
    engine: Arc<Engine>,
    publisher: Publisher,
    cache_before: CacheStats,
    started: Instant,
}

impl RunSession {
    /// Open a session that answers the requests of `config`: validated, they are the table `checked`.
    ///
    /// # Errors
    /// `config.invalid`, `setup.missing_program`, `store.*`; `input.*` if the requests cannot be read.
    pub(super) async fn for_requests(config: &RunConfig) -> Result<(Self, FileEntry)> {
        config.check()?;
        let opening = Opening::new(config).await?;
        let config = opening.config.clone().with_text_model()?;
        // Not the hosts of the sources, even where both lie in one bucket: a fetch that waits there would
        // hold up the results that make room for it.
        let root = config.place(&config.resilience())?;
        root.prepare().await?;
        Opening { config, ..opening }.with_requests(root).await
    }

    /// Open a session like [`RunSession::for_requests`] whose results would lie in `folder`: to plan the
    /// statements without touching the results of `config`.
    ///
    /// # Errors
    /// As there.
    pub(super) async fn to_explain(config: &RunConfig, folder: PathBuf) -> Result<Self> {
        config.check()?;
        let mut config = config.clone().with_text_model()?;
        config.parallel.enable_caching = false;
        // Nothing runs that could be reported.
        config.parallel.metrics_file.clear();
        config.parallel.trace_file.clear();
        config.parallel.metrics_listen = Default::default();
        (config.parallel.datadog_url, config.parallel.otlp_url) = Default::default();
        let tools = config.media_tools()?;
        let opening = Opening { config, tools, started: Instant::now() };
        opening.with_requests(DatasetRoot::Folder(folder)).await.map(|(session, _)| session)
    }

    /// Open a session over results that exist: `analysis` and `selected` are as the run had them that made
    /// them. The caller has checked the settings that `config` was made from.
    ///
    /// # Errors
    /// `config.invalid`, `setup.missing_program`; `store.read` if there are no results.
    pub(super) async fn for_results(config: &RunConfig) -> Result<Self> {
        let opening = Opening::new(config).await?;
        let root = opening.config.place(&opening.config.resilience())?;
        let dataset = root.existing().await?;
        root.prepare().await?;
        let mut writer = root.begin(&opening.config.work_dir(), analysis_of(&dataset))?;
        writer.set_settings(dataset.settings().cloned().unwrap_or_default());
        let session = opening.open(root, dataset, writer)?;
        from_results::register(&session.statements.ctx, &session.dataset).await?;
        Ok(session)
    }

    /// Run a step; its rows go into the shard if it makes a table of the dataset.
    pub(super) async fn step(&mut self, step: &Step) -> Result<()> {
        let entry = self.statements.run(step).await?;
        if Table::find(step.name).is_some() {
            self.writer.add(step.name, entry);
        }
        Ok(())
    }

    /// Run steps in order.
    pub(super) async fn steps(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            self.step(step).await?;
        }
        Ok(())
    }

    /// Run the step that works on `sources` sources, as a stage that the observer is told of.
    pub(super) async fn media_stage(
        &mut self,
        stage: &'static str,
        step: &Step,
        sources: u64,
    ) -> Result<()> {
        let event = Event::StageStarted { stage, rows: sources, seconds: 0.0 };
        self.runtime.observer.event(&event);
        let (started, since) = (unix_seconds(), Instant::now());
        self.step(step).await?;
        self.stage_ended(stage, started, since);
        Ok(())
    }

    /// Render the files of the table `outputs` that do not exist yet: the step `rendered`.
    pub(super) async fn render(&self) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct ToRender {
            sources: u64,
            seconds: f64,
        }
        self.publisher.look(&self.statements).await?;
        let ToRender { sources, seconds } = self.statements.row(sql::summary::TO_RENDER).await?;
        let stage = "render";
        let observer = &self.runtime.observer;
        observer.event(&Event::StageStarted { stage, rows: sources, seconds });
        let send = |rows| self.publisher.send(rows);
        let (started, since) = (unix_seconds(), Instant::now());
        self.statements.run_through(&sql::RENDERED, None, send).await?;
        self.stage_ended(stage, started, since);
        self.publisher.register(&self.statements.ctx)
    }

    fn stage_ended(&self, stage: &'static str, started: f64, since: Instant) {
        let seconds = since.elapsed().as_secs_f64();
        self.monitor.telemetry.metrics.add(&catalogue::STAGE_SECONDS, &[stage], seconds);
        self.monitor.telemetry.part_of_run("stage", stage, started, seconds);
        self.runtime.observer.event(&Event::StageFinished { stage });
    }

    /// Make the shard visible as `id` on top of `dataset`, merged with what its shards hold; whether that
    /// was done. It was not if another commit came in between: then open the dataset again, and repeat.
    /// The caller holds the lock of [`DatasetRoot::lock`].
    ///
    /// # Errors
    /// `store.*`.
    pub(super) async fn commit(&mut self, dataset: &Dataset, id: &str) -> Result<bool> {
        merge::take_over(&self.statements.ctx, dataset, &mut self.writer).await?;
        match self.root.commit(dataset, &self.writer, id).await? {
            Some(manifest) => {
                self.root.set_replaced_aside(dataset, &manifest).await;
                Ok(true)
            }
            None => {
                merge::forget(&self.statements.ctx, &mut self.writer).await?;
                Ok(false)
            }
        }
    }

    /// End the session after its commit: remove what was kept to resume it. What the cache did, if there
    /// is one.
    pub(super) async fn close(self) -> Option<CacheStats> {
        if self.config.engine.is_none() {
            self.engine.runs_are_done().await;
        }
        tracing::info!(counts = ?self.runtime.counters.get(), "run done");
        self.engine.cache_stats().map(|cache| cache.since(self.cache_before))
    }

    /// Write the table of the run's metrics, and the records of its rows beside the results.
    ///
    /// # Errors
    /// `store.write`.
    pub(super) async fn write_stats(&mut self) -> Result<()> {
        stats::write(&self.statements, &self.monitor, &self.root, &mut self.writer).await
    }

    /// Time since the session was opened.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// What is known before the results are opened.
struct Opening {
    config: RunConfig,
    tools: MediaTools,
    started: Instant,
}

impl Opening {
    async fn new(config: &RunConfig) -> Result<Self> {
        let started = Instant::now();
        let tools = config.media_tools()?;
        let config = config.decided(&tools).await?;
        Ok(Self { config, tools, started })
    }

    async fn with_requests(self, root: DatasetRoot) -> Result<(RunSession, FileEntry)> {
        let dataset = root.dataset().await?;
        let writer = root.begin(&self.config.work_dir(), self.config.analysis_id(&self.tools))?;
        let request_file = self.config.requests.file();
        let requests = LocalRequests::prepare(&self.config, writer.staging()).await?;
        let to = CheckedRows { folder: writer.staging(), step: sql::CHECKED };
        let checked = validate_requests(&requests, to).await?;
        let mut session = Self { config: requests.config, ..self }.open(root, dataset, writer)?;
        session.statements.parameters.push(("request_file", ScalarValue::Utf8(request_file)));
        session.statements.register("checked").await?;
        Ok((session, checked))
    }

    fn open(self, root: DatasetRoot, dataset: Dataset, writer: ShardWriter) -> Result<RunSession> {
        let Self { config, tools, started } = self;
        let engine = match &config.engine {
            Some(shared) => Arc::clone(shared),
            None => Arc::new(Engine::with(&config, tools, &root)?),
        };
        let shared = config.engine.as_ref();
        let cache_before = shared.and_then(|engine| engine.cache_stats()).unwrap_or_default();
        let media_dir = root.media_dir(&writer);
        let monitor = engine.begin(&config.parallel);
        let cluster = cluster::backend(&config, &engine, &root, &writer)?;
        let heard = (&config.observer, &config.stop);
        let runtime = engine.for_run(media_dir.clone(), cluster, heard, &monitor);
        let runtime = Arc::new(runtime);
        let cancel = CancelOnDrop(Arc::clone(&runtime));
        let options = config.session_options();
        let ctx = session(&options, Some(Arc::clone(&runtime)))?;
        register_store(&ctx.runtime_env(), &root);
        register_media_relations(&ctx, &options)?;
        let folder = writer.staging().to_path_buf();
        let statements = Statements {
            telemetry: monitor.telemetry.clone(),
            plans: config.explain_analyze.then(Default::default),
            ..Statements::new(ctx, config.parameters(), folder)
        };
        stats::register_traces(&statements.ctx, &[])?;
        let publisher = Publisher::new(&root, media_dir, &config.render);
        Ok(RunSession {
            _cancel: cancel,
            config,
            root,
            dataset,
            writer,
            runtime,
            statements,
            monitor,
            engine,
            publisher,
            cache_before,
            started,
        })
    }
}

/// Ends the run's media work if the run is dropped before its end.
struct CancelOnDrop(Arc<MediaRuntime>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// How the sources of the results were analysed: one id if all were analysed in one way.
pub(super) fn analysis_of(dataset: &Dataset) -> String {
    let mut ids: Vec<&str> = dataset.shards().iter().map(|shard| shard.analysis.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    match ids.as_slice() {
        [one] => (*one).to_owned(),
        several => stable_id(several.iter().map(|id| Some(*id))),
    }
}

/// `run` until `stop` is cancelled; then its media processes have ended when this returns.
pub(super) async fn stoppable<T>(
    stop: &CancelToken,
    run: impl Future<Output = Result<T>>,
) -> Result<T> {
    {
        let mut run = std::pin::pin!(run);
        tokio::select! {
            biased;
            result = &mut run => return result,
            () = stop.cancelled() => {}
        }
    }
    stop.deserted(TIME_TO_END).await;
    Err(stopped())
}
