//! `clipflow report`.

use super::args::ReportArgs;
use super::{OK, print};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::pipeline::plural;
use crate::report::{self, ReportEvents, ReportQuery};

pub(super) async fn report(args: ReportArgs, parallel: ParallelConfig) -> Result<u8> {
    let events = match &args.events {
        Some(events) => Some(ReportEvents {
            events: events.into(),
            lag_hours: args.lag_hours,
            reading: args.reading.options()?,
        }),
        None => None,
    };
    let query = ReportQuery {
        results: args.dir.into(),
        page: args.output.clone(),
        events,
        still_bytes: usize::from(args.stills) * 1_000_000,
        allow_roots: args.allow_root.into_iter().map(Into::into).collect(),
        parallel,
    };
    let report = report::report(&query).await?;
    print::text_file(&report.html, &args.output)?;
    report.notes.iter().for_each(|note| print::notice(note));
    print::line(&format!(
        "{} shows {} and {} ({:.1} MB); open it in a browser",
        args.output.display(),
        plural(report.clips, "clip"),
        plural(report.sources, "source"),
        report.html.len() as f64 / 1e6,
    ))?;
    Ok(OK)
}
