//! A session over results that only reads.

use std::sync::Arc;

use datafusion::execution::context::SQLOptions;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::Statement;

use super::experiment::register_experiment;
use super::performance::{register_events, register_performance};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::query::events::EventOptions;
use crate::query::results::register_dataset;
use crate::query::statements::parse_statements;
use crate::query::{
    EventNotes, NamedTable, SessionOptions, query_error, register_tables, session_with,
};
use crate::resilience::Resilience;
use crate::store::DatasetRoot;

/// Share of the memory of a query that its operators may hold before they put rows aside.
const OF_OPERATORS: f64 = 0.8;

/// What a [`ResultsSession`] reads.
#[derive(Debug, Clone)]
pub struct ResultsQuery {
    /// The results dataset.
    pub results: Location,
    /// Events, as the tables `events` and `event_days`.
    pub events: Option<Location>,
    /// How their times are read, and as of when.
    pub reading: EventOptions,
    /// Tables of the user's own beside those of the results.
    pub tables: Vec<NamedTable>,
    /// Folders, buckets and prefixes that table functions such as `cues('talk.mp4')` may read from; `None`: any place
    /// that the process can read.
    pub roots: Option<Vec<Location>>,
    /// Settings; a query may take all of `memory_limit_gb`.
    pub parallel: ParallelConfig,
}

impl ResultsQuery {
    /// Of the results alone.
    pub fn new(results: impl Into<Location>) -> Self {
        Self {
            results: results.into(),
            events: None,
            reading: EventOptions::default(),
            tables: vec![],
            roots: None,
            parallel: ParallelConfig::default(),
        }
    }
}

/// The tables and views of a results dataset, with every function, for statements that only read.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use clipflow::analytics::{ResultsQuery, ResultsSession};
///
/// let session = ResultsSession::open(&ResultsQuery::new("results")).await?;
/// session.sql("SELECT clip_id, score FROM clips ORDER BY score DESC").await?.show().await?;
/// # Ok(())
/// # }
/// ```
pub struct ResultsSession {
    ctx: SessionContext,
    events: Arc<EventNotes>,
    notes: Vec<String>,
}

impl ResultsSession {
    /// The dataset as it stands now. Rows are read when a query runs.
    ///
    /// # Errors
    /// `store.read` without results; `input.*` about events and tables of the user's own.
    pub async fn open(query: &ResultsQuery) -> Result<Self> {
        let resilience = Resilience::new(&query.parallel);
        let place = DatasetRoot::new(&query.results, &resilience)?;
        let dataset = place.existing().await?;
        let options = SessionOptions {
            base: ".".into(),
            roots: query.roots.clone(),
            // The query has the memory of media work too; what operators do not count needs some of it.
            memory_bytes: Some((query.parallel.memory_limit_gb * 1e9 * OF_OPERATORS) as usize),
            parallel: query.parallel.clone(),
            ..SessionOptions::default()
        };
        let events = Arc::new(EventNotes::default());
        let extension = Arc::clone(&events);
        let ctx = session_with(&options, None, |config| config.with_extension(extension))?;
        register_performance(&ctx);
        register_experiment(&ctx);
        register_dataset(&ctx, &dataset).await?;
        let mut notes = vec![];
        if let Some(place) = &query.events {
            let table = register_events(&ctx, place, &query.reading, &resilience).await?;
            notes.extend(table.notes);
        }
        notes.extend(register_tables(&ctx, &query.tables, &resilience).await?);
        Ok(Self { ctx, events, notes })
    }

    /// What was left out or renamed of events and tables, as sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What queries so far have skipped of events, as a sentence.
    pub fn skipped(&self) -> Option<String> {
        self.events.about_skipped()
    }

    /// The DataFusion session.
    pub fn context(&self) -> &SessionContext {
        &self.ctx
    }

    /// The plan of one statement; nothing is read before it is executed.
    ///
    /// # Errors
    /// `query.invalid` for a statement that is wrong, writes or is not alone; `query.limits` for one that is
    /// too long.
    pub async fn sql(&self, text: &str) -> Result<DataFrame> {
        let mut statements = parse_statements(text)?;
        match (statements.pop_front(), statements.len()) {
            (Some(statement), 0) => {
                self.plan(statement).await.map_err(|error| self.with_table_names(error))
            }
            (_, others) => Err(Error::new(
                ErrorCode::QueryInvalid,
                format!("there are {} statements; give one", others + usize::from(others > 0)),
            )),
        }
    }

    /// The plan of a statement.
    ///
    /// # Errors
    /// As [`ResultsSession::sql`].
    pub(crate) async fn plan(&self, statement: Statement) -> Result<DataFrame> {
        let read_only = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        let plan = self.ctx.state().statement_to_plan(statement).await;
        let plan = plan.map_err(query_error)?;
        read_only.verify_plan(&plan).map_err(query_error)?;
        self.ctx.execute_logical_plan(plan).await.map_err(query_error)
    }

    /// The tables and views, by name.
    pub fn tables(&self) -> Vec<String> {
        let state = self.ctx.state();
        let options = &state.config_options().catalog;
        let schema = self.ctx.catalog(&options.default_catalog);
        let schema = schema.and_then(|catalog| catalog.schema(&options.default_schema));
        let mut names = schema.map_or_else(Vec::new, |schema| schema.table_names());
        names.sort();
        names
    }

    /// Adds the names of the tables to an error about an unknown table.
    fn with_table_names(&self, error: Error) -> Error {
        let is_unknown = error.code() == ErrorCode::QueryInvalid
            && error.message().starts_with("table '")
            && error.message().ends_with("' not found");
        if !is_unknown {
            return error;
        }
        let names = self.tables().join(", ");
        let message = format!("{}; the tables and views are {names}", error.message());
        Error::new(ErrorCode::QueryInvalid, message)
    }
}
