//! What a run measured, as tables: `run_stats` of the results, and `traces` for the statements.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;

use super::monitor::{RunMonitor, write_rows};
use super::statements::{self, Statements};
use crate::error::Result;
use crate::model::RunStat;
use crate::query::query_error;
use crate::store::{DatasetRoot, ShardWriter};
use crate::telemetry::TraceLog;

/// The table, and its step.
const TABLE: &str = "run_stats";

/// Register the table `traces`: the trace of each of `locations` that is kept.
///
/// # Errors
/// `query.invalid` if the session does not take the table.
pub(super) fn register_traces(ctx: &SessionContext, traces: &[(String, String)]) -> Result<()> {
    let column = |of: fn(&(String, String)) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(traces.iter().map(of)))
    };
    let columns =
        [("location", column(|(location, _)| location)), ("trace_id", column(|(_, trace)| trace))];
    let batch = RecordBatch::try_from_iter(columns).map_err(|e| query_error(e.into()))?;
    ctx.deregister_table("traces").map_err(query_error)?;
    ctx.register_batch("traces", batch).map(|_| ()).map_err(query_error)
}

/// Register the traces of sources that are kept by now.
///
/// # Errors
/// As [`register_traces`].
pub(super) fn register_kept_traces(
    ctx: &SessionContext,
    log: &TraceLog,
    locations: Vec<String>,
) -> Result<()> {
    let kept = locations.into_iter().filter_map(|location| {
        let trace = log.of_source(&location).filter(|trace| log.keeps(*trace))?;
        Some((location, trace.to_string()))
    });
    register_traces(ctx, &kept.collect::<Vec<_>>())
}

/// Write the table of the run's metrics into its shard, and the records of its rows beside the results.
///
/// # Errors
/// `store.write`.
pub(super) async fn write(
    statements: &Statements,
    monitor: &RunMonitor,
    root: &DatasetRoot,
    writer: &mut ShardWriter,
) -> Result<()> {
    monitor.written(writer.tables().iter().map(|(name, entry)| (name.as_str(), entry)));
    // Metrics that do not make a table are no reason to lose the run.
    let batch = monitor.stats().unwrap_or_else(|e| {
        tracing::warn!(code = %e.code(), "the run's metrics are not kept: {e}");
        RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::new(RunStat::fields())))
    });
    let frame = statements.ctx.read_batch(batch).map_err(query_error)?;
    let entry = statements::write(frame, TABLE, statements.file(TABLE)).await?;
    writer.add(TABLE, entry);
    statements.register(TABLE).await?;
    if let DatasetRoot::Folder(folder) = root {
        write_rows(folder, &monitor.run_id, &monitor.telemetry.rows.rows());
    }
    Ok(())
}
