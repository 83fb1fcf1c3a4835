//! `clipflow import-events`.

use super::args::{ImportEventsArgs, OutputArgs};
use super::{OK, print};
use crate::analytics::{Export, ImportOptions, import_events as import};
use crate::error::{Error, ErrorCode, Result};
use crate::query::output::OutputFormat;

pub(super) async fn import_events(args: ImportEventsArgs) -> Result<u8> {
    let from = Export::parse(&args.from).ok_or_else(|| {
        Error::new(ErrorCode::Config, format!("there is no export of {}", args.from))
    })?;
    let options = ImportOptions { from, file: args.file, map: args.map, day: args.day };
    let imported = tokio::task::spawn_blocking(move || import(&options));
    let imported = imported.await.map_err(|e| Error::new(ErrorCode::Internal, e.to_string()))??;
    // Events are not read from text tables.
    let format =
        OutputFormat::of_file(&args.output).filter(|format| *format != OutputFormat::Table);
    let format = Some(format.unwrap_or(OutputFormat::Parquet));
    let output = OutputArgs { format, output: Some(args.output) };
    print::batch(imported.batch().clone(), &output).await?;
    for notice in &imported.notices {
        print::warning(notice);
    }
    print::line(&format!("{} rows of {} variants", imported.rows(), imported.variants()))?;
    Ok(OK)
}
