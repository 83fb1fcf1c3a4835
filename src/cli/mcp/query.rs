//! The tools that answer rows: `clipflow sql` and `clipflow stats` in processes of their own.

use std::ffi::OsString;

use arrow::array::RecordBatch;
use arrow::json::writer::{JsonArray, WriterBuilder};
use serde_json::{Map, Value};

use super::answers::{AnswerColumn, TableAnswer};
use super::arguments::{SqlArguments, StatsArguments};
use super::roots::AllowedRoots;
use super::state::ServerState;
use crate::cancel::stopped;
use crate::cli::own_command::{OwnCommand, RowsAnswer};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::query::NamedTable;

/// Rows of an answer unless said otherwise, and at the most.
const ROWS: (usize, usize) = (100, 1000);
/// Most bytes of an answer in Arrow's form.
const MOST_BYTES: u64 = 16_000_000;

/// Answers a statement over results.
pub(super) async fn sql(
    state: &ServerState,
    roots: &AllowedRoots,
    arguments: SqlArguments,
) -> Result<TableAnswer> {
    let rows = arguments.max_rows.unwrap_or(ROWS.0);
    if !(1..=ROWS.1).contains(&rows) {
        let what = format!("is {rows}; give a number from 1 to {}", ROWS.1);
        return Err(Error::setting("max_rows", what));
    }
    let mut more: Vec<OsString> = vec![];
    if let Some(events) = &arguments.events {
        more.push(flag("--events", &roots.allowed(events)?));
    }
    for (name, place) in &arguments.tables {
        let place = roots.allowed(place)?;
        let name = NamedTable::new(name, place.clone())?.name().to_owned();
        more.push(flag(&format!("--table={name}"), &place));
    }
    let results = roots.allowed(&arguments.results)?;
    let answer = answer(state, roots, &results, arguments.query, rows + 1, more).await?;
    table(&answer, rows)
}

/// The rows of a statement over results that a tool or resource needs, `rows` at the most.
pub(super) async fn rows(
    state: &ServerState,
    roots: &AllowedRoots,
    results: &Location,
    query: String,
    rows: usize,
) -> Result<TableAnswer> {
    let answer = answer(state, roots, results, query, rows + 1, vec![]).await?;
    table(&answer, rows)
}

async fn answer(
    state: &ServerState,
    roots: &AllowedRoots,
    results: &Location,
    query: String,
    rows: usize,
    more: Vec<OsString>,
) -> Result<RowsAnswer> {
    let mut arguments: Vec<OsString> = vec!["sql".into(), text_of(results)];
    arguments.extend(["-f", "-", "--format", "arrows", "--rows"].map(OsString::from));
    arguments.push(rows.to_string().into());
    arguments.push(format!("--timeout={}", state.query_timeout.as_secs()).into());
    arguments.push(format!("--memory-limit={}", state.parallel.memory_limit_gb).into());
    arguments.extend(roots.locations().iter().map(|root| flag("--allow-root", root)));
    arguments.extend(more);
    own(state, roots, results, arguments, query).await
}

/// What runs have measured.
pub(super) async fn stats(
    state: &ServerState,
    roots: &AllowedRoots,
    arguments: StatsArguments,
) -> Result<TableAnswer> {
    let results = roots.allowed(&arguments.results)?;
    let mut flags: Vec<OsString> = vec!["stats".into(), text_of(&results)];
    flags.extend(["--format", "arrows"].map(OsString::from));
    if arguments.all {
        flags.push("--all".into());
    }
    table(&own(state, roots, &results, flags, String::new()).await?, ROWS.1)
}

async fn own(
    state: &ServerState,
    roots: &AllowedRoots,
    results: &Location,
    arguments: Vec<OsString>,
    input: String,
) -> Result<RowsAnswer> {
    // With buckets alone, relative paths start from nowhere else than the current folder, which is not allowed then.
    let folder = match (roots.base(), results) {
        (Ok(base), _) => base.to_path_buf(),
        (Err(e), Location::Path(_)) => return Err(e),
        (Err(_), Location::Url(_)) => std::env::temp_dir(),
    };
    let _permit = state.query_permit().await?;
    let command =
        OwnCommand { arguments, input, folder, time: state.query_timeout, most_bytes: MOST_BYTES };
    let stop = state.stop();
    tokio::select! {
        answer = command.answer() => answer,
        () = stop.cancelled() => Err(stopped()),
    }
}

/// The first `most` rows as JSON.
fn table(answer: &RowsAnswer, most: usize) -> Result<TableAnswer> {
    let columns = answer.schema.fields().iter();
    let columns = columns.map(|field| AnswerColumn {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
    });
    let mut rows = json_rows(&answer.batches)?;
    let has_more = rows.len() > most;
    rows.truncate(most);
    Ok(TableAnswer { columns: columns.collect(), rows, has_more, notes: answer.notes.clone() })
}

fn json_rows(batches: &[RecordBatch]) -> Result<Vec<Map<String, Value>>> {
    let fault = |e: String| {
        Error::new(
            ErrorCode::QueryInvalid,
            format!(
                "the rows cannot be given as JSON ({e}); cast what is not text, number or time"
            ),
        )
    };
    let mut writer =
        WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    for batch in batches {
        writer.write(batch).map_err(|e| fault(e.to_string()))?;
    }
    writer.finish().map_err(|e| fault(e.to_string()))?;
    let text = writer.into_inner();
    if text.is_empty() {
        return Ok(vec![]);
    }
    serde_json::from_slice(&text).map_err(|e| fault(e.to_string()))
}

fn flag(name: &str, place: &Location) -> OsString {
    let mut flag = OsString::from(format!("{name}="));
    flag.push(text_of(place));
    flag
}

/// A location as an argument, secrets of a URL included.
fn text_of(place: &Location) -> OsString {
    match place {
        Location::Path(path) => path.clone().into_os_string(),
        Location::Url(url) => url.as_str().into(),
    }
}
