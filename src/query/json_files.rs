//! JSON request files as a table: one object per line, or one array of objects.
//!
//! DataFusion's reader rejects a column with a number in one row and a text in another; here such a
//! column becomes text, so that a wrong value fails its row rather than the file.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::reader::infer_json_schema;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;
use serde::de::IgnoredAny;

use super::errors::query_error;
use super::user_files::{ArrayLines, Shape, shape_of_file};
use crate::error::Error;
use crate::model::VideoClipRequest;

/// The columns of a file, from all its rows.
///
/// # Errors
/// The line and the cause, if it is not JSON.
pub(super) fn schema(file: &Path) -> std::result::Result<Schema, String> {
    let inferred = open(file).and_then(|reader| Ok(infer_json_schema(reader, None)?.0));
    let inferred =
        inferred.map_err(|e| fault_in_line(file).unwrap_or_else(|| e.strip_backtrace()))?;
    let bytes = std::fs::metadata(file).map_err(|e| e.to_string())?.len();
    let shape = shape_of_file(file, bytes).map_err(|e| e.to_string())?;
    Ok(exact(&inferred, &shape))
}

/// `inferred`, with columns of text where a number would lose digits: those of requests that are texts, and
/// those with whole numbers beyond 64 bits.
fn exact(inferred: &Schema, shape: &Shape) -> Schema {
    let requests = VideoClipRequest::fields();
    let is_text = |name: &str| {
        let known = requests.iter().find(|f| f.name().eq_ignore_ascii_case(name));
        name.eq_ignore_ascii_case("youtube_url")
            || known.is_some_and(|f| *f.data_type() == DataType::Utf8)
    };
    let is_wide = |name: &str| {
        shape.columns().any(|(known, kinds)| known == name && kinds.data_type() == DataType::Utf8)
    };
    let field = |field: &Arc<Field>| {
        let name = field.name();
        let is_number = field.data_type().is_numeric();
        match is_number && (is_text(name) || is_wide(name)) {
            true => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
            false => Arc::clone(field),
        }
    };
    Schema::new(inferred.fields().iter().map(field).collect::<Vec<_>>())
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
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    let fault = |e: serde_json::Error| ArrowError::JsonError(e.to_string());
    let _: Vec<IgnoredAny> = serde_json::from_str(&text).map_err(fault)?;
    // Values stay as they are written: through numbers of 64 bits, ids would lose digits. A line end in an
    // array is never part of a text.
    let text = text.replace(['\n', '\r'], " ");
    Ok(Box::new(BufReader::new(ArrayLines::new(Cursor::new(text)))))
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
