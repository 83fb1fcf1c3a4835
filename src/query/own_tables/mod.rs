//! Tables of the user's own beside those of results: files under a name, to be joined in SQL.

mod types;

use std::str::FromStr;
use std::sync::Arc;

use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, cast, ident};
use datafusion::prelude::SessionContext;
use futures::StreamExt;

use super::errors::query_error;
use super::results::register_store;
use super::sql::VIEWS;
use super::statements::parse_statements;
use super::user_files::{UserTable, open};
use crate::error::{Error, Result};
use crate::location::Location;
use crate::model::platform_metric;
use crate::model::table::TABLES;
use crate::resilience::Resilience;
use crate::store::DatasetRoot;
use types::ColumnTypes;

/// Names of tables that events are registered under.
pub(crate) const EVENT_TABLES: [&str; 4] = ["events", "event_days", "event_spans", "daily"];

/// A table of the user's own: Parquet, CSV, NDJSON or Arrow under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTable {
    name: String,
    place: Location,
}

impl NamedTable {
    /// `name` for the file, folder or object store URL `place`.
    ///
    /// # Errors
    /// `config.invalid` if `name` is not one that SQL takes without quotes, or is that of a table or view of
    /// results or events.
    pub fn new(name: &str, place: impl Into<Location>) -> Result<Self> {
        let wrong = |what: String| Err(Error::setting("table", what));
        let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_word || parse_statements(&format!("SELECT {name}.a FROM {name}")).is_err() {
            return wrong(format!(
                "names {name:?}, which is no name of a table in SQL; take letters, digits and _, as in campaigns=campaigns.csv"
            ));
        }
        // SQL takes names without quotes as lower case.
        let name = name.to_ascii_lowercase();
        if is_ours(&name) {
            return wrong(format!(
                "names {name}, which is a table or view of clipflow; give the file another name, such as my_{name}=FILE"
            ));
        }
        Ok(Self { name, place: place.into() })
    }

    /// Its name in SQL.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for NamedTable {
    type Err = Error;

    /// From `campaigns=campaigns.csv`.
    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((name, place)) if !place.trim().is_empty() => {
                Self::new(name.trim(), Location::from(place.trim()))
            }
            _ => Err(Error::setting(
                "table",
                format!("is {text}; give a name and a file, such as campaigns=campaigns.csv"),
            )),
        }
    }
}

/// Whether a table or view of results or events has that name.
fn is_ours(name: &str) -> bool {
    let tables = TABLES.iter().map(|t| t.name).chain(VIEWS.iter().map(|v| v.0));
    let others = EVENT_TABLES.into_iter().chain(["platforms", platform_metric::NAME]);
    tables.chain(others).any(|ours| ours == name)
}

/// Register `tables` by their names; sentences about what was left out of them.
///
/// Columns are found by name in every file, and types are those of all rows. A column of CSV is a whole
/// number, number, truth value, day or time if all of its cells are; one that is named as an id (`id`, `campaign_id`)
/// stays text.
///
/// # Errors
/// `config.invalid` if two have the same name or the session has a table of that name; `input.*` about the
/// files.
pub async fn register_tables(
    ctx: &SessionContext,
    tables: &[NamedTable],
    resilience: &Resilience,
) -> Result<Vec<String>> {
    let mut notes = vec![];
    for table in tables {
        let NamedTable { name, place } = table;
        if ctx.table_exist(name.as_str()).map_err(query_error)? {
            let what = format!("names {name}, which is there already; give each file its own name");
            return Err(Error::setting("table", what));
        }
        if place.as_url().is_some() {
            register_store(&ctx.runtime_env(), &DatasetRoot::new(place, resilience)?);
        }
        let files = open(ctx, place, &[]).await?;
        notes.extend(files.notes.iter().map(|note| format!("table {name}: {note}")));
        let are_untyped = files.are_untyped();
        let provider = UserTable::of_all(files)?;
        let frame = ctx.read_table(Arc::new(provider)).map_err(query_error)?;
        let frame = if are_untyped { typed(frame).await? } else { frame };
        ctx.register_table(name.as_str(), frame.into_view()).map_err(query_error)?;
    }
    Ok(notes)
}

/// Text columns in the types that all of their cells fit.
async fn typed(frame: DataFrame) -> Result<DataFrame> {
    let mut types = ColumnTypes::of(frame.schema().as_arrow());
    let mut batches = frame.clone().execute_stream().await.map_err(query_error)?;
    while let Some(batch) = batches.next().await {
        types.note(&batch.map_err(query_error)?);
    }
    let columns = types.found().map(|(name, data_type)| match data_type {
        Some(data_type) => cast(ident(name), data_type).alias(name),
        None => ident(name),
    });
    frame.clone().select(columns.collect::<Vec<Expr>>()).map_err(query_error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_those_that_sql_takes_and_that_are_free() {
        let table: NamedTable = "Campaigns=a=b.csv".parse().unwrap();
        assert_eq!((table.name(), table.place.clone()), ("campaigns", Location::from("a=b.csv")));
        for (text, why) in [
            ("campaigns.csv", "such as campaigns=campaigns.csv"),
            ("t=", "such as campaigns=campaigns.csv"),
            ("my-table=a.csv", "no name of a table"),
            ("1a=a.csv", "no name of a table"),
            ("Clips=a.csv", "names clips, which is a table or view of clipflow"),
            ("posts=a.csv", "is a table or view"),
            ("events=a.csv", "is a table or view"),
            ("platforms=a.csv", "is a table or view"),
        ] {
            let said = text.parse::<NamedTable>().unwrap_err();
            assert!(said.message().contains(why), "{text}: {said}");
        }
    }
}
