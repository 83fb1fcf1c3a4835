//! A DataFusion session with every clipflow function, and the dataset's tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::prelude::{SessionConfig, SessionContext};

use super::errors::query_error;
use super::media_node::MediaRelationPlanner;
use super::options::SessionOptions;
use super::{aggregates, context, table_functions};
use crate::error::Result;
use crate::exec::{MediaRuntime, SelectWork, WorkSpec};
use crate::media::{FaceSettings, TranscribeSettings};
use crate::model::Platforms;

/// A session with every function. Media work runs on `runtime`; without one, `shots('…')` and the others
/// over a video create one when they run.
///
/// # Errors
/// `query.invalid` if the session cannot be set up, `config.invalid` for models that cannot be used.
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
    let ctx = context::new(options, runtime, change)?;
    table_functions::register(&ctx);
    ctx.register_udaf(aggregates::checked_sum());
    let platforms = Platforms::built_in()?.table().clone();
    ctx.register_batch("platforms", platforms).map_err(query_error)?;
    Ok(ctx)
}

/// Give a session the settings of `options`, every function of this layer and `rollup_events((…))`. A
/// session without a [`MediaRuntime`] creates one when a video is read.
///
/// # Errors
/// `config.invalid` for models that cannot be used, `query.invalid` if the session takes no relation
/// planners.
pub(crate) fn register(ctx: &SessionContext, options: &SessionOptions) -> Result<()> {
    context::register(ctx, options)?;
    table_functions::register(ctx);
    Ok(())
}

/// Gives a session the relations over media of `options`: `analyze_media((…))`, `select_media((…))`, `render_media((…))`,
/// `transcribe_media((…))` where its settings name a transcriber, `track_faces((…))` where they name a detector of faces, and those of [`SessionOptions::media_relations`]. Rendering writes files, so sessions for reading omit
/// them.
///
/// # Errors
/// `query.invalid` if the session takes no relation planners.
pub fn register_media_relations(ctx: &SessionContext, options: &SessionOptions) -> Result<()> {
    let built_in = [
        ("analyze_media", WorkSpec::Analyze(options.analyze.clone())),
        ("render_media", WorkSpec::Render(options.render.clone())),
        ("select_media", WorkSpec::registered(SelectWork::NAME)),
    ];
    let mut relations: BTreeMap<_, _> =
        built_in.into_iter().map(|(name, work)| (name.to_owned(), work)).collect();
    let transcription =
        TranscribeSettings::from_settings(&options.parallel, &options.analyze.limits)?;
    if let Some(settings) = transcription {
        relations.insert("transcribe_media".to_owned(), WorkSpec::Transcribe(settings));
    }
    let faces = FaceSettings::from_settings(&options.parallel, &options.analyze.limits)?;
    if let Some(settings) = faces {
        relations.insert("track_faces".to_owned(), WorkSpec::TrackFaces(settings));
    }
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
