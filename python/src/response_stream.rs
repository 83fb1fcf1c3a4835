//! [`ResponseStream`]: responses to requests that come in pieces.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use clipflow::pipeline::Requests;
use clipflow::{CancelToken, Error, ErrorCode, Result, VideoClipProcessor};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use pyo3::prelude::*;

use crate::requests::requests;
use crate::table::Table;
use crate::wait::{runtime, wait};

type Responses = Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>;

/// Tables of responses, one a chunk of requests.
#[pyclass(module = "clipflow", frozen)]
pub(crate) struct ResponseStream {
    responses: Arc<Mutex<Responses>>,
    stop: CancelToken,
}

impl ResponseStream {
    /// The responses to the tables that the iterator `tables` yields.
    pub(crate) fn new(processor: &VideoClipProcessor, tables: Py<PyAny>) -> PyResult<Self> {
        let stop = CancelToken::new();
        let processor = processor.stopped_by(stop.clone());
        let tables = Arc::new(tables);
        let input = stream::unfold(tables, |tables| async move {
            let source = Arc::clone(&tables);
            // Python's code may take long, and waits for the interpreter.
            let next = tokio::task::spawn_blocking(move || next_table(&source)).await;
            let next = next.unwrap_or_else(|e| Err(broken(&e)));
            next.transpose().map(|batches| (batches, tables))
        });
        let batches = input.map_ok(|batches| stream::iter(batches.into_iter().map(Ok)));
        let responses = processor.stream_process(batches.try_flatten());
        Ok(Self { responses: Arc::new(Mutex::new(responses.boxed())), stop })
    }
}

#[pymethods]
impl ResponseStream {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        let responses = Arc::clone(&self.responses);
        let next = wait(py, &self.stop, move || {
            let mut responses = responses.lock().unwrap_or_else(PoisonError::into_inner);
            runtime()?.block_on(responses.next()).transpose()
        })?;
        Ok(next.map(Table::batch))
    }
}

/// The next table of a Python iterator.
fn next_table(tables: &Py<PyAny>) -> Result<Option<Vec<RecordBatch>>> {
    let next = Python::try_attach(|py| match tables.bind(py).try_iter()?.next() {
        Some(table) => requests(&table?).map(Some),
        None => Ok(None),
    });
    match next.unwrap_or(Ok(None)).map_err(|e: PyErr| broken(&e))? {
        None => Ok(None),
        Some(Requests::Rows(batches)) => Ok(Some(batches)),
        Some(other) => Err(broken(&format!("{other} is no table"))),
    }
}

fn broken(cause: &dyn std::fmt::Display) -> Error {
    let message = format!("the requests broke off ({cause}); look at what yields them");
    Error::new(ErrorCode::InputUnreadable, message)
}
