//! [`Dataset`]: the tables of results, for queries that only read.

use std::sync::Arc;

use clipflow::CancelToken;
use clipflow::analytics::{ResultsQuery, ResultsSession};
use clipflow::query::NamedTable;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrRaise;
use crate::settings::{parallel, reading};
use crate::table::Table;
use crate::wait::wait_for;

/// The tables and views of a results dataset as it stands when it is opened.
#[pyclass(module = "clipflow", frozen)]
pub(crate) struct Dataset(Arc<ResultsSession>);

#[pymethods]
impl Dataset {
    #[new]
    #[pyo3(signature = (results, events, tables, settings))]
    fn new(
        py: Python<'_>,
        results: String,
        events: Option<String>,
        tables: Vec<(String, String)>,
        settings: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let named = tables.into_iter().map(|(name, place)| NamedTable::new(&name, place));
        let query = ResultsQuery {
            events: events.map(Into::into),
            reading: reading(None, None, None)?,
            tables: named.collect::<clipflow::Result<_>>().or_raise()?,
            parallel: parallel(settings)?,
            ..ResultsQuery::new(results)
        };
        let session = wait_for(py, &CancelToken::new(), move || async move {
            ResultsSession::open(&query).await
        })?;
        Ok(Self(Arc::new(session)))
    }

    /// The plan of one statement as a table; it runs when the table is read.
    fn sql(&self, py: Python<'_>, statement: String) -> PyResult<Table> {
        let session = Arc::clone(&self.0);
        let frame =
            wait_for(
                py,
                &CancelToken::new(),
                move || async move { session.sql(&statement).await },
            )?;
        Ok(Table::query(frame))
    }

    /// The names of the tables and views.
    fn tables(&self) -> Vec<String> {
        self.0.tables()
    }

    /// What was left out or renamed of events and tables, as sentences.
    fn notes(&self) -> Vec<String> {
        self.0.notes().iter().cloned().chain(self.0.skipped()).collect()
    }
}
