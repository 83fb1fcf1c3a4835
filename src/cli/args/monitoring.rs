//! Arguments about what runs report.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::OutputArgs;
use crate::cli::logging::LogFormat;
use crate::cli::progress::ProgressMode;
use crate::cli::settings::SettingsArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct LogArgs {
    /// Log more: -v what is done, -vv how. CLIPFLOW_LOG=clipflow=debug does the same.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Form of the log: pretty, compact or json (one object a line).
    #[arg(
        long,
        value_enum,
        global = true,
        value_name = "FORM",
        hide_possible_values = true,
        default_value_t
    )]
    pub log_format: LogFormat,
    /// As --log-format json.
    #[arg(long, global = true, conflicts_with = "log_format")]
    pub log_json: bool,
}

impl LogArgs {
    /// The form asked for.
    pub(in crate::cli) fn format(&self) -> LogFormat {
        if self.log_json { LogFormat::Json } else { self.log_format }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ProgressArgs {
    /// Show progress as bar, line, json (one object a line on standard error) or none [default: bar on a terminal].
    #[arg(long, value_enum, value_name = "FORM", hide_possible_values = true)]
    pub progress: Option<ProgressMode>,
}

/// What `--explain` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExplainMode {
    /// What a run will cost, instead of the run.
    Plan,
    /// The plans of the run with what their operators did, after it.
    Analyze,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StatsArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// All runs, not only the last one.
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DebugArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// The request.
    pub request_id: String,
    /// The ZIP file to write.
    #[arg(long, short, value_name = "FILE", default_value = "clipflow-debug.zip")]
    pub output: PathBuf,
    #[command(flatten)]
    pub settings: SettingsArgs,
}
