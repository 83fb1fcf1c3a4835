//! `clipflow performance`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;

use super::args::PerformanceArgs;
use super::{OK, print};
use crate::analytics::{self, PerformanceQuery, left_out_rows};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::query::output::OutputFormat;
use crate::query::query_error;

pub(super) async fn performance(args: PerformanceArgs, parallel: ParallelConfig) -> Result<u8> {
    let query = PerformanceQuery {
        results: args.dir.as_ref().map(Into::into),
        events: (&args.events.events).into(),
        metrics: args.metrics.iter().map(|m| m.trim().to_owned()).collect(),
        by: args.by.iter().map(|b| b.trim().to_owned()).collect(),
        lag_hours: args.events.lag_hours,
        reading: args.events.reading.options()?,
        tables: args.tables.tables,
        parallel,
    };
    let performance = analytics::performance(&query).await?;
    let mut frame = performance.frame.clone();
    let is_table = args.output.format()? == OutputFormat::Table;
    if is_table {
        // Printed once, below the table; repeated in each row it would fill most of it.
        frame = frame.drop_columns(&["definitions"]).map_err(query_error)?;
    }
    let stream = frame.execute_stream().await.map_err(query_error)?;
    let left_out = Arc::new(AtomicI64::new(0));
    let (schema, counter) = (stream.schema(), Arc::clone(&left_out));
    let stream = stream.inspect_ok(move |batch| {
        counter.fetch_add(left_out_rows(batch), Ordering::Relaxed);
    });
    let stream = Box::pin(RecordBatchStreamAdapter::new(schema, stream));
    print::rows(stream, &args.output).await?;
    if is_table {
        performance.definitions.iter().for_each(|definition| print::notice(definition));
    }
    performance.remarks().iter().for_each(|remark| print::notice(remark));
    let left_out = left_out.load(Ordering::Relaxed);
    performance.warnings(left_out).iter().for_each(|warning| print::warning(warning));
    Ok(OK)
}
