//! The command line.

mod analytics;
mod forget;
mod videos;

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};

pub(super) use analytics::{
    ExperimentArgs, ImportEventsArgs, PerformanceArgs, ReadingArgs, ScoreArgs, TrainArgs,
};

pub(super) use forget::{ForgetArgs, PruneArgs};
pub(super) use videos::VideoRequestArgs;

use super::settings::SettingsArgs;
use crate::error::{Error, ErrorCode};
use crate::kernels::score::ScoreModels;
use crate::kernels::variants::caption_mode;
use crate::media::{Encoding, Format as Encoded, Hardware, Quality, RenderSettings, VideoCodec};
use crate::model::edit::CaptionMode;
use crate::pipeline::VariantSettings;
#[cfg(feature = "bench")]
use crate::processors::benchmark::BenchmarkPart;
use crate::query::output::OutputFormat;

/// Turns a table of video clip requests into clips and answers, with query plans.
#[derive(Debug, Parser)]
#[command(name = "clipflow", version, about, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub command: Command,
    /// Log more: -v what is done, -vv how. CLIPFLOW_LOG=clipflow=debug does the same.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Log as JSON, one object a line.
    #[arg(long, global = true)]
    pub log_json: bool,
}

impl CommandLine {
    /// The arguments of the process. Bad usage ends the process.
    pub(super) fn of_process() -> Self {
        Self::parse_from(std::env::args_os().map(not_a_flag))
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
2 bad usage or unreadable input, 3 done but some rows failed (each with its code), 130 stopped by Ctrl-C, 143 by SIGTERM";

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
    /// Ask the results in SQL (read-only).
    Sql(SqlArgs),
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
    /// Print the completions of a shell: source <(clipflow completions bash).
    Completions(CompletionsArgs),
    /// Write the man pages of all commands into a folder.
    Man(ManArgs),
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
            Self::Forget(args) => args.settings.clone(),
            Self::Validate(args) => args.settings.clone(),
            Self::Cache(args) => args.what.settings().clone(),
            #[cfg(feature = "bench")]
            Self::Bench(args) => args.settings.clone(),
            Self::Performance(args) => args.settings.clone(),
            Self::Experiment(args) => args.settings.clone(),
            Self::Train(args) => args.settings.clone(),
            Self::Score(args) => args.settings.clone(),
            Self::Sql(SqlArgs { memory_limit: Some(gb), .. }) => {
                SettingsArgs::of("memory_limit_gb", "--memory-limit", gb)
            }
            Self::ImportEvents(_)
            | Self::Sql(_)
            | Self::Shots(_)
            | Self::Signals(_)
            | Self::Completions(_)
            | Self::Man(_) => SettingsArgs::default(),
        }
    }

    /// Whether the command finishes rows under way when it is stopped; others end at once.
    pub(super) fn drains(&self) -> bool {
        matches!(self, Self::Run(RunArgs { explain: false, .. }) | Self::Render(_))
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
    /// Print the plan and what it will cost (-v: in full); do nothing else.
    #[arg(long)]
    pub explain: bool,
    /// Print no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Variants")]
pub(super) struct VariantArgs {
    /// Variants of each clip.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole_number::<u32>)]
    pub variants: u32,
    /// Whom variants are for where a row has no audience_profile: '{"age":"18-35","interests":["tech"]}'.
    #[arg(long, value_name = "JSON")]
    pub audience: Option<String>,
    /// Platforms that variants are made for, with commas between; a row's own audience_profile goes
    /// before. Else those of --audience, or all.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub platforms: Vec<String>,
    /// Where captions go: burned (into the picture), soft (a text track), sidecar (.srt and .vtt), off
    /// [default: burned].
    #[arg(long, value_name = "WHERE", value_parser = caption_value)]
    pub captions: Option<CaptionsArg>,
    /// Score variants with this model, as written by hand or fitted; see docs/user/learning.md.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Render the variants without the plain clips.
    #[arg(long)]
    pub variants_only: bool,
}

impl VariantArgs {
    /// The variants that are asked for, scored with `models`.
    ///
    /// # Errors
    /// `config.invalid` for `--captions burned` without variants. Burned is also the default, so only the
    /// command knows that it was asked for.
    pub(super) fn settings(
        self,
        models: Option<ScoreModels>,
    ) -> crate::error::Result<VariantSettings> {
        let Self { variants: count, audience, platforms, captions, variants_only, .. } = self;
        if count == 0 && captions.is_some_and(|asked| asked.0 == Some(CaptionMode::Burned)) {
            return Err(VariantSettings::none_asked_for(&[("captions", " burned".to_owned())]));
        }
        let captions = captions.map_or(Some(CaptionMode::Burned), |asked| asked.0);
        let plain_clips = !variants_only;
        Ok(VariantSettings { count, audience, platforms, plain_clips, captions, models })
    }
}

/// What the files are; see docs/user/formats.md.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub(super) struct EncodingArgs {
    /// mp4, webm, gif, webp, or sound alone: mp3, aac, opus.
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = encoding_value::<Encoded>)]
    pub format: Encoded,
    /// h264, hevc or av1 in mp4, vp9 or av1 in webm; else the first of them.
    #[arg(long, value_name = "CODEC", value_parser = encoding_value::<VideoCodec>)]
    pub codec: Option<VideoCodec>,
    /// low, medium, high, best or lossless.
    #[arg(long, value_name = "QUALITY", default_value_t, value_parser = encoding_value::<Quality>)]
    pub quality: Quality,
    /// off, auto, nvenc, qsv or videotoolbox; other bytes on each machine.
    #[arg(long, value_name = "NAME", default_value_t, value_parser = encoding_value::<Hardware>)]
    pub hardware: Hardware,
    /// Copy whole groups of pictures where a clip changes nothing but the span of an H.264 MP4, and
    /// encode only its edges; each file is decoded and compared, and encoded as ever if need be.
    #[arg(long)]
    pub smart_cut: bool,
}

