//! What a run has answered and made, as metrics.

use serde::Deserialize;

use super::monitor::RunMonitor;
use super::statements::Statements;
use super::summary::RunSummary;
use crate::error::Result;
use crate::query::sql;
use crate::telemetry::catalogue;

/// Count what the run has answered and made.
///
/// # Errors
/// Of the query over its files.
pub(super) async fn count(
    statements: &Statements,
    monitor: &RunMonitor,
    summary: &RunSummary,
) -> Result<()> {
    #[derive(Deserialize)]
    struct Rendered {
        files: u64,
        bytes: u64,
    }
    let metrics = &monitor.telemetry.metrics;
    metrics.add(&catalogue::REQUESTS, &[""], summary.answered as f64);
    for failures in &summary.failures {
        metrics.add(&catalogue::REQUESTS, &[&failures.error_code], failures.count as f64);
    }
    metrics.add(&catalogue::CLIPS, &[], summary.clips as f64);
    metrics.add(&catalogue::VARIANTS, &[], summary.variants as f64);
    let Rendered { files, bytes } = statements.row(sql::summary::RENDERED_FILES).await?;
    metrics.add(&catalogue::RENDERED_FILES, &[], files as f64);
    metrics.add(&catalogue::RENDERED_BYTES, &[], bytes as f64);
    monitor.ended(if summary.is_complete() { "ok" } else { "rows_failed" });
    Ok(())
}
