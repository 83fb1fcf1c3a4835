//! One run, start to finish.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, stream};

use super::caching::Kept;
use super::steps::{self, Parameters};
use super::{RunConfig, RunSummary, merge, summary};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{AnalyzeWork, MediaRuntime, Work, beside};
use crate::kernels::ids::stable_id;
use crate::media::cancel::stopped;
use crate::media::{CancelToken, MediaTools};
use crate::query::results::register_dataset;
use crate::query::sql::{self, Step};
use crate::query::{intake, register_media_relations, session};
use crate::store::{Dataset, FileEntry, ShardWriter, cannot_write};
use crate::telemetry::Event;

/// Sources asked at a time whether they have changed.
const VALIDATORS_AT_A_TIME: usize = 32;

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
    /// `outcomes` of this run's requests, in the order of the request file.
    pub outcomes: Vec<RecordBatch>,
    /// `request_id`, `clip_id`, `start`, `end`, `score`, `uri`, `frames` of this run's clips, best first.
    pub clips: Vec<RecordBatch>,
}

/// As [`run()`], and the rows too.
///
/// # Errors
/// As [`run()`].
pub async fn run_and_collect(config: &RunConfig) -> Result<(RunSummary, Answers)> {
    let run = run_with(config, |ctx| async move {
        let mine = "request_id IN (SELECT request_id FROM checked)";
        let outcomes = format!(r#"SELECT * FROM outcomes WHERE {mine} ORDER BY "row""#);
        let clips = format!(
            r#"SELECT c.request_id, c.clip_id, c.start, c."end", c.score, r.uri, r.frames
               FROM clips c JOIN renditions r ON r.clip_id = c.clip_id WHERE c.{mine} ORDER BY c.request_id, c.clip_rank"#
        );
        Ok(Answers {
            outcomes: summary::collect(&ctx, &outcomes).await?,
            clips: summary::collect(&ctx, &clips).await?,
        })
    });
    stoppable(&config.stop, run).await
}

/// `run` until `stop` is cancelled; then its media processes have ended when this returns.
async fn stoppable<T>(stop: &CancelToken, run: impl Future<Output = Result<T>>) -> Result<T> {
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
    let tools = MediaTools::find()?;
    let started = Instant::now();
    std::fs::create_dir_all(&config.out).map_err(|e| cannot_write(&config.out, e))?;
    let dataset = Dataset::open_or_new(&config.out)?;
    let mut writer = dataset.begin(config.analysis_id(&tools))?;
    let parameters = config.parameters();
    let checked = check_requests(config, &parameters, writer.staging()).await?;
    let kept = Kept::new(config, &tools);
    let mut runtime = config.runtime(tools)?;
    if let Some(kept) = &kept {
        runtime = runtime.with_keeper(Arc::clone(kept.keeper()));
    }
    let runtime = Arc::new(runtime);
    let cancel = CancelOnDrop(Arc::clone(&runtime));
    let ctx = session(&config.session_options(), Some(Arc::clone(&runtime)))?;
    register_media_relations(&ctx, &config.session_options())?;
    steps::register(&ctx, "checked", &writer.staged("checked")).await?;
    let shard = shard_id(config, &ctx, &runtime, &checked).await?;
    let done_before = dataset.shard(&shard).map(|m| m.number);
    if done_before.is_some() && is_complete(&dataset, &ctx).await? {
        let summary = summary::read(&ctx, config, started.elapsed(), true).await?;
        return Ok((summary, read(ctx).await?));
    }
    choose(&ctx, &parameters, &mut writer, &runtime).await?;
    render(&ctx, &parameters, &mut writer, &runtime).await?;
    let mut summary = summary::read(&ctx, config, started.elapsed(), false).await?;
    let answer = read(ctx.clone()).await?;
    commit(config, &ctx, writer, &shard, done_before).await?;
    if let Some(kept) = &kept {
        kept.run_is_done().await;
        summary.cache = kept.cache_stats();
    }
    tracing::info!(counts = ?runtime.counters.get(), "run done");
    drop(cancel);
    Ok((summary, answer))
}

/// Make the run's tables visible, merged with what older shards hold. If another run of the same
/// requests was faster (and is not the incomplete one `done_before`), its results stay: they are as
/// good.
async fn commit(
    config: &RunConfig,
    ctx: &SessionContext,
    mut writer: ShardWriter,
    shard: &str,
    done_before: Option<u64>,
) -> Result<()> {
    let root = config.out.clone();
    let lock = tokio::task::spawn_blocking(move || Dataset::lock(&root)).await;
    let _lock =
        lock.map_err(|e| Error::new(ErrorCode::Internal, format!("cannot lock ({e})")))??;
    let dataset = Dataset::open_or_new(&config.out)?;
    if dataset.shard(shard).is_none_or(|m| Some(m.number) == done_before) {
        merge::take_over(ctx, &dataset, &mut writer).await?;
        writer.commit(&dataset, shard)?;
        Dataset::open_or_new(&config.out)?.remove_replaced();
    }
    Ok(())
}

/// Ends the run's media work if the run is dropped half-way.
struct CancelOnDrop(Arc<MediaRuntime>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// `checked.parquet` in `folder`: every request row with its verdict, in the file's order.
pub(super) async fn check_requests(
    config: &RunConfig,
    parameters: &Parameters,
    folder: &Path,
) -> Result<FileEntry> {
    // One partition keeps the rows in the order of the file.
    let options = crate::query::SessionOptions { partitions: 1, ..config.session_options() };
    let ctx = session(&options, None)?;
    intake::register(&ctx, &config.requests).await?;
    steps::run(&ctx, &sql::CHECKED, parameters, folder)
        .await
        .map_err(|e| about_requests(e, &config.requests))
}

/// A query error while the request file is read is about the file.
fn about_requests(error: Error, requests: &Path) -> Error {
    match error.code() {
        ErrorCode::Query => intake::unreadable(requests, error.message()),
        _ => error,
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
    let validators: Vec<String> = stream::iter(locations)
        .map(|location| async move {
            match runtime.sources.validator(&location).await {
                Ok(validator) => validator.unwrap_or_default() + &beside(analyze, &location).await,
                Err(e) => e.code().as_str().to_owned(),
            }
        })
        .buffered(VALIDATORS_AT_A_TIME)
        .collect()
        .await;
    let settings = serde_json::json!([config.analyze, config.render]).to_string();
    let mut parts = vec![
        checked.blake3.clone(),
        settings,
        runtime.tools.identity.clone(),
        env!("CARGO_PKG_VERSION").to_owned(),
    ];
    parts.extend(validators);
    Ok(stable_id(parts.iter().map(|p| Some(p.as_str()))))
}

/// The distinct sources of the valid requests, in order.
pub(super) async fn locations(ctx: &SessionContext) -> Result<Vec<String>> {
    let statement =
        "SELECT DISTINCT location FROM checked WHERE error_code IS NULL ORDER BY location";
    summary::texts(ctx, statement).await
}

/// Whether every media file that the dataset names is there. Registers the dataset's tables.
async fn is_complete(dataset: &Dataset, ctx: &SessionContext) -> Result<bool> {
    let tables = session(&crate::query::SessionOptions::default(), None)?;
    register_dataset(&tables, dataset).await?;
    let uris = summary::texts(&tables, "SELECT DISTINCT uri FROM renditions").await?;
    let complete = uris.iter().all(|uri| dataset.root().join(uri).is_file());
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
        let media = (step.name == "analysis").then_some(("analyze", sources, 0.0));
        run_step(ctx, step, parameters, writer, runtime, media).await?;
    }
    Ok(())
}

/// Render the clips and say how each request ended.
async fn render(
    ctx: &SessionContext,
    parameters: &Parameters,
    writer: &mut ShardWriter,
    runtime: &MediaRuntime,
) -> Result<()> {
    let wanted = summary::numbers(
        ctx,
        r#"SELECT count(DISTINCT source_id)::DOUBLE, coalesce(sum("end" - start), 0)
           FROM (SELECT DISTINCT source_id, media_id, start, "end" FROM selected)"#,
    )
    .await?;
    let [sources, seconds] = [0, 1].map(|i| wanted.get(i).copied().unwrap_or(0.0));
    for step in sql::RENDER {
        let media = (step.name == "rendered").then_some(("render", sources as u64, seconds));
        run_step(ctx, step, parameters, writer, runtime, media).await?;
    }
    Ok(())
}

async fn run_step(
    ctx: &SessionContext,
    step: &Step,
    parameters: &Parameters,
    writer: &mut ShardWriter,
    runtime: &MediaRuntime,
    media: Option<(&str, u64, f64)>,
) -> Result<()> {
    if let Some((stage, rows, seconds)) = media {
        runtime.observer.event(&Event::StageStarted { stage, rows, seconds });
    }
    let entry = steps::run(ctx, step, parameters, writer.staging()).await?;
    if let Some((stage, ..)) = media {
        runtime.observer.event(&Event::StageFinished { stage });
    }
    if crate::model::table::Table::find(step.name).is_some() {
        writer.add(step.name, entry);
    }
    Ok(())
}
