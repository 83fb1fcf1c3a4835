//! Taking over from older shards what a new one does not replace.

use datafusion::prelude::{ParquetReadOptions, SessionContext};

use super::{steps, summary};
use crate::error::Result;
use crate::model::table::TABLES;
use crate::query::files::table_url;
use crate::query::query_error;
use crate::store::{Dataset, FileEntry, ShardWriter};

/// Older shards that answer requests or describe sources of this run are replaced: their other rows
/// are written into this shard.
///
/// Reads the run's own tables from `ctx`; afterwards they are the merged ones.
///
/// # Errors
/// `store.*`, or `query.invalid` if an older file is damaged.
pub(super) async fn take_over(
    ctx: &SessionContext,
    dataset: &Dataset,
    writer: &mut ShardWriter,
) -> Result<()> {
    for shard in dataset.shards() {
        let old = |table: &str| {
            let entry = shard.tables.get(table).filter(|e| e.rows > 0)?;
            Some(table_url(&dataset.location(entry)))
        };
        let mut shared = false;
        for (table, key) in [("outcomes", "request_id"), ("sources", "source_id")] {
            let Some(path) = old(table) else { continue };
            view(ctx, &format!("old_{table}"), path).await?;
            let both = format!(
                "SELECT o.{key} FROM old_{table} o JOIN {table} n ON n.{key} = o.{key} LIMIT 1"
            );
            shared |= !summary::texts(ctx, &both).await?.is_empty();
        }
        if shared {
            // All are written before any takes its place: the statements read each other's tables.
            let mut merged = vec![];
            for table in TABLES {
                if let Some(path) = old(table.name) {
                    merged.push((
                        table.name,
                        union(ctx, table.name, table.owner, path, writer).await?,
                    ));
                }
            }
            for (name, entry) in merged {
                writer.promote(name, entry);
                // It may have gained columns, which the next shard is to meet.
                steps::register(ctx, name, &writer.staged(name)).await?;
            }
            writer.replace(shard.number);
        }
    }
    Ok(())
}

/// Back to the run's own tables: what was taken over is out of date.
///
/// # Errors
/// `query.invalid` if a staged file cannot be read.
pub(super) async fn forget(ctx: &SessionContext, writer: &mut ShardWriter) -> Result<()> {
    for name in writer.forget_merged() {
        steps::register(ctx, &name, &writer.staged(&name)).await?;
    }
    Ok(())
}

async fn view(ctx: &SessionContext, name: &str, path: String) -> Result<()> {
    let frame = ctx.read_parquet(path, ParquetReadOptions::default()).await.map_err(query_error)?;
    ctx.deregister_table(name).map_err(query_error)?;
    ctx.register_table(name, frame.into_view()).map_err(query_error)?;
    Ok(())
}

/// The new rows of a table and the old ones of other owners, written beside the new file.
async fn union(
    ctx: &SessionContext,
    name: &str,
    owner: &str,
    old: String,
    writer: &mut ShardWriter,
) -> Result<FileEntry> {
    view(ctx, "old_rows", old).await?;
    let kept = match owner {
        // A source that no request names any more (the file changed) goes with its last request.
        "source_id" => {
            "WHERE source_id IN (SELECT p.source_id FROM old_outcomes p LEFT ANTI JOIN outcomes n ON n.request_id = p.request_id)"
        }
        _ => "",
    };
    let sql = format!(
        "SELECT * FROM {name} UNION ALL BY NAME SELECT * FROM (
             SELECT * FROM old_rows o LEFT ANTI JOIN (SELECT DISTINCT {owner} FROM {name}) n ON n.{owner} = o.{owner}
         ) {kept}"
    );
    let frame = ctx.sql(&sql).await.map_err(query_error)?;
    steps::write(frame, name, writer.merging(name)).await
}
