//! A DataFusion session with the scalar, aggregate and window functions, without table functions.

use std::sync::Arc;

use datafusion::execution::memory_pool::TrackConsumersPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::optimizer::{AnalyzerRule, OptimizerRule};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::additive::RejectSums;
use super::aggregates::DistinctReach;
use super::errors::query_error;
use super::media_node::MediaQueryPlanner;
use super::options::SessionOptions;
use super::query_pool::QueryPool;
use super::rollup::RollupRelationPlanner;
use super::routines::RoutinesPlanner;
use super::settings::SessionSettings;
use super::{aggregates, functions};
use crate::error::Result;
use crate::exec::MediaRuntime;

/// How many consumers an out-of-memory error names.
const NAMED_CONSUMERS: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(4);

/// A session as `options` say, its configuration changed by `change`. Media work in it runs on `runtime`.
///
/// # Errors
/// `query.invalid` if the session cannot be set up, `config.invalid` for models that cannot be used.
pub(super) fn new(
    options: &SessionOptions,
    runtime: Option<Arc<MediaRuntime>>,
    change: impl FnOnce(SessionConfig) -> SessionConfig,
) -> Result<SessionContext> {
    let mut config = SessionConfig::new()
        .with_batch_size(options.batch_size)
        .with_information_schema(true)
        // Statements place the small input on the build side; see sql/run/candidates.sql.
        .set_bool("datafusion.optimizer.join_reordering", false)
        // Polars, Ballista and older readers do not read view types.
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false);
    if options.partitions > 0 {
        config = config.with_target_partitions(options.partitions);
    }
    if let Some(runtime) = runtime {
        config = config.with_extension(runtime);
    }
    let memory = options.memory_bytes.unwrap_or_else(|| options.parallel.query_memory_bytes());
    let pool = TrackConsumersPool::new(QueryPool::new(memory), NAMED_CONSUMERS);
    let env = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .build_arc()
        .map_err(query_error)?;
    let state = SessionStateBuilder::new()
        .with_config(change(config))
        .with_runtime_env(env)
        .with_default_features()
        .with_query_planner(Arc::new(MediaQueryPlanner))
        .build();
    let ctx = SessionContext::new_with_state(state);
    register(&ctx, options)?;
    Ok(ctx)
}

/// Give a session the settings of `options`, the scalar, aggregate and window functions,
/// `rollup_events((…))`, the rules that reject sums of distinct viewers and count them by groups, and descriptions of the functions
/// in `information_schema`.
///
/// # Errors
/// `config.invalid` for models that cannot be used, `query.invalid` if the session takes no relation
/// planners.
pub(super) fn register(ctx: &SessionContext, options: &SessionOptions) -> Result<()> {
    let settings = SessionSettings::of(options)?;
    ctx.state_ref().write().config_mut().options_mut().extensions.insert(settings);
    ctx.register_relation_planner(Arc::new(RollupRelationPlanner)).map_err(query_error)?;
    ctx.register_relation_planner(Arc::new(RoutinesPlanner)).map_err(query_error)?;
    register_functions(ctx);
    if !ctx.state().analyzer().rules.iter().any(|rule| rule.name() == RejectSums.name()) {
        ctx.add_analyzer_rule(Arc::new(RejectSums));
    }
    if !ctx.state().optimizers().iter().any(|rule| rule.name() == DistinctReach.name()) {
        ctx.add_optimizer_rule(Arc::new(DistinctReach));
    }
    Ok(())
}

/// Give a session the scalar, aggregate and window functions. They depend on their arguments and on the
/// [`SessionSettings`] of the session, or the defaults if it has none.
pub fn register_functions(ctx: &SessionContext) {
    for function in functions::all() {
        ctx.register_udf(function.into_sql());
    }
    for aggregate in aggregates::all() {
        ctx.register_udaf(aggregate.into_udaf());
    }
    ctx.register_udwf(functions::occurrence::occurrence());
}
