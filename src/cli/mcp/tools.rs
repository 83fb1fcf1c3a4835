//! The tools: what an agent reads of each, and what each calls.

use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::handler::server::tool::{schema_for_input, schema_for_output};
use rmcp::model::{Tool, ToolAnnotations};
use rmcp::schemars::JsonSchema;
use rmcp::service::RequestContext;
use serde::Serialize;
use serde_json::Value;

use super::answers::{ExplainAnswer, ReportAnswer, RunAnswer, TableAnswer, ValidateAnswer};
use super::arguments::{
    ReportArguments, RunArguments, SqlArguments, StatsArguments, ValidateArguments,
};
use super::roots::AllowedRoots;
use super::runs::parsed;
use super::state::ServerState;
use super::{query, runs};
use crate::cli::print;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::query::events::EventOptions;
use crate::report::{self, DEFAULT_STILL_BYTES, ReportEvents, ReportQuery};

/// What an agent reads of the server.
pub(super) const INSTRUCTIONS: &str = "\
clipflow cuts clips from videos in bulk: each request names a video and how long its clips may be; clips are chosen by shots, \
sound, speech and captions, optionally rendered as variants for platforms, and every fact is written to tables. \
Work in this order: validate the requests (at once), explain what a run would cost (seconds), run (minutes; progress is \
reported, and cancelling keeps what was finished for the next run with the same arguments), then ask the results with sql, \
or write a page with report. Useful tables and views of results: outcomes (how each request ended), clips, why (every window \
that was considered, with its score and reason), variants, renditions (media files), cues (captions), posts (files with \
titles and hashtags). SHOW TABLES lists all; DESCRIBE a_table its columns. Times and lengths are in seconds, sizes in bytes. \
Relative paths start from the first root. Errors are error[code]: sentence, and the sentence says what to do.";

/// The tools, in the order of work.
pub(super) fn tools() -> Vec<Tool> {
    let reads = || ToolAnnotations::new().read_only(true).open_world(false);
    vec![
        tool::<ValidateArguments, ValidateAnswer>(
            "validate",
            "Check requests, row by row, without touching their videos: missing sources, bad lengths, unknown languages. Reads nothing but the requests.",
            reads().with("Check requests"),
        ),
        tool::<RunArguments, ExplainAnswer>(
            "explain",
            "What a run with the same arguments would come to, without doing it: videos, seconds of video to analyse and to encode, time on this machine, bytes. Opens local videos to see how long they are; writes nothing.",
            reads().open_world(true).with("Estimate a run"),
        ),
        tool::<RunArguments, RunAnswer>(
            "run",
            "Cut clips: analyse the videos, choose clips, render them, write tables into the results. Takes minutes for long videos; ask for progress. A request that fails does not fail the others: failed counts them, and the table outcomes says why. Cancelled or repeated with the same arguments, it goes on where it was.",
            ToolAnnotations::new()
                .read_only(false)
                .destructive(false)
                .idempotent(true)
                .open_world(true)
                .with("Cut clips"),
        ),
        tool::<SqlArguments, TableAnswer>(
            "sql",
            "Answer one SQL statement that only reads over the results of a run, within limits of time and memory. Examples: SELECT request_id, status, error_code, error_message FROM outcomes; SELECT clip_id, start, \"end\", score, title FROM clips ORDER BY score DESC; SELECT uri, width, height, duration, bytes FROM renditions.",
            reads().with("Query results"),
        ),
        tool::<StatsArguments, TableAnswer>(
            "stats",
            "What the last run measured: rows, failures, retries, seconds per step, bytes; a metric with its labels and value a row.",
            reads().with("Measurements of a run"),
        ),
        tool::<ReportArguments, ReportAnswer>(
            "report",
            "Write the results as one HTML page that opens offline: what was made, why these clips, what went wrong. An existing page of that name is replaced.",
            ToolAnnotations::new()
                .read_only(false)
                .destructive(false)
                .idempotent(true)
                .open_world(false)
                .with("Write a report"),
        ),
    ]
}

