//! Requests as a table: Parquet, CSV, NDJSON, Arrow IPC, a file or a folder of them; or a query.
//!
//! The table `intake` has the columns of `requests`, cast to their types, then the other columns
//! unchanged. A value that cannot be cast without loss is named in `malformed`; no row is dropped here.

mod coerce;
mod in_order;
mod parquet;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::options::{ArrowReadOptions, CsvReadOptions};
use datafusion::prelude::{DataFrame, SessionContext};

use super::errors::query_error;
use super::events::quote;
use super::files::{self, RequestFile, RequestFormat, file_url};
use super::json_files;
use crate::error::{Error, ErrorCode, Result};
use crate::model::VideoClipRequest;
use coerce::{carried, coerce, sql_type, timecodes, value_type};
use in_order::in_order;
use parquet::parquet;

/// Columns that the run adds; a request column of that name is carried as `input_<name>`.
const RESERVED: &[&str] = &[
    "row",
    "location",
    "request_file",
    "asked_language",
    "sound",
    "timecodes",
    "span_error",
    "audience_error",
    "track_error",
    "malformed",
    "occurrence",
    "verdict",
    "error_code",
    "error_message",
    "source_id",
    "status",
    "attempts",
    "elapsed",
    "candidates",
    "clips",
    "code",
    "message",
    "may_change",
    "trace_id",
];

/// Columns that the view `dead_letters` adds to those of requests. A file that has all of them is a
/// dead-letter file: these columns describe an earlier run and are not carried into this one.
const OF_DEAD_LETTERS: [&str; 4] = ["error_code", "error_message", "attempts", "may_change"];

/// Columns for the file and position of a row, while files with different columns are combined.
const FILE: &str = "\"clipflow: file\"";
const LINE: &str = "\"clipflow: line\"";

/// Register `requests` as the table `intake` of `ctx`.
///
/// # Errors
/// `input.unreadable` if a file is missing or damaged, `input.column` if a column is missing or has an
/// unsuitable type; both name what was found.
pub async fn register(ctx: &SessionContext, requests: &Path) -> Result<()> {
    let files = file_groups(files::look(requests)?);
    let any_names_source = files.iter().any(|f| source_columns(&f.schema).next().is_some());
    let mut parts = vec![];
    for part in files {
        let place = part.place(requests).to_owned();
        // A JSON file leaves out a column in which it has no value.
        if source_columns(&part.schema).next().is_none()
            && !(part.kind == RequestFormat::Json && any_names_source)
        {
            return Err(no_source_column(&part.schema, &place.display().to_string()));
        }
        let raw = read(ctx, &part).await.map_err(|e| unreadable(&place, e))?;
        let FileGroup { schema, .. } = part;
        parts.push(IntakePart {
            schema,
            place: place.display().to_string(),
            rows: raw.into_view(),
        });
    }
    register_parts(ctx, parts).await
}

/// Register the rows of a query as the table `intake` of `ctx`; `place` is what errors call it. The query
/// runs in its own session, once.
///
/// # Errors
/// `input.column` as for [`register`].
pub(crate) async fn register_frame(
    ctx: &SessionContext,
    frame: DataFrame,
    place: String,
) -> Result<()> {
    let schema = frame.schema().as_arrow().clone();
    if source_columns(&schema).next().is_none() {
        return Err(no_source_column(&schema, &place));
    }
    let rows = Arc::new(in_order(frame).map_err(query_error)?);
    register_parts(ctx, vec![IntakePart { schema, place, rows }]).await
}

/// Register `parts`, one after the other, as the table `intake`, and each as `intake_part_<n>`.
async fn register_parts(ctx: &SessionContext, parts: Vec<IntakePart>) -> Result<()> {
    let extras = extras(&parts);
    let mut selects = vec![];
    for (n, part) in parts.iter().enumerate() {
        let table = format!("intake_part_{n}");
        ctx.register_table(table.as_str(), Arc::clone(&part.rows)).map_err(query_error)?;
        let columns = projection(&part.schema, &extras, &part.place)?;
        selects.push(if parts.len() == 1 {
            format!("SELECT row_number() OVER () AS \"row\",\n    {columns}\nFROM {table}")
        } else {
            format!(
                "SELECT {n} AS {FILE}, row_number() OVER () AS {LINE},\n    {columns}\nFROM {table}"
            )
        });
    }
    let sql = match selects.as_slice() {
        [only] => only.clone(),
        _ => format!(
            "SELECT row_number() OVER (ORDER BY {FILE}, {LINE}) AS \"row\", * EXCEPT ({FILE}, {LINE})\nFROM ({})",
            selects.join("\nUNION ALL\n")
        ),
    };
    let register = async {
        let intake = ctx.sql(&sql).await?;
        ctx.register_table("intake", intake.into_view())
    };
    register.await.map(|_| ()).map_err(query_error)
}

