//! The command line.

mod analytics;
#[cfg(feature = "bench")]
mod bench;
mod cache;
#[cfg(feature = "distributed")]
mod cluster;
mod encoding;
mod export;
mod forget;
#[cfg(feature = "mcp")]
mod mcp;
mod monitoring;
mod output;
mod repeat;
mod report;
mod sql;
mod suggest;
mod tables;
mod upkeep;
mod variants;
mod videos;

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};

pub(super) use analytics::{
    ExperimentArgs, ImportEventsArgs, PerformanceArgs, ReadingArgs, ScoreArgs, TrainArgs,
};
#[cfg(feature = "bench")]
pub(super) use bench::BenchArgs;
pub(super) use cache::CacheArgs;
pub(super) use cache::CacheCommand;
#[cfg(feature = "distributed")]
pub(super) use cluster::{ExecutorArgs, SchedulerArgs};
pub(super) use encoding::EncodingArgs;
pub(super) use export::ExportArgs;
pub(super) use forget::{ForgetArgs, PruneArgs};
#[cfg(feature = "mcp")]
pub(super) use mcp::McpArgs;
pub(super) use monitoring::{DebugArgs, ExplainMode, LogArgs, ProgressArgs, StatsArgs};
pub(super) use output::OutputArgs;
pub(super) use repeat::RepeatArgs;
pub(super) use report::ReportArgs;
pub(super) use sql::SqlArgs;
pub(super) use tables::TableArgs;
pub(super) use upkeep::{CompactArgs, FsckArgs, GcArgs};
pub(super) use variants::VariantArgs;
pub(super) use videos::{TimeInVideo, VideoRequestArgs};

use super::settings::SettingsArgs;
use crate::config::ParallelConfig;

/// Turns a table of video clip requests into clips and answers, with query plans.
#[derive(Debug, Parser)]
#[command(name = "clipflow", version, about, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub log: LogArgs,
}

impl CommandLine {
    /// The arguments of the process. Bad usage ends the process.
    pub(super) fn of_process() -> Self {
        let arguments = std::env::args_os().map(not_a_flag);
        Self::try_parse_from(arguments).unwrap_or_else(|error| suggest::nearest(error).exit())
    }
}

/// Protects a query that begins with a comment, `-- …`, from being parsed as a flag, by a leading space. No
/// flag has white space in its name.
fn not_a_flag(argument: OsString) -> OsString {
    match argument.to_str() {
        Some(text) if text.starts_with("--") && is_comment(text) => format!(" {text}").into(),
        _ => argument,
    }
}

fn is_comment(text: &str) -> bool {
    text.split('=').next().is_some_and(|name| name.contains(char::is_whitespace))
}

