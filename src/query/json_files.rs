//! JSON request files as a table: one object a line, or one array of objects.
//!
//! DataFusion's own reader refuses a column that holds a number in one row and a text in another;
//! here such a column becomes text, so that a wrong value costs its row and not the file.

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

/// The rows of all `files`, in order. Every row is looked at to find the columns.
///
/// # Errors
/// If a file cannot be read or is not JSON.
pub(super) fn table(files: &[PathBuf]) -> Result<StreamingTable> {
    let mut schemas = vec![];
    for file in files {
        let (schema, _) = infer_json_schema(open(file)?, None)?;
        schemas.push(schema);
    }
    let schema = Arc::new(Schema::try_merge(schemas)?);
    let partition = JsonPartition { files: files.to_vec(), schema: Arc::clone(&schema) };
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
        let batches = files.flat_map(move |file| match read(&file, &schema, batch_size) {
            Ok(batches) => batches,
            Err(e) => Box::new(std::iter::once(Err(e))),
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::iter(batches)))
    }
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

fn read(file: &Path, schema: &SchemaRef, batch_size: usize) -> Result<Batches> {
    let builder = ReaderBuilder::new(Arc::clone(schema)).with_coerce_primitive(true);
    let reader = builder.with_batch_size(batch_size).build(open(file)?)?;
    Ok(Box::new(reader.map(|batch| batch.map_err(DataFusionError::from))))
}

/// A file as one object a line.
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