/// An `input.unreadable` error about `path`; about the file at fault in it if it is a folder and that
/// file can be determined.
pub fn unreadable(path: &Path, cause: impl std::fmt::Display) -> Error {
    match if path.is_dir() { files::ragged(path) } else { None } {
        Some((file, fault)) => files::unreadable(&file, fault),
        None => files::unreadable(path, cause),
    }
}

/// Rows of one schema.
struct IntakePart {
    schema: Schema,
    /// The name for errors.
    place: String,
    rows: Arc<dyn TableProvider>,
}

/// Files that are read together, and their columns.
struct FileGroup {
    files: Vec<RequestFile>,
    kind: RequestFormat,
    schema: Schema,
}

impl FileGroup {
    /// The path that an error names: the file if it is the only one.
    fn place<'a>(&'a self, requests: &'a Path) -> &'a Path {
        match self.files.as_slice() {
            [only] => &only.path,
            _ => requests,
        }
    }
}

/// All files together if they have the same columns, else each by itself.
fn file_groups(files: Vec<RequestFile>) -> Vec<FileGroup> {
    let Some(first) = files.first() else { return vec![] };
    let kind = first.kind;
    let merged = if kind == RequestFormat::Json {
        Schema::try_merge(files.iter().map(|f| f.schema.clone())).ok()
    } else {
        let same =
            |f: &RequestFile| f.kind == kind && columns(&f.schema).eq(columns(&first.schema));
        files.iter().all(same).then(|| first.schema.clone())
    };
    match merged {
        Some(schema) => vec![FileGroup { files, kind, schema }],
        None => files
            .into_iter()
            .map(|f| FileGroup { kind: f.kind, schema: f.schema.clone(), files: vec![f] })
            .collect(),
    }
}

fn columns(schema: &Schema) -> impl Iterator<Item = (&String, &DataType)> {
    schema.fields().iter().map(|f| (f.name(), f.data_type()))
}

async fn read(ctx: &SessionContext, part: &FileGroup) -> Result<DataFrame, String> {
    let urls: Vec<String> = part.files.iter().map(|f| file_url(&f.path)).collect();
    // The files are listed explicitly, so any extension is accepted.
    let file_extension = "";
    let frame = match part.kind {
        RequestFormat::Parquet => parquet(ctx, &urls).await,
        RequestFormat::Csv => {
            let options = CsvReadOptions::new().schema(&part.schema);
            ctx.read_csv(urls, options.file_extension(file_extension)).await
        }
        RequestFormat::Json => {
            let paths = part.files.iter().map(|f| f.path.clone()).collect();
            json_files::table(paths, part.schema.clone()).and_then(|t| ctx.read_table(Arc::new(t)))
        }
        RequestFormat::Arrow | RequestFormat::ArrowStream => {
            ctx.read_arrow(urls, ArrowReadOptions { file_extension, ..Default::default() }).await
        }
    };
    frame.map_err(|e| e.strip_backtrace())
}

/// A column that is carried through: its name in the files, its name in `intake`, and its SQL type
/// there if the files disagree.
struct CarriedColumn {
    name: String,
    alias: String,
    cast: Option<&'static str>,
}

/// The columns of all groups that are not columns of `requests`, in order of appearance.
fn extras(parts: &[IntakePart]) -> Vec<CarriedColumn> {
    let known: HashSet<String> =
        VideoClipRequest::fields().iter().map(|f| f.name().clone()).collect();
    let every: HashSet<String> = parts
        .iter()
        .flat_map(|p| p.schema.fields().iter().map(|f| f.name().to_ascii_lowercase()))
        .collect();
    let mut seen = HashSet::new();
    let mut extras = vec![];
    for part in parts {
        let used = used(&part.schema);
        for field in part.schema.fields().iter().filter(|f| !used.contains(&f.name().as_str())) {
            let name = field.name().clone();
            if !seen.insert(name.clone()) {
                continue;
            }
            let lower = name.to_ascii_lowercase();
            let mut alias = name.clone();
            if RESERVED.contains(&lower.as_str()) || known.contains(&lower) {
                alias = format!("input_{name}");
                let is_taken = |alias: &str, extras: &[CarriedColumn]| {
                    every.contains(&alias.to_ascii_lowercase())
                        || extras.iter().any(|e| e.alias.eq_ignore_ascii_case(alias))
                };
                while is_taken(&alias, &extras) {
                    alias = format!("input_{alias}");
                }
            }
            let cast = common_type(parts, &name);
            extras.push(CarriedColumn { name, alias, cast });
        }
    }
    extras
}

