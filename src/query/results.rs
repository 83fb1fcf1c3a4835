//! A results dataset as tables and views of a session.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::datasource::MemTable;
use datafusion::prelude::{ParquetReadOptions, SessionContext};

use super::files::file_url;
use super::{query_error, sql};
use crate::error::Result;
use crate::model::table::{TABLES, Table};
use crate::store::{Dataset, TableSchema};

/// Register every table of `dataset` by its name, and the views over them.
///
/// # Errors
/// `store.read` if a file is damaged.
pub async fn register_dataset(ctx: &SessionContext, dataset: &Dataset) -> Result<()> {
    for table in TABLES {
        let files = dataset.files(table.name);
        register_files(ctx, table, &files).await?;
    }
    for (name, view) in sql::VIEWS {
        let frame = ctx.sql(view).await.map_err(query_error)?;
        ctx.register_table(*name, frame.into_view()).map_err(query_error)?;
    }
    Ok(())
}

/// Register Parquet `files` as `table`; without any, an empty table of its schema.
async fn register_files(ctx: &SessionContext, table: &Table, files: &[PathBuf]) -> Result<()> {
    if files.is_empty() {
        let empty = MemTable::try_new(table.schema(), vec![vec![]]).map_err(query_error)?;
        return ctx.register_table(table.name, Arc::new(empty)).map(|_| ()).map_err(query_error);
    }
    // DataFusion alone would take the columns of the first file.
    let schema = TableSchema::read(files)?.merged;
    let names: Vec<String> = files.iter().map(|f| file_url(f)).collect();
    let options = ParquetReadOptions::default().schema(&schema);
    let frame = ctx.read_parquet(names, options).await.map_err(query_error)?;
    ctx.register_table(table.name, frame.into_view()).map(|_| ()).map_err(query_error)
}
