//! `clipflow debug`.

use super::args::DebugArgs;
use super::{OK, print};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::pipeline::{self, RunConfig};

pub(super) async fn debug(args: DebugArgs, parallel: ParallelConfig) -> Result<u8> {
    let config = RunConfig { parallel, ..RunConfig::new("", args.dir) };
    let bundle = pipeline::debug_bundle(&config, &args.request_id).await?;
    print::bytes_file(&bundle.zip, &args.output)?;
    print::line(&format!(
        "{}: {}; look through it before you share it",
        args.output.display(),
        bundle.files.join(", ")
    ))?;
    Ok(OK)
}
