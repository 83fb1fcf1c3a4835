//! A DataFusion session with every clipflow function, and the dataset's tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::memory_pool::TrackConsumersPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::optimizer::AnalyzerRule;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::additive::RefuseSums;
use super::errors::query_error;
use super::media_node::{MediaQueryPlanner, MediaRelationPlanner};
use super::memory::QueryPool;
use super::rollup::RollupRelationPlanner;
use super::settings::SessionSettings;
use super::table_functions::{self, OnDemand};
use super::{aggregates, functions};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::exec::{MediaRuntime, WorkSpec};
use crate::kernels::score::ScoreModels;
use crate::kernels::select::Weights;
use crate::kernels::variants::{Scorer, platforms};
use crate::location::Location;
use crate::media::{AnalyzeSettings, RenderSettings};

/// How a session is set up.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// The settings of the batch: memory for queries, and what `SHOW clipflow.…` shows.
    pub parallel: ParallelConfig,
    /// Memory of queries in bytes; `None`: the part of `parallel.memory_limit_gb` that they have beside
    /// media work.
    pub memory_bytes: Option<usize>,
    /// Partitions (threads) of a query; 0 for one per core.
    pub partitions: usize,
    /// Rows of a batch. Default 8192; rows that hold a whole source want few.
    pub batch_size: usize,
    /// Where relative paths in `source_location`, `shots('…')` and `clips('…')` start from.
    pub base: Location,
    /// What `analyze_media`, `shots('…')` and `signals('…')` do.
    pub analyze: AnalyzeSettings,
    /// What `render_media` does.
    pub render: RenderSettings,
    /// Further relations over media by name (in lower case), such as `my_work_media`. An entry for
    /// `analyze_media` or `render_media` replaces the built-in work.
    pub media_relations: BTreeMap<String, WorkSpec>,
    /// The models that `make_variants` scores with; `None`: the built-in ones.
    pub models: Option<ScoreModels>,
    /// The weights that `select_clips` scores windows with; `None`: the default ones.
    pub weights: Option<Weights>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            parallel: ParallelConfig::default(),
            memory_bytes: None,
            partitions: 0,
            batch_size: 8192,
            base: Location::from("."),
            analyze: AnalyzeSettings::default(),
            render: RenderSettings::default(),
            media_relations: BTreeMap::new(),
            models: None,
            weights: None,
        }
    }
}

/// A session with every function; `shots('…')` and the others over a video run on `runtime`, or on one
/// that is made when they are asked for.
///
/// # Errors
/// `query.invalid` if the session cannot be set up.
pub fn session(
    options: &SessionOptions,
    runtime: Option<Arc<MediaRuntime>>,
) -> Result<SessionContext> {
    session_with(options, runtime, |config| config)
}

/// As [`session`], its configuration changed by `change`.
///
/// # Errors
/// As [`session`].
pub fn session_with(
    options: &SessionOptions,
    runtime: Option<Arc<MediaRuntime>>,
    change: impl FnOnce(SessionConfig) -> SessionConfig,
) -> Result<SessionContext> {
    let mut config = SessionConfig::new()
        .with_batch_size(options.batch_size)
        .with_information_schema(true)
        .with_option_extension(SessionSettings::new(options.parallel.clone()))
        // Inputs are put on the side of a join where they fit; see sql/run/candidates.sql.
        .set_bool("datafusion.optimizer.join_reordering", false)
        // View types do not travel: Polars, Ballista and older readers want plain text.
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false);
    if options.partitions > 0 {
        config = config.with_target_partitions(options.partitions);
    }
    if let Some(runtime) = &runtime {
        config = config.with_extension(Arc::clone(runtime));
    }
    let memory = options.memory_bytes.unwrap_or_else(|| options.parallel.query_memory_bytes());
    let memory = QueryPool::new(memory);
    let pool = TrackConsumersPool::new(memory, NAMED_CONSUMERS);
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
    register(&ctx, options, runtime.as_ref())?;
    ctx.register_batch("platforms", platforms::table()?).map_err(query_error)?;
    Ok(ctx)
}

/// Give a session every function of this module and below: of columns, of groups, `rollup_events((…))`,
/// and those that stand where a table stands. Without `runtime` one is made when a video is asked for.
///
/// # Errors
/// `config.invalid` for models that are none, `query.invalid` if the session takes no relation planners.
pub(crate) fn register(
    ctx: &SessionContext,
    options: &SessionOptions,
    runtime: Option<&Arc<MediaRuntime>>,
) -> Result<()> {
    ctx.register_relation_planner(Arc::new(RollupRelationPlanner)).map_err(query_error)?;
    register_functions(ctx, options.base.clone().absolute());
    if let Some(models) = &options.models {
        let scorer = Arc::new(Scorer::new(models)?);
        ctx.register_udf(functions::variants::make_variants(Some(scorer)).into_sql());
    }
    if let Some(weights) = options.weights {
        ctx.register_udf(functions::select::select_clips(weights).into_sql());
    }
    table_functions::register(ctx, options, &OnDemand::new(runtime));
    if !ctx.state().analyzer().rules.iter().any(|rule| rule.name() == RefuseSums.name()) {
        ctx.add_analyzer_rule(Arc::new(RefuseSums));
    }
    Ok(())
}

/// How many consumers an out-of-memory error names.
const NAMED_CONSUMERS: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(4);

/// Give a session every function of columns. `base` is where relative paths in `source_location` start
/// from.
pub fn register_functions(ctx: &SessionContext, base: impl Into<Location>) {
    for function in functions::all(&base.into()) {
        ctx.register_udf(function);
    }
    for aggregate in aggregates::all() {
        ctx.register_udaf(aggregate);
    }
    ctx.register_udwf(functions::occurrence::occurrence());
}

/// Gives a session the relations over media of `options`: `analyze_media((…))`, `render_media((…))` and
/// those of [`SessionOptions::media_relations`]. Rendering writes files, so sessions for reading omit
/// them.
///
/// # Errors
/// `query.invalid` if the session takes no relation planners.
pub fn register_media_relations(ctx: &SessionContext, options: &SessionOptions) -> Result<()> {
    let built_in = [
        ("analyze_media", WorkSpec::Analyze(options.analyze.clone())),
        ("render_media", WorkSpec::Render(options.render.clone())),
    ];
    let mut relations: BTreeMap<_, _> =
        built_in.into_iter().map(|(name, work)| (name.to_owned(), work)).collect();
    relations.extend(options.media_relations.clone());
    let planner = MediaRelationPlanner::new(relations);
    ctx.register_relation_planner(Arc::new(planner)).map_err(query_error)
}

/// Gives a session the relation `name((…))`, which runs `work` on each row of a query.
///
/// Work of your own is registered first, see [`register_work`](crate::exec::register_work). It runs on
/// the session's [`MediaRuntime`] like the built-in work: with its workers, retries, sources and cache.
///
/// # Errors
/// `query.invalid` if the session takes no relation planners.
pub fn register_media_relation(ctx: &SessionContext, name: &str, work: WorkSpec) -> Result<()> {
    let relations = BTreeMap::from([(name.to_ascii_lowercase(), work)]);
    let planner = MediaRelationPlanner::new(relations);
    ctx.register_relation_planner(Arc::new(planner)).map_err(query_error)
}
