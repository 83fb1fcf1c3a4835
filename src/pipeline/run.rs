//! One run, start to finish.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, stream};

use super::checked::check_requests;
use super::commit::{Earlier, commit};
use super::publish::Publisher;
use super::requests::Requests;
use super::steps::{self, Parameters};
use super::{Engine, RunConfig, RunSummary, describe, summary};
use crate::cancel::CancelToken;
use crate::cancel::stopped;
use crate::error::{ErrorCode, Result};
use crate::exec::{AnalyzeWork, MediaRuntime, Work, sidecar_state};
use crate::kernels::ids::stable_id;
use crate::media::MediaTools;
use crate::model::edit::EDIT_VERSION;
use crate::query::results::{register_dataset, register_store};
use crate::query::sql::{self, Step};
use crate::query::{register_media_relations, session};
use crate::resilience::may_have_passed;
use crate::store::{Dataset, FileEntry, ShardWriter};
use crate::telemetry::Event;

/// Sources asked at a time whether they have changed.
const VALIDATORS_AT_A_TIME: usize = 128;

/// Time that media processes have to end and their threads to tidy up.
const TIME_TO_END: Duration = Duration::from_secs(4);

/// Run all requests and write the results.
///
/// A run over the same requests, settings and source files as one that is already in `out` changes
/// nothing and answers with that one's summary. Dropping the future ends all media processes and
/// leaves nothing visible.
///
/// # Errors
/// Only what concerns the whole run (unreadable requests, unwritable results, no ffmpeg); what
/// concerns a row is in `outcomes`.
pub async fn run(config: &RunConfig) -> Result<RunSummary> {
    let run = run_with(config, |_| async { Ok(()) });
    stoppable(&config.stop, run).await.map(|(summary, ())| summary)
}

/// The rows of a run that a caller wants back.
#[derive(Debug, Clone)]
pub struct Answers {
    /// This run's requests in the order of their file: the columns of `requests` that are known, with
    /// defaults filled in, `error_code` and `error_message` as in `outcomes`.
    pub outcomes: Vec<RecordBatch>,
    /// `request_id`, `clip_id`, `start`, `end`, `score`, `uri`, `frames` of this run's clips, best first;
    /// the last two NULL where no plain clip was rendered.
    pub clips: Vec<RecordBatch>,
    /// The columns of `variants`, `uri` and `frames` of this run's variants, best first; the last two
    /// NULL where they are only planned.
    pub variants: Vec<RecordBatch>,
}

