//! `clipflow fsck`, `clipflow gc` and `clipflow compact`.

use super::args::{CompactArgs, FsckArgs, GcArgs};
use super::{OK, ROWS_FAILED, print};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::pipeline::{self, FsckOptions, RunConfig};

pub(super) async fn fsck(args: FsckArgs, parallel: ParallelConfig) -> Result<u8> {
    let config = RunConfig { parallel, ..RunConfig::new("", args.dir) };
    let options = FsckOptions { fast: args.fast, repair: args.repair };
    let checked = pipeline::fsck(&config, options).await?;
    let is_wrong = checked.wrong() > 0;
    if is_wrong || !args.quiet {
        print::line(&checked.to_string())?;
    }
    Ok(if is_wrong { ROWS_FAILED } else { OK })
}

pub(super) async fn gc(args: GcArgs, parallel: ParallelConfig) -> Result<u8> {
    let config = RunConfig { parallel, ..RunConfig::new("", args.dir) };
    let collected = pipeline::collect_garbage(&config, args.grace, args.dry_run).await?;
    if !args.quiet {
        print::line(&collected.to_string())?;
    }
    Ok(OK)
}

pub(super) async fn compact(args: CompactArgs, parallel: ParallelConfig) -> Result<u8> {
    let config = RunConfig { parallel, ..RunConfig::new("", args.dir) };
    let compacted = pipeline::compact(&config).await?;
    if !args.quiet {
        print::line(&compacted.to_string())?;
    }
    Ok(OK)
}
