//! The flags of `clipflow bench`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::settings::SettingsArgs;
use crate::processors::benchmark::BenchmarkPart;

#[derive(Debug, Args)]
pub(in crate::cli) struct BenchArgs {
    /// Fewer rows and repeats: a minute or two instead of many.
    #[arg(long)]
    pub quick: bool,
    /// Measure this part only; may be repeated.
    #[arg(long, value_name = "PART", ignore_case = true, value_parser = BenchmarkPart::ALL.map(BenchmarkPart::as_str))]
    pub part: Vec<String>,
    /// Folder for benchmark.parquet and benchmark.json.
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingsArgs,
}
