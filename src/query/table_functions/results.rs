//! `clips('results')` and one function for each other table and view of a results dataset.

use std::sync::Arc;

use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;

use super::call::{external, texts, wait};
use crate::location::Location;
use crate::model::table::Table;
use crate::query::context;
use crate::query::errors::query_error;
use crate::query::options::SessionOptions;
use crate::query::results::{register_dataset, register_store, register_table};
use crate::query::settings::SessionSettings;
use crate::resilience::Resilience;
use crate::store::DatasetRoot;

/// A table or view of the results in a folder or an object store, as they stand when the query is
/// planned. Relative paths start from `clipflow.base`.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResultsFunction {
    name: &'static str,
}

impl ResultsFunction {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name }
    }

    pub(super) fn table(
        self,
        place: &Location,
        caller: &dyn Session,
    ) -> Result<Arc<dyn TableProvider>> {
        let settings = SessionSettings::in_options(caller.config_options());
        let resilience = Resilience::new(settings.parallel());
        share_store(caller, place, &resilience)?;
        wait(async {
            let dataset = DatasetRoot::new(place, &resilience)?.existing().await?;
            let ctx = context::new(&SessionOptions::default(), None, |config| config)?;
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
        let settings = SessionSettings::in_options(args.session().config_options());
        let place = settings.place(&place).map_err(external)?;
        self.table(&place.into(), args.session())
    }
}

/// Let the calling session read the files of `place`. It gets a store of its own, because connections
/// belong to the runtime that made them.
pub(crate) fn share_store(
    caller: &dyn Session,
    place: &Location,
    resilience: &Resilience,
) -> Result<()> {
    let place = DatasetRoot::new(place, resilience).map_err(external)?;
    register_store(caller.runtime_env(), &place);
    Ok(())
}
