//! A new shard beside older ones: no request is answered and no source described in two of them.
//!
//! An older shard that answers requests of this run is replaced: its other rows are written into the
//! new shard. One that describes a source of this run stays if it was analysed in the same way; the
//! new shard then leaves the source out. So a run over other requests of the same sources writes
//! what is new and nothing else, however many shards there are. (A source that no request names any
//! more stays until the shard that describes it is replaced.)

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use serde::Deserialize;

use super::statements;
use crate::error::Result;
use crate::model::table::{TABLES, Table};
use crate::query::files::table_url;
use crate::query::query_error;
use crate::query::rows::rows;
use crate::store::{Dataset, FileEntry, Manifest, ShardWriter};

/// Make the tables of `writer` what a commit to `dataset` may add.
///
/// Reads the run's own tables from `ctx`; afterwards they are the merged ones.
///
/// # Errors
/// `store.*`; `store.read` if an older file is lost or damaged that this run does not make anew.
pub(super) async fn take_over(
    ctx: &SessionContext,
    dataset: &Dataset,
    writer: &mut ShardWriter,
) -> Result<()> {
    let shards = Shards { ctx, dataset };
    let (replaced, held) = shards.in_the_way(writer.analysis()).await?;
    if !replaced.is_empty() {
        shards.register("answered", "outcomes", &shards.all()).await?;
    }
    for shard in replaced {
        let lost = shards.lost(shard).await?;
        // All are written before any takes its place: the statements read each other's tables.
        let mut merged = vec![];
        for table in TABLES.iter().filter(|table| !lost.contains(&table.name)) {
            if let Some(old) = shards.file(shard, table.name) {
                merged.push((table.name, union(ctx, table, old, writer).await?));
            }
        }
        promote(ctx, merged, writer).await?;
        writer.replace(shard.number);
    }
    if !held.is_empty() {
        leave_out(ctx, held, writer).await?;
    }
    Ok(())
}

/// Back to the run's own tables: what was taken over is out of date.
///
/// # Errors
/// `query.invalid` if a staged file cannot be read.
pub(super) async fn forget(ctx: &SessionContext, writer: &mut ShardWriter) -> Result<()> {
    for name in writer.forget_merged() {
        statements::register(ctx, &name, &writer.staged(&name)).await?;
    }
    Ok(())
}

/// The live shards, and the run's own tables.
struct Shards<'a> {
    ctx: &'a SessionContext,
    dataset: &'a Dataset,
}

impl<'a> Shards<'a> {
    fn all(&self) -> Vec<&'a Manifest> {
        self.dataset.shards().iter().collect()
    }

    /// The shards that must be replaced, and the sources of this run that others go on describing.
    async fn in_the_way(&self, analysis: &str) -> Result<(Vec<&'a Manifest>, Vec<String>)> {
        let all = self.all();
        // Most runs answer new requests: one look at all shards says so.
        let (mut replaced, staying) =
            match self.common("outcomes", "request_id", &all).await?.is_empty() {
                true => (vec![], all),
                false => self.divide("outcomes", "request_id", all).await?,
            };
        let (alike, others): (Vec<_>, Vec<_>) =
            staying.into_iter().partition(|shard| shard.analysis == analysis);
        replaced.extend(self.divide("sources", "source_id", others).await?.0);
        let held = self.common("sources", "source_id", &alike).await?;
        Ok((replaced, held))
    }

    /// Those of `shards` that have a key in common with the run's own table, and the others.
    async fn divide(
        &self,
        table: &str,
        key: &str,
        shards: Vec<&'a Manifest>,
    ) -> Result<(Vec<&'a Manifest>, Vec<&'a Manifest>)> {
        let (mut sharing, mut others) = (vec![], vec![]);
        for shard in shards {
            let shares = !self.common(table, key, &[shard]).await?.is_empty();
            if shares { &mut sharing } else { &mut others }.push(shard);
        }
        Ok((sharing, others))
    }

    /// The keys of the run's own table that `shards` have too.
    async fn common(&self, table: &str, key: &str, shards: &[&Manifest]) -> Result<Vec<String>> {
        if !self.register("older", table, shards).await? {
            return Ok(vec![]);
        }
        let sql = format!(
            "SELECT n.{key} AS id FROM {table} n LEFT SEMI JOIN older o ON o.{key} = n.{key}"
        );
        self.ids(&sql).await
    }

    /// The column `id` of a query.
    async fn ids(&self, sql: &str) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Key {
            id: String,
        }
        let keys: Vec<Key> = rows(self.ctx.sql(sql).await.map_err(query_error)?).await?;
        Ok(keys.into_iter().map(|key| key.id).collect())
    }

    /// The tables of a shard that is replaced whose files are lost.
    ///
    /// # Errors
    /// `store.read` if there is one, and rows of it were of requests or sources that this run does not
    /// make anew.
    async fn lost(&self, shard: &Manifest) -> Result<Vec<&'static str>> {
        let mut lost = vec![];
        for table in TABLES {
            if let Err(fault) = self.dataset.check(table.name, shard).await {
                if lost.is_empty() && self.holds_others(shard).await? {
                    return Err(self.dataset.lost(table.name, fault));
                }
                lost.push(table.name);
            }
        }
        Ok(lost)
    }

    /// Whether a shard answers requests that this run does not, or may be alone in describing sources of
    /// such requests.
    async fn holds_others(&self, shard: &Manifest) -> Result<bool> {
        self.register("older", "outcomes", &[shard]).await?;
        let others = "SELECT o.request_id AS id FROM older o
            LEFT ANTI JOIN outcomes n ON n.request_id = o.request_id LIMIT 1";
        if !self.ids(others).await?.is_empty() {
            return Ok(true);
        }
        let mut rest = self.all();
        rest.retain(|other| other.number != shard.number);
        let described = match self.register("older", "sources", &rest).await? {
            true => "LEFT ANTI JOIN older o ON o.source_id = p.source_id",
            false => "",
        };
        let others = format!(
            "SELECT p.source_id AS id FROM answered p LEFT ANTI JOIN outcomes n ON n.request_id = p.request_id
             LEFT ANTI JOIN sources s ON s.source_id = p.source_id {described}
             WHERE p.source_id IS NOT NULL LIMIT 1"
        );
        Ok(!self.ids(&others).await?.is_empty())
    }

    /// The ids in a table of `shards` as the table `name`; whether there are any. Where the outcomes of a
    /// shard are lost, its requests are what it has answered.
    async fn register(&self, name: &str, table: &str, shards: &[&Manifest]) -> Result<bool> {
        let mut files = vec![];
        for shard in shards {
            let mut named = table;
            // A file that is gone would be taken for one without rows.
            if let Err(fault) = self.dataset.check(table, shard).await {
                named = "requests";
                if table != "outcomes" || self.dataset.check(named, shard).await.is_err() {
                    return Err(self.dataset.lost(table, fault));
                }
            }
            files.extend(self.file(shard, named));
        }
        if files.is_empty() {
            return Ok(false);
        }
        let ids = match table {
            "outcomes" => vec!["request_id", "source_id"],
            _ => vec!["source_id"],
        };
        let fields: Vec<Field> =
            ids.into_iter().map(|c| Field::new(c, DataType::Utf8, true)).collect();
        let schema = Schema::new(fields);
        let options = ParquetReadOptions::default().schema(&schema);
        let frame = self.ctx.read_parquet(files, options).await.map_err(query_error)?;
        self.ctx.deregister_table(name).map_err(query_error)?;
        self.ctx.register_table(name, frame.into_view()).map_err(query_error)?;
        Ok(true)
    }

    /// A shard's file of a table, if it holds rows.
    fn file(&self, shard: &Manifest, table: &str) -> Option<String> {
        let entry = shard.tables.get(table).filter(|e| e.rows > 0)?;
        Some(table_url(&self.dataset.location(entry)))
    }
}

