//! The commit that takes the place of the shards that hold what is forgotten.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::datasource::MemTable;
use datafusion::prelude::{ParquetReadOptions, SessionContext};

use super::super::session::analysis_of;
use super::super::{RunConfig, statements};
use super::options;
use crate::error::Result;
use crate::kernels::ids::stable_id;
use crate::model::table::{TABLES, Table};
use crate::query::files::table_url;
use crate::query::results::register_table;
use crate::query::{query_error, session};
use crate::store::{Dataset, DatasetRoot, Manifest};

/// Commits the rows of `dataset` without those of the tables `doomed` (requests) and `doomed_sources` of `ctx`;
/// whether that was done: not if another commit came in between. Shards that have none of them stay.
pub(super) async fn commit(
    root: &DatasetRoot,
    config: &RunConfig,
    ctx: &SessionContext,
    dataset: &Dataset,
    shard: Option<&str>,
) -> Result<bool> {
    let mut touched = vec![];
    for manifest in dataset.shards() {
        if holds_doomed(ctx, dataset, manifest).await? {
            touched.push(manifest.number);
        }
    }
    let old = dataset.only(&touched);
    let mut writer = root.begin(&config.work_dir(), analysis_of(&old))?;
    writer.set_settings(dataset.settings().cloned().unwrap_or_default());
    let rest = session(&options(config), None)?;
    crate::query::results::register_store(&rest.runtime_env(), root);
    for name in ["doomed", "doomed_sources"] {
        let frame = ctx.table(name).await.map_err(query_error)?;
        let schema = Arc::clone(frame.schema().inner());
        let ids = frame.collect().await.map_err(query_error)?;
        let ids = MemTable::try_new(schema, vec![ids]).map_err(query_error)?;
        rest.register_table(name, Arc::new(ids)).map_err(query_error)?;
    }
    for table in TABLES {
        register_table(&rest, &old, table).await?;
        let Table { name, owner, .. } = table;
        let sql = match doomed_by(table) {
            Some(doomed) => format!(
                "SELECT t.* FROM {name} t LEFT ANTI JOIN {doomed} d ON d.{owner} = t.{owner}"
            ),
            None => format!("SELECT * FROM {name}"),
        };
        let frame = rest.sql(&sql).await.map_err(query_error)?;
        let entry = statements::write(frame, name, writer.staged(name)).await?;
        writer.add(name, entry);
    }
    touched.iter().for_each(|number| writer.replace(*number));
    // Not the id of a run, which would take its requests for answered.
    let numbers: Vec<String> = touched.iter().map(u64::to_string).collect();
    let parts = std::iter::once("forget").chain(numbers.iter().map(String::as_str));
    let id = shard.map_or_else(|| stable_id(parts.map(Some)), str::to_owned);
    let Some(manifest) = root.commit(dataset, &writer, &id).await? else { return Ok(false) };
    root.set_replaced_aside(dataset, &manifest).await;
    // What is forgotten is not kept for readers either.
    root.purge_replaced().await?;
    Ok(true)
}

/// The table of the owners whose rows in `table` go; `None`: none go.
fn doomed_by(table: &Table) -> Option<&'static str> {
    match table.owner {
        "source_id" => Some("doomed_sources"),
        "run_id" => None,
        _ => Some("doomed"),
    }
}

/// Whether a shard has rows that are to go.
async fn holds_doomed(ctx: &SessionContext, dataset: &Dataset, shard: &Manifest) -> Result<bool> {
    for table in TABLES {
        let Some(entry) = shard.tables.get(table.name).filter(|entry| entry.rows > 0) else {
            continue;
        };
        let file = table_url(&dataset.location(entry));
        let frame = ctx.read_parquet(file, ParquetReadOptions::default()).await;
        let view = frame.map_err(query_error)?.into_view();
        ctx.deregister_table("of_shard").map_err(query_error)?;
        ctx.register_table("of_shard", view).map_err(query_error)?;
        let (owner, Some(doomed)) = (table.owner, doomed_by(table)) else { continue };
        let sql = format!(
            "SELECT t.{owner} FROM of_shard t LEFT SEMI JOIN {doomed} d ON d.{owner} = t.{owner} LIMIT 1"
        );
        let found = ctx.sql(&sql).await.map_err(query_error)?;
        if found.count().await.map_err(query_error)? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Ids as a table of one column.
pub(super) fn batch_of(name: &str, ids: Vec<String>) -> Result<RecordBatch> {
    let ids: ArrayRef = Arc::new(StringArray::from(ids));
    RecordBatch::try_from_iter([(name, ids)]).map_err(|e| query_error(e.into()))
}
