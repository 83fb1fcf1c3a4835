//! `clipflow render`.

use super::args::RenderArgs;
use super::{OK, ROWS_FAILED, print, progress, run};
use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::pipeline::{self, RenderChosen, RunConfig, check_post_name};

pub(super) async fn render(
    args: RenderArgs,
    parallel: ParallelConfig,
    stop: CancelToken,
) -> Result<u8> {
    args.encoding.idle(args.thumbnails).iter().for_each(|idle| print::warning(idle));
    let config = RunConfig {
        allow_roots: args.allow_root.into_iter().map(Into::into).collect(),
        render: args.encoding.settings(args.thumbnails),
        parallel,
        observer: progress::observer(args.progress.progress, args.quiet),
        stop,
        // There are no requests: what is rendered stands in the results.
        ..RunConfig::new("", args.dir)
    };
    if let Some(name) = &args.posts.name {
        check_post_name(name)?;
    }
    let chosen = RenderChosen { config, condition: args.condition, plain_clips_of: vec![] };
    let rendered = pipeline::render_chosen(&chosen).await?;
    if !args.quiet {
        print::line(&rendered.to_string())?;
    }
    run::make_posts(&chosen.config, &args.posts, args.quiet).await?;
    Ok(if rendered.failures.is_empty() { OK } else { ROWS_FAILED })
}
