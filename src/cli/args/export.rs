//! Arguments of the export to editing programs.

use std::path::PathBuf;

use clap::Args;

use crate::export::ExportFormat;

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// otio (OpenTimelineIO), fcpxml (Final Cut Pro, DaVinci Resolve), edl (CMX 3600), csv, or chapters.
    #[arg(long, value_name = "FORMAT", value_parser = ExportFormat::NAMES)]
    pub to: String,
    /// Only this request's (repeatable).
    #[arg(long, value_name = "ID")]
    pub request: Vec<String>,
    /// A timeline for each variant, with its cuts and speeds, in place of the clips.
    #[arg(long)]
    pub variants: bool,
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
