//! The tables that a run had, from its results: to go on from there.

use arrow::array::RecordBatch;
use datafusion::prelude::{SessionContext, col, lit};

use super::statements::Statements;
use super::{MAX_VARIANTS, RunConfig, describe, face_lists};
use crate::error::{Error, ErrorCode, Result};
use crate::query::results::{register_dataset, register_view};
use crate::query::sql;
use crate::query::{query_error, session};
use crate::store::{Dataset, temporary_folder};

/// Register the dataset, and `analysis` and `selected` as a run over it had them.
///
/// # Errors
/// `store.read` if a file is damaged.
pub(super) async fn register(ctx: &SessionContext, dataset: &Dataset) -> Result<()> {
    // DataFusion 55.2: `push_down_leaf_projections` gives a field of `sources` two names where its view is joined twice.
    let state = ctx.state_ref();
    state.write().config_mut().options_mut().optimizer.enable_leaf_expression_pushdown = false;
    register_dataset(ctx, dataset).await?;
    register_view(ctx, "analysis", sql::from_results::ANALYSIS).await?;
    face_lists::from_results(ctx).await?;
    register_view(ctx, "selected", "SELECT * FROM clips").await
}

/// The variants that `config` asks for of the clips of `requests` in the results, in the columns of
/// `variants`. Nothing is written.
///
/// # Errors
/// `config.invalid`, also if no variants are asked for; `store.read` if there are no results.
pub async fn plan_variants(config: &RunConfig, requests: &[String]) -> Result<Vec<RecordBatch>> {
    if config.variants.count == 0 {
        let message = format!(
            "variants.count is 0, so there are no variants to plan; set it to a number from 1 to {MAX_VARIANTS}"
        );
        return Err(Error::new(ErrorCode::ConfigInvalid, message));
    }
    config.check()?;
    let config = &config.clone().with_text_model()?;
    let dataset = config.place(&config.resilience())?.existing().await?;
    let ctx = session(&config.session_options(), None)?;
    register(&ctx, &dataset).await?;
    let ids = requests.iter().map(|id| lit(id.as_str())).collect();
    let asked = ctx.table("requests").await.map_err(query_error)?;
    let asked = asked.filter(col("request_id").in_list(ids, false)).map_err(query_error)?;
    ctx.register_table("asked", asked.into_view()).map_err(query_error)?;
    register_view(&ctx, "checked", sql::from_results::CHECKED).await?;
    let folder = temporary_folder()?;
    let parameters = config.parameters();
    let statements = Statements::new(ctx, parameters, folder.path().to_path_buf());
    describe::run(&statements, config).await?;
    let frame = statements.plan(&sql::step("shaped")?).await?;
    frame.collect().await.map_err(query_error)
}
