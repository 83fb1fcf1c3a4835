//! The tools over requests: validate, explain, run.

use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde_json::Value;

use super::answers::{ExplainAnswer, FailuresOfCode, InvalidRequest, RunAnswer, ValidateAnswer};
use super::arguments::{RequestRow, RunArguments, ValidateArguments};
use super::progress::RunObserver;
use super::roots::AllowedRoots;
use super::state::ServerState;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::variants::caption_mode;
use crate::location::Location;
use crate::media::{Encoding, RenderSettings};
use crate::model::edit::CaptionMode;
use crate::pipeline::{
    self, Cost, Failures, MaxFailures, Requests, RunConfig, RunSummary, VariantSettings,
};
use crate::query::query_error;
use crate::query::rows::rows;

/// Invalid requests that are listed.
const LISTED: usize = 100;

/// The requests of a call, and where relative sources start from.
fn requests(
    roots: &AllowedRoots,
    given: Option<Vec<RequestRow>>,
    file: Option<&str>,
) -> Result<(Requests, Option<Location>)> {
    let wrong = |sentence: &str| Err(Error::new(ErrorCode::ConfigInvalid, sentence));
    match (given, file) {
        (Some(given), None) if !given.is_empty() => {
            let lines: Vec<String> = given
                .iter()
                .map(serde_json::to_string)
                .collect::<std::result::Result<_, _>>()
                .map_err(|e| {
                    Error::new(ErrorCode::Internal, format!("the requests are no JSON ({e})"))
                })?;
            let base = Location::Path(roots.base()?.to_path_buf());
            Ok((Requests::from_json_rows(&lines.join("\n"))?, Some(base)))
        }
        (None, Some(file)) => Ok((Requests::At(roots.allowed_with_bucket(file)?), None)),
        (Some(_), None) => wrong("requests is empty; give an object for each request"),
        (None, None) => wrong("there are no requests; give requests or requests_file"),
        (Some(_), Some(_)) => wrong("give requests or requests_file, not both"),
    }
}

/// Checks requests without touching their sources.
pub(super) async fn validate(
    state: &ServerState,
    roots: &AllowedRoots,
    arguments: ValidateArguments,
    context: &RequestContext<RoleServer>,
) -> Result<ValidateAnswer> {
    let observer = Arc::new(RunObserver::new(context));
    let (requests, base) = requests(roots, arguments.requests, arguments.requests_file.as_deref())?;
    let config = RunConfig {
        base,
        allow_roots: roots.locations(),
        parallel: state.parallel.clone(),
        observer: Arc::clone(&observer) as _,
        ..RunConfig::new(requests, ".")
    };
    let checked = pipeline::validate(&config).await?;
    let sql = format!(
        r#"SELECT "row", request_id, error_code, error_message FROM checked WHERE error_code IS NOT NULL ORDER BY "row" LIMIT {LISTED}"#
    );
    let errors: Vec<InvalidRequest> =
        rows(checked.ctx.sql(&sql).await.map_err(query_error)?).await?;
    let (requests, invalid) = (checked.rows, checked.invalid);
    Ok(ValidateAnswer { requests, invalid, errors, notes: observer.notes() })
}

/// What a run would come to.
pub(super) async fn explain(
    state: &ServerState,
    roots: &AllowedRoots,
    arguments: RunArguments,
    context: &RequestContext<RoleServer>,
) -> Result<ExplainAnswer> {
    let observer = Arc::new(RunObserver::new(context));
    let config =
        RunConfig { observer: Arc::clone(&observer) as _, ..config(state, roots, arguments)? };
    let Cost {
        requests,
        rejected,
        sources,
        unreadable_sources,
        remote_sources,
        decode_seconds,
        encode_seconds,
        analysis_time,
        encoding_time,
        bytes,
    } = pipeline::explain(&config).await?.cost;
    Ok(ExplainAnswer {
        requests,
        rejected,
        sources,
        unreadable_sources,
        remote_sources,
        decode_seconds,
        encode_seconds,
        analysis_time,
        encoding_time,
        bytes,
        notes: observer.notes(),
    })
}

