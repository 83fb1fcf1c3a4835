//! The one crossing of tables between Python and Rust, by the Arrow PyCapsule interface. No column is copied.
//!
//! <https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>

use std::ffi::CStr;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::Schema;
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::{ArrowArrayStreamReader, FFI_ArrowArrayStream};
use clipflow::ErrorCode;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods};

use crate::errors::failed;

const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";

/// A stream of batches as a capsule. A stream that nobody took is released with its capsule.
pub(crate) fn stream_capsule<'py>(
    py: Python<'py>,
    reader: Box<dyn RecordBatchReader + Send>,
) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), STREAM)
}

/// A schema as a capsule.
pub(crate) fn schema_capsule<'py>(
    py: Python<'py>,
    schema: &Schema,
) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(|e| {
        failed(ErrorCode::Internal, format!("the columns do not cross to Python: {e}"))
    })?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// The stream of an object with `__arrow_c_stream__`. Reading it may call Python.
pub(crate) fn reader(object: &Bound<'_, PyAny>) -> PyResult<ArrowArrayStreamReader> {
    let exported = object.call_method0("__arrow_c_stream__")?;
    let capsule = exported.cast::<PyCapsule>()?;
    let stream = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name holds an ArrowArrayStream, which `FFI_ArrowArrayStream` declares as the
    // specification does. `from_raw` moves it out and leaves a released one, which the capsule's destructor skips.
    let read = unsafe { ArrowArrayStreamReader::from_raw(stream.as_ptr()) };
    read.map_err(|e| failed(ErrorCode::InputUnreadable, format!("the table cannot be read: {e}")))
}

/// All batches of an object with `__arrow_c_stream__`.
pub(crate) fn batches(object: &Bound<'_, PyAny>) -> PyResult<Vec<RecordBatch>> {
    let reader = reader(object)?;
    let schema = reader.schema();
    // The producer may need the interpreter, which it takes itself.
    let read = object.py().detach(|| reader.collect::<Result<Vec<_>, _>>());
    let mut batches = read.map_err(|e| {
        failed(ErrorCode::InputUnreadable, format!("the table cannot be read: {e}"))
    })?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}
