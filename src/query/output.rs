//! Writes query results as tables for a terminal, CSV, NDJSON, Parquet or an Arrow stream.

use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use arrow::util::display::FormatOptions;
use arrow::util::pretty::pretty_format_batches_with_options;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use parquet::arrow::ArrowWriter;

use crate::error::{Error, ErrorCode, Result};
use crate::query::errors::query_error;

/// A format for rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// A table with borders, for a terminal.
    Table,
    /// RFC 4180 with a header; nested values as JSON.
    Csv,
    /// One JSON object per line.
    Json,
    /// One Parquet file.
    Parquet,
    /// One Arrow IPC stream.
    Arrows,
}

impl OutputFormat {
    /// The format of a file of this name, by its extension.
    pub fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Table),
            "csv" => Some(Self::Csv),
            "json" | "ndjson" | "jsonl" => Some(Self::Json),
            "parquet" | "pq" => Some(Self::Parquet),
            "arrows" => Some(Self::Arrows),
            _ => None,
        }
    }
}

impl OutputFormat {
    /// Whether it is no text: nothing can follow it, and no terminal shows it.
    #[cfg(feature = "cli")]
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrows)
    }
}

/// Rows that are printed as a table; the command says if there are more.
pub const TABLE_ROWS: usize = 1000;

impl FromStr for OutputFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "table" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "parquet" => Ok(Self::Parquet),
            "arrows" => Ok(Self::Arrows),
            other => Err(Error::new(
                ErrorCode::ConfigInvalid,
                format!("there is no format {other}; use table, csv, json, parquet or arrows"),
            )),
        }
    }
}

/// Writes the rows of `stream` to `sink`, a table no further than `table_rows`; whether rows were left out.
///
/// # Errors
/// The query's error, or `store.write` if the sink fails.
pub async fn write_stream(
    mut stream: SendableRecordBatchStream,
    format: OutputFormat,
    sink: &mut (dyn Write + Send),
    table_rows: usize,
) -> Result<bool> {
    let mut writer = RowWriter::new(format, stream.schema(), sink, table_rows)?;
    while let Some(batch) = stream.next().await {
        if !writer.write(&batch.map_err(query_error)?)? {
            break;
        }
    }
    writer.finish()
}

/// The writer of each format.
enum RowWriter<'a> {
    Table {
        sink: &'a mut (dyn Write + Send),
        schema: SchemaRef,
        held: Vec<RecordBatch>,
        rows: usize,
        most: usize,
    },
    Csv(Box<arrow::csv::Writer<&'a mut (dyn Write + Send)>>),
    Json(Box<arrow::json::LineDelimitedWriter<&'a mut (dyn Write + Send)>>),
    Parquet(Box<ArrowWriter<&'a mut (dyn Write + Send)>>),
    Arrows(Box<StreamWriter<&'a mut (dyn Write + Send)>>),
}

impl<'a> RowWriter<'a> {
    fn new(
        format: OutputFormat,
        schema: SchemaRef,
        sink: &'a mut (dyn Write + Send),
        most: usize,
    ) -> Result<Self> {
        Ok(match format {
            OutputFormat::Table => Self::Table { sink, schema, held: vec![], rows: 0, most },
            OutputFormat::Csv => {
                let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(sink);
                // An empty result has a header too.
                let header = RecordBatch::new_empty(flat_schema(&schema));
                writer.write(&header).map_err(write_error)?;
                Self::Csv(Box::new(writer))
            }
            OutputFormat::Json => Self::Json(Box::new(arrow::json::LineDelimitedWriter::new(sink))),
            OutputFormat::Parquet => Self::Parquet(Box::new(
                ArrowWriter::try_new(sink, schema, None).map_err(write_error)?,
            )),
            OutputFormat::Arrows => {
                Self::Arrows(Box::new(StreamWriter::try_new(sink, &schema).map_err(write_error)?))
            }
        })
    }

    /// Writes a batch; whether more rows are wanted.
    fn write(&mut self, batch: &RecordBatch) -> Result<bool> {
        match self {
            Self::Table { held, rows, most, .. } => {
                *rows += batch.num_rows();
                held.push(batch.clone());
                return Ok(*rows <= *most);
            }
            Self::Csv(writer) => writer.write(&flatten(batch)?).map_err(write_error)?,
            Self::Json(writer) => writer.write(batch).map_err(write_error)?,
            Self::Parquet(writer) => writer.write(batch).map_err(write_error)?,
            Self::Arrows(writer) => writer.write(batch).map_err(write_error)?,
        }
        Ok(true)
    }

    /// Whether rows were left out.
    fn finish(self) -> Result<bool> {
        match self {
            Self::Table { sink, schema, held, rows, most } => {
                let all = arrow::compute::concat_batches(&schema, &held).map_err(write_error)?;
                let shown = all.slice(0, rows.min(most));
                let options = FormatOptions::default().with_null("");
                let text = pretty_format_batches_with_options(&[rounded(&shown)?], &options)
                    .map_err(write_error)?;
                writeln!(sink, "{text}").map_err(write_error)?;
                sink.flush().map_err(write_error)?;
                return Ok(rows > most);
            }
            Self::Csv(writer) => writer.into_inner().flush().map_err(write_error)?,
            Self::Json(mut writer) => {
                writer.finish().map_err(write_error)?;
                writer.into_inner().flush().map_err(write_error)?;
            }
            Self::Parquet(writer) => writer.close().map(|_| ()).map_err(write_error)?,
            Self::Arrows(mut writer) => {
                writer.finish().map_err(write_error)?;
                writer.get_mut().flush().map_err(write_error)?;
            }
        }
        Ok(false)
    }
}

/// The schema with nested columns as text, for CSV.
fn flat_schema(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| match f.data_type().is_nested() {
            true => Field::new(f.name(), DataType::Utf8, true),
            false => f.as_ref().clone(),
        })
        .collect();
    Schema::new(fields).into()
}

fn flatten(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(|c| match c.data_type().is_nested() {
        true => super::functions::json::json_of(c),
        false => Ok(ArrayRef::clone(c)),
    });
    RecordBatch::try_new(flat_schema(batch.schema_ref()), columns.collect::<Result<_>>()?)
        .map_err(write_error)
}

/// Floats to six digits after the point: `4.1` rather than `4.1000000000000005`.
fn rounded(batch: &RecordBatch) -> Result<RecordBatch> {
    use arrow::array::AsArray;
    use arrow::datatypes::Float64Type;
    let columns = batch.columns().iter().map(|c| match c.as_primitive_opt::<Float64Type>() {
        Some(floats) => {
            let short = floats.unary::<_, Float64Type>(|v| (v * 1e6).round() / 1e6);
            cast(&short, &DataType::Float64)
        }
        None => Ok(ArrayRef::clone(c)),
    });
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>().map_err(write_error)?;
    RecordBatch::try_new(batch.schema(), columns).map_err(write_error)
}

fn write_error(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorCode::StoreWrite, format!("the rows cannot be written ({cause})"))
        .with_source(cause)
}
