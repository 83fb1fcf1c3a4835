//! Tables of the user's own beside the variants: their columns are there to group by.

use datafusion::prelude::SessionContext;

use crate::error::{Error, Result};
use crate::query::events::{EventTable, quote};
use crate::query::results::register_view;
use crate::query::rows::text_column;
use crate::query::{NamedTable, query_error, register_tables};
use crate::resilience::Resilience;

/// Columns that say what a row of a table is about, the narrowest first.
const KEYS: [&str; 5] = ["variant_id", "clip_id", "request_id", "source_id", "experiment_id"];

/// What a table is joined by.
struct Key {
    name: String,
    /// Whether only the requests have it.
    of_requests: bool,
}

/// Put the columns of `tables` beside those of `variants`, each joined by the key that both have; sentences
/// about what was left out or renamed.
///
/// # Errors
/// As [`register_tables`]; `config.invalid` for a table without a key, or with a key twice.
pub(super) async fn join_tables(
    ctx: &SessionContext,
    tables: &[NamedTable],
    events: &EventTable,
    resilience: &Resilience,
) -> Result<Vec<String>> {
    let mut notes = register_tables(ctx, tables, resilience).await?;
    for table in tables {
        let own = columns(ctx, table.name()).await?;
        let variants = columns(ctx, "variants").await.unwrap_or_default();
        let requests = columns(ctx, "requests").await.unwrap_or_default();
        let key = key(table, &own, &variants, &requests)?;
        refuse_twice(ctx, table, &key.name).await?;
        let is_taken = |name: &str| {
            let ours = variants.iter().chain(&events.dimensions);
            ours.into_iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        let mut carried = String::new();
        for name in own.iter().filter(|name| **name != key.name) {
            let mut alias = name.clone();
            if is_taken(name) {
                alias = format!("{}_{name}", table.name());
                notes.push(format!(
                    "the column {name} of the table {} is named {alias} here, since there is a column {name}",
                    table.name()
                ));
            }
            carried += &format!(", t.{} AS {}", quote(name), quote(&alias));
        }
        register_view(ctx, "variants", &joined(table.name(), &key, &variants, &carried)).await?;
    }
    Ok(notes)
}

/// The statement of the variants with the columns `carried` of a table.
fn joined(table: &str, key: &Key, variants: &[String], carried: &str) -> String {
    let (table, name) = (quote(table), quote(&key.name));
    if variants.is_empty() {
        return format!("SELECT t.{name}{carried} FROM {table} t");
    }
    // Ids of digits are numbers in some files and text in others.
    let text = |alias: &str| format!("CAST({alias}.{name} AS VARCHAR)");
    if key.of_requests {
        let same = format!("{} = {}", text("t"), text("r"));
        return format!(
            "SELECT v.*{carried} FROM variants v LEFT JOIN requests r ON r.request_id = v.request_id LEFT JOIN {table} t ON {same}"
        );
    }
    format!(
        "SELECT v.*{carried} FROM variants v LEFT JOIN {table} t ON {} = {}",
        text("t"),
        text("v")
    )
}

fn key(
    table: &NamedTable,
    own: &[String],
    variants: &[String],
    requests: &[String],
) -> Result<Key> {
    let has = |all: &[String], name: &str| all.iter().any(|known| known == name);
    let known = |name: &&str| {
        let is_of_variants = has(variants, name) || (variants.is_empty() && *name == "variant_id");
        has(own, name) && is_of_variants
    };
    if let Some(name) = KEYS.iter().find(|name| known(name)) {
        return Ok(Key { name: (*name).to_owned(), of_requests: false });
    }
    // A column of the user's own in the requests, such as campaign_id.
    let shared = |name: &&String| has(requests, name) && !has(variants, name);
    if let Some(name) = own.iter().find(shared) {
        return Ok(Key { name: name.clone(), of_requests: true });
    }
    let what = match variants.is_empty() {
        true => format!(
            "names {}, which has no column variant_id to join the events by; add one, or name the results folder too to join by clip_id, request_id or a column of the requests",
            table.name()
        ),
        false => format!(
            "names {}, which shares no column with the variants or requests to join by; give it one of {}, or a column that the requests have",
            table.name(),
            KEYS.join(", ")
        ),
    };
    Err(Error::setting("table", format!("{what}; its columns are {}", own.join(", "))))
}

/// # Errors
/// `config.invalid` if two rows have the same key: what is joined with both would count twice.
async fn refuse_twice(ctx: &SessionContext, table: &NamedTable, key: &str) -> Result<()> {
    let (from, quoted) = (quote(table.name()), quote(key));
    let statement = format!(
        "SELECT CAST({quoted} AS VARCHAR) AS twice FROM {from} WHERE {quoted} IS NOT NULL GROUP BY {quoted} HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
    );
    let frame = ctx.sql(&statement).await.map_err(query_error)?;
    let batches = frame.collect().await.map_err(query_error)?;
    if let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) {
        let what = format!(
            "names {}, which has the {key} {} twice, so that its events would count twice; give each one row",
            table.name(),
            text_column(batch, "twice")?.value(0)
        );
        return Err(Error::setting("table", what));
    }
    Ok(())
}

/// The columns of a table that hold single values.
async fn columns(ctx: &SessionContext, table: &str) -> Result<Vec<String>> {
    let table = ctx.table(table).await.map_err(query_error)?;
    let fields = table.schema().fields().iter().filter(|f| !f.data_type().is_nested());
    Ok(fields.map(|f| f.name().clone()).collect())
}
