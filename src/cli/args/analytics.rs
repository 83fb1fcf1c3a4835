//! The commands about what happened after posting.

use std::path::PathBuf;

use clap::Args;

use super::{OutputArgs, TableArgs};
use crate::analytics::Export;
use crate::cli::settings::SettingsArgs;
use crate::error::Result;
use crate::kernels::experiment::{DEFAULT_CONFIDENCE, DEFAULT_LOOKS, DEFAULT_MIN_TRIALS};
use crate::query::events::{BadRows, EventOptions, column_names};

#[derive(Debug, Args)]
pub(in crate::cli) struct PerformanceArgs {
    /// Results of `clipflow run`, to group by columns of their variants.
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub events: EventArgs,
    #[command(flatten)]
    pub tables: TableArgs,
    /// Metrics: engagement_rate, viral_coefficient, audience_reach, mean_hook_rate, views, …; a wrong name
    /// gets the list.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', required = true)]
    pub metrics: Vec<String>,
    /// Columns of the events, the variants or your own in the requests to group by; without, all are one
    /// group.
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub by: Vec<String>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// What happened after posting.
#[derive(Debug, Args)]
pub(in crate::cli) struct EventArgs {
    /// Raw events or daily aggregates: a Parquet, CSV or NDJSON file, or a folder of them.
    #[arg(long, value_name = "FILE|DIR|URL")]
    pub events: PathBuf,
    /// Leave out events of the last HOURS before now, or before --as-of: platforms report late.
    #[arg(long, value_name = "HOURS", default_value_t = 0.0)]
    pub lag_hours: f64,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// How events are read.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReadingArgs {
    /// Read the events as of TIME: later ones do not count, and --lag-hours counts back from it [default: now].
    #[arg(long, requires = "events", value_name = "TIME")]
    pub as_of: Option<String>,
    /// Unit of times that are numbers: s, ms, us or ns since 1970. Without it they are refused.
    #[arg(long, requires = "events", value_name = "UNIT")]
    pub time_unit: Option<String>,
    /// Zone of times that name none, and of days, as Europe/Berlin [default: UTC].
    #[arg(long, requires = "events", value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Columns of the events under other names, as plays=views,hearts=likes.
    #[arg(long, requires = "events", value_name = "THEIRS=OURS,…", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// What a cell that does not fit its column costs: error (the command ends) or skip (its row, which is counted).
    #[arg(long, requires = "events", value_name = "WHAT", default_value = "error", value_parser = BadRows::NAMES)]
    pub bad_rows: String,
}

impl ReadingArgs {
    /// What they mean.
    ///
    /// # Errors
    /// `config.invalid`.
    pub(in crate::cli) fn options(&self) -> Result<EventOptions> {
        let options = EventOptions::parse(
            self.time_unit.as_deref(),
            self.time_zone.as_deref(),
            self.as_of.as_deref(),
        )?;
        let columns = column_names(&self.columns)?;
        let bad_rows = BadRows::parse(&self.bad_rows).unwrap_or_default();
        Ok(EventOptions { columns, bad_rows, ..options })
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExperimentArgs {
    /// Results of `clipflow run`, whose requests have an experiment_id; else the events have one.
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub events: EventArgs,
    #[command(flatten)]
    pub tables: TableArgs,
    /// Metric: hook_rate, completion_rate, engagement_rate, … (successes by trials); a wrong name gets the
    /// list.
    #[arg(long, value_name = "NAME")]
    pub metric: String,
    /// Compare the values of this column of the events or the variants (layout, caption_style, platform, …)
    /// instead of variants.
    #[arg(long, value_name = "COLUMN")]
    pub by: Option<String>,
    /// This experiment only.
    #[arg(long, value_name = "ID")]
    pub experiment: Option<String>,
    /// Confidence of intervals and verdicts, between 0 and 1.
    #[arg(long, value_name = "SHARE", default_value_t = DEFAULT_CONFIDENCE)]
    pub confidence: f64,
    /// Looks planned at the experiment, one a day; verdicts are corrected for them. 1: this is the only one.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LOOKS)]
    pub looks: u32,
    /// Trials below which an arm is listed and not compared.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MIN_TRIALS)]
    pub min_trials: u32,
    /// Seed of the draws behind the proposed shares.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TrainArgs {
    /// Results of `clipflow run`, with variants.
    pub dir: PathBuf,
    #[command(flatten)]
    pub events: EventArgs,
    /// Metric that the score is to predict: engagement_rate, hook_rate, completion_rate, …
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "selection",
        conflicts_with = "selection"
    )]
    pub target: Option<String>,
    /// Fit the weights by which clips are selected to retention (view_25 … view_100, or watch_seconds).
    #[arg(long)]
    pub selection: bool,
    /// logistic, or linear: the rate as a straight line, held in [0, 1].
    #[arg(long, value_name = "LINK", default_value = "logistic", value_parser = ["logistic", "linear"])]
    pub link: String,
    /// Time to write into the file; without one, the same data give the same file.
    #[arg(long, value_name = "TIME")]
    pub trained_at: Option<String>,
    /// JSON file for the model (for run --model and score) or the weights (for run --weights).
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScoreArgs {
    /// Results of `clipflow run`, with variants.
    pub dir: PathBuf,
    /// Model, as written by hand or by `clipflow train`.
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportEventsArgs {
    /// The export, as CSV.
    pub file: PathBuf,
    /// Whose export it is.
    #[arg(long, value_name = "PLATFORM", value_parser = Export::ALL.map(Export::as_str))]
    pub from: String,
    /// CSV file with the columns content_id and variant_id: which content is which variant.
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Day of figures that the export gives for a whole period, as 2026-05-01.
    #[arg(long, value_name = "DAY")]
    pub day: Option<String>,
    /// What stands before decimals, point or comma, where the numbers of the export do not show it.
    #[arg(long, value_name = "SIGN", value_parser = ["point", "comma"])]
    pub decimal_sign: Option<String>,
    /// What columns of the export are, as "Total plays=views,Kudos=likes"; besides figures of events,
    /// variant_id, content_id and day.
    #[arg(long, value_name = "THEIRS=OURS,…", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// What a cell that does not fit its column costs: error (the command ends) or skip (its row, which is counted).
    #[arg(long, value_name = "WHAT", default_value = "error", value_parser = BadRows::NAMES)]
    pub bad_rows: String,
    /// File for the events: .csv or .ndjson, else Parquet.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}
