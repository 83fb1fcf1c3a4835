//! The tables of events, and the views over them.

use std::sync::Arc;

use datafusion::prelude::SessionContext;

use super::columns::{EventColumns, KEYS, exact_names};
use super::form::Events;
use super::options::{BadRows, EventOptions};
use crate::error::Result;
use crate::location::Location;
use crate::model::event::figure_fields;
use crate::query::errors::query_error;
use crate::query::user_files::{UserTable, open};

/// The registered events.
#[derive(Debug, Clone)]
pub struct EventTable {
    /// Their form.
    pub form: Events,
    /// Columns that a query can group by, in the order of the file.
    pub dimensions: Vec<String>,
    /// Whether raw events name viewers.
    pub has_viewers: bool,
    /// Whether they have times.
    pub has_time: bool,
    /// How they are read.
    pub options: EventOptions,
    /// Columns of the files that events have.
    pub known: Vec<String>,
    /// Columns of the files that mean nothing here and can be grouped by.
    pub others: Vec<String>,
    /// What was renamed or left out, as sentences.
    pub notes: Vec<String>,
}

/// As [`register_with`], with times as they are written and the clock of this machine.
///
/// # Errors
/// As there.
pub async fn register(ctx: &SessionContext, place: &Location) -> Result<EventTable> {
    register_with(ctx, place, &EventOptions::default()).await
}

/// Register what lies at `place` as `events` (raw) or `event_days` (daily aggregates), in the types of
/// [`raw_fields`](crate::model::event::raw_fields) and [`daily_fields`](crate::model::event::daily_fields);
/// raw events also as `event_days`, rolled up, and with times as `event_spans`: from when to when each
/// variant was seen.
///
/// An object store must be registered before. Other columns are carried as dimensions.
///
/// # Errors
/// `input.unreadable`; `input.column` for columns that are neither form's, naming them. A cell that does
/// not fit its column is an error of the query that reads it.
pub async fn register_with(
    ctx: &SessionContext,
    place: &Location,
    options: &EventOptions,
) -> Result<EventTable> {
    // The clock is read once: all of a session's queries are of the same moment.
    let options = options.clone();
    let mut files = open(ctx, place, &exact_names(&options.columns)).await?;
    files.rename(&options.columns)?;
    let found = EventColumns::of(&files, place)?;
    let is_raw = found.form == Events::Raw;
    let (clock, horizon) = (options.clock, options.horizon());
    let skips = options.bad_rows == BadRows::Skip;
    let table = EventTable {
        form: found.form,
        has_viewers: is_raw && files.has("viewer_id"),
        has_time: files.has(if is_raw { "ts" } else { "day" }),
        dimensions: found.dimensions,
        known: found.known,
        others: found.others,
        options,
        notes: [files.notes.clone(), found.notes].concat(),
    };
    let provider = UserTable::try_new(files, found.columns, clock, Some(horizon))?.skipping(skips);
    let name = if is_raw { "events" } else { "daily" };
    ctx.register_table(name, Arc::new(provider)).map_err(query_error)?;
    let days = if is_raw { table.raw_days() } else { daily_days(&table.dimensions) };
    register_view(ctx, "event_days", &days).await?;
    if table.has_time {
        let spans = table.spans(0.0);
        let spans = format!(
            "SELECT variant_id, to_timestamp_micros(published) AS published, to_timestamp_micros(until) AS until, hours FROM ({spans})"
        );
        register_view(ctx, "event_spans", &spans).await?;
    }
    Ok(table)
}

async fn register_view(ctx: &SessionContext, name: &str, sql: &str) -> Result<()> {
    let frame = ctx.sql(sql).await.map_err(query_error)?;
    ctx.register_table(name, frame.into_view()).map(|_| ()).map_err(query_error)
}

/// `name` as a quoted SQL identifier.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Dimensions other than the keys of a day.
fn others(dimensions: &[String]) -> String {
    let others = dimensions.iter().filter(|d| !KEYS.contains(&d.as_str()));
    others.map(|d| format!(", {}", quote(d))).collect()
}

impl EventTable {
    fn raw_days(&self) -> String {
        let others = others(&self.dimensions);
        let has_day = self.dimensions.iter().any(|d| d == "day");
        let day = if self.has_time || !has_day { self.day_of("ts") } else { "day".to_owned() };
        format!(
            "SELECT *, CAST(NULL AS BIGINT) AS followers\nFROM rollup_events((SELECT variant_id, platform, {day} AS day{others}, event, viewer_id, value FROM events))"
        )
    }
}

fn daily_days(dimensions: &[String]) -> String {
    let others = others(dimensions);
    let figures: Vec<String> = figure_fields().iter().map(|f| f.name().clone()).collect();
    format!(
        "SELECT variant_id, platform, day{others}, {}, audience_reach, CAST(NULL AS BIGINT) AS first_views,\n    CAST(NULL AS BIGINT) AS first_completions, new_viewers, CAST(NULL AS BIGINT) AS anonymous_views,\n    CAST(NULL AS BIGINT) AS anonymous_completions, CAST(0 AS BIGINT) AS other_events, followers\nFROM daily",
        figures.join(", ")
    )
}