/// Files of clips and variants that are as they were, and that this run has not rendered: it was to plan
/// only, or the variants alone.
const STILL_THERE: &str = "UNION ALL BY NAME
    SELECT o.* FROM old_rows o
    LEFT SEMI JOIN outcomes n ON n.request_id = o.request_id
    LEFT SEMI JOIN (SELECT variant_id AS id FROM variants UNION ALL SELECT clip_id FROM clips) p
        ON p.id = coalesce(o.variant_id, o.clip_id)
    LEFT ANTI JOIN renditions r ON coalesce(r.variant_id, r.clip_id) = coalesce(o.variant_id, o.clip_id)";

/// The new rows of a table and the old ones of other owners, written beside the new file.
async fn union(
    ctx: &SessionContext,
    table: &Table,
    old: String,
    writer: &mut ShardWriter,
) -> Result<FileEntry> {
    let Table { name, owner, .. } = table;
    // A request that is answered anew may have no rows in this table any more.
    let answered = if *owner == "request_id" { "outcomes" } else { *name };
    let frame = ctx.read_parquet(old, ParquetReadOptions::default()).await.map_err(query_error)?;
    ctx.deregister_table("old_rows").map_err(query_error)?;
    ctx.register_table("old_rows", frame.into_view()).map_err(query_error)?;
    let kept = match *owner {
        // A source that no request names any more (the file changed) goes.
        "source_id" => {
            "WHERE source_id IN (SELECT p.source_id FROM answered p LEFT ANTI JOIN outcomes n ON n.request_id = p.request_id)"
        }
        _ => "",
    };
    let still = if *name == "renditions" { STILL_THERE } else { "" };
    let sql = format!(
        "SELECT * FROM {name} UNION ALL BY NAME SELECT * FROM (
             SELECT * FROM old_rows o LEFT ANTI JOIN (SELECT DISTINCT {owner} FROM {answered}) n ON n.{owner} = o.{owner}
         ) {kept} {still}"
    );
    let frame = ctx.sql(&sql).await.map_err(query_error)?;
    statements::write(frame, name, writer.merging(name)).await
}

/// The new tables without sources that older shards describe.
async fn leave_out(
    ctx: &SessionContext,
    held: Vec<String>,
    writer: &mut ShardWriter,
) -> Result<()> {
    let ids: ArrayRef = Arc::new(StringArray::from(held));
    let batch =
        RecordBatch::try_from_iter([("source_id", ids)]).map_err(|e| query_error(e.into()))?;
    ctx.deregister_table("held").map_err(query_error)?;
    ctx.register_batch("held", batch).map_err(query_error)?;
    let mut rest = vec![];
    for table in TABLES.iter().filter(|t| t.owner == "source_id") {
        let name = table.name;
        let sql =
            format!("SELECT * FROM {name} n LEFT ANTI JOIN held h ON h.source_id = n.source_id");
        let frame = ctx.sql(&sql).await.map_err(query_error)?;
        rest.push((name, statements::write(frame, name, writer.merging(name)).await?));
    }
    promote(ctx, rest, writer).await
}

/// What was written takes the place of what it was made of.
async fn promote(
    ctx: &SessionContext,
    written: Vec<(&'static str, FileEntry)>,
    writer: &mut ShardWriter,
) -> Result<()> {
    for (name, entry) in written {
        writer.promote(name, entry);
        // It may have gained columns, which the next shard is to meet.
        statements::register(ctx, name, &writer.staged(name)).await?;
    }
    Ok(())
}
