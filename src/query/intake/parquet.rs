//! Parquet files whose statistics are not taken for values.
//!
//! Other writers leave NaN out of the least and the greatest value, and the engine takes a column in which
//! both are the same for a constant (see `docs/upstream/parquet-nan-statistics.md`).

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::internal_datafusion_err;
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::options::ParquetReadOptions;
use datafusion::datasource::listing::{ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::execution::options::ReadOptions;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{DataFrame, SessionContext};

/// The rows of the files, whatever their names end in.
pub(super) async fn parquet(ctx: &SessionContext, urls: &[String]) -> Result<DataFrame> {
    let state = ctx.state();
    let options = ParquetReadOptions { file_extension: "", ..Default::default() }
        .to_listing_options(state.config(), state.default_table_options());
    let urls = urls.iter().map(ListingTableUrl::parse).collect::<Result<Vec<_>>>()?;
    let first = urls.first().ok_or_else(|| internal_datafusion_err!("a table of no files"))?;
    let schema = options.infer_schema(&state, first).await?;
    let table = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(schema);
    ctx.read_table(Arc::new(WithoutStatistics(ListingTable::try_new(table)?)))
}

#[derive(Debug)]
struct WithoutStatistics(ListingTable);

#[async_trait]
impl TableProvider for WithoutStatistics {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let state: Option<&SessionState> = session.as_any().downcast_ref();
        let mut state = state
            .cloned()
            .ok_or_else(|| internal_datafusion_err!("a session without the state of one"))?;
        state.config_mut().options_mut().execution.collect_statistics = false;
        self.0.scan(&state, projection, filters, limit).await
    }
}
