//! Which file, column and row a fault is in, once it is known that there is one.
//!
//! Files are read in pieces and in any order, so that a piece does not know its rows' numbers. The files
//! are then read once more, from the first row on, until the fault is met.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use futures::TryStreamExt;

use super::FileKind;
use super::scan::GroupScan;
use super::steps::{Fault, Steps};
use crate::error::{Error, ErrorCode};
use crate::query::query_error;

/// The first fault of the files, as an error that names file, column and row; `error` if none is met.
pub(super) async fn located(
    scan: &GroupScan,
    steps: &Steps,
    context: Arc<TaskContext>,
    error: DataFusionError,
) -> DataFusionError {
    for file in &scan.files {
        let name = scan.shown(file);
        let found = match rows(scan, steps, file, &context, None).await {
            // The reader of JSON tells no row: the one at which it stops is found one by one.
            Err(Stop::Read(_, _)) if scan.kind == FileKind::Json => {
                rows(scan, steps, file, &context, Some(1)).await
            }
            found => found,
        };
        let error = match found {
            Ok(()) => continue,
            Err(Stop::Cell(row, fault)) => {
                let mut sentence = sentence(name, row, &fault);
                if fault.is_of_row() && steps.can_skip() {
                    sentence += "; mend it, or set bad_rows to skip to leave such rows out";
                }
                let mut error = Error::new(ErrorCode::InputColumn, sentence);
                if fault.is_of_row() && steps.can_skip() {
                    error = error.about("bad_rows");
                }
                if fault.cell.why.contains("time_unit") { error.about("time_unit") } else { error }
            }
            Err(Stop::Read(row, cause)) => {
                let cause = query_error(cause);
                // The reader of CSV names the line itself.
                let at = match scan.kind {
                    FileKind::Json => format!("row {} of ", row + 1),
                    _ => String::new(),
                };
                Error::new(
                    ErrorCode::InputUnreadable,
                    format!("cannot read {at}{name} ({})", cause.message()),
                )
            }
        };
        return DataFusionError::External(Box::new(error));
    }
    error
}

/// A sentence about a cell of a row, counted from 1.
pub(super) fn sentence(file: &str, row: usize, Fault { column, cell }: &Fault) -> String {
    format!("the column {column} of row {row} in {file} is {cell}")
}

/// Why reading stops.
enum Stop {
    /// At a cell of a row, counted from 1.
    Cell(usize, Fault),
    /// After so many rows.
    Read(usize, DataFusionError),
}

async fn rows(
    scan: &GroupScan,
    steps: &Steps,
    file: &datafusion::datasource::listing::PartitionedFile,
    context: &Arc<TaskContext>,
    batch_size: Option<usize>,
) -> std::result::Result<(), Stop> {
    let mut before = 0;
    let start = || -> Result<_> {
        scan.plan_file(file, steps.read.clone(), batch_size)?.execute(0, Arc::clone(context))
    };
    let mut stream = start().map_err(|e| Stop::Read(0, e))?;
    loop {
        let batch: Option<RecordBatch> =
            stream.try_next().await.map_err(|e| Stop::Read(before, e))?;
        let Some(batch) = batch else { return Ok(()) };
        if let Err(fault) = steps.apply(&batch) {
            return Err(Stop::Cell(before + fault.cell.row + 1, fault));
        }
        before += batch.num_rows();
    }
}
