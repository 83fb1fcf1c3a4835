//! The texts that a language model writes for the clips chosen.

use std::sync::Arc;

use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::RunConfig;
use super::statements::Statements;
use crate::error::Result;
use crate::model::platform::TextLimits;
use crate::query::query_error;
use crate::query::sql;
use crate::text_model::{describe_rows, described_schema};

/// Make the table `described`: what the model of `config` writes for the clips of `selected`. Without a
/// model it is empty.
///
/// # Errors
/// Of the statement. A model that fails is no error.
pub(super) async fn run(statements: &Statements, config: &RunConfig) -> Result<()> {
    let Some(model) = config.text_model.as_deref().filter(|_| config.variants.count > 0) else {
        return without_model(&statements.ctx);
    };
    let ask = |rows| async move { describe_rows(model, &rows, TextLimits::default()).await };
    statements.run_through(&sql::DESCRIBED, Some(described_schema()), ask).await?;
    Ok(())
}

/// Make the table `described` of a run without a language model.
pub(super) fn without_model(ctx: &SessionContext) -> Result<()> {
    let name = sql::DESCRIBED.name;
    let empty = MemTable::try_new(described_schema(), vec![vec![]]).map_err(query_error)?;
    ctx.deregister_table(name).map_err(query_error)?;
    ctx.register_table(name, Arc::new(empty)).map(|_| ()).map_err(query_error)
}
