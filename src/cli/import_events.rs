//! `clipflow import-events`.

use super::args::{ImportEventsArgs, OutputArgs};
use super::{OK, print};
use crate::analytics::{
    DecimalSign, Export, ImportOptions, ImportedColumn, import_events as import,
};
use crate::error::{Error, ErrorCode, Result};
use crate::query::events::{BadRows, name_pairs};
use crate::query::output::OutputFormat;

pub(super) async fn import_events(args: ImportEventsArgs) -> Result<u8> {
    let from = Export::parse(&args.from).ok_or_else(|| {
        Error::new(ErrorCode::ConfigInvalid, format!("there is no export of {}", args.from))
    })?;
    let decimal_sign = args.decimal_sign.as_deref().and_then(DecimalSign::parse);
    let options = ImportOptions {
        from,
        file: args.file,
        map: args.map,
        day: args.day,
        decimal_sign,
        columns: name_pairs(&args.columns)?,
        bad_rows: BadRows::parse(&args.bad_rows).unwrap_or_default(),
    };
    let imported = tokio::task::spawn_blocking(move || import(&options));
    let imported = imported.await.map_err(|e| Error::new(ErrorCode::Internal, e.to_string()))??;
    // Events are not read from text tables.
    let format =
        OutputFormat::of_file(&args.output).filter(|format| *format != OutputFormat::Table);
    let format = Some(format.unwrap_or(OutputFormat::Parquet));
    let output = OutputArgs { format, output: Some(args.output) };
    print::batch(imported.batch().clone(), &output).await?;
    columns(&imported.columns);
    for notice in &imported.notices {
        print::warning(notice);
    }
    print::line(&format!("{} rows of {} variants", imported.rows(), imported.variants()))?;
    Ok(OK)
}

/// What became of the columns of the export, as a table.
fn columns(columns: &[ImportedColumn]) {
    let width = |of: fn(&ImportedColumn) -> &str, least: usize| {
        columns.iter().map(|c| of(c).chars().count()).fold(least, usize::max)
    };
    let (header, became) = (width(|c| &c.header, 6), width(|c| c.became.unwrap_or("-"), 7));
    let line = |cells: [&str; 3]| {
        print::notice(&format!("{:<header$}  {:<became$}  {}", cells[0], cells[1], cells[2]));
    };
    line(["column", "becomes", "read as"]);
    for column in columns {
        line([&column.header, column.became.unwrap_or("-"), &column.read_as]);
    }
}
