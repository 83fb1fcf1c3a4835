//! A results dataset as tables and views of a session.

use std::sync::Arc;

use datafusion::datasource::MemTable;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::{ParquetReadOptions, SessionContext};

use super::files::table_url;
use super::{query_error, sql};
use crate::error::Result;
use crate::model::platform_metric;
use crate::model::table::{TABLES, Table};
use crate::store::{Dataset, Place};

/// Register every table of `dataset` by its name, and the views over them.
///
/// # Errors
/// `store.read` if a file is damaged.
pub async fn register_dataset(ctx: &SessionContext, dataset: &Dataset) -> Result<()> {
    register_store(&ctx.runtime_env(), dataset.place());
    register_reference(ctx)?;
    for table in TABLES {
        register_table(ctx, dataset, table).await?;
    }
    for (name, view) in sql::VIEWS {
        let frame = ctx.sql(view).await.map_err(query_error)?;
        ctx.register_table(*name, frame.into_view()).map_err(query_error)?;
    }
    Ok(())
}

/// Register the tables that are the same for everybody: `platform_metrics`.
///
/// # Errors
/// `query.invalid` if the session has a table of that name.
pub fn register_reference(ctx: &SessionContext) -> Result<()> {
    let batch = platform_metric::table()?;
    ctx.register_batch(platform_metric::NAME, batch).map(|_| ()).map_err(query_error)
}

/// Let the sessions of an environment read the files of `place`.
pub fn register_store(env: &RuntimeEnv, place: &Place) {
    if let Place::Objects(objects) = place {
        let store = Arc::new(objects.store().clone());
        env.register_object_store(objects.store().root(), store);
    }
}

/// Register the live files of `table`; without any, an empty table of its schema.
pub(super) async fn register_table(
    ctx: &SessionContext,
    dataset: &Dataset,
    table: &Table,
) -> Result<()> {
    // DataFusion alone would take the columns of the first file.
    let Some(schema) = dataset.schema(table.name).await? else {
        let empty = MemTable::try_new(table.schema(), vec![vec![]]).map_err(query_error)?;
        return ctx.register_table(table.name, Arc::new(empty)).map(|_| ()).map_err(query_error);
    };
    let files = dataset.entries(table.name).into_iter().map(|e| table_url(&dataset.location(e)));
    let options = ParquetReadOptions::default().schema(&schema.merged);
    let frame = ctx.read_parquet(files.collect::<Vec<_>>(), options).await.map_err(query_error)?;
    ctx.register_table(table.name, frame.into_view()).map(|_| ()).map_err(query_error)
}
