//! `clipflow import-events`.

use super::args::ImportEventsArgs;
use super::{OK, print};
use crate::error::{Error, ErrorCode, Result};
use crate::pipeline::{Export, ImportOptions, import_events as import};

pub(super) async fn import_events(args: ImportEventsArgs) -> Result<u8> {
    let from = Export::parse(&args.from).ok_or_else(|| {
        Error::new(ErrorCode::Config, format!("there is no export of {}", args.from))
    })?;
    let options = ImportOptions { from, file: args.file, map: args.map, day: args.day };
    let output = args.output;
    let imported = tokio::task::spawn_blocking(move || {
        let imported = import(&options)?;
        imported.write(&output)?;
        Ok::<_, Error>(imported)
    });
    let imported = imported.await.map_err(|e| Error::new(ErrorCode::Internal, e.to_string()))??;
    for notice in &imported.notices {
        print::warning(notice);
    }
    print::line(&format!("{} rows of {} variants", imported.rows(), imported.variants()))?;
    Ok(OK)
}
