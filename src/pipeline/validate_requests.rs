//! The request file as the table `checked`: every row with what is wrong with it. All that can be said
//! without a look at its source is said here, so that a check and a run say the same.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::prelude::SessionContext;

use super::RunConfig;
use super::hints::{Hints, near_columns};
use super::normalize::{self, NormalizedFiles};
use super::requests::RequestFiles;
use super::statements::Statements;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::query::rows::text_column;
use crate::query::sql;
use crate::query::{intake, query_error, session};
use crate::source::refusal;
use crate::store::FileEntry;
use crate::telemetry::Event;

/// Check every request row; write `folder/checked.parquet`. What a person should know of the rows is
/// told to the run's observer.
///
/// # Errors
/// `input.*` if the file as a whole cannot be read.
pub(super) async fn validate_requests(requests: &RequestFiles, folder: &Path) -> Result<FileEntry> {
    let config = &requests.config;
    let Location::Path(path) = &config.requests else {
        return Err(Error::new(ErrorCode::Internal, "the requests were not fetched"));
    };
    let about = |e: Error| requests.named(e);
    let trimmed = normalize::headers(path, folder).map_err(about)?;
    let first = trimmed.as_ref().unwrap_or(&NormalizedFiles::unchanged(path)).clone();
    let result = match check(config, &first, folder).await {
        Err(e) if is_about_input(&e) => match normalize::nested(path, folder).map_err(about)? {
            Some(flat) => check(config, &flat, folder).await,
            None => Err(normalize::csv_fault(path).unwrap_or(e)),
        },
        result => result,
    };
    let (entry, mut hints) = result.map_err(about)?;
    if entry.rows == 0 {
        let message = format!("there are no rows in {}", config.requests);
        hints.push(about(Error::new(ErrorCode::InputUnreadable, message)).message().to_owned());
    }
    for sentence in &hints {
        config.observer.event(&Event::Note { sentence });
    }
    Ok(entry)
}

/// The rows of `requests` checked, and what there is to be noted.
async fn check(
    config: &RunConfig,
    requests: &NormalizedFiles,
    folder: &Path,
) -> Result<(FileEntry, Vec<String>)> {
    // One partition keeps the rows in the order of the file.
    let options = crate::query::SessionOptions { partitions: 1, ..config.session_options() };
    let ctx = session(&options, None)?;
    let path = requests.path();
    intake::register(&ctx, path).await.map_err(|e| requests.named(e))?;
    let files = file_schemas(&ctx).await?;
    if !requests.is_flat() && files.iter().any(|columns| has_list_of_profiles(columns)) {
        return Err(Error::new(
            ErrorCode::InputColumn,
            format!("audience_profile of {} is a list in some rows", path.display()),
        ));
    }
    let hints = Mutex::new(Hints::default());
    let allow_private = config.parallel.allow_private;
    let judge = |rows: RecordBatch| {
        let judged = judged(&rows, allow_private);
        let noted = hints.lock().unwrap_or_else(PoisonError::into_inner).read(&rows);
        async move { noted.and(judged) }
    };
    let folder = folder.to_path_buf();
    let statements = Statements { ctx, parameters: config.parameters(), folder };
    let entry =
        statements.run_through(&sql::CHECKED, None, judge).await.map_err(|e| match e.code() {
            // A query error while the request file is read is about the file.
            ErrorCode::QueryInvalid => requests.named(intake::unreadable(path, e.message())),
            _ => e,
        })?;
    let mut sentences = near_columns(&files);
    sentences.extend(hints.into_inner().unwrap_or_else(PoisonError::into_inner).sentence());
    Ok((entry, sentences))
}

fn is_about_input(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::InputUnreadable | ErrorCode::InputColumn)
}

/// The columns of each of the request files, or of those that are read together.
async fn file_schemas(ctx: &SessionContext) -> Result<Vec<Vec<(String, DataType)>>> {
    let mut files = vec![];
    while let Ok(table) = ctx.table(format!("intake_file_{}", files.len())).await {
        let fields = table.schema().fields().iter();
        files.push(fields.map(|f| (f.name().clone(), f.data_type().clone())).collect());
    }
    Ok(files)
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
