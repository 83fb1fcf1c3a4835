//! One run, start to finish.

use std::sync::Arc;

use arrow::array::RecordBatch;
use serde::Deserialize;
use tracing::Instrument;

use super::commit::{Earlier, commit};
use super::failure_budget::FailureWatch;
use super::forget::{self, LeftOverRequests};
use super::remains::Remains;
use super::repeat::{self, RepeatedRows};
use super::session::{RunSession, stoppable};
use super::source_state::{locations, validators};
use super::statements::{self, Statements};
use super::{
    RunConfig, RunSummary, changed_settings, cluster, describe, faces, frame_times, held_sources,
    made, sound_tracks, stats, summary, transcribe,
};
use crate::error::{ErrorCode, Result};
use crate::kernels::ids::stable_id;
use crate::model::edit::EDIT_VERSION;
use crate::query::results::{register_dataset, register_view};
use crate::query::sql::Step;
use crate::query::{self, sql};
use crate::resilience::may_have_passed;
use crate::store::{FileEntry, ListedFile};
use crate::telemetry::Event;

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
    run_or_stop(config, Wanted::Summary).await.map(|(summary, _)| summary)
}

/// The rows of a run that a caller wants back.
#[derive(Debug, Clone, Default)]
pub struct RunRows {
    /// This run's requests in the order of their input: the columns of `requests` that are known, with
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
pub async fn run_and_collect(config: &RunConfig) -> Result<(RunSummary, RunRows)> {
    run_or_stop(config, Wanted::SummaryAndRows).await
}

async fn run_or_stop(config: &RunConfig, wanted: Wanted) -> Result<(RunSummary, RunRows)> {
    let remains = Remains::of(Arc::clone(&config.observer));
    let stop = config.stop.child();
    let watch = FailureWatch::new(config.max_failures, remains.observer(), stop.clone());
    let config = RunConfig { observer: Arc::new(watch.clone()), stop, ..config.clone() };
    let ended = stoppable(&config.stop, run_to_end(&config, wanted, &watch)).await;
    // An engine of the run's own exports when it is dropped.
    if let Some(engine) = &config.engine {
        engine.export();
    }
    remains.named(watch.named(ended, &remains))
}

/// What the caller of a run wants back.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wanted {
    Summary,
    SummaryAndRows,
}

async fn run_to_end(
    config: &RunConfig,
    wanted: Wanted,
    watch: &FailureWatch,
) -> Result<(RunSummary, RunRows)> {
    let (session, checked) = RunSession::for_requests(config).await?;
    let span = session.monitor.telemetry.log_span.clone();
    run_session(config, session, checked, (wanted, watch)).instrument(span).await
}

async fn run_session(
    config: &RunConfig,
    mut session: RunSession,
    checked: FileEntry,
    (wanted, watch): (Wanted, &FailureWatch),
) -> Result<(RunSummary, RunRows)> {
    cluster::check_sources(&session.config, &session.statements).await?;
    let left_over = left_over(&session).await;
    tell_missing_layers(&session);
    let RepeatedRows { checked, rows: asked, settled } =
        repeat::narrow(&mut session, checked).await?;
    let shard = shard_id(&session, &checked).await?;
    let observer = Arc::clone(&session.config.observer);
    let earlier = Earlier::find(&session.dataset, &shard, observer.as_ref()).await;
    if has_nothing_to_do(&session, earlier, asked).await? {
        register_dataset(&session.statements.ctx, &session.dataset).await?;
        let mut summary = RunSummary { settled, ..summary::read(&session, true).await? };
        let rows = rows(&session.statements, wanted).await?;
        session.monitor.ended("reused");
        drop(session);
        clear_up(config, left_over, &shard, &mut summary).await;
        return Ok((summary, rows));
    }
    let settings = changed_settings::settings(&session.config);
    changed_settings::notice(&session.config, &session.dataset, &settings);
    session.writer.set_settings(settings);
    watch.begin(&session.statements).await?;
    frame_times::settle(&session).await?;
    sound_tracks::settle(&mut session).await?;
    choose(&mut session).await?;
    watch.check_selected(&session.statements).await?;
    describe::run(&session.statements, &session.config).await?;
    faces::run(&mut session).await?;
    session.steps(sql::SHAPE).await?;
    session.render().await?;
    let sources = locations(&session.statements).await?;
    let traces = &session.monitor.telemetry.traces;
    stats::register_kept_traces(&session.statements.ctx, traces, sources)?;
    session.steps(sql::RENDER).await?;
    watch.check_outcomes(&session.statements).await?;
    // Before the run's tables are merged with those of older shards.
    let mut summary = RunSummary { settled, ..summary::read(&session, false).await? };
    let rows = rows(&session.statements, wanted).await?;
    summary.hosts = session.runtime.hosts().snapshot();
    summary.plans = session.statements.analyzed();
    made::count(&session.statements, &session.monitor, &summary).await?;
    session.write_stats().await?;
    commit(&mut session, &shard, earlier).await?;
    summary.cache = session.close().await;
    clear_up(config, left_over, &shard, &mut summary).await;
    Ok((summary, rows))
}

/// Whether the results hold all that the run would do. Requests that are to be done again are done, whatever came
/// of them.
async fn has_nothing_to_do(
    session: &RunSession,
    earlier: Option<Earlier>,
    rows: u64,
) -> Result<bool> {
    if session.config.is_repeat() {
        return Ok(rows == 0);
    }
    Ok(earlier.is_some_and(|e| e.is_whole) && is_complete(session).await?)
}

