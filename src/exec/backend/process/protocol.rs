//! What coordinator and worker say to each other.
//!
//! The worker says `hello`, the coordinator answers with `setup`. Then for each task: `task` with
//! rows; `started`; any number of `progress`; `answer` with columns or an error. `cancel` may come
//! while a task runs. The end of the pipe is the end of the worker.

use std::path::PathBuf;

use arrow::array::{ArrayRef, BinaryViewArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::exec::{PATH_COLUMN, VALIDATOR_COLUMN, Work, WorkSpec};
use crate::media::MediaTools;

/// Changes with every change of the messages.
pub(super) const PROTOCOL: u32 = 1;
/// Settings of work are written by this version and must be read by the same.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Tells a program that it is a worker, and whose: `PROTOCOL:PID:NONCE`.
pub(super) const VARIABLE: &str = "CLIPFLOW_WORKER";

/// From the coordinator.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub(super) enum ToWorker {
    /// Once, after `hello`.
    Setup {
        /// Address space the work may take, in bytes; 0: no limit.
        memory_bytes: u64,
    },
    /// Do this; the rows follow.
    Task { id: u64, work: WorkSpec, tools: Option<MediaTools>, media_dir: PathBuf },
    /// Stop task `id`, if it still runs.
    Cancel { id: u64 },
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub(super) enum FromWorker {
    /// It speaks our language and was started by us.
    Hello { protocol: u32, version: String, nonce: String },
    /// The task was read and begins: from here on a crash is the task's.
    Started { id: u64 },
    /// The task went through so many seconds of video since the last of these.
    Progress { id: u64, seconds: f64 },
    /// The task's end; the columns follow if there is no error.
    Answer { id: u64, error: Option<Fault> },
}

/// An [`Error`] on the way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fault {
    code: String,
    message: String,
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        Self { code: error.code().as_str().to_owned(), message: error.message().to_owned() }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(ErrorCode::parse(&fault.code).unwrap_or(ErrorCode::Internal), fault.message)
    }
}

/// The columns of `rows` that `work` reads, as IPC.
pub(super) fn encode_rows(work: &dyn Work, rows: &RecordBatch) -> Result<Vec<u8>> {
    let read = |name: &str| {
        work.input_columns().contains(&name) || name == PATH_COLUMN || name == VALIDATOR_COLUMN
    };
    let wanted: Vec<usize> = (0..rows.num_columns())
        .filter(|i| rows.schema_ref().fields().get(*i).is_some_and(|f| read(f.name())))
        .collect();
    rows.project(&wanted).and_then(|rows| encode(&rows)).map_err(|e| not_sent("rows", &e))
}

/// The columns that `work` gave for `rows` rows, as IPC.
pub(super) fn encode_answer(
    work: &dyn Work,
    rows: usize,
    columns: Vec<ArrayRef>,
) -> Result<Vec<u8>> {
    let fields: Vec<Field> = work.output_fields();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .and_then(|answer| encode(&answer))
        .map_err(|e| not_sent("answer", &e))
}

fn encode(rows: &RecordBatch) -> std::result::Result<Vec<u8>, ArrowError> {
    let columns = rows.columns().iter().map(compact).collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let rows = RecordBatch::try_new_with_options(rows.schema(), columns, &options)?;
    let mut writer = StreamWriter::try_new(vec![], rows.schema_ref())?;
    writer.write(&rows)?;
    writer.into_inner()
}

/// A view column without the text of rows that are not in it: a slice carries its whole buffers.
fn compact(column: &ArrayRef) -> ArrayRef {
    if let Some(texts) = column.as_any().downcast_ref::<StringViewArray>() {
        Arc::new(texts.gc())
    } else if let Some(bytes) = column.as_any().downcast_ref::<BinaryViewArray>() {
        Arc::new(bytes.gc())
    } else {
        Arc::clone(column)
    }
}

/// The one batch of an IPC stream.
pub(super) fn decode(bytes: &[u8]) -> Result<RecordBatch> {
    let batch = StreamReader::try_new(bytes, None).and_then(|mut reader| {
        reader.next().unwrap_or_else(|| Err(ArrowError::IpcError("there is no batch".into())))
    });
    batch.map_err(|e| not_sent("message", &e))
}

fn not_sent(what: &str, cause: &ArrowError) -> Error {
    Error::new(
        ErrorCode::Internal,
        format!("the {what} cannot pass between processes ({cause}); take another backend"),
    )
}
