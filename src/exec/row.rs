//! Access to one row, as a batch of one.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::work::{FILE_COLUMN, PATH_COLUMN, VALIDATOR_COLUMN, WorkEnv};
use crate::error::{Error, ErrorCode, Result};
use crate::media::MediaTools;
use crate::sandbox::PinnedFile;
use crate::source::LocalCopy;

/// The text in the first row of a column, if there is any.
pub(super) fn text_at(row: &RecordBatch, column: &str) -> Option<String> {
    let array = arrow::compute::cast(row.column_by_name(column)?, &DataType::Utf8).ok()?;
    let texts = array.as_any().downcast_ref::<StringArray>()?;
    texts.iter().next().flatten().map(str::to_owned)
}

/// The media programs for the source of a row: they read that very file.
///
/// # Errors
/// `setup.missing_program`.
pub(super) fn tools_for(row: &RecordBatch, env: &WorkEnv) -> Result<MediaTools> {
    let file = text_at(row, FILE_COLUMN).unwrap_or_default();
    let id = file.split_once(':').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    let path = text_at(row, PATH_COLUMN).unwrap_or_default().into();
    let pinned = id.map(|id| PinnedFile { path, id });
    Ok(MediaTools { pinned, ..env.tools()?.clone() })
}

/// The row with the columns for the path and validator of its source.
pub(super) fn with_source(row: &RecordBatch, copy: &LocalCopy) -> Result<RecordBatch> {
    let path = copy.path.to_str().ok_or_else(|| {
        Error::new(
            ErrorCode::SourceUnsupported,
            format!("the name {} is not UTF-8; rename the file", copy.path.display()),
        )
    })?;
    let mut fields: Vec<_> = row.schema().fields().iter().cloned().collect();
    let mut columns = row.columns().to_vec();
    let file = copy.file.map(|(device, inode)| format!("{device}:{inode}"));
    let added = [
        (PATH_COLUMN, Some(path)),
        (VALIDATOR_COLUMN, Some(copy.validator.as_str())),
        (FILE_COLUMN, file.as_deref()),
    ];
    for (name, value) in added {
        fields.push(Arc::new(Field::new(name, DataType::Utf8, name == FILE_COLUMN)));
        columns.push(Arc::new(StringArray::from(vec![value])));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|e| Error::new(ErrorCode::Internal, format!("the row cannot be extended: {e}")))
}
