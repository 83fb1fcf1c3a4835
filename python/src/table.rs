//! [`Table`]: rows that Python reads as an Arrow stream.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use clipflow::datafusion::execution::SendableRecordBatchStream;
use clipflow::datafusion::prelude::DataFrame;
use clipflow::{CancelToken, query_error};
use futures::StreamExt;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::arrow_stream::{batches, schema_capsule, stream_capsule};
use crate::wait::{runtime, wait_for};

/// Rows in columns: a query that runs when it is read, or batches in memory.
#[pyclass(module = "clipflow", frozen)]
pub(crate) struct Table {
    rows: Rows,
    /// What the rows are read from, which lives as long as they.
    keep: Option<Arc<dyn Any + Send + Sync>>,
}

enum Rows {
    Query(Box<DataFrame>),
    Batches(SchemaRef, Vec<RecordBatch>),
}

impl Table {
    pub(crate) fn query(frame: DataFrame) -> Self {
        Self { rows: Rows::Query(Box::new(frame)), keep: None }
    }

    pub(crate) fn kept(frame: DataFrame, keep: Arc<dyn Any + Send + Sync>) -> Self {
        Self { rows: Rows::Query(Box::new(frame)), keep: Some(keep) }
    }

    pub(crate) fn batch(batch: RecordBatch) -> Self {
        Self { rows: Rows::Batches(batch.schema(), vec![batch]), keep: None }
    }

    /// Batches of one schema, of which there is one at least.
    pub(crate) fn batches(batches: Vec<RecordBatch>) -> Self {
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        Self { rows: Rows::Batches(schema, batches), keep: None }
    }

    fn schema(&self) -> SchemaRef {
        match &self.rows {
            Rows::Query(frame) => Arc::clone(frame.schema().inner()),
            Rows::Batches(schema, _) => Arc::clone(schema),
        }
    }

    fn reader(&self, py: Python<'_>) -> PyResult<Box<dyn RecordBatchReader + Send>> {
        match &self.rows {
            Rows::Query(frame) => {
                let frame = frame.as_ref().clone();
                let stream = wait_for(py, &CancelToken::new(), move || async move {
                    frame.execute_stream().await.map_err(query_error)
                })?;
                Ok(Box::new(QueryReader { stream, keep: self.keep.clone() }))
            }
            Rows::Batches(schema, batches) => {
                let batches = batches.clone().into_iter().map(Ok);
                Ok(Box::new(RecordBatchIterator::new(batches, Arc::clone(schema))))
            }
        }
    }
}

#[pymethods]
impl Table {
    /// The rows as a stream of Arrow's C interface; a query runs as the stream is read.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A reader that asks for other types casts by itself, as the specification allows.
        let _ = requested_schema;
        stream_capsule(py, self.reader(py)?)
    }

    /// The columns in Arrow's C interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema())
    }

    /// The names of the columns.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The rows in memory; Ctrl-C stops the query.
    fn collect(&self, py: Python<'_>) -> PyResult<Self> {
        let frame = match &self.rows {
            Rows::Query(frame) => frame.as_ref().clone(),
            Rows::Batches(schema, batches) => {
                let rows = Rows::Batches(Arc::clone(schema), batches.clone());
                return Ok(Self { rows, keep: None });
            }
        };
        let batches = wait_for(py, &CancelToken::new(), move || async move {
            frame.collect().await.map_err(query_error)
        })?;
        let schema = batches.first().map_or_else(|| self.schema(), RecordBatch::schema);
        Ok(Self { rows: Rows::Batches(schema, batches), keep: None })
    }

    /// The number of rows, if they are in memory.
    #[getter]
    fn num_rows(&self) -> Option<usize> {
        match &self.rows {
            Rows::Query(_) => None,
            Rows::Batches(_, batches) => Some(batches.iter().map(RecordBatch::num_rows).sum()),
        }
    }

    /// The rows of a query as its plan prints them.
    fn plan(&self) -> Option<String> {
        match &self.rows {
            Rows::Query(frame) => Some(frame.logical_plan().display_indent().to_string()),
            Rows::Batches(..) => None,
        }
    }
}

/// Reads a query that runs on clipflow's threads.
struct QueryReader {
    stream: SendableRecordBatchStream,
    #[allow(dead_code)]
    keep: Option<Arc<dyn Any + Send + Sync>>,
}

impl Iterator for QueryReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = |error: clipflow::Error| {
            ArrowError::ExternalError(format!("[{}] {error}", error.code()).into())
        };
        match runtime() {
            Ok(runtime) => {
                let next = runtime.block_on(self.stream.next())?;
                Some(next.map_err(|error| text(query_error(error))))
            }
            Err(error) => Some(Err(text(error))),
        }
    }
}

impl RecordBatchReader for QueryReader {
    fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }
}

/// The rows of a table in pieces of `chunk_size`, the last one shorter. Nothing is copied.
#[pyfunction]
pub(crate) fn chunk_data(rows: &Bound<'_, PyAny>, chunk_size: usize) -> PyResult<Vec<Table>> {
    let chunks = |batch| clipflow::chunk_data(&batch, chunk_size).collect::<Vec<_>>();
    Ok(batches(rows)?.into_iter().flat_map(chunks).map(Table::batch).collect())
}
