//! A results dataset as tables and views of a session.

use std::sync::Arc;

use datafusion::datasource::MemTable;
use datafusion::error::Result as DfResult;
use datafusion::prelude::{ParquetReadOptions, SessionContext};

use super::{query_error, sql};
use crate::error::Result;
use crate::model::table::{TABLES, Table};
use crate::store::Dataset;

/// Register every table of `dataset` by its name, and the views over them.
///
/// # Errors
/// `query.invalid` if a file is damaged.
pub async fn register_dataset(ctx: &SessionContext, dataset: &Dataset) -> Result<()> {
    for table in TABLES {
        let files = dataset.files(table.name);
        let files = files.iter().map(|f| f.to_string_lossy().into_owned()).collect();
        register_files(ctx, table.name, table, files).await.map_err(query_error)?;
    }
    for (name, view) in sql::VIEWS {
        let frame = ctx.sql(view).await.map_err(query_error)?;
        ctx.register_table(*name, frame.into_view()).map_err(query_error)?;
    }
    Ok(())
}

/// Register Parquet `files` as `name`; without any, an empty table of the schema of `table`.
pub(crate) async fn register_files(
    ctx: &SessionContext,
    name: &str,
    table: &Table,
    files: Vec<String>,
) -> DfResult<()> {
    if files.is_empty() {
        ctx.register_table(name, Arc::new(MemTable::try_new(table.schema(), vec![vec![]])?))?;
        return Ok(());
    }
    let frame = ctx.read_parquet(files, ParquetReadOptions::default()).await?;
    ctx.register_table(name, frame.into_view())?;
    Ok(())
}
