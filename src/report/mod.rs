//! A results dataset as one HTML page, which opens offline.
//!
//! The tables are read by the statements in `sql/report`, become typed rows, and are embedded in the page as
//! JSON. Media files stay where they are: the page plays them by paths relative to itself.

mod advice;
mod collect;
mod data;
mod limits;
mod page;
mod paths;
mod posted;
mod rows;
mod stills;
mod timelines;
mod windows;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::DateTime;

pub use posted::ReportEvents;
#[cfg(feature = "mcp")]
pub(crate) use stills::base64;

use crate::config::ParallelConfig;
use crate::error::Result;
use crate::location::Location;
use crate::query::results::register_dataset;
use crate::query::{SessionOptions, session};
use crate::resilience::Resilience;
use crate::store::{Dataset, DatasetRoot};
use data::ReportData;

/// Size of all stills of a page unless said otherwise, in bytes.
pub const DEFAULT_STILL_BYTES: usize = 6_000_000;

/// What a report is made of.
#[derive(Debug, Clone)]
pub struct ReportQuery {
    /// The results.
    pub results: Location,
    /// Where the page will be, for its paths to media files. Nothing is written there.
    pub page: PathBuf,
    /// What happened after posting.
    pub events: Option<ReportEvents>,
    /// Most bytes of the page that stills of the sources take; 0: none are made.
    pub still_bytes: usize,
    /// Folders that sources may be read from for stills, beside the one that the results lie in.
    pub allow_roots: Vec<Location>,
    /// Settings.
    pub parallel: ParallelConfig,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The page.
    pub html: String,
    /// Clips that it lists.
    pub clips: u64,
    /// Sources that it lists.
    pub sources: u64,
    /// Sentences about what it leaves out.
    pub notes: Vec<String>,
}

/// Makes the page of a results dataset.
///
/// # Errors
/// `store.read` if there are no results or a table cannot be read; of the events as
/// [`performance`](crate::analytics::performance()).
pub async fn report(query: &ReportQuery) -> Result<Report> {
    let dataset =
        DatasetRoot::new(&query.results, &Resilience::new(&query.parallel))?.existing().await?;
    let options = SessionOptions {
        memory_bytes: Some((query.parallel.memory_limit_gb * 1e9) as usize),
        parallel: query.parallel.clone(),
        ..SessionOptions::default()
    };
    let ctx = session(&options, None)?;
    register_dataset(&ctx, &dataset).await?;
    let mut data = collect::collect(&ctx).await?;
    data.about.results = query.results.to_string();
    data.about.made = now();
    data.about.base = paths::base(&query.page, &query.results);
    if data.failures.iter().any(|failure| failure.what == "requests") {
        data.again = Some(again(&query.results));
    }
    add_stills(query, &mut data).await;
    data.posted = match &query.events {
        Some(events) => {
            Some(posted::posted(joined(query, &dataset), events, &query.parallel).await?)
        }
        None => None,
    };
    Ok(Report {
        html: page::page(&data)?,
        clips: data.clips.len() as u64,
        sources: data.sources.len() as u64,
        notes: data.about.notes,
    })
}

/// The results, if they have variants that events can be joined with.
fn joined(query: &ReportQuery, dataset: &Dataset) -> Option<Location> {
    (!dataset.entries("variants").is_empty()).then(|| query.results.clone())
}

async fn add_stills(query: &ReportQuery, data: &mut ReportData) {
    let beside = query.results.clone().absolute().folder();
    let roots = std::iter::once(&beside).chain(&query.allow_roots);
    let roots = roots.filter_map(Location::as_path).map(Path::to_path_buf).collect();
    let note = stills::add(&mut data.timelines, &data.sources, roots, query.still_bytes).await;
    data.about.notes.extend(note);
}

/// The commands that run the failed requests again.
fn again(results: &Location) -> String {
    let place = results.to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-:".contains(c);
    let place = match place.chars().all(plain) {
        true => place,
        false => format!("'{}'", place.replace('\'', r"'\''")),
    };
    format!(
        "clipflow sql {place} \"SELECT * FROM dead_letters\" -o again.parquet\nclipflow run again.parquet --out {place}"
    )
}

/// The time in UTC to the second, as in RFC 3339.
fn now() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = DateTime::from_timestamp(now.as_secs() as i64, 0).unwrap_or_default();
    now.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
