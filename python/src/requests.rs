//! Requests as Python has them.

use clipflow::pipeline::Requests;
use pyo3::prelude::*;

use crate::arrow_stream::batches;
use crate::errors::OrRaise;

/// A path or URL as text, rows as bytes of JSON objects (one a line), or an object with `__arrow_c_stream__`.
pub(crate) fn requests(object: &Bound<'_, PyAny>) -> PyResult<Requests> {
    if let Ok(location) = object.extract::<String>() {
        return Ok(location.into());
    }
    if let Ok(rows) = object.extract::<Vec<u8>>() {
        let lines = String::from_utf8_lossy(&rows);
        return Requests::from_json_rows(&lines).or_raise();
    }
    batches(object).map(Requests::from)
}
