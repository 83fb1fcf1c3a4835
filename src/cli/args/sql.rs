//! The flags of `clipflow sql`.

use std::path::PathBuf;

use clap::Args;

use super::{OutputArgs, ReadingArgs, TableArgs, whole_number};

#[derive(Debug, Args)]
pub(in crate::cli) struct SqlArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// The query; or -f. On a terminal without either, a prompt asks for statements.
    #[arg(conflicts_with = "file")]
    pub query: Option<String>,
    /// Read the query from a file; - is standard input. Several statements are answered in turn.
    #[arg(long, short)]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub tables: TableArgs,
    /// Events of the variants (as for performance), as the tables events and event_days.
    #[arg(long, value_name = "FILE|DIR|URL")]
    pub events: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Folder, bucket or prefix that table functions such as cues('talk.mp4') may read from, beside the results and the
    /// current folder; may be repeated.
    #[arg(long, value_name = "DIR|URL")]
    pub allow_root: Vec<PathBuf>,
    /// End a query that takes longer; 0: no such limit.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub timeout: u64,
    /// Memory of the query, in GB; beyond it rows are put aside on disk [default: 4].
    #[arg(long, value_name = "GB", alias = "memory-limit-gb", allow_hyphen_values = true)]
    pub memory_limit: Option<String>,
    /// Give at most so many rows of each statement.
    #[arg(long, value_name = "N", value_parser = whole_number::<usize>)]
    pub rows: Option<usize>,
    #[command(flatten)]
    pub output: OutputArgs,
}

impl SqlArgs {
    /// Whether statements are asked for one by one, on a terminal.
    pub(in crate::cli) fn is_prompt(&self) -> bool {
        self.query.is_none() && self.file.is_none()
    }
}
