//! What happened after posting: events, joined with the variants of a results dataset, as metrics of
//! groups.

mod blank;
mod choice;
mod function;
mod lengths;
mod notes;
mod own_tables;
mod parts;
mod rows;
mod statement;

use std::sync::Arc;

use datafusion::prelude::{DataFrame, SessionContext};

use choice::Choice;
pub use function::register_performance;
pub use notes::left_out_rows;
use own_tables::join_tables;

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::query::events::{self, EventOptions, EventTable};
use crate::query::results::{register_dataset, register_reference, register_store, register_view};
use crate::query::rollup::UnknownEvents;
use crate::query::{EventNotes, NamedTable, SessionOptions, query_error, session_with};
use crate::resilience::Resilience;
use crate::store::DatasetRoot;

/// A query for metrics of groups.
#[derive(Debug, Clone)]
pub struct PerformanceQuery {
    /// The results, if variants are to be told apart by more than the events say.
    pub results: Option<Location>,
    /// Raw events or daily aggregates: a file or folder, here or in an object store.
    pub events: Location,
    /// Names of metrics ([`METRICS`](crate::kernels::metrics::METRICS), with `mean_` the mean of the
    /// variants' values), figures, `audience_reach` or `new_viewers`.
    pub metrics: Vec<String>,
    /// Columns of the events, of `variants`, or of the user's own in `requests` to group by.
    pub by: Vec<String>,
    /// Leaves out the newest events: those of so many hours before the moment the events are read as of
    /// ([`EventOptions::as_of`]), which platforms may still complete.
    pub lag_hours: f64,
    /// How the events are read, and as of when.
    pub reading: EventOptions,
    /// Tables of the user's own, whose columns can be grouped by: joined with the variants by `variant_id`,
    /// `clip_id`, `request_id`, `source_id` or a column of the requests, or with the events by `variant_id`
    /// if there are no results.
    pub tables: Vec<NamedTable>,
    /// Settings; `memory_limit_gb` is for the query alone.
    pub parallel: ParallelConfig,
}

/// A planned query.
pub struct Performance {
    /// The session that the plan belongs to.
    pub ctx: SessionContext,
    /// The plan; nothing is read before it is executed.
    pub frame: DataFrame,
    /// How each metric is computed, as its rows say too.
    pub definitions: Vec<String>,
    reading: notes::Reading,
}

/// Plan `query`.
///
/// # Errors
/// `input.*` about the events, `store.read` about the results, `config.invalid` for a metric or column
/// that is not there, naming those that are.
pub async fn performance(query: &PerformanceQuery) -> Result<Performance> {
    let resilience = Resilience::new(&query.parallel);
    let unknown = Arc::new(UnknownEvents::default());
    let options = SessionOptions {
        memory_bytes: Some((query.parallel.memory_limit_gb * 1e9) as usize),
        parallel: query.parallel.clone(),
        ..SessionOptions::default()
    };
    let notes = Arc::new(EventNotes::default());
    let extensions = (Arc::clone(&unknown), Arc::clone(&notes));
    let ctx = session_with(&options, None, |config| {
        config.with_extension(extensions.0).with_extension(extensions.1)
    })?;
    match &query.results {
        Some(results) => register_results(&ctx, results, &resilience).await?,
        None => register_reference(&ctx)?,
    }
    let table = register_events(&ctx, &query.events, &query.reading, &resilience).await?;
    if query.results.is_some() {
        carry_own_columns(&ctx, &table, query).await?;
    }
    let mut table = table;
    table.notes.extend(join_tables(&ctx, &query.tables, &table, &resilience).await?);
    let choice = choose(&ctx, &table, query).await?;
    let frame = plan(&ctx, &table, query, &choice).await?;
    let passes = if choice.counts_viewers_apart(&table) { 2 } else { 1 };
    let definitions = statement::definitions(&choice);
    let reading = notes::Reading {
        is_bound: choice.is_bound_in_time(&table, query.lag_hours),
        left_out: choice.left_out_note(),
        blank: choice.blank(&table),
        unused: choice.unused(&table),
        lag_hours: query.lag_hours,
        table,
        unknown,
        notes,
        passes,
    };
    Ok(Performance { ctx, frame, definitions, reading })
}

/// Plan `query` in a session that has the views of [`register_events`] and, if events are to be joined
/// with them, a table `variants`.
///
/// # Errors
/// `config.invalid` for a metric or column that is not there, naming those that are.
pub async fn plan_performance(
    ctx: &SessionContext,
    events: &EventTable,
    query: &PerformanceQuery,
) -> Result<DataFrame> {
    let choice = choose(ctx, events, query).await?;
    plan(ctx, events, query, &choice).await
}

async fn choose(
    ctx: &SessionContext,
    events: &EventTable,
    query: &PerformanceQuery,
) -> Result<Choice> {
    let variants = match ctx.table("variants").await {
        Ok(table) => {
            let fields = table.schema().fields().iter().filter(|f| !f.data_type().is_nested());
            fields.map(|f| f.name().clone()).collect()
        }
        Err(_) => vec![],
    };
    Choice::new(query, events, &variants)
}

async fn plan(
    ctx: &SessionContext,
    events: &EventTable,
    query: &PerformanceQuery,
    choice: &Choice,
) -> Result<DataFrame> {
    let statement = statement::statement(choice, events, query.lag_hours);
    ctx.sql(&statement).await.map_err(query_error)
}

/// Register the events at `place` and the views over them.
///
/// # Errors
/// As [`events::register`].
pub async fn register_events(
    ctx: &SessionContext,
    place: &Location,
    reading: &EventOptions,
    resilience: &Resilience,
) -> Result<EventTable> {
    if place.as_url().is_some() {
        register_store(&ctx.runtime_env(), &DatasetRoot::new(place, resilience)?);
    }
    events::register_with(ctx, place, reading).await
}

/// Register the results, which must have variants.
async fn register_results(
    ctx: &SessionContext,
    results: &Location,
    resilience: &Resilience,
) -> Result<()> {
    let dataset = DatasetRoot::new(results, resilience)?.existing().await?;
    register_dataset(ctx, &dataset).await?;
    if dataset.entries("variants").is_empty() {
        return Err(Error::new(
            ErrorCode::StoreRead,
            format!(
                "the results in {results} have no variants to join the events with; make some, or leave the folder out to group by the events' own columns"
            ),
        ));
    }
    Ok(())
}

/// Put the columns that only the requests have, such as a campaign, beside the columns of `variants` as far
/// as they are grouped by.
async fn carry_own_columns(
    ctx: &SessionContext,
    events: &EventTable,
    query: &PerformanceQuery,
) -> Result<()> {
    let columns = async |table: &str| -> Result<Vec<String>> {
        let table = ctx.table(table).await.map_err(query_error)?;
        let fields = table.schema().fields().iter().filter(|f| !f.data_type().is_nested());
        Ok(fields.map(|f| f.name().clone()).collect())
    };
    let (variants, requests) = (columns("variants").await?, columns("requests").await?);
    let mut own = vec![];
    for name in &query.by {
        let known = events.dimensions.contains(name) || variants.contains(name);
        if !known && requests.contains(name) && !own.contains(name) {
            own.push(name.clone());
        }
    }
    if own.is_empty() {
        return Ok(());
    }
    let own: String = own.iter().map(|name| format!(", r.{}", events::quote(name))).collect();
    let joined = format!(
        "SELECT v.*{own} FROM variants v LEFT JOIN requests r ON r.request_id = v.request_id"
    );
    register_view(ctx, "variants", &joined).await
}
