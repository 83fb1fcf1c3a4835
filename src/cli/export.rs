//! `clipflow export`.

use std::io::Write as _;

use super::args::ExportArgs;
use super::{OK, print};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::export::{ExportOptions, export as exported};
use crate::query::results::register_dataset;
use crate::query::{SessionOptions, session};
use crate::resilience::Resilience;
use crate::store::{DatasetRoot, cannot_write, new_file};

pub(super) async fn export(args: ExportArgs, parallel: ParallelConfig) -> Result<u8> {
    let place = DatasetRoot::new(&args.dir.into(), &Resilience::new(&parallel))?;
    let dataset = place.existing().await?;
    let ctx = session(&SessionOptions { parallel, ..SessionOptions::default() }, None)?;
    register_dataset(&ctx, &dataset).await?;
    let options =
        ExportOptions { format: args.to.parse()?, requests: args.request, variants: args.variants };
    let found = exported(&ctx, &options).await?;
    found.notes.iter().for_each(|note| print::warning(note));
    match args.output {
        None => print::written(std::io::stdout().write_all(found.text.as_bytes()))?,
        Some(path) => {
            let mut file = new_file(&path)?;
            let written = file.write_all(found.text.as_bytes());
            written.map_err(|e| cannot_write(&path, e))?;
            file.persist(&path).map_err(|e| cannot_write(&path, e.error))?;
        }
    }
    Ok(OK)
}
