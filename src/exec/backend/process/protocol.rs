//! The messages between coordinator and worker.
//!
//! The worker sends `hello` and the coordinator answers with `setup`. Then for each task: `task` with
//! rows; `started`; any number of `progress`; `answer` with columns or an error. `cancel` may be sent
//! while a task runs. When the pipe is closed, the worker exits.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, BinaryViewArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Outlook, Result};
use crate::exec::work::FILE_COLUMN;
use crate::exec::{PATH_COLUMN, VALIDATOR_COLUMN, Work, WorkSpec};
use crate::media::MediaTools;
use crate::telemetry::ProcessRecord;

/// Version of the messages; incremented with every change.
pub(super) const PROTOCOL: u32 = 4;
/// Version of clipflow: settings of work are only exchanged between equal versions.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Environment variable of a worker: `PROTOCOL:PID:NONCE` of its coordinator.
pub(super) const VARIABLE: &str = "CLIPFLOW_WORKER";

/// From the coordinator.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub(super) enum ToWorker {
    /// Once, after `hello`.
    Setup {
        /// Address space that work may use, in bytes; 0: no limit.
        memory_bytes: u64,
        /// Number of workers that share the cores and the memory for rendering.
        workers: usize,
    },
    /// Run this task; the rows follow.
    Task { id: u64, work: Box<WorkSpec>, tools: Option<MediaTools>, media_dir: PathBuf },
    /// Stop task `id`, if it still runs.
    Cancel { id: u64 },
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub(super) enum FromWorker {
    /// Greeting of a worker that this coordinator started.
    Hello { protocol: u32, version: String, nonce: String },
    /// The task was read and starts: from here on it is the cause of a crash.
    Started { id: u64 },
    /// Seconds of video that the task will go through.
    Expected { id: u64, seconds: f64 },
    /// Seconds of video that the task processed since the last such message.
    Progress { id: u64, seconds: f64 },
    /// The task has ended, with these media processes; the columns follow if there is no error.
    Answer { id: u64, error: Option<WireError>, processes: Vec<ProcessRecord> },
}

/// An [`Error`] in a message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireError {
    code: String,
    message: String,
    lasting: bool,
    retry_after: Option<Duration>,
}

impl From<&Error> for WireError {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().as_str().to_owned(),
            message: error.message().to_owned(),
            lasting: error.outlook() == Outlook::Lasting,
            retry_after: error.retry_after(),
        }
    }
}

impl From<WireError> for Error {
    fn from(fault: WireError) -> Self {
        let code = ErrorCode::parse(&fault.code).unwrap_or(ErrorCode::Internal);
        let error = Self::new(code, fault.message);
        match fault.retry_after {
            Some(wait) => error.with_retry_after(wait),
            None if fault.lasting => error.lasting(),
            None => error,
        }
    }
}

/// Encodes the columns of `rows` that `work` reads.
pub(super) fn encode_rows(work: &dyn Work, rows: &RecordBatch) -> Result<Vec<u8>> {
    let declared = work.input_columns();
    let read = |name: &str| {
        declared.iter().any(|column| column.name() == name)
            || [PATH_COLUMN, VALIDATOR_COLUMN, FILE_COLUMN].contains(&name)
    };
    let wanted: Vec<usize> = (0..rows.num_columns())
        .filter(|i| rows.schema_ref().fields().get(*i).is_some_and(|f| read(f.name())))
        .collect();
    rows.project(&wanted).and_then(|rows| encode(&rows)).map_err(|e| not_sent("rows", &e))
}

/// Encodes the columns that `work` returned for `rows` rows.
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

