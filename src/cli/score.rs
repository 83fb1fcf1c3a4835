//! `clipflow score`.

use super::args::ScoreArgs;
use super::{OK, print, run};
use crate::analytics;
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::query::output::OutputFormat;

pub(super) async fn score(args: ScoreArgs, parallel: ParallelConfig) -> Result<u8> {
    let model = run::model(&args.model)?;
    let mut batch = analytics::score(&args.dir.into(), &model, &parallel).await?;
    if args.output.format()? == OutputFormat::Table {
        batch = print::without(&batch, &["score_parts"])?;
    }
    print::batch(batch, &args.output).await?;
    Ok(OK)
}
