//! The data of a page, from the tables of a dataset.

use datafusion::common::ScalarValue;
use datafusion::prelude::{DataFrame, SessionContext};
use serde::de::DeserializeOwned;

use super::advice::explained;
use super::data::{AboutPage, ReportData};
use super::limits::{MOST_CLIPS, MOST_FILES, MOST_REQUESTS, MOST_SOURCES, MOST_VARIANTS, Shares};
use super::rows::{ReportTotals, RunFigure, SignalBucket, WindowLine};
use super::timelines::timelines;
use super::windows::{explain, features, grouped};
use crate::error::Result;
use crate::query::sql::report as sql;
use crate::query::{query_error, rows};

/// Reads what a page shows of the tables of `ctx`, beside stills and events.
///
/// # Errors
/// `store.read` for tables that cannot be read.
pub(super) async fn collect(ctx: &SessionContext) -> Result<ReportData> {
    let totals: ReportTotals = rows::row(ctx.sql(sql::TOTALS).await.map_err(query_error)?).await?;
    let shares = Shares::new(totals.requests, totals.sources);
    let sources = all(ctx, sql::SOURCES, ("most", MOST_SOURCES)).await?;
    let signals = all::<SignalBucket>(ctx, sql::SIGNALS, ("points", shares.buckets)).await?;
    let shots = all(ctx, sql::SHOTS, ("each", shares.shots)).await?;
    let cues = all(ctx, sql::CUES, ("each", shares.cues)).await?;
    let lines = all::<WindowLine>(ctx, sql::CANDIDATES, ("each", shares.windows)).await?;
    let (mut windows, to_explain) = grouped(lines);
    explain(ctx, &mut windows, to_explain).await?;
    let (run_stats, unread) = run_stats(ctx).await;
    let failures = read(ctx.sql(sql::FAILURES).await.map_err(query_error)?).await?;
    let mut data = ReportData {
        timelines: timelines(&sources, signals, shots, cues),
        failures: explained(failures),
        run_stats,
        requests: all(ctx, sql::REQUESTS, ("most", MOST_REQUESTS)).await?,
        clips: all(ctx, sql::CLIPS, ("most", MOST_CLIPS)).await?,
        variants: all(ctx, sql::VARIANTS, ("most", MOST_VARIANTS)).await?,
        files: all(ctx, sql::MEDIA, ("most", MOST_FILES)).await?,
        features: features(),
        about: AboutPage { version: env!("CARGO_PKG_VERSION"), ..AboutPage::default() },
        totals,
        sources,
        windows,
        ..ReportData::default()
    };
    data.about.notes = left_out(&data);
    data.about.notes.extend(unread);
    Ok(data)
}

/// The rows of a query with one parameter.
async fn all<T: DeserializeOwned>(
    ctx: &SessionContext,
    sql: &str,
    (name, value): (&str, i64),
) -> Result<Vec<T>> {
    let frame = ctx.sql(sql).await.map_err(query_error)?;
    let parameters = vec![(name, ScalarValue::from(value))];
    read(frame.with_param_values(parameters).map_err(query_error)?).await
}

async fn read<T: DeserializeOwned>(frame: DataFrame) -> Result<Vec<T>> {
    rows::stored(&frame.collect().await.map_err(query_error)?)
}

/// Seconds of the last run, or a sentence why they cannot be read; neither in results without the table.
async fn run_stats(ctx: &SessionContext) -> (Vec<RunFigure>, Option<String>) {
    if !ctx.table_exist("run_stats").unwrap_or(false) {
        return (vec![], None);
    }
    let figures = async { read(ctx.sql(sql::RUN_STATS).await.map_err(query_error)?).await };
    match figures.await {
        Ok(figures) => (figures, None),
        Err(e) => (vec![], Some(format!("the table run_stats cannot be read: {}", e.message()))),
    }
}

/// Sentences about what a page leaves out of large results.
fn left_out(data: &ReportData) -> Vec<String> {
    let totals = &data.totals;
    let windows: usize = data.windows.iter().map(|windows| windows.start.len()).sum();
    let cues: usize = data.timelines.iter().map(|timeline| timeline.cues.len()).sum();
    let lists = [
        ("requests", data.requests.len(), totals.requests, "failed ones first"),
        ("sources", data.sources.len(), totals.sources, "those with most clips"),
        ("clips", data.clips.len(), totals.clips, "the best"),
        ("variants", data.variants.len(), totals.variants, "the best"),
        ("windows", windows, totals.candidates, "the chosen and the best of each request"),
        ("caption lines", cues, totals.cues, "the first of each source"),
    ];
    lists
        .into_iter()
        .filter(|(_, shown, total, _)| (*shown as i64) < *total)
        .map(|(what, shown, total, which)| {
            format!("{shown} of {total} {what} are shown here: {which}; clipflow sql has all")
        })
        .collect()
}
