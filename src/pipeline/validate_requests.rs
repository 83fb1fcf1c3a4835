//! The requests as the table `checked`: every row with what is wrong with it. All that can be said
//! without a look at its source is said here, so that a check and a run say the same.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::runtime::SpawnedTask;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;

use super::hints::{Hints, near_columns};
use super::normalize::{self, NormalizedFiles};
use super::requests::LocalRequests;
use super::statements::Statements;
use super::{Requests, RunConfig};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::panics::caught;
use crate::query::rows::text_column;
use crate::query::sql::Step;
use crate::query::{SessionOptions, intake, query_error, session};
use crate::source::refusal;
use crate::store::FileEntry;
use crate::telemetry::Event;

/// Where the checked rows go, and the statement that makes them.
#[derive(Clone, Copy)]
pub(super) struct CheckedRows<'a> {
    /// The folder of `checked.parquet`.
    pub(super) folder: &'a Path,
    /// For a run or for the caller.
    pub(super) step: Step,
}

/// Check every request row; write `checked.parquet`. The observer of the run is told what is
/// unusual about the rows.
///
/// # Errors
/// `input.*` if the requests as a whole cannot be read.
pub(super) async fn validate_requests(
    requests: &LocalRequests,
    to: CheckedRows<'_>,
) -> Result<FileEntry> {
    let config = &requests.config;
    let (entry, mut hints) = match &config.requests {
        Requests::At(Location::Path(path)) => check_files(requests, path, to).await?,
        _ => check_rows(config, to).await.map_err(|e| requests.named(e))?,
    };
    hints.splice(0..0, requests.notes.iter().cloned());
    if entry.rows == 0 {
        let message = format!("there are no rows in {}", config.requests);
        let error = requests.named(Error::new(ErrorCode::InputUnreadable, message));
        hints.push(error.message().to_owned());
    }
    for sentence in &hints {
        config.observer.event(&Event::Note { sentence });
    }
    Ok(entry)
}

/// Check the rows of files. Spaces around the names of columns and nested values are normalized.
async fn check_files(
    requests: &LocalRequests,
    path: &Path,
    to: CheckedRows<'_>,
) -> Result<(FileEntry, Vec<String>)> {
    let folder = to.folder;
    let config = &requests.config;
    let about = |e: Error| requests.named(e);
    let trimmed = normalize::headers(path, folder).map_err(about)?;
    let first = trimmed.as_ref().unwrap_or(&NormalizedFiles::unchanged(path)).clone();
    let result = match check_file(config, &first, to).await {
        Err(e) if is_about_input(&e) => match normalize::nested(path, folder).map_err(about)? {
            Some(flat) => check_file(config, &flat, to).await,
            None => Err(normalize::csv_fault(path).unwrap_or(e)),
        },
        result => result,
    };
    result.map_err(about)
}

async fn check_file(
    config: &RunConfig,
    files: &NormalizedFiles,
    to: CheckedRows<'_>,
) -> Result<(FileEntry, Vec<String>)> {
    let ctx = ordered_session(config)?;
    let path = files.path();
    intake::register(&ctx, path).await.map_err(|e| files.named(e))?;
    let columns = part_columns(&ctx).await;
    if !files.is_flat() && columns.iter().any(|columns| has_list_of_profiles(columns)) {
        return Err(Error::new(
            ErrorCode::InputColumn,
            format!("audience_profile of {} is a list in some rows", path.display()),
        ));
    }
    let unreadable = |cause: &str| files.named(intake::unreadable(path, cause));
    check(ctx, &columns, config, to, &unreadable).await
}

/// Rows in memory, of a table or of a query.
async fn check_rows(config: &RunConfig, to: CheckedRows<'_>) -> Result<(FileEntry, Vec<String>)> {
    let ctx = ordered_session(config)?;
    let frame = match &config.requests {
        Requests::Rows(batches) => {
            let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), |b| b.schema());
            let rows = MemTable::try_new(schema, vec![batches.clone()]);
            ctx.read_table(Arc::new(rows.map_err(query_error)?)).map_err(query_error)?
        }
        Requests::Table(table) => ctx.read_table(Arc::clone(table)).map_err(query_error)?,
        Requests::Frame(frame) => frame.as_ref().clone(),
        _ => return Err(Error::new(ErrorCode::Internal, "the requests were not prepared")),
    };
    let place = config.requests.to_string();
    intake::register_frame(&ctx, frame, place.clone()).await?;
    let columns = part_columns(&ctx).await;
    let unreadable = |cause: &str| {
        Error::new(ErrorCode::InputUnreadable, format!("cannot read {place} ({cause})"))
    };
    check(ctx, &columns, config, to, &unreadable).await
}