const EXIT_CODES: &str = "Exit codes: 0 all rows answered, 1 fault (disk, missing ffmpeg), \
2 bad usage or unreadable input, 3 done but some rows failed (each with its code) or results that are not whole, \
4 stopped for more failures than --max-failures, 130 stopped by Ctrl-C, 143 by SIGTERM";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the requests: analyse sources, choose clips, render them, write tables.
    Run(RunArgs),
    /// Check the requests, row by row, without touching their sources.
    Validate(ValidateArgs),
    /// Render variants of results that are planned or were rendered otherwise.
    Render(RenderArgs),
    /// Remove requests from results, with what was made for them alone.
    Forget(ForgetArgs),
    /// Check results: manifests, tables, keys, references, media files, and what nothing names.
    Fsck(FsckArgs),
    /// Remove from results what nothing has named for a day: replaced tables, work of killed runs, unlisted media.
    Gc(GcArgs),
    /// Write the many small table files of results as a few large ones; readers may go on.
    Compact(CompactArgs),
    /// Write clips or variants as timelines for editing programs.
    Export(ExportArgs),
    /// Ask the results in SQL (read-only); on a terminal without a query, at a prompt.
    Sql(SqlArgs),
    /// Show results as one HTML page that opens offline: what was made, why these clips, what went wrong.
    Report(ReportArgs),
    /// What the last run measured: rows, failures, retries, times, bytes.
    Stats(StatsArgs),
    /// Collect what is known of a request into a ZIP file, for a bug report.
    Debug(DebugArgs),
    /// What happened after posting: metrics of the variants, grouped by any columns.
    Performance(PerformanceArgs),
    /// Compare the variants of experiments: intervals, tests, and which variant wins, if one does.
    Experiment(ExperimentArgs),
    /// Fit the score of variants, or the selection of clips, to what happened after posting.
    Train(TrainArgs),
    /// Score the variants of results with another model; the results stay as they are.
    Score(ScoreArgs),
    /// Turn a platform's own export into events (daily aggregates).
    ImportEvents(ImportEventsArgs),
    /// Print the shots of a video, one a line.
    Shots(VideoArgs),
    /// Print the signals of a video, one bucket of time a line.
    Signals(VideoArgs),
    /// Look after the analyses that are kept for other runs (run --cache).
    Cache(CacheArgs),
    /// Serve runs, queries and results to an agent: the Model Context Protocol on standard input and output.
    #[cfg(feature = "mcp")]
    Mcp(McpArgs),
    /// Print the completions of a shell: source <(clipflow completions bash).
    Completions(CompletionsArgs),
    /// Write the man pages of all commands into a folder.
    Man(ManArgs),
    /// Give the media work of runs to executors (run --backend dask).
    #[cfg(feature = "distributed")]
    Scheduler(SchedulerArgs),
    /// Take media work from a scheduler and do it on this machine.
    #[cfg(feature = "distributed")]
    Executor(ExecutorArgs),
    /// Measure the backends on this machine, on kernels and generated media.
    #[cfg(feature = "bench")]
    Bench(BenchArgs),
}

impl Command {
    /// The flags of settings; empty for a command that takes none.
    pub(super) fn settings(&self) -> SettingsArgs {
        match self {
            Self::Run(args) => args.settings.clone(),
            Self::Render(args) => args.settings.clone(),
            Self::Report(args) => args.settings.clone(),
            Self::Forget(args) => args.settings.clone(),
            Self::Fsck(args) => args.settings.clone(),
            Self::Gc(args) => args.settings.clone(),
            Self::Compact(args) => args.settings.clone(),
            Self::Validate(args) => args.settings.clone(),
            Self::Cache(args) => args.what.settings().clone(),
            Self::Stats(args) => args.settings.clone(),
            Self::Debug(args) => args.settings.clone(),
            #[cfg(feature = "bench")]
            Self::Bench(args) => args.settings.clone(),
            #[cfg(feature = "distributed")]
            Self::Executor(args) => args.settings.clone(),
            #[cfg(feature = "distributed")]
            Self::Scheduler(args) => args.settings.clone(),
            Self::Performance(args) => args.settings.clone(),
            Self::Experiment(args) => args.settings.clone(),
            Self::Train(args) => args.settings.clone(),
            Self::Score(args) => args.settings.clone(),
            #[cfg(feature = "mcp")]
            Self::Mcp(args) => args.settings.clone(),
            Self::Sql(SqlArgs { memory_limit: Some(gb), .. }) => {
                SettingsArgs::of("memory_limit_gb", "--memory-limit", gb)
            }
            Self::ImportEvents(_)
            | Self::Export(_)
            | Self::Sql(_)
            | Self::Shots(_)
            | Self::Signals(_)
            | Self::Completions(_)
            | Self::Man(_) => SettingsArgs::default(),
        }
    }

    /// Whether the command has a prompt, at which Ctrl-C ends a query and not the command.
    pub(super) fn is_prompt(&self) -> bool {
        matches!(self, Self::Sql(args) if args.is_prompt())
    }

    /// Seconds that the command has to finish rows under way when it is stopped; `None`: it ends at once.
    pub(super) fn drain_seconds(&self, settings: &ParallelConfig) -> Option<f64> {
        match self {
            Self::Run(args) if args.explain == Some(ExplainMode::Plan) => None,
            Self::Run(_) | Self::Render(_) => Some(settings.drain_seconds),
            #[cfg(feature = "distributed")]
            Self::Scheduler(_) | Self::Executor(_) => Some(settings.drain_seconds),
            // Its client is gone: what was finished is found again.
            #[cfg(feature = "mcp")]
            Self::Mcp(_) => Some(0.0),
            _ => None,
        }
    }

