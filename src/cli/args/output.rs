//! Where the rows of an answer go, and in which format.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, ErrorCode};
use crate::query::output::OutputFormat;

#[derive(Debug, Args)]
pub(in crate::cli) struct OutputArgs {
    /// table, csv, json (one object a line), parquet or arrows (an Arrow IPC stream); else as the name of the file ends, or table.
    #[arg(long, value_parser = |s: &str| s.parse::<OutputFormat>().map_err(|e| e.to_string()))]
    pub format: Option<OutputFormat>,
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl OutputArgs {
    /// The format asked for, else the one that the file's name asks for.
    ///
    /// # Errors
    /// `config.invalid` for a file whose name tells no known format.
    pub(in crate::cli) fn format(&self) -> crate::error::Result<OutputFormat> {
        match (self.format, &self.output) {
            (Some(format), _) => Ok(format),
            (None, None) => Ok(OutputFormat::Table),
            (None, Some(path)) => OutputFormat::of_file(path).ok_or_else(|| {
                let message = format!(
                    "no format is known by the name {}; end it in .csv, .json, .parquet, .arrows or .txt, or add --format",
                    path.display()
                );
                Error::new(ErrorCode::ConfigInvalid, message)
            }),
        }
    }
}
