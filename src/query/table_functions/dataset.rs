//! `clips('results')` and one function for each other table and view: a results dataset from any
//! session.

use std::sync::Arc;

use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;

use super::{external, texts, wait};
use crate::config::ParallelConfig;
use crate::location::Location;
use crate::model::table::Table;
use crate::query::results::{register_dataset, register_store, register_table};
use crate::query::{SessionOptions, query_error, session};
use crate::resilience::Resilience;
use crate::store::DatasetRoot;

/// A table or view of the results in a folder or an object store, as they stand when the query is
/// planned.
#[derive(Debug, Clone)]
pub(super) struct ResultsFunction {
    name: &'static str,
    base: Location,
    parallel: ParallelConfig,
}

impl ResultsFunction {
    pub(super) fn new(name: &'static str, options: &SessionOptions) -> Self {
        let base = options.base.clone().absolute();
        Self { name, base, parallel: options.parallel.clone() }
    }

    /// Where relative paths start from.
    pub(super) fn base(&self) -> &Location {
        &self.base
    }

    pub(super) fn table(
        &self,
        place: &Location,
        caller: &dyn Session,
    ) -> Result<Arc<dyn TableProvider>> {
        let resilience = Resilience::new(&self.parallel);
        share_store(caller, place, &resilience)?;
        wait(async {
            let dataset = DatasetRoot::new(place, &resilience)?.existing().await?;
            let ctx = session(&SessionOptions::default(), None)?;
            match Table::find(self.name) {
                Some(table) => {
                    register_store(&ctx.runtime_env(), dataset.root());
                    register_table(&ctx, &dataset, table).await?;
                }
                None => register_dataset(&ctx, &dataset).await?,
            }
            Ok(ctx.table(self.name).await.map_err(query_error)?.into_view())
        })
    }
}

impl TableFunctionImpl for ResultsFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let usage = format!("the path or URL of a folder of results: {}('results')", self.name);
        let [place] = texts(self.name, &usage, args.exprs())?;
        self.table(&self.base.resolve(&place).into(), args.session())
    }
}

/// Let the session that a function is called in read the files of `place`. The store is one of its own:
/// connections belong to the runtime that made them.
pub(crate) fn share_store(
    caller: &dyn Session,
    place: &Location,
    resilience: &Resilience,
) -> Result<()> {
    let place = DatasetRoot::new(place, resilience).map_err(external)?;
    register_store(caller.runtime_env(), &place);
    Ok(())
}
