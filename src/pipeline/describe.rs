//! The texts that a language model writes for the clips chosen.

use std::path::Path;

use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::RunConfig;
use super::steps;
use crate::error::Result;
use crate::model::platform::TextLimits;
use crate::query::query_error;
use crate::query::sql;
use crate::text_model::{describe_rows, described_schema};

/// The table `described` in `folder`: what the model of `config` writes for the clips of `selected`.
/// Without a model it is empty.
///
/// # Errors
/// Of the statement. A model that fails is none.
pub(super) async fn run(ctx: &SessionContext, config: &RunConfig, folder: &Path) -> Result<()> {
    let Some(model) = config.text_model.as_deref().filter(|_| config.variants.count > 0) else {
        return nobody(ctx);
    };
    let (schema, parameters) = (described_schema(), config.parameters());
    let ask = |rows| async move { describe_rows(model, &rows, TextLimits::default()).await };
    steps::run_through(ctx, &sql::DESCRIBED, &parameters, folder, Some(schema), ask).await?;
    Ok(())
}

/// The table `described` of a run that asks nobody.
pub(super) fn nobody(ctx: &SessionContext) -> Result<()> {
    let name = sql::DESCRIBED.name;
    let empty = MemTable::try_new(described_schema(), vec![vec![]]).map_err(query_error)?;
    ctx.deregister_table(name).map_err(query_error)?;
    ctx.register_table(name, std::sync::Arc::new(empty)).map(|_| ()).map_err(query_error)
}
