//! `clipflow run`.

use std::path::Path;

use super::args::{ExplainMode, PostsArgs, RunArgs};
use super::{OK, ROWS_FAILED, print, progress, videos};
use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::score::{ScoreModel, ScoreModels};
use crate::kernels::select::{Weights, WeightsFile};
use crate::pipeline::{self, Requests, RunConfig, VariantSettings, check_post_name};

pub(super) async fn run(
    args: RunArgs,
    parallel: ParallelConfig,
    stop: CancelToken,
    verbose: bool,
) -> Result<u8> {
    args.encoding.idle(args.thumbnails).iter().for_each(|idle| print::warning(idle));
    let posts = args.posts;
    if let Some(name) = &posts.name {
        check_post_name(name)?;
    }
    let videos = videos::requests(&args.requests, &args.video)?;
    let roots = videos.iter().flat_map(|videos| videos.roots.clone()).collect::<Vec<_>>();
    let requests = match (videos, args.requests.into_iter().next()) {
        (Some(videos), _) => Requests::from(videos.rows),
        (None, table) => Requests::from(table.unwrap_or_default()),
    };
    let allow_roots = args.allow_root.into_iter().map(Into::into);
    let models = args.variants.model.as_deref().map(models).transpose()?;
    let config = RunConfig {
        allow_roots: allow_roots.chain(roots).collect(),
        max_clips: args.max_clips,
        variants: VariantSettings { size: args.video.size, ..args.variants.settings(models)? },
        weights: args.weights.as_deref().map(weights).transpose()?,
        plan_only: args.plan_only,
        prune: args.prune.prune,
        retry_failed: args.repeat.codes(),
        refresh: args.repeat.refresh,
        max_failures: args.repeat.max_failures,
        render: args.encoding.settings(args.thumbnails),
        parallel,
        explain_analyze: args.explain == Some(ExplainMode::Analyze),
        observer: progress::observer(args.progress.progress, args.quiet),
        stop,
        ..RunConfig::new(requests, args.out)
    };
    if args.explain == Some(ExplainMode::Plan) {
        let explanation = pipeline::explain(&config).await?;
        print::line(&match verbose {
            true => explanation.to_string(),
            false => explanation.cost.to_string(),
        })?;
        return Ok(OK);
    }
    let summary = pipeline::run(&config).await?;
    for step in &summary.plans {
        print::line(step.to_string().trim_end())?;
    }
    if !args.quiet {
        print::line(&summary.to_string())?;
    } else if !summary.is_complete() {
        summary.faults().for_each(|fault| print::warning(&fault));
    }
    if !config.plan_only {
        make_posts(&config, &posts, args.quiet).await?;
    }
    Ok(if summary.is_complete() { OK } else { ROWS_FAILED })
}

/// Makes the folder of named files, unless it is not wanted, and says where it is.
pub(super) async fn make_posts(config: &RunConfig, args: &PostsArgs, quiet: bool) -> Result<()> {
    if args.no_posts {
        return Ok(());
    }
    // The results are complete without them.
    let posts = match pipeline::write_posts(config, args.name.as_deref()).await {
        Ok(Some(posts)) => posts,
        Ok(None) => return Ok(()),
        Err(e) => {
            print::warning(&format!("no folder of posts was made: {}", e.message()));
            return Ok(());
        }
    };
    if !quiet && posts.files > 0 {
        let copies = match posts.copies {
            0 => String::new(),
            n => format!(", {n} of them copied: this file system has no hard links"),
        };
        print::line(&format!(
            "posts:  {} ({} with names, and what to post with each in posts.csv{copies})",
            posts.folder.display(),
            pipeline::plural(posts.files as u64, "file"),
        ))?;
    }
    Ok(())
}

/// The models with that of a file in its place.
fn models(file: &Path) -> Result<ScoreModels> {
    ScoreModels::with(&model(file)?)
}

/// The score model of a file that an argument names.
pub(super) fn model(file: &Path) -> Result<ScoreModel> {
    read(file, ScoreModel::from_json)
}

fn weights(file: &Path) -> Result<Weights> {
    read(file, WeightsFile::from_json).map(|file| file.weights)
}

/// What `parse` reads in a file; errors name the file.
fn read<T>(file: &Path, parse: impl Fn(&str) -> Result<T>) -> Result<T> {
    let text = std::fs::read_to_string(file).map_err(|e| {
        let message = format!("cannot read {} ({e}); name a JSON file", file.display());
        Error::new(ErrorCode::ConfigInvalid, message).with_source(e)
    })?;
    parse(&text).map_err(|e| e.framed(format_args!("in {}: ", file.display()), ""))
}
