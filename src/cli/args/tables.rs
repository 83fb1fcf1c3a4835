//! The flag for tables of the user's own.

use clap::Args;

use crate::query::NamedTable;

/// Tables of the user's own.
#[derive(Debug, Args)]
pub(in crate::cli) struct TableArgs {
    /// A table of your own to join with: Parquet, CSV, NDJSON or Arrow, a file, a folder or an object store URL,
    /// as campaigns=campaigns.csv; may be repeated.
    #[arg(long = "table", value_name = "NAME=FILE|DIR|URL", value_parser = table)]
    pub tables: Vec<NamedTable>,
}

fn table(text: &str) -> Result<NamedTable, String> {
    text.parse().map_err(|e: crate::error::Error| {
        // The parser names the flag.
        let message = e.message();
        message.strip_prefix("table ").unwrap_or(message).to_owned()
    })
}
