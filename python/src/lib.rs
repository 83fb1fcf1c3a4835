//! The extension module `clipflow._clipflow`: what the Python package calls.
//!
//! Tables cross as Arrow streams, small structured values as JSON text, and every call that works lets other Python
//! threads run. The package's Python code gives them their names and types; clipflow does the work.

mod arrow_stream;
mod dataset;
mod errors;
mod functions;
mod processor;
mod query;
mod requests;
mod response_stream;
mod scalar;
mod settings;
mod table;
mod wait;

use pyo3::prelude::*;

/// Native part of the package `clipflow`.
#[pymodule]
mod _clipflow {
    #[pymodule_export]
    use crate::dataset::Dataset;
    #[pymodule_export]
    use crate::functions::{
        benchmark, error_codes, experiment, performance, render, run, run_setting_names,
        setting_names, table_names, train, validate,
    };
    #[pymodule_export]
    use crate::processor::{Processor, encode};
    #[pymodule_export]
    use crate::query::query;
    #[pymodule_export]
    use crate::response_stream::ResponseStream;
    #[pymodule_export]
    use crate::scalar::{call_function, scalar_functions};
    #[pymodule_export]
    use crate::table::{Table, chunk_data};
    #[pymodule_export]
    use crate::wait::Stop;

    use super::*;

    /// Serves tasks if this process was started as a worker, and then ends it.
    #[pyfunction]
    fn run_if_worker(py: Python<'_>) {
        py.detach(clipflow::worker::run_if_worker);
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
