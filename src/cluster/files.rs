//! Rows and outcomes as bytes: a row as Parquet of one key and one Arrow stream, an outcome as an Arrow stream.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};

use super::fault;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::Work;
use crate::exec::backend::{RemoteFigures, RemoteOutcome};

/// Key of an outcome's metadata.
const OUTCOME: &str = "clipflow";
/// Names of the columns of a row's file.
const KEY: &str = "key";
const ROW: &str = "row";

/// The columns of a row's file.
pub(super) fn row_schema() -> SchemaRef {
    let key = Field::new(KEY, DataType::Utf8, false);
    Arc::new(Schema::new(vec![key, Field::new(ROW, DataType::Binary, false)]))
}

/// What is written beside the columns of an outcome.
#[derive(Debug, Serialize, Deserialize)]
struct OutcomeHeader {
    /// Code and sentence.
    error: Option<(String, String)>,
    figures: RemoteFigures,
}

/// A batch as an Arrow stream.
///
/// # Errors
/// `internal`.
pub(super) fn to_bytes(rows: &RecordBatch) -> Result<Vec<u8>> {
    let write = || {
        let mut writer = StreamWriter::try_new(vec![], rows.schema_ref())?;
        writer.write(rows)?;
        writer.into_inner()
    };
    write().map_err(|e| fault("a row cannot be written", e))
}

/// The batch of an Arrow stream.
///
/// # Errors
/// `internal`.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<RecordBatch> {
    let read = || StreamReader::try_new(Cursor::new(bytes), None)?.next().transpose();
    let batch = read().map_err(|e| fault("a row cannot be read", e))?;
    batch.ok_or_else(|| Error::new(ErrorCode::Internal, "a row's file is empty"))
}

/// The file of a row: its key and its columns.
///
/// # Errors
/// `internal`.
pub(super) fn row_file(key: &str, row: &[u8]) -> Result<Vec<u8>> {
    let columns: Vec<ArrayRef> =
        vec![Arc::new(StringArray::from(vec![key])), Arc::new(BinaryArray::from(vec![row]))];
    let batch = RecordBatch::try_new(row_schema(), columns);
    let batch = batch.map_err(|e| fault("a row cannot be written", e))?;
    let write = || {
        let mut writer = ArrowWriter::try_new(vec![], row_schema(), None)?;
        writer.write(&batch)?;
        writer.into_inner()
    };
    write().map_err(|e| fault("a row cannot be written", e))
}

/// The rows of a batch of row files: key, columns.
///
/// # Errors
/// `internal`.
pub(super) fn rows_of(batch: &RecordBatch) -> Result<Vec<(String, RecordBatch)>> {
    let keys = batch.column_by_name(KEY).and_then(|c| c.as_string_opt::<i32>());
    let rows = batch.column_by_name(ROW).and_then(|c| c.as_binary_opt::<i32>());
    let (Some(keys), Some(rows)) = (keys, rows) else {
        return Err(Error::new(ErrorCode::Internal, "a file of rows has other columns"));
    };
    let row = |at: usize| Ok((keys.value(at).to_owned(), from_bytes(rows.value(at))?));
    (0..keys.len()).map(row).collect()
}

/// An outcome as bytes.
///
/// # Errors
/// `internal`.
pub(super) fn outcome_file(work: &dyn Work, outcome: RemoteOutcome) -> Result<Vec<u8>> {
    let (fields, columns, error) = match outcome.result {
        Ok(columns) => (work.output_fields(), columns, None),
        Err(e) => (vec![], vec![], Some((e.code().as_str().to_owned(), e.message().to_owned()))),
    };
    let header = OutcomeHeader { error, figures: outcome.figures };
    let header =
        serde_json::to_string(&header).map_err(|e| fault("an outcome cannot be written", e))?;
    let schema = Schema::new(fields).with_metadata(HashMap::from([(OUTCOME.to_owned(), header)]));
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(Arc::new(schema), columns, &options);
    to_bytes(&batch.map_err(|e| fault("an outcome cannot be written", e))?)
}

/// The outcome in these bytes.
///
/// # Errors
/// `internal`.
pub(super) fn read_outcome(bytes: &[u8]) -> Result<RemoteOutcome> {
    let batch = from_bytes(bytes)?;
    let header = batch.schema_ref().metadata().get(OUTCOME).map_or("", String::as_str);
    let header: OutcomeHeader =
        serde_json::from_str(header).map_err(|e| fault("an outcome cannot be read", e))?;
    let result = match header.error {
        Some((code, message)) => {
            Err(Error::new(ErrorCode::parse(&code).unwrap_or(ErrorCode::Internal), message))
        }
        None => Ok(batch.columns().to_vec()),
    };
    Ok(RemoteOutcome { result, figures: header.figures })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::exec::{InputColumn, WorkEnv};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

    #[derive(Debug)]
    struct Lengths;

    impl Work for Lengths {
        fn name(&self) -> &'static str {
            "lengths"
        }
        fn input_columns(&self) -> Vec<InputColumn> {
            vec![]
        }
        fn output_fields(&self) -> Vec<Field> {
            vec![Field::new("text", DataType::Utf8, true)]
        }
        fn run(
            &self,
            _: &RecordBatch,
            _: &WorkEnv,
            _: &crate::cancel::CancelToken,
        ) -> Result<Vec<ArrayRef>> {
            Ok(vec![])
        }
    }

    #[test]
    fn rows_and_outcomes_come_back_as_they_were() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("ä")]));
        let row = RecordBatch::try_from_iter([("location", Arc::clone(&text))]).unwrap();
        let file = row_file("k1", &to_bytes(&row).unwrap()).unwrap();
        let mut written = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut written, &file).unwrap();
        let reader = ParquetRecordBatchReader::try_new(written, 8);
        let batch = reader.unwrap().next().unwrap().unwrap();
        assert_eq!(rows_of(&batch).unwrap(), [("k1".to_owned(), row)]);

        let figures = RemoteFigures { attempts: 2, seconds: 1.5, ..RemoteFigures::default() };
        let outcome = RemoteOutcome { result: Ok(vec![Arc::clone(&text)]), figures };
        let read = read_outcome(&outcome_file(&Lengths, outcome).unwrap()).unwrap();
        assert_eq!((read.result.unwrap(), read.figures.attempts), (vec![text], 2));
        let failed = Error::new(ErrorCode::MediaCorrupt, "it is broken");
        let outcome = RemoteOutcome { result: Err(failed), figures: RemoteFigures::default() };
        let error = read_outcome(&outcome_file(&Lengths, outcome).unwrap()).unwrap().result;
        let error = error.unwrap_err();
        assert_eq!((error.code(), error.message()), (ErrorCode::MediaCorrupt, "it is broken"));
    }
}
