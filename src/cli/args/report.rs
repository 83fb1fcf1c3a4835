//! The flags of `clipflow report`.

use std::path::PathBuf;

use clap::Args;

use super::ReadingArgs;
use super::SettingsArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// The page. It plays the media files of the results by paths relative to itself.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Events of the variants (as for performance), for what happened after posting.
    #[arg(long, value_name = "FILE|DIR|URL")]
    pub events: Option<PathBuf>,
    /// Leave out events of the last HOURS before now, or before --as-of: platforms report late.
    #[arg(long, requires = "events", value_name = "HOURS", default_value_t = 0.0)]
    pub lag_hours: f64,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Room for stills of the sources in the page, in MB; 0: none.
    #[arg(long, value_name = "MB", default_value_t = 6)]
    pub stills: u16,
    /// Folder that sources may lie in for stills, beside the one the results lie in; may be repeated.
    #[arg(long, value_name = "DIR")]
    pub allow_root: Vec<PathBuf>,
    #[command(flatten)]
    pub settings: SettingsArgs,
}
