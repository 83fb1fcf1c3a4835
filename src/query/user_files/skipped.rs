//! Rows that are left out because a cell does not fit its column.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use futures::TryStreamExt;

use super::locate::sentence;
use super::notes::EventNotes;
use super::scan::GroupScan;
use super::steps::{Fault, Reading, Steps};

/// Bad cells that are named.
const NAMED: usize = 5;

impl Steps {
    /// Whether a bad cell can cost its row alone: columns of the user's own have none.
    pub(super) fn can_skip(&self) -> bool {
        self.horizon.is_some()
    }

    /// The typed columns of a batch, and how many rows were left out.
    pub(super) fn read(
        &self,
        batch: &RecordBatch,
    ) -> std::result::Result<(RecordBatch, u64), Fault> {
        let fault = match self.apply(batch) {
            Ok(typed) => return Ok((typed, 0)),
            Err(fault) if !self.skips => return Err(fault),
            Err(fault) => fault,
        };
        let (mut good, mut bad) = (vec![], vec![]);
        self.part(batch, 0, Err(fault), &mut good, &mut bad)?;
        let typed = concat_batches(&self.schema, &good).map_err(|e| Fault::of_batch(&e))?;
        Ok((typed, bad.len() as u64))
    }

    /// Part a batch, whose first row is row `first`, into stretches of good rows and bad cells. `found` is
    /// what reading the whole of it gives. Each stretch before a bad cell is good in its column and those
    /// before, so that no row is read more often than there are columns.
    fn part(
        &self,
        batch: &RecordBatch,
        first: usize,
        found: std::result::Result<RecordBatch, Fault>,
        good: &mut Vec<RecordBatch>,
        bad: &mut Vec<(usize, Fault)>,
    ) -> std::result::Result<(), Fault> {
        let (mut from, mut found) = (0, found);
        loop {
            let fault = match found {
                Ok(typed) => {
                    good.push(typed);
                    return Ok(());
                }
                Err(fault) if !fault.is_of_row() => return Err(fault),
                Err(fault) => fault,
            };
            let at = from + fault.cell.row;
            let before = batch.slice(from, fault.cell.row);
            let typed = self.apply(&before);
            self.part(&before, first + from, typed, good, bad)?;
            bad.push((first + at, fault));
            from = at + 1;
            found = self.apply(&batch.slice(from, batch.num_rows() - from));
        }
    }
}

/// Count rows that were left out, and name the first of them once a reading.
pub(super) async fn note_skipped(
    scan: &GroupScan,
    steps: &Steps,
    context: Arc<TaskContext>,
    rows: u64,
    (reading, notes): (&Reading, Option<Arc<EventNotes>>),
) {
    let before = reading.skipped.fetch_add(rows, Ordering::Relaxed);
    let Some(notes) = notes else {
        tracing::warn!(rows, "rows with a cell that does not fit its column are left out");
        return;
    };
    notes.note_skipped(before + rows);
    if before == 0 && notes.bad_cells().is_empty() {
        let named = bad_cells(scan, steps, context).await;
        // A file that cannot be read any more is an error of the reading itself.
        notes.note_bad_cells(named.unwrap_or_default());
    }
}

/// Sentences about the first bad cells of the files.
async fn bad_cells(
    scan: &GroupScan,
    steps: &Steps,
    context: Arc<TaskContext>,
) -> Result<Vec<String>> {
    let mut named = vec![];
    for file in &scan.files {
        let name = scan.shown(file);
        let plan = scan.plan_file(file, steps.read.clone(), None)?;
        let mut stream = plan.execute(0, Arc::clone(&context))?;
        let mut before = 0;
        while let Some(batch) = stream.try_next().await? {
            let (mut good, mut bad) = (vec![], vec![]);
            if steps.part(&batch, before, steps.apply(&batch), &mut good, &mut bad).is_err() {
                return Ok(named);
            }
            named.extend(bad.iter().map(|(row, fault)| sentence(name, row + 1, fault)));
            if named.len() >= NAMED {
                named.truncate(NAMED);
                return Ok(named);
            }
            before += batch.num_rows();
        }
    }
    Ok(named)
}
