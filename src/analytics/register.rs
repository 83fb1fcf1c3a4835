//! Registers everything in an existing DataFusion session.

use datafusion::prelude::SessionContext;

use super::experiment::register_experiment;
use super::performance::register_performance;
use crate::error::Result;
use crate::query::{self, SessionOptions};

/// Give a session every function: of columns (`select_clips`, `engagement_rate`, …), of groups
/// (`audience_reach`, `pooled_hook_rate`, …), the relation `rollup_events((…))`, and those that stand where a
/// table stands:
///
/// * `clips('results')` and one for each other table and view of a results dataset, in a folder or an
///   object store, as it stands when the query is planned;
/// * `shots('talk.mp4')`, `signals('talk.mp4')`, `cues('talk.mp4')`: a video, analysed when the query runs
///   (this needs ffmpeg). Given a folder they are that dataset's tables;
/// * `performance('events.parquet', 'engagement_rate', 'platform,layout', 'results')`: metrics of events by
///   columns of theirs and of variants; without the last argument, of theirs alone;
/// * `experiment('events.parquet', 'hook_rate', 'variant_id')`: which variant of each experiment is better, or
///   with another column, such as `layout`, and the results as a fourth argument, which of its values;
/// * `platforms()`, `platform_metrics()`.
///
/// Nothing else of the session changes, except that it has the settings `clipflow.…`
/// ([`SessionSettings`](crate::query::SessionSettings)) and refuses sums of distinct viewers, which do not add
/// up; its tables keep their names. SQL in it can name any file that the process can read. Media work over
/// tables of your own (`analyze_media`, `render_media`) needs [`crate::query::session()`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ctx = datafusion::prelude::SessionContext::new();
/// clipflow::register_all(&ctx)?;
/// let tiktok = ctx.sql("SELECT max_fps FROM platforms() WHERE platform = 'tiktok'").await?;
/// assert_eq!(tiktok.count().await?, 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `query.invalid` if the session takes no relation planners.
pub fn register_all(ctx: &SessionContext) -> Result<()> {
    register_all_with(ctx, &SessionOptions::default())
}

/// As [`register_all`], with settings of `options`: of these count `base`, `analyze`, `models`, `weights` and,
/// for object stores, `parallel`.
///
/// # Errors
/// As there, and `config.invalid` for invalid models.
pub fn register_all_with(ctx: &SessionContext, options: &SessionOptions) -> Result<()> {
    query::register(ctx, options)?;
    register_performance(ctx);
    register_experiment(ctx);
    Ok(())
}
