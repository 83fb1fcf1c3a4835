//! A results dataset as tables and views of a session.

use std::future::ready;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::stream;
use object_store::ObjectStore;
use url::Url;

use super::errors::query_error;
use super::files::table_url;
use super::sql;
use crate::error::{Error, Result};
use crate::model::platform_metric;
use crate::model::table::{TABLES, Table};
use crate::store::{Dataset, DatasetRoot, SnapshotStore};

/// Register every table of `dataset` by its name, and the views over them. A table with a damaged file
/// fails when it is read; the others are not affected.
///
/// # Errors
/// `query.invalid` if the session has a table of such a name.
pub async fn register_dataset(ctx: &SessionContext, dataset: &Dataset) -> Result<()> {
    register_store(&ctx.runtime_env(), dataset.root());
    register_reference(ctx)?;
    for table in TABLES {
        register_table(ctx, dataset, table).await?;
    }
    for (name, view) in sql::VIEWS.iter() {
        let frame = ctx.sql(view).await.map_err(query_error)?;
        ctx.register_table(*name, frame.into_view()).map_err(query_error)?;
    }
    Ok(())
}

/// Register the tables that do not depend on results: `platform_metrics`.
///
/// # Errors
/// `query.invalid` if the session has a table of that name.
pub fn register_reference(ctx: &SessionContext) -> Result<()> {
    let batch = platform_metric::table()?;
    ctx.register_batch(platform_metric::NAME, batch).map(|_| ()).map_err(query_error)
}

/// Register a query under a name, in place of a table of that name.
///
/// # Errors
/// Of the query.
pub(crate) async fn register_view(ctx: &SessionContext, name: &str, sql: &str) -> Result<()> {
    let frame = ctx.sql(sql).await.map_err(query_error)?;
    ctx.deregister_table(name).map_err(query_error)?;
    ctx.register_table(name, frame.into_view()).map(|_| ()).map_err(query_error)
}

/// Let the sessions of an environment read the files of `place`, those of shards that are replaced meanwhile too.
pub fn register_store(env: &RuntimeEnv, place: &DatasetRoot) {
    let (url, store): (Url, Arc<dyn ObjectStore>) = match place {
        DatasetRoot::Objects(objects) => {
            (objects.store().root().clone(), Arc::new(objects.store().clone()))
        }
        DatasetRoot::Folder(_) => {
            let url = ObjectStoreUrl::local_filesystem();
            // Without one, the session reads no files at all.
            let Ok(store) = env.object_store(&url) else { return };
            (AsRef::<Url>::as_ref(&url).clone(), store)
        }
    };
    if !SnapshotStore::is(store.as_ref()) {
        env.register_object_store(&url, Arc::new(SnapshotStore::new(store)));
    }
}

/// Register the live files of `table`; without any, an empty table of its schema.
pub(crate) async fn register_table(
    ctx: &SessionContext,
    dataset: &Dataset,
    table: &Table,
) -> Result<()> {
    // DataFusion would take the columns of the first file.
    let schema = match dataset.schema(table.name).await {
        Ok(Some(schema)) => schema,
        Ok(None) => {
            let empty = MemTable::try_new(table.schema(), vec![vec![]]).map_err(query_error)?;
            return register(ctx, table, Arc::new(empty));
        }
        Err(fault) => return register(ctx, table, damaged(table, fault)?),
    };
    let files = dataset.entries(table.name).into_iter().map(|e| table_url(&dataset.location(e)));
    let schema = table.completed(&schema.merged);
    let options = ParquetReadOptions::default().schema(&schema);
    let frame = ctx.read_parquet(files.collect::<Vec<_>>(), options).await.map_err(query_error)?;
    ctx.register_table(table.name, frame.into_view()).map(|_| ()).map_err(query_error)
}

fn register(ctx: &SessionContext, table: &Table, provider: Arc<dyn TableProvider>) -> Result<()> {
    ctx.register_table(table.name, provider).map(|_| ()).map_err(query_error)
}

/// A table that fails with its error when it is read.
fn damaged(table: &Table, fault: Error) -> Result<Arc<dyn TableProvider>> {
    let schema = table.schema();
    let damaged = DamagedTable { schema: Arc::clone(&schema), fault };
    let table = StreamingTable::try_new(schema, vec![Arc::new(damaged)]).map_err(query_error)?;
    Ok(Arc::new(table))
}

#[derive(Debug)]
struct DamagedTable {
    schema: SchemaRef,
    fault: Error,
}

impl PartitionStream for DamagedTable {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let fault = Err(DataFusionError::External(Box::new(self.fault.copy())));
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, stream::once(ready(fault))))
    }
}