    /// Whether threads that go on when the command is done hold nothing: a query that took too long, or the reading of
    /// standard input.
    pub(super) fn leaves_nothing(&self) -> bool {
        match self {
            Self::Sql(_) => true,
            #[cfg(feature = "mcp")]
            Self::Mcp(_) => true,
            _ => false,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Request file or folder, or an object store URL of one: Parquet, CSV, NDJSON or Arrow. Or videos: files,
    /// a folder or pattern of them, or URLs; one request each.
    #[arg(required = true)]
    pub requests: Vec<PathBuf>,
    #[command(flatten)]
    pub video: VideoRequestArgs,
    /// Folder or object store URL for the results; run again into it to add or repeat requests.
    #[arg(long, short)]
    pub out: PathBuf,
    /// Clips a request gets if its row does not say, and the most that any request gets.
    #[arg(long, value_name = "N", value_parser = whole_number::<i64>)]
    pub max_clips: Option<i64>,
    /// Folder, bucket or prefix that sources may lie in, beside the request file's own; may be
    /// repeated.
    #[arg(long, value_name = "DIR|URL")]
    pub allow_root: Vec<PathBuf>,
    /// Choose clips by these weights, as written by hand or fitted (clipflow train --selection).
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub variants: VariantArgs,
    #[command(flatten)]
    pub encoding: EncodingArgs,
    /// Write all tables, with every clip and variant, and render nothing; `clipflow render` does later.
    #[arg(long)]
    pub plan_only: bool,
    /// Write a still of each file beside it, as JPEG.
    #[arg(long)]
    pub thumbnails: bool,
    #[command(flatten)]
    pub posts: PostsArgs,
    #[command(flatten)]
    pub prune: PruneArgs,
    #[command(flatten)]
    pub repeat: RepeatArgs,
    /// Print what it will cost, with -v also the query plan, and do nothing else; analyze: run, and print the plans
    /// with what their operators did.
    #[arg(long, value_enum, value_name = "analyze", num_args = 0..=1, require_equals = true,
        default_missing_value = "plan", hide_possible_values = true)]
    pub explain: Option<ExplainMode>,
    #[command(flatten)]
    pub progress: ProgressArgs,
    /// Print no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// Which variants: a condition on the columns of `variants`, as after WHERE in SQL.
    #[arg(long = "where", value_name = "CONDITION", default_value = "true")]
    pub condition: String,
    /// Folder, bucket or prefix that sources may lie in, beside the one the results lie in; may be
    /// repeated.
    #[arg(long, value_name = "DIR|URL")]
    pub allow_root: Vec<PathBuf>,
    #[command(flatten)]
    pub encoding: EncodingArgs,
    /// Write a still of each file beside it, as JPEG.
    #[arg(long)]
    pub thumbnails: bool,
    #[command(flatten)]
    pub posts: PostsArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
    /// Print no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// The folder `posts` of the results.
#[derive(Debug, Args)]
#[command(next_help_heading = "Posts")]
pub(super) struct PostsArgs {
    /// Names of the files in the folder posts of the results, from {source}, {rank}, {variant}, {platform}, {size},
    /// {start}, {title}, {language}, {request} and {clip} [default: {source}_{rank}_{platform}_{size}].
    #[arg(long, value_name = "TEMPLATE")]
    pub name: Option<String>,
    /// Make no folder of named files.
    #[arg(long, conflicts_with = "name")]
    pub no_posts: bool,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder that the pages are written to.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// Request file or folder, or an object store URL of one: Parquet, CSV, NDJSON or Arrow.
    pub requests: PathBuf,
    /// Write every row with its verdict to this Parquet file.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print only the invalid rows and the totals.
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(super) struct VideoArgs {
    /// The video file.
    pub video: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
}

fn whole_number<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| "give a whole number from 0".to_owned())
}
