//! JSON request files as a table: one object per line, or one array of objects.
//!
//! DataFusion's reader rejects a column with a number in one row and a text in another; here such a
//! column becomes text, so that a wrong value fails its row rather than the file.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::reader::infer_json_schema;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

use super::errors::query_error;
use crate::error::Error;

/// The columns of a file, from all its rows.
///
/// # Errors
/// The line and the cause, if it is not JSON.
pub(super) fn schema(file: &Path) -> std::result::Result<Schema, String> {
    let inferred = open(file).and_then(|reader| Ok(infer_json_schema(reader, None)?.0));
    inferred.map_err(|e| fault_in_line(file).unwrap_or_else(|| e.strip_backtrace()))
}

/// The rows of all `files`, in order, with the columns of `schema`.
///
/// # Errors
/// If DataFusion rejects the schema.
pub(super) fn table(files: Vec<PathBuf>, schema: Schema) -> Result<StreamingTable> {
    let schema = Arc::new(schema);
    let partition = JsonPartition { files, schema: Arc::clone(&schema) };
    StreamingTable::try_new(schema, vec![Arc::new(partition)])
}

#[derive(Debug)]
struct JsonPartition {
    files: Vec<PathBuf>,
    schema: SchemaRef,
}

impl PartitionStream for JsonPartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (schema, batch_size) =
            (Arc::clone(&self.schema), context.session_config().batch_size());
        let files = self.files.clone().into_iter();
        let batches = files.flat_map(move |file| {
            let batches: Batches = match read(&file, &schema, batch_size) {
                Ok(batches) => batches,
                Err(e) => Box::new(std::iter::once(Err(e))),
            };
            batches.map(move |batch| batch.map_err(|e| in_file(&file, e)))
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::iter(batches)))
    }
}

/// Adds the name of the file to an error.
fn in_file(file: &Path, fault: DataFusionError) -> DataFusionError {
    let fault = query_error(fault);
    let message = format!("in {}: {}", file.display(), fault.message());
    DataFusionError::External(Box::new(Error::new(fault.code(), message)))
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

fn read(file: &Path, schema: &SchemaRef, batch_size: usize) -> Result<Batches> {
    let builder = ReaderBuilder::new(Arc::clone(schema)).with_coerce_primitive(true);
    let reader = builder.with_batch_size(batch_size).build(open(file)?)?;
    Ok(Box::new(reader.map(|batch| batch.map_err(DataFusionError::from))))
}

/// A file as one object per line.
fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    let mut reader = BufReader::new(File::open(path)?);
    let first = reader.fill_buf()?.trim_ascii_start().first().copied();
    if first != Some(b'[') {
        return Ok(Box::new(reader));
    }
    let fault = |e: serde_json::Error| ArrowError::JsonError(e.to_string());
    let rows: Vec<serde_json::Value> = serde_json::from_reader(reader).map_err(fault)?;
    let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    Ok(Box::new(Cursor::new(lines.join("\n"))))
}

/// The first line that is not a JSON object; `None` for a file that is one array.
fn fault_in_line(path: &Path) -> Option<String> {
    let mut reader = BufReader::new(File::open(path).ok()?);
    if reader.fill_buf().ok()?.trim_ascii_start().first() == Some(&b'[') {
        return None;
    }
    for (number, line) in (1..).zip(reader.lines()) {
        let line = line.ok()?;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<serde_json::Value>(&line) {
            Ok(value) if value.is_object() => {}
            Ok(_) => return Some(format!("line {number} holds no JSON object")),
            // serde_json is given one line, so its line number is always 1.
            Err(e) => {
                let text = e.to_string();
                let what = text.split(" at line ").next().unwrap_or_default();
                return Some(format!("line {number} is not JSON: {what}, column {}", e.column()));
            }
        }
    }
    None
}