/// A view column without the data of rows outside its slice, which would be sent with it.
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
        format!("the {what} cannot be sent between processes ({cause}); use another backend"),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cancel::CancelToken;
    use crate::exec::{SelectWork, ValidateWork, WorkEnv};
    use arrow::array::{
        Array, DictionaryArray, Int64Array, ListArray, StringArray, StructArray, new_null_array,
    };
    use arrow::datatypes::{DataType, Int32Type, Int64Type};

    #[test]
    fn errors_round_trip() {
        let cases = [
            Error::new(ErrorCode::MediaCorrupt, "bad"),
            Error::new(ErrorCode::SourceUnreachable, "down").lasting(),
            Error::new(ErrorCode::Cancelled, "later").with_retry_after(Duration::from_millis(1500)),
        ];
        for error in cases {
            let json = serde_json::to_string(&WireError::from(&error)).unwrap();
            let back: Error = serde_json::from_str::<WireError>(&json).unwrap().into();
            assert_eq!((back.code(), back.message()), (error.code(), error.message()));
            assert_eq!(back.outlook(), error.outlook());
        }
    }

    fn round_trip(columns: Vec<(&str, ArrayRef)>) {
        let rows = columns.first().map_or(0, |(_, c)| c.len());
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        )
        .unwrap();
        for (start, length) in [(0, rows), (1, rows - 1), (rows - 1, 1), (1, 0)] {
            let part = batch.slice(start, length);
            assert_eq!(decode(&encode(&part).unwrap()).unwrap(), part, "{start} + {length}");
        }
    }

    #[test]
    fn slices_of_every_kind_of_column_round_trip() {
        let long = "longer than what a view holds in itself".repeat(3);
        let views: StringViewArray =
            [Some("a"), None, Some(long.as_str()), Some("d")].into_iter().collect();
        let words: DictionaryArray<Int32Type> =
            [Some("x"), None, Some("y"), Some("x")].into_iter().collect();
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
            Some(vec![Some(7)]),
        ]);
        let inner = Field::new("name", DataType::Utf8, true);
        let names = StringArray::from(vec![Some("p"), None, Some("q"), Some("r")]);
        let structs = StructArray::from(vec![(Arc::new(inner), Arc::new(names) as ArrayRef)]);
        round_trip(vec![
            ("views", Arc::new(views)),
            ("words", Arc::new(words)),
            ("lists", Arc::new(lists)),
            ("structs", Arc::new(structs)),
            ("numbers", Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)]))),
            ("nothing", new_null_array(&DataType::Null, 4)),
        ]);
    }

    #[test]
    fn a_slice_does_not_carry_the_text_of_other_rows() {
        let texts: StringViewArray =
            (0..1000).map(|i| Some(format!("{i} {}", "x".repeat(1000)))).collect();
        let rows =
            RecordBatch::try_from_iter([("source_url", Arc::new(texts) as ArrayRef)]).unwrap();
        let sent = encode_rows(&ValidateWork, &rows.slice(500, 1)).unwrap();
        assert!(sent.len() < 4000, "{} bytes", sent.len());
    }

    #[test]
    fn only_what_the_work_reads_is_sent_and_rows_without_columns_keep_their_number() {
        let number = |n| Arc::new(Int64Array::from(vec![n; 5])) as ArrayRef;
        let rows = RecordBatch::try_from_iter([
            ("max_clips", number(1)),
            ("secret", number(2)),
            (PATH_COLUMN, number(3)),
        ])
        .unwrap();
        let sent = decode(&encode_rows(&ValidateWork, &rows).unwrap()).unwrap();
        let schema = sent.schema();
        let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["max_clips", PATH_COLUMN]);
        let none = rows.project(&[1]).unwrap();
        assert_eq!(decode(&encode_rows(&SelectWork, &none).unwrap()).unwrap().num_rows(), 5);
    }

    #[test]
    fn rendering_gets_the_captions_and_the_validator_of_its_source() {
        let text = || Arc::new(StringArray::from(vec!["x"])) as ArrayRef;
        let columns =
            ["location", "spans", "cues", "validator", "other"].map(|name| (name, text()));
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let work = crate::exec::RenderWork::new(crate::media::RenderSettings::default());
        let sent = decode(&encode_rows(&work, &rows).unwrap()).unwrap();
        let schema = sent.schema();
        let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["location", "spans", "cues", "validator"]);
    }

    #[test]
    fn an_answer_keeps_its_types() {
        let rows = RecordBatch::try_from_iter([(
            "source_url",
            Arc::new(StringArray::from(vec![Some("a.mp4"), None])) as ArrayRef,
        )])
        .unwrap();
        let columns = ValidateWork.run(&rows, &WorkEnv::bare(), &CancelToken::new()).unwrap();
        let sent = encode_answer(&ValidateWork, 2, columns.clone()).unwrap();
        assert_eq!(decode(&sent).unwrap().columns(), columns);
    }
}