/// As [`run()`], and the rows too.
///
/// # Errors
/// As [`run()`].
pub async fn run_and_collect(config: &RunConfig) -> Result<(RunSummary, Answers)> {
    let run = run_with(config, |ctx| async move {
        let mine = "request_id IN (SELECT request_id FROM checked)";
        // A file may name one id twice; its rows are told apart by their number.
        let outcomes = r#"SELECT k.request_id, k.source_url, k.language, k.min_clip_length,
                k.max_clip_length, k.max_clips, k.audience_profile, k.experiment_id, k.topic,
                o.error_code, o.error_message
            FROM checked k JOIN outcomes o ON o.request_id = k.request_id AND o."row" = k."row"
            ORDER BY k."row""#;
        let clips = format!(
            r#"SELECT c.request_id, c.clip_id, c.start, c."end", c.score, r.uri, r.frames
               FROM clips c LEFT JOIN renditions r ON r.clip_id = c.clip_id AND r.variant_id IS NULL
               WHERE c.{mine} ORDER BY c.request_id, c.clip_rank"#
        );
        let variants = format!(
            r#"SELECT v.*, r.uri, r.frames
               FROM variants v LEFT JOIN renditions r ON r.variant_id = v.variant_id
               WHERE v.{mine} ORDER BY v.request_id, v.clip_id, v.rank"#
        );
        Ok(Answers {
            outcomes: summary::collect(&ctx, outcomes).await?,
            clips: summary::collect(&ctx, &clips).await?,
            variants: summary::collect(&ctx, &variants).await?,
        })
    });
    stoppable(&config.stop, run).await
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

/// A run, and what `read` finds in its tables (`checked`, `outcomes`, `clips`, …) before they are
/// merged with those of older shards.
async fn run_with<T, F>(
    config: &RunConfig,
    read: impl FnOnce(SessionContext) -> F,
) -> Result<(RunSummary, T)>
where
    F: Future<Output = Result<T>>,
{
    config.check()?;
    let started = Instant::now();
    let tools = MediaTools::find()?;
    let config = &config.decided(&tools).await?.with_text_model()?;
    // Not the sources' hosts, also where both lie in one bucket: who waits there to fetch a source
    // would hold up the results that make room for it.
    let place = config.place(&config.resilience())?;
    place.prepare().await?;
    let dataset = place.dataset().await?;
    let mut writer = place.begin(&config.work_dir(), config.analysis_id(&tools))?;
    let requests = Requests::at_hand(config, writer.staging()).await?;
    let config = &requests.config;
    let parameters = config.parameters();
    let checked = check_requests(&requests, &parameters, writer.staging()).await?;
    let engine = match &config.engine {
        Some(shared) => Arc::clone(shared),
        None => Arc::new(Engine::with(config, tools, &place)?),
    };
    let cache_before = config.engine.as_ref().and_then(|engine| engine.cache_stats());
    let runtime = Arc::new(engine.for_run(place.media_dir(&writer), &config.stop));
    let cancel = CancelOnDrop(Arc::clone(&runtime));
    let ctx = session(&config.session_options(), Some(Arc::clone(&runtime)))?;
    register_store(&ctx.runtime_env(), &place);
    register_media_relations(&ctx, &config.session_options())?;
    steps::register(&ctx, "checked", &writer.staged("checked")).await?;
    let shard = shard_id(config, &ctx, &runtime, &checked).await?;
    let earlier = Earlier::find(&dataset, &shard, config.observer.as_ref()).await;
    if earlier.is_some_and(|e| e.is_whole) && is_complete(&dataset, &ctx, &writer).await? {
        let summary = summary::read(&ctx, config, started.elapsed(), true).await?;
        return Ok((summary, read(ctx).await?));
    }
    choose(&ctx, &parameters, &mut writer, &runtime).await?;
    describe::run(&ctx, config, writer.staging()).await?;
    for step in sql::SHAPE {
        run_step(&ctx, step, &parameters, &mut writer).await?;
    }
    let publisher = Publisher::new(&place, place.media_dir(&writer), &config.render);
    render(&ctx, &parameters, &mut writer, &runtime, &publisher).await?;
    let mut summary = summary::read(&ctx, config, started.elapsed(), false).await?;
    summary.hosts = runtime.hosts().snapshot();
    let answer = read(ctx.clone()).await?;
    commit(&place, &ctx, writer, &shard, earlier).await?;
    if config.engine.is_none() {
        engine.runs_are_done().await;
    }
    let cache = engine.cache_stats();
    summary.cache = cache.map(|cache| cache.since(cache_before.unwrap_or_default()));
    tracing::info!(counts = ?runtime.counters.get(), "run done");
    drop(cancel);
    Ok((summary, answer))
}

/// Ends the run's media work if the run is dropped half-way.
pub(super) struct CancelOnDrop(pub(super) Arc<MediaRuntime>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A stable id of what the results depend on: requests, settings, programs, and the validators of
/// the sources (a file that changed or appeared makes another shard).
async fn shard_id(
    config: &RunConfig,
    ctx: &SessionContext,
    runtime: &MediaRuntime,
    checked: &FileEntry,
) -> Result<String> {
    let locations = locations(ctx).await?;
    let analyze: &Arc<dyn Work> = &(Arc::new(AnalyzeWork::new(config.analyze.clone())) as _);
    let mut validators: Vec<(usize, String)> = stream::iter(locations.into_iter().enumerate())
        .map(|(number, location)| async move {
            let part = match runtime.sources.validator(&location).await {
                Ok(Some(validator)) => validator + &sidecar_state(analyze, &location).await,
                // It takes a fetch to know: never the same as before.
                Ok(None) => format!("{:?}", std::time::SystemTime::now()),
                Err(e) => e.code().as_str().to_owned(),
            };
            (number, part)
        })
        // In any order: one host that is slow does not hold up the others.
        .buffer_unordered(VALIDATORS_AT_A_TIME)
        .collect()
        .await;
    validators.sort_unstable();
    let text_model = config.text_model.as_ref().map(|model| model.identity());
    let settings = serde_json::json!([
        config.analyze,
        config.render,
        config.variants,
        EDIT_VERSION,
        config.plan_only,
        text_model,
        config.weights
    ]);
    let settings = settings.to_string();
    let mut parts = vec![
        checked.blake3.clone(),
        settings,
        runtime.tools.identity.clone(),
        env!("CARGO_PKG_VERSION").to_owned(),
    ];
    parts.extend(validators.into_iter().map(|(_, part)| part));
    Ok(stable_id(parts.iter().map(|p| Some(p.as_str()))))
}

/// The distinct sources of the valid requests, in order.
pub(super) async fn locations(ctx: &SessionContext) -> Result<Vec<String>> {
    let statement =
        "SELECT DISTINCT location FROM checked WHERE error_code IS NULL ORDER BY location";
    summary::texts(ctx, statement).await
}

/// Whether every media file that the dataset names is there, and no request of this run failed of
/// something that may have passed. Registers the dataset's tables then.
async fn is_complete(
    dataset: &Dataset,
    ctx: &SessionContext,
    writer: &ShardWriter,
) -> Result<bool> {
    let tables = session(&crate::query::SessionOptions::default(), None)?;
    register_dataset(&tables, dataset).await?;
    steps::register(&tables, "checked", &writer.staged("checked")).await?;
    let passing = ErrorCode::ALL.iter().filter(|code| may_have_passed(**code));
    let passing: Vec<String> = passing.map(|code| format!("'{code}'")).collect();
    // A file of this machine that ends too early has another validator once it no longer does.
    let failed = format!(
        "SELECT o.error_code FROM outcomes o JOIN checked c ON c.request_id = o.request_id
          LEFT JOIN variants v ON v.request_id = o.request_id
          WHERE o.error_code IN ({0}) OR v.error_code IN ({0}) OR (o.error_code = 'source.truncated' AND c.location LIKE '%://%')
          LIMIT 1",
        passing.join(", ")
    );
    let failed = summary::texts(&tables, &failed).await?;
    let named = "SELECT DISTINCT uri || ' ' || CAST(bytes AS VARCHAR) FROM renditions
         UNION SELECT captions_uri FROM renditions UNION SELECT thumbnail_uri FROM renditions
         UNION SELECT replace(captions_uri, '.srt', '.vtt') FROM renditions";
    let files = summary::texts(&tables, named).await?;
    let complete = failed.is_empty() && dataset.root().holds(&files).await?;
    if complete {
        register_dataset(ctx, dataset).await?;
    }
    Ok(complete)
}

/// Analyse the sources and choose the clips.
async fn choose(
    ctx: &SessionContext,
    parameters: &Parameters,
    writer: &mut ShardWriter,
    runtime: &MediaRuntime,
) -> Result<()> {
    let sources = locations(ctx).await?.len() as u64;
    for step in sql::CHOOSE {
        let media = step.name == "analysis";
        let stage = "analyze";
        if media {
            let event = Event::StageStarted { stage, rows: sources, seconds: 0.0 };
            runtime.observer.event(&event);
        }
        run_step(ctx, step, parameters, writer).await?;
        if media {
            runtime.observer.event(&Event::StageFinished { stage });
        }
    }
    Ok(())
}

/// Render the outputs and say how each request ended.
async fn render(
    ctx: &SessionContext,
    parameters: &Parameters,
    writer: &mut ShardWriter,
    runtime: &MediaRuntime,
    publisher: &Publisher,
) -> Result<()> {
    render_outputs(ctx, parameters, writer, runtime, publisher).await?;
    for step in sql::RENDER {
        run_step(ctx, step, parameters, writer).await?;
    }
    Ok(())
}

/// The step `rendered`: files of the table `outputs`, where they are not there yet.
pub(super) async fn render_outputs(
    ctx: &SessionContext,
    parameters: &Parameters,
    writer: &ShardWriter,
    runtime: &MediaRuntime,
    publisher: &Publisher,
) -> Result<()> {
    publisher.look(ctx).await?;
    let wanted = summary::numbers(
        ctx,
        r#"SELECT count(DISTINCT source_id)::DOUBLE, coalesce(sum(seconds), 0)
           FROM (SELECT source_id, media_id, first_value(duration) AS seconds FROM outputs
                 WHERE media_id NOT IN (SELECT media_id FROM published) GROUP BY source_id, media_id)"#,
    )
    .await?;
    let [sources, seconds] = [0, 1].map(|i| wanted.get(i).copied().unwrap_or(0.0));
    let stage = "render";
    let (rows, send) = (sources as u64, |rows| publisher.send(rows));
    runtime.observer.event(&Event::StageStarted { stage, rows, seconds });
    steps::run_through(ctx, &sql::RENDERED, parameters, writer.staging(), None, send).await?;
    runtime.observer.event(&Event::StageFinished { stage });
    publisher.register(ctx)
}

pub(super) async fn run_step(
    ctx: &SessionContext,
    step: &Step,
    parameters: &Parameters,
    writer: &mut ShardWriter,
) -> Result<()> {
    let entry = steps::run(ctx, step, parameters, writer.staging()).await?;
    if crate::model::table::Table::find(step.name).is_some() {
        writer.add(step.name, entry);
    }
    Ok(())
}
