//! The columns of events, cast to their types, and the views over them.

use arrow::datatypes::{DataType, Schema};
use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

use super::files;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::model::event::{EventKind, daily_fields, figure_fields, raw_fields};
use crate::query::errors::query_error;

/// The form of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// One row per event.
    Raw,
    /// One row per day and variant, with figures.
    Daily,
}

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
}

/// Register the files at `place` as `events` (raw) or `event_days` (daily aggregates), in the types of
/// [`raw_fields`] and [`daily_fields`]; raw events also as `event_days`, rolled up.
///
/// An object store must be registered before. Other columns are carried as dimensions.
///
/// # Errors
/// `input.unreadable`; `input.column` if the columns fit neither form, with their names.
pub async fn register(ctx: &SessionContext, place: &Location) -> Result<EventTable> {
    let table = files::table(ctx, place).await?;
    let schema = table.schema();
    ctx.register_table("event_files", Arc::new(table)).map_err(query_error)?;
    let found = EventTable::of(&schema, place)?;
    let sql = match found.form {
        Events::Raw => projection(&schema, &raw_fields(), &found.dimensions, place)?,
        Events::Daily => projection(&schema, &daily_fields(), &found.dimensions, place)?,
    };
    let view = match found.form {
        Events::Raw => "events",
        Events::Daily => "daily",
    };
    register_view(ctx, view, &sql).await?;
    let days = match found.form {
        Events::Raw => raw_days(&found.dimensions),
        Events::Daily => daily_days(&found.dimensions),
    };
    register_view(ctx, "event_days", &days).await?;
    Ok(found)
}

async fn register_view(ctx: &SessionContext, name: &str, sql: &str) -> Result<()> {
    let frame = ctx.sql(sql).await.map_err(query_error)?;
    ctx.register_table(name, frame.into_view()).map(|_| ()).map_err(query_error)
}

impl EventTable {
    fn of(schema: &Schema, place: &Location) -> Result<Self> {
        let has = |name: &str| find(schema, name).is_some();
        let figures: Vec<&str> = EventKind::ALL.into_iter().map(EventKind::figure).collect();
        let form = if has("event") {
            Events::Raw
        } else if figures.iter().any(|figure| has(figure)) {
            Events::Daily
        } else {
            return Err(misfit(
                schema,
                place,
                "neither a column event (raw events) nor one of figures such as views (daily aggregates)",
            ));
        };
        if !has("variant_id") {
            return Err(misfit(schema, place, "no column variant_id, which says what was seen"));
        }
        let known = match form {
            Events::Raw => raw_fields(),
            Events::Daily => daily_fields(),
        };
        let is_measure = |name: &str| {
            known.iter().any(|f| f.name().eq_ignore_ascii_case(name))
                && !["variant_id", "platform", "day"].contains(&name.to_ascii_lowercase().as_str())
        };
        let names = schema.fields().iter().filter(|f| !f.data_type().is_nested());
        let names = names.map(|f| f.name()).filter(|n| !is_measure(n));
        let keys = ["variant_id", "platform", "day"];
        let key = |name: &str| keys.into_iter().find(|k| k.eq_ignore_ascii_case(name));
        let dimensions = names.map(|n| key(n).unwrap_or(n).to_owned()).collect();
        Ok(Self {
            form,
            dimensions,
            has_viewers: form == Events::Raw && has("viewer_id"),
            has_time: has(if form == Events::Raw { "ts" } else { "day" }),
        })
    }
}

fn misfit(schema: &Schema, place: &Location, lacks: &str) -> Error {
    let found: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    Error::new(
        ErrorCode::InputColumn,
        format!("the events in {place} have {lacks}; their columns are: {}", found.join(", ")),
    )
}

/// The column of that name, or one that differs only in case.
fn find<'a>(schema: &'a Schema, name: &str) -> Option<&'a str> {
    let names = || schema.fields().iter().map(|f| f.name().as_str());
    names().find(|n| *n == name).or_else(|| names().find(|n| n.eq_ignore_ascii_case(name)))
}

/// The statement that selects the known columns, cast to their types, then the dimensions.
fn projection(
    schema: &Schema,
    known: &[arrow::datatypes::Field],
    dimensions: &[String],
    place: &Location,
) -> Result<String> {
    let mut columns = vec![];
    for field in known {
        let name = field.name().as_str();
        let value = match find(schema, name) {
            Some(column) => typed(schema, column, field.data_type(), place)?,
            None => format!("CAST(NULL AS {})", sql_type(field.data_type())),
        };
        columns.push(format!("{value} AS {name}"));
    }
    let is_known = |name: &str| known.iter().any(|f| f.name() == name);
    columns.extend(dimensions.iter().filter(|d| !is_known(d)).map(|d| quote(d)));
    Ok(format!("SELECT {}\nFROM event_files", columns.join(",\n    ")))
}

fn typed(schema: &Schema, column: &str, wanted: &DataType, place: &Location) -> Result<String> {
    let found = schema.field_with_name(column).map(|f| f.data_type().clone());
    let found = found.unwrap_or(DataType::Null);
    let name = quote(column);
    let is_text = matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_dictionary = matches!(found, DataType::Dictionary(..));
    match wanted {
        // Numbers and dictionaries are faster as keys than text.
        DataType::Utf8 if found.is_nested() => {}
        DataType::Utf8 if is_text || is_dictionary || found.is_integer() => return Ok(name),
        DataType::Timestamp(..) if found.is_integer() => {
            return Err(Error::new(
                ErrorCode::InputColumn,
                format!(
                    "the column {column} of the events in {place} holds numbers; give times, such as 2026-05-01T12:00:00"
                ),
            ));
        }
        _ if found == *wanted => return Ok(name),
        _ if is_text => {
            let text = format!("nullif(trim({name}), '')");
            return Ok(format!("CAST({text} AS {})", sql_type(wanted)));
        }
        _ if !found.is_nested() => return Ok(format!("CAST({name} AS {})", sql_type(wanted))),
        _ => {}
    }
    Err(Error::new(
        ErrorCode::InputColumn,
        format!("the column {column} of the events in {place} holds {found}, not single values"),
    ))
}

fn sql_type(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Float64 => "DOUBLE",
        DataType::Int64 => "BIGINT",
        DataType::Date32 => "DATE",
        DataType::Timestamp(..) => "TIMESTAMP",
        _ => "VARCHAR",
    }
}

/// `name` as a quoted SQL identifier.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Dimensions other than the keys of a day.
fn others(dimensions: &[String]) -> String {
    let keys = ["variant_id", "platform", "day"];
    let others = dimensions.iter().filter(|d| !keys.contains(&d.as_str()));
    others.map(|d| format!(", {}", quote(d))).collect()
}

fn raw_days(dimensions: &[String]) -> String {
    let others = others(dimensions);
    format!(
        "SELECT *, CAST(NULL AS BIGINT) AS followers\nFROM rollup_events((SELECT variant_id, platform, CAST(ts AS DATE) AS day{others}, event, viewer_id, value FROM events))"
    )
}

fn daily_days(dimensions: &[String]) -> String {
    let others = others(dimensions);
    let figures: Vec<String> = figure_fields().iter().map(|f| f.name().clone()).collect();
    format!(
        "SELECT variant_id, platform, day{others}, {}, audience_reach, CAST(NULL AS BIGINT) AS first_views,\n    CAST(NULL AS BIGINT) AS first_completions, new_viewers, CAST(0 AS BIGINT) AS other_events, followers\nFROM daily",
        figures.join(", ")
    )
}