/// A session in which rows keep their order.
fn ordered_session(config: &RunConfig) -> Result<SessionContext> {
    let options = SessionOptions { partitions: 1, ..config.session_options() };
    session(&options, None)
}

/// The rows of the table `intake` checked, and hints about them.
async fn check(
    ctx: SessionContext,
    columns: &[Columns],
    config: &RunConfig,
    to: CheckedRows<'_>,
    unreadable: &(dyn Fn(&str) -> Error + Sync),
) -> Result<(FileEntry, Vec<String>)> {
    let hints = Mutex::new(Hints::default());
    let allow_private = config.parallel.allow_private;
    let judge = |rows: RecordBatch| {
        let noted = hints.lock().unwrap_or_else(PoisonError::into_inner).read(&rows);
        let judged = SpawnedTask::spawn(async move { judged(&rows, allow_private) });
        async move {
            noted?;
            let ended = |e| query_error(DataFusionError::ExecutionJoin(Box::new(e)));
            judged.join_unwind().await.map_err(ended)?
        }
    };
    // Rows keep their order on one partition; what is computed of them is on all cores.
    let mut statements = Statements::new(ctx, config.parameters(), to.folder.to_path_buf());
    statements.side_by_side = true;
    let entry = caught(statements.run_through(&to.step, None, judge)).await;
    // Readers of tables panic on some damaged files.
    let entry = entry.map_err(|text| unreadable(&format!("it is damaged: {text}")))?;
    let entry = entry.map_err(|e| match e.code() {
        // A query error while the requests are read is about them.
        ErrorCode::QueryInvalid => unreadable(e.message()),
        _ => e,
    })?;
    let mut sentences = near_columns(columns);
    sentences.extend(hints.into_inner().unwrap_or_else(PoisonError::into_inner).sentence());
    Ok((entry, sentences))
}

fn is_about_input(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::InputUnreadable | ErrorCode::InputColumn)
}

/// Names and types of columns.
type Columns = Vec<(String, DataType)>;

/// The columns of each part of the requests: files that are read together, or a query.
async fn part_columns(ctx: &SessionContext) -> Vec<Columns> {
    let mut parts = vec![];
    while let Ok(table) = ctx.table(format!("intake_part_{}", parts.len())).await {
        let fields = table.schema().fields().iter();
        parts.push(fields.map(|f| (f.name().clone(), f.data_type().clone())).collect());
    }
    parts
}

/// Whether the profile is a list in some row: JSON in which it is a text or an object in others has been
/// read as lists of one then.
fn has_list_of_profiles(columns: &[(String, DataType)]) -> bool {
    columns.iter().any(|(name, data_type)| {
        name.eq_ignore_ascii_case("audience_profile") && matches!(data_type, DataType::List(_))
    })
}

/// The rows with what their sources' places alone say against them, where nothing else is wrong.
fn judged(rows: &RecordBatch, allow_private: bool) -> Result<RecordBatch> {
    let (locations, codes) = (text_column(rows, "location")?, text_column(rows, "error_code")?);
    let refusals: Vec<Option<Error>> = locations
        .iter()
        .zip(codes.iter())
        .map(|(location, code)| match code {
            None => refusal(location?, allow_private),
            Some(_) => None,
        })
        .collect();
    if refusals.iter().all(Option::is_none) {
        return Ok(rows.clone());
    }
    let messages = text_column(rows, "error_message")?;
    let with = |old: &StringArray, new: &dyn Fn(&Error) -> String| -> ArrayRef {
        let cells = old.iter().zip(&refusals);
        let cells =
            cells.map(|(old, new_one)| new_one.as_ref().map(new).or(old.map(str::to_owned)));
        Arc::new(cells.collect::<StringArray>())
    };
    let code = with(&codes, &|e| e.code().as_str().to_owned());
    let message = with(&messages, &|e| e.message().to_owned());
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
        let column = match field.name().as_str() {
            "error_code" => &code,
            "error_message" => &message,
            _ => column,
        };
        cast(column, field.data_type())
    });
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>();
    columns
        .and_then(|columns| RecordBatch::try_new(Arc::clone(&schema), columns))
        .map_err(|e| query_error(e.into()))
}
