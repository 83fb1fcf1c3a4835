//! `clipflow forget`.

use super::args::ForgetArgs;
use super::{OK, print};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::pipeline::{self, RunConfig};

pub(super) async fn forget(args: ForgetArgs, parallel: ParallelConfig) -> Result<u8> {
    let config = RunConfig { parallel, ..RunConfig::new("", args.dir) };
    let forgotten = pipeline::forget(&config, &args.condition, args.dry_run).await?;
    if !args.quiet {
        print::line(&forgotten.to_string())?;
    }
    Ok(OK)
}