impl EncodingArgs {
    /// The render settings of these flags and of `--thumbnails`.
    pub(super) fn settings(self, thumbnails: bool) -> RenderSettings {
        let Self { format, codec, quality, hardware, smart_cut } = self;
        let encoding = Encoding { format, codec, quality, hardware };
        RenderSettings { thumbnails, smart_cut, encoding, ..RenderSettings::default() }
    }

    /// Sentences about flags that have no effect on files of this format.
    pub(super) fn idle(&self, thumbnails: bool) -> Vec<String> {
        let Self { format, codec, .. } = self;
        let mut idle = vec![];
        if self.smart_cut
            && (*format != Encoded::Mp4 || codec.is_some_and(|c| c != VideoCodec::H264))
        {
            idle.push("--smart-cut does nothing here: only H.264 in mp4 is copied".to_owned());
        }
        let is_sound = matches!(format, Encoded::Mp3 | Encoded::Aac | Encoded::Opus);
        if thumbnails && is_sound {
            idle.push(format!("--thumbnails does nothing here: {format} has no picture"));
        }
        idle
    }
}

/// Where captions go; `None`: nowhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct CaptionsArg(pub Option<CaptionMode>);

fn caption_value(text: &str) -> Result<CaptionsArg, String> {
    caption_mode(text).map(CaptionsArg).map_err(|e| e.message().to_owned())
}

fn whole_number<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| "give a whole number from 0".to_owned())
}

fn encoding_value<T: FromStr<Err = crate::error::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: crate::error::Error| e.message().to_owned())
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
pub(super) struct SqlArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// The query; or -f.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub query: Option<String>,
    /// Read the query from a file; - is standard input. Several statements are answered in turn.
    #[arg(long, short)]
    pub file: Option<PathBuf>,
    /// Events of the variants (as for performance), as the tables events and event_days.
    #[arg(long, value_name = "FILE|DIR|URL")]
    pub events: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// End a query that takes longer; 0: no such limit.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub timeout: u64,
    /// Memory of the query, in GB; beyond it rows are put aside on disk [default: 4].
    #[arg(long, value_name = "GB", alias = "memory-limit-gb", allow_hyphen_values = true)]
    pub memory_limit: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct VideoArgs {
    /// The video file.
    pub video: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct CacheArgs {
    #[command(subcommand)]
    pub what: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CacheCommand {
    /// List what is kept, last used first.
    Ls {
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Remove all that is kept.
    Clear {
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Read all that is kept and remove what is damaged (then the exit code is 3).
    Verify {
        #[command(flatten)]
        settings: SettingsArgs,
    },
}

impl CacheCommand {
    fn settings(&self) -> &SettingsArgs {
        match self {
            Self::Ls { settings, .. } | Self::Clear { settings } | Self::Verify { settings } => {
                settings
            }
        }
    }
}

#[cfg(feature = "bench")]
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
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

#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// table, csv, json (one object a line) or parquet; else as the name of the file ends, or table.
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
    pub(super) fn format(&self) -> crate::error::Result<OutputFormat> {
        match (self.format, &self.output) {
            (Some(format), _) => Ok(format),
            (None, None) => Ok(OutputFormat::Table),
            (None, Some(path)) => OutputFormat::of_file(path).ok_or_else(|| {
                let message = format!(
                    "no format is known by the name {}; end it in .csv, .json, .parquet or .txt, or add --format",
                    path.display()
                );
                Error::new(ErrorCode::ConfigInvalid, message)
            }),
        }
    }
}