/// Runs requests. Once the client cancels the call, the run stops, and what was finished is found again by the next.
pub(super) async fn run(
    state: &ServerState,
    roots: &AllowedRoots,
    arguments: RunArguments,
    context: &RequestContext<RoleServer>,
) -> Result<RunAnswer> {
    let stop = state.stop();
    let observer = Arc::new(RunObserver::new(context));
    let config = RunConfig {
        stop: stop.clone(),
        observer: Arc::clone(&observer) as _,
        ..config(state, roots, arguments)?
    };
    config.check()?;
    let whole = async {
        let _permit = state.run_permit().await?;
        let summary = pipeline::run(&config).await?;
        let posts = match config.plan_only {
            true => Ok(None),
            // The results are complete without them.
            false => pipeline::write_posts(&config, None).await,
        };
        Ok::<_, Error>((summary, posts))
    };
    let mut whole = std::pin::pin!(whole);
    let (summary, posts) = tokio::select! {
        ended = &mut whole => ended?,
        () = context.ct.cancelled() => {
            stop.cancel();
            whole.await?
        }
    };
    let mut notes = observer.notes();
    notes.extend(summary.advice.iter().cloned());
    let posts = posts.unwrap_or_else(|e| {
        notes.push(format!("no folder of posts was made: {}", e.message()));
        None
    });
    let posts = posts.filter(|posts| posts.files > 0).map(|p| p.folder.display().to_string());
    Ok(answer(summary, posts, notes))
}

fn answer(summary: RunSummary, posts: Option<String>, notes: Vec<String>) -> RunAnswer {
    let counts = |failures: &[Failures]| {
        let count = |f: &Failures| FailuresOfCode {
            error_code: f.error_code.clone(),
            count: f.count,
            example: f.example.clone(),
        };
        failures.iter().map(count).collect()
    };
    RunAnswer {
        results: summary.out.to_string(),
        requests: summary.rows,
        answered: summary.answered,
        failed: summary.failed(),
        failures: counts(&summary.failures),
        failed_variants: counts(&summary.failed_variants),
        clips: summary.clips,
        variants: summary.variants,
        files: summary.files,
        clip_seconds: summary.clip_seconds,
        bytes: summary.bytes,
        sources: summary.sources,
        source_seconds: summary.source_seconds,
        elapsed: summary.elapsed.as_secs_f64(),
        reused: summary.reused,
        posts,
        notes,
        summary: summary.to_string(),
    }
}

/// The settings of a run.
fn config(state: &ServerState, roots: &AllowedRoots, given: RunArguments) -> Result<RunConfig> {
    let (requests, base) = requests(roots, given.requests, given.requests_file.as_deref())?;
    let captions = given.captions.as_deref().map(caption_mode).transpose()?;
    let count = given.variants.unwrap_or(0);
    if count == 0 && captions == Some(Some(CaptionMode::Burned)) {
        return Err(VariantSettings::none_asked_for(&[("captions", " burned".to_owned())]));
    }
    let variants = VariantSettings {
        count,
        audience: given.audience,
        platforms: given.platforms.unwrap_or_default(),
        plain_clips: !given.variants_only.unwrap_or(false),
        captions: captions.unwrap_or(Some(CaptionMode::Burned)),
        size: given.size.as_deref().map(str::parse).transpose()?,
        models: None,
    };
    let encoding = Encoding {
        format: given.format.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
        quality: given.quality.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
        ..Encoding::default()
    };
    let max_failures = given.max_failures.as_deref().map(str::parse::<MaxFailures>).transpose();
    let max_failures = max_failures.map_err(|e| Error::setting("max_failures", e))?;
    Ok(RunConfig {
        base,
        allow_roots: roots.locations(),
        max_clips: given.max_clips,
        variants,
        render: RenderSettings {
            thumbnails: given.thumbnails.unwrap_or(false),
            encoding,
            ..RenderSettings::default()
        },
        plan_only: given.plan_only.unwrap_or(false),
        retry_failed: given.retry_failed,
        max_failures,
        parallel: state.parallel.clone(),
        ..RunConfig::new(requests, roots.allowed_with_bucket(&given.results)?)
    })
}

/// The arguments of a tool.
///
/// # Errors
/// `config.invalid` with the argument that is wrong.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(arguments: Value) -> Result<T> {
    serde_path_to_error::deserialize(arguments).map_err(|e| {
        let (path, cause) = (e.path().to_string(), e.inner().to_string());
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        let message = format!("{place}{cause}; see the schema of the tool's input");
        Error::new(ErrorCode::ConfigInvalid, message)
    })
}
