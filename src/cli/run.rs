//! `clipflow run`.

use super::args::RunArgs;
use super::{OK, ROWS_FAILED, print, progress};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::media::{CancelToken, RenderSettings};
use crate::pipeline::{self, RunConfig, VariantSettings};

/// Characters of a plan's line that `--explain` prints without -v.
const PLAN_WIDTH: usize = 118;

pub(super) async fn run(
    args: RunArgs,
    parallel: ParallelConfig,
    stop: CancelToken,
    verbose: bool,
) -> Result<u8> {
    let config = RunConfig {
        allow_roots: args.allow_root.into_iter().map(Into::into).collect(),
        max_clips: args.max_clips,
        variants: VariantSettings {
            count: args.variants.variants,
            audience: args.variants.audience,
            platforms: args.variants.platforms,
            plain_clips: !args.variants.variants_only,
        },
        plan_only: args.plan_only,
        render: RenderSettings { encoding: args.encoding.into(), ..RenderSettings::default() },
        parallel,
        observer: progress::observer(args.quiet),
        stop,
        ..RunConfig::new(args.requests, args.out)
    };
    if args.explain {
        let explanation = pipeline::explain(&config).await?;
        print::line(&if verbose {
            explanation.to_string()
        } else {
            explanation.brief(PLAN_WIDTH)
        })?;
        return Ok(OK);
    }
    let summary = pipeline::run(&config).await?;
    if !args.quiet {
        print::line(&summary.to_string())?;
    }
    Ok(if summary.failed() > 0 { ROWS_FAILED } else { OK })
}
