//! `platforms()` and `platform_metrics()`, the tables without arguments.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::Result;

use super::call::{external, texts};
use crate::model::{Platforms, platform_metric};

#[derive(Debug)]
pub(super) struct ReferenceFunction {
    name: &'static str,
    table: fn() -> crate::error::Result<RecordBatch>,
}

/// The functions, by name.
pub(super) fn all() -> impl Iterator<Item = (&'static str, ReferenceFunction)> {
    let platforms = ReferenceFunction {
        name: "platforms",
        table: || Ok(Platforms::built_in()?.table().clone()),
    };
    let metrics = ReferenceFunction { name: platform_metric::NAME, table: platform_metric::table };
    [platforms, metrics].into_iter().map(|function| (function.name, function))
}

impl TableFunctionImpl for ReferenceFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [] = texts(self.name, "no arguments", args.exprs())?;
        let batch = (self.table)().map_err(external)?;
        Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
    }
}