/// The SQL type that holds the values of a column of all groups; `None` if their types agree.
fn common_type(parts: &[IntakePart], name: &str) -> Option<&'static str> {
    let types: Vec<&DataType> = parts
        .iter()
        .filter_map(|p| p.schema.field_with_name(name).ok())
        .map(|f| value_type(f.data_type()))
        .filter(|t| **t != DataType::Null)
        .collect();
    let is_small = |t: &DataType| t.is_integer() && *t != DataType::UInt64;
    match types.as_slice() {
        [first, rest @ ..] if rest.iter().all(|t| t == first) => None,
        [] => None,
        _ if types.iter().all(|t| is_small(t)) => Some("BIGINT"),
        _ if types.iter().all(|t| is_small(t) || t.is_floating()) => Some("DOUBLE"),
        _ => Some("VARCHAR"),
    }
}

/// The columns of a file that are columns of `requests` or describe an earlier run.
fn used(schema: &Schema) -> Vec<&str> {
    let source = source_columns(schema).next();
    let others = VideoClipRequest::fields();
    let others = others.iter().filter(|f| f.name() != "source_url");
    let others = others.filter_map(|f| find(schema, f.name()));
    let letters: Option<Vec<_>> = OF_DEAD_LETTERS.iter().map(|name| find(schema, name)).collect();
    let letters = letters.into_iter().flatten();
    source.into_iter().chain(others).chain(letters).map(|f| f.name().as_str()).collect()
}

/// The columns that name the video, in order of precedence.
fn source_columns(schema: &Schema) -> impl Iterator<Item = &Arc<Field>> {
    ["source_url", "youtube_url"].into_iter().filter_map(|name| find(schema, name))
}

/// The SQL of all columns of `intake` except `row`.
fn projection(schema: &Schema, extras: &[CarriedColumn], place: &str) -> Result<String> {
    let mut known = vec![];
    let mut faults = vec![];
    for field in VideoClipRequest::fields() {
        let name = field.name().as_str();
        let found: Vec<&Arc<Field>> = if name == "source_url" {
            source_columns(schema).collect()
        } else {
            find(schema, name).into_iter().collect()
        };
        let mut values = vec![];
        for found in found {
            let (value, fault) = coerce(found, &field, place)?;
            values.push(value);
            faults.extend(fault);
        }
        let value = match values.as_slice() {
            [] => format!("CAST(NULL AS {})", sql_type(field.data_type())),
            [only] => only.clone(),
            several => format!("coalesce({})", several.join(", ")),
        };
        known.push(format!("{value} AS {name}"));
    }
    let malformed = if faults.is_empty() {
        "CAST(NULL AS VARCHAR)".to_owned()
    } else {
        format!("coalesce({})", faults.join(", "))
    };
    known.push(format!("{malformed} AS malformed"));
    let timecodes = timecodes(|name| find(schema, name).map(AsRef::as_ref));
    known.push(format!("{timecodes} AS timecodes"));
    let used = used(schema);
    for extra in extras {
        let field = schema.field_with_name(&extra.name).ok();
        let value = field
            .filter(|f| !used.contains(&f.name().as_str()))
            .map_or_else(|| "NULL".to_owned(), |field| carried(field, extra.cast));
        known.push(format!("{value} AS {}", quote(&extra.alias)));
    }
    Ok(known.join(",\n    "))
}

/// The column of that name, or one that differs only in case.
fn find<'a>(schema: &'a Schema, name: &str) -> Option<&'a Arc<Field>> {
    let fields = schema.fields();
    fields
        .iter()
        .find(|f| f.name() == name)
        .or_else(|| fields.iter().find(|f| f.name().eq_ignore_ascii_case(name)))
}

fn no_source_column(schema: &Schema, place: &str) -> Error {
    let found: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    Error::new(
        ErrorCode::InputColumn,
        format!(
            "{place} has no column source_url (or youtube_url), which names the video of each request; its columns are: {}",
            if found.is_empty() { "none".to_owned() } else { found.join(", ") }
        ),
    )
}