/// A title on annotations.
trait Titled {
    fn with(self, title: &str) -> Self;
}

impl Titled for ToolAnnotations {
    fn with(mut self, title: &str) -> Self {
        self.title = Some(title.to_owned());
        self
    }
}

fn tool<A: JsonSchema + 'static, B: JsonSchema + 'static>(
    name: &'static str,
    description: &'static str,
    annotations: ToolAnnotations,
) -> Tool {
    // Structs have schemas of objects.
    let input = schema_for_input::<A>().unwrap_or_else(|_| Arc::default());
    Tool::new(name, description, input)
        .with_raw_output_schema(schema_for_output::<B>())
        .with_annotations(annotations)
}

/// Calls a tool; `None` if there is none of that name.
pub(super) async fn call(
    state: &ServerState,
    name: &str,
    arguments: Value,
    context: &RequestContext<RoleServer>,
) -> Option<Result<Value>> {
    let roots = match state.roots(context).await {
        Ok(roots) => roots,
        Err(e) => return Some(Err(e)),
    };
    let roots = &roots;
    Some(match name {
        "validate" => match parsed(arguments) {
            Ok(given) => json_of(runs::validate(state, roots, given, context).await),
            Err(e) => Err(e),
        },
        "explain" => match parsed(arguments) {
            Ok(given) => json_of(runs::explain(state, roots, given, context).await),
            Err(e) => Err(e),
        },
        "run" => match parsed(arguments) {
            Ok(given) => json_of(runs::run(state, roots, given, context).await),
            Err(e) => Err(e),
        },
        "sql" => match parsed(arguments) {
            Ok(given) => json_of(query::sql(state, roots, given).await),
            Err(e) => Err(e),
        },
        "stats" => match parsed(arguments) {
            Ok(given) => json_of(query::stats(state, roots, given).await),
            Err(e) => Err(e),
        },
        "report" => match parsed(arguments) {
            Ok(given) => json_of(report(state, roots, given).await),
            Err(e) => Err(e),
        },
        _ => return None,
    })
}

fn json_of<T: Serialize>(answer: Result<T>) -> Result<Value> {
    serde_json::to_value(answer?)
        .map_err(|e| Error::new(ErrorCode::Internal, format!("the answer is no JSON ({e})")))
}

/// Writes the page of results.
async fn report(
    state: &ServerState,
    roots: &AllowedRoots,
    given: ReportArguments,
) -> Result<ReportAnswer> {
    let results = roots.allowed(&given.results)?;
    let page = match (&given.page, &results) {
        (Some(page), _) => roots.allowed(page)?,
        (None, results) => results.join("report.html"),
    };
    let page = page.as_path().filter(|page| page.extension().is_some_and(|end| end == "html"));
    let page = page.ok_or_else(|| {
        Error::setting(
            "page",
            "is no file that ends in .html; give one in a folder of this machine",
        )
    })?;
    let mut notes = vec![];
    // Stills are also made of sources beside the results.
    let is_beside_allowed = match &results {
        Location::Path(folder) => roots.allowed(&format!("{}/..", folder.display())).is_ok(),
        Location::Url(_) => true,
    };
    if !is_beside_allowed {
        notes.push("no stills were made: the results are a root themselves".to_owned());
    }
    let has_stills = given.stills.unwrap_or(true) && is_beside_allowed;
    let events = given.events.as_deref().map(|events| roots.allowed(events)).transpose()?;
    let query = ReportQuery {
        results,
        page: page.to_path_buf(),
        events: events.map(|events| ReportEvents {
            events,
            lag_hours: 0.0,
            reading: EventOptions::default(),
        }),
        still_bytes: usize::from(has_stills) * DEFAULT_STILL_BYTES,
        allow_roots: roots.locations(),
        parallel: state.parallel.clone(),
    };
    let made = report::report(&query).await?;
    print::text_file(&made.html, page)?;
    notes.extend(made.notes);
    Ok(ReportAnswer {
        page: page.display().to_string(),
        clips: made.clips,
        sources: made.sources,
        bytes: made.html.len() as u64,
        notes,
    })
}
