//! SQL with every function of clipflow over tables that Python has.

use std::sync::Arc;

use clipflow::datafusion::datasource::MemTable;
use clipflow::datafusion::execution::context::SQLOptions;
use clipflow::datafusion::prelude::SessionContext;
use clipflow::query::SessionOptions;
use clipflow::{CancelToken, query_error, register_all_with};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrow_stream::batches;
use crate::errors::OrRaise;
use crate::settings::parallel;
use crate::table::Table;
use crate::wait::wait_for;

/// The plan of one statement over `tables`, objects with `__arrow_c_stream__` by name, in a session that has every
/// function of clipflow. Relative paths in it start from `base`.
#[pyfunction]
pub(crate) fn query(
    py: Python<'_>,
    statement: String,
    tables: &Bound<'_, PyDict>,
    base: String,
    settings: &Bound<'_, PyDict>,
) -> PyResult<Table> {
    let parallel = parallel(settings)?;
    let options = SessionOptions { base: base.into(), parallel, ..SessionOptions::default() };
    let ctx = SessionContext::new();
    register_all_with(&ctx, &options).or_raise()?;
    for (name, table) in tables {
        let batches = batches(&table)?;
        let Some(schema) = batches.first().map(|batch| batch.schema()) else { continue };
        let table = MemTable::try_new(schema, vec![batches]).map_err(query_error).or_raise()?;
        let name: String = name.extract()?;
        ctx.register_table(name.as_str(), Arc::new(table)).map_err(query_error).or_raise()?;
    }
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = wait_for(py, &CancelToken::new(), move || async move {
        ctx.sql_with_options(&statement, read_only).await.map_err(query_error)
    })?;
    Ok(Table::query(frame))
}
