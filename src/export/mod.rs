//! Chosen clips and variants as timelines of editing programs.

mod chapters;
mod cuts;
mod edl;
mod fcpxml;
mod otio;
mod rate;
mod sheet;

pub use rate::Rate;

use std::str::FromStr;

use datafusion::prelude::SessionContext;

use crate::error::{Error, ErrorCode, Result};
use crate::query::rows::rows;
use crate::query::{query_error, sql};
use cuts::{Caption, Cut, Timeline, timelines};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// OpenTimelineIO, as JSON.
    Otio,
    /// Final Cut Pro's XML, version 1.8.
    Fcpxml,
    /// An edit decision list as CMX 3600 has it.
    Edl,
    /// A row a piece, with time codes and frames.
    Csv,
    /// Chapters of each source, as descriptions of videos have them.
    Chapters,
}

impl ExportFormat {
    /// The names of all formats.
    pub const NAMES: [&'static str; 5] = ["otio", "fcpxml", "edl", "csv", "chapters"];
}

impl FromStr for ExportFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "otio" => Ok(Self::Otio),
            "fcpxml" => Ok(Self::Fcpxml),
            "edl" => Ok(Self::Edl),
            "csv" => Ok(Self::Csv),
            "chapters" => Ok(Self::Chapters),
            other => Err(Error::setting(
                "to",
                format!("is {other}; give one of {}", Self::NAMES.join(", ")),
            )),
        }
    }
}

/// What is exported.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// What is written.
    pub format: ExportFormat,
    /// The requests; empty: all.
    pub requests: Vec<String>,
    /// Variants as timelines of their own, in place of the clips.
    pub variants: bool,
}

/// A text of timelines, and what a person must know of it.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The text.
    pub text: String,
    /// Remarks, as sentences.
    pub notes: Vec<String>,
}

/// Write the clips or variants of the results that are registered in `ctx` (see
/// [`register_dataset`](crate::query::results::register_dataset)) as `options` say.
///
/// # Errors
/// `config.invalid` if there is nothing to export, or a list of one frame rate would have several; `store.read`.
pub async fn export(ctx: &SessionContext, options: &ExportOptions) -> Result<Exported> {
    let cuts = ctx.sql(sql::export::CUTS).await.map_err(query_error)?;
    let mut cuts: Vec<Cut> = rows(cuts).await?;
    cuts.retain(|cut| {
        cut.variant_id.is_some() == options.variants
            && (options.requests.is_empty() || options.requests.contains(&cut.request_id))
    });
    if cuts.is_empty() {
        let what = if options.variants { "variants" } else { "clips" };
        let message = format!(
            "the results hold no {what} to export{}",
            if options.requests.is_empty() { "" } else { " of these requests" }
        );
        return Err(Error::new(ErrorCode::ConfigInvalid, message));
    }
    let captions = ctx.sql(sql::export::CAPTIONS).await.map_err(query_error)?;
    let captions: Vec<Caption> = rows(captions).await?;
    let timelines = timelines(cuts, &captions);
    let text = match options.format {
        ExportFormat::Otio => otio::text(&timelines)?,
        ExportFormat::Fcpxml => fcpxml::text(&timelines)?,
        ExportFormat::Edl => edl::text(&timelines)?,
        ExportFormat::Csv => sheet::text(&timelines)?,
        ExportFormat::Chapters => chapters::text(&timelines),
    };
    Ok(Exported { text, notes: notes(&timelines) })
}

fn notes(timelines: &[Timeline]) -> Vec<String> {
    let varies = |cut: &&cuts::Piece| cut.rate.is_rounded();
    let mut places: Vec<&str> = timelines
        .iter()
        .flat_map(|timeline| &timeline.pieces)
        .filter(varies)
        .map(|piece| piece.location.as_str())
        .collect();
    places.sort_unstable();
    places.dedup();
    match places.as_slice() {
        [] => vec![],
        [first, ..] => vec![format!(
            "{} sources have no constant frame rate (e.g. {first}): their times are rounded to frames of the nominal rate, so that a cut may be off by half a frame of it",
            places.len()
        )],
    }
}
