//! Errors as exceptions with their code: `clipflow.ClipflowError`, which the package's Python code declares.

use clipflow::{Error, ErrorCode};
use pyo3::prelude::*;

pyo3::import_exception!(clipflow._errors, ClipflowError);

/// An error of clipflow as an exception.
pub(crate) fn exception(error: &Error) -> PyErr {
    let (message, code) = (error.message().to_owned(), error.code().as_str().to_owned());
    ClipflowError::new_err((message, code))
}

/// An error of `code` as an exception.
pub(crate) fn failed(code: ErrorCode, message: impl Into<String>) -> PyErr {
    exception(&Error::new(code, message))
}

/// A value that could not be written or read as JSON.
pub(crate) fn not_json(cause: serde_json::Error) -> PyErr {
    failed(ErrorCode::Internal, format!("a value does not cross to Python as JSON: {cause}"))
}

/// What is an error of clipflow, as an exception.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self) -> PyResult<T>;
}

impl<T> OrRaise<T> for clipflow::Result<T> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| exception(&error))
    }
}