/// The requests of earlier runs of the same file that are not in it any more. That they cannot be told, as
/// in damaged results, is no reason not to run.
async fn left_over(session: &RunSession) -> Option<LeftOverRequests> {
    forget::find(session).await.unwrap_or_else(|e| {
        let sentence = format!("requests that are left over cannot be told: {}", e.message());
        session.config.observer.event(&Event::Note { sentence: &sentence });
        None
    })
}

/// Say which layers of confinement this system lacks.
fn tell_missing_layers(session: &RunSession) {
    let layers = session.config.parallel.sandbox.layers();
    let missing: Vec<_> =
        layers.iter().filter(|(_, state)| *state == "missing").map(|(layer, _)| *layer).collect();
    if !missing.is_empty() {
        let sentence = format!(
            "this system has no {}: a decoder that is taken over is confined by the rest alone (SECURITY.md)",
            missing.join(" and no ")
        );
        session.config.observer.event(&Event::Note { sentence: &sentence });
    }
}

/// Put what is left over into the summary, and remove it if that is asked for. The run is committed: that it
/// cannot be removed does not fail it.
async fn clear_up(
    config: &RunConfig,
    left_over: Option<LeftOverRequests>,
    shard: &str,
    summary: &mut RunSummary,
) {
    let Some(left_over) = left_over else { return };
    summary.left_over = Some(left_over.told.clone());
    if config.prune {
        match forget::prune(config, &left_over, shard).await {
            Ok(pruned) => summary.pruned = Some(pruned),
            Err(e) => {
                let sentence = format!("nothing is pruned: {}", e.message());
                config.observer.event(&Event::Note { sentence: &sentence });
            }
        }
    }
}

/// The rows of a run, if they are wanted.
async fn rows(statements: &Statements, wanted: Wanted) -> Result<RunRows> {
    if wanted == Wanted::Summary {
        return Ok(RunRows::default());
    }
    Ok(RunRows {
        outcomes: statements.collect(sql::rows::OUTCOMES).await?,
        clips: statements.collect(sql::rows::CLIPS).await?,
        variants: statements.collect(sql::rows::VARIANTS).await?,
    })
}

/// A stable id of what the results depend on: requests, settings, programs, and the validators of
/// the sources (a file that changed or appeared makes another shard).
async fn shard_id(session: &RunSession, checked: &FileEntry) -> Result<String> {
    let (config, runtime) = (&session.config, &session.runtime);
    let (work, locations) = (config.analysis_work()?, locations(&session.statements).await?);
    let validators = validators(&work, runtime, locations).await;
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
    if !config.media_relations.is_empty() {
        parts.push(serde_json::json!(config.media_relations).to_string());
    }
    if let Some(transcription) = config.transcription()? {
        parts.push(serde_json::json!(transcription).to_string());
    }
    if let Some(faces) = config.faces()? {
        parts.push(faces.identity);
    }
    parts.extend(validators);
    Ok(stable_id(parts.iter().map(|p| Some(p.as_str()))))
}

/// Whether every media file that the results name exists, and no request of this run failed of
/// something that may have passed.
async fn is_complete(session: &RunSession) -> Result<bool> {
    #[derive(Deserialize)]
    struct Failure {
        error_code: String,
        is_remote: Option<bool>,
    }
    let ctx = query::session(&query::SessionOptions::default(), None)?;
    register_dataset(&ctx, &session.dataset).await?;
    statements::register(&ctx, "checked", &session.statements.file("checked")).await?;
    let tables = Statements { ctx, ..session.statements.clone() };
    let failures: Vec<Failure> = tables.rows(sql::summary::ERROR_CODES).await?;
    let may_have_passed = |failure: &Failure| match ErrorCode::parse(&failure.error_code) {
        // A file of this machine that ends too early has another validator once it no longer does.
        Some(ErrorCode::SourceTruncated) => failure.is_remote == Some(true),
        Some(code) => may_have_passed(code),
        None => false,
    };
    if failures.iter().any(may_have_passed) {
        return Ok(false);
    }
    let files: Vec<ListedFile> = tables.rows(sql::summary::MEDIA_FILES).await?;
    session.root.holds(&files).await
}

/// Analyse the sources and choose the clips.
async fn choose(session: &mut RunSession) -> Result<()> {
    let sources = locations(&session.statements).await?.len() as u64;
    for step in sql::CHOOSE {
        match step.name {
            "analysis" => {
                let reused = held_sources::register(session).await?;
                let step = if reused > 0 { &sql::ANALYSIS_REUSED } else { step };
                session.media_stage("analyze", step, sources.saturating_sub(reused)).await?;
                transcribe::run(session).await?;
            }
            "candidates" => consider(session, step).await?,
            _ => session.step(step).await?,
        }
    }
    Ok(())
}

/// Find the candidates, by work of the embedding program if it has some for that.
async fn consider(session: &mut RunSession, step: &Step) -> Result<()> {
    if !session.config.media_relations.contains_key("select_media") {
        register_view(&session.statements.ctx, "unconsidered", sql::NONE_UNCONSIDERED).await?;
        return session.step(step).await;
    }
    session.step(&sql::CONSIDERED).await?;
    register_view(&session.statements.ctx, "unconsidered", sql::UNCONSIDERED).await?;
    session.step(&sql::CANDIDATES_CONSIDERED).await
}
