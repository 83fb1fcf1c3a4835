//! How the columns of a table are made of those that files have, cell by cell.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, Scalar, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::kernels::cmp::gt;
use arrow::compute::{CastOptions, cast_with_options, max};
use arrow::datatypes::{DataType, SchemaRef};

use super::notes::{EventNotes, StrayTimes};
use super::role::Role;
use crate::kernels::cells::{self, BadCell, Cells, Clock};

/// A cell that does not fit its column.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) column: String,
    pub(super) cell: BadCell,
}

/// Faults of whole columns, which no row can be left out for.
const NO_BATCH: &str = "is no batch";
const OF_OTHERS: &str = "fits no column with the values of other files";

impl Fault {
    /// Of a batch as a whole.
    pub(super) fn of_batch(cause: &arrow::error::ArrowError) -> Self {
        let cell = BadCell { row: 0, text: cause.to_string(), why: NO_BATCH };
        Self { column: String::new(), cell }
    }

    /// Whether its row is known.
    pub(super) fn is_of_row(&self) -> bool {
        ![NO_BATCH, OF_OTHERS].contains(&self.cell.why)
    }
}

/// How one column is made.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// Its name in the files, for errors.
    pub(super) name: String,
    pub(super) role: Role,
    /// Its place among the columns read; `None`: the files do not have it.
    pub(super) from: Option<usize>,
    /// The place of the column that says which event a row is, for values.
    pub(super) event: Option<usize>,
}

/// How the columns of a table are made of those read.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    /// Columns of the scan that are read.
    pub(super) read: Vec<usize>,
    pub(super) steps: Vec<Step>,
    /// Columns that are read only to leave out rows, with their types.
    pub(super) checked: Vec<(Step, DataType)>,
    /// Whether rows with a bad cell are left out.
    pub(super) skips: bool,
    pub(super) schema: SchemaRef,
    pub(super) clock: Clock,
    /// The last moment, in microseconds since 1970, that an event can be of.
    pub(super) horizon: Option<i64>,
}

impl Steps {
    /// The typed columns of a batch of the scan.
    pub(super) fn apply(&self, batch: &RecordBatch) -> std::result::Result<RecordBatch, Fault> {
        let rows = batch.num_rows();
        let mut columns = Vec::with_capacity(self.steps.len());
        for (step, field) in self.steps.iter().zip(self.schema.fields()) {
            let column = match step.from {
                None => Ok(new_null_array(field.data_type(), rows)),
                Some(at) => self.typed(batch, batch.column(at), step, field.data_type()),
            };
            columns.push(column.map_err(|cell| Fault { column: step.name.clone(), cell })?);
        }
        for (step, data_type) in &self.checked {
            if let Some(at) = step.from {
                self.typed(batch, batch.column(at), step, data_type)
                    .map_err(|cell| Fault { column: step.name.clone(), cell })?;
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|e| Fault::of_batch(&e))
    }

    fn typed(
        &self,
        batch: &RecordBatch,
        column: &ArrayRef,
        step: &Step,
        to: &DataType,
    ) -> Cells<ArrayRef> {
        let typed: ArrayRef = match step.role {
            Role::Count => Arc::new(cells::counts(column)?),
            Role::Seconds => Arc::new(cells::seconds(column)?),
            Role::Value => {
                let watched = OnceCell::new();
                let are_seconds = |row: usize| {
                    let watched = watched.get_or_init(|| {
                        step.event.and_then(|event| are_watch_seconds(batch.column(event)))
                    });
                    watched.as_ref().is_some_and(|w: &BooleanArray| w.is_valid(row) && w.value(row))
                };
                Arc::new(cells::values(column, are_seconds)?)
            }
            Role::Day => Arc::new(cells::days(column, self.clock)?),
            Role::Time => Arc::new(cells::times(column, self.clock)?),
            Role::Id => cells::ids(column)?,
            Role::Own | Role::Plain
                if *to == DataType::Float64 && column.data_type().is_integer() =>
            {
                Arc::new(cells::exact_floats(column)?)
            }
            Role::Own | Role::Plain => cells::texts(column),
        };
        if typed.data_type() == to {
            return Ok(typed);
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(&typed, to, &strict).map_err(|e| BadCell {
            row: 0,
            text: e.to_string(),
            why: OF_OTHERS,
        })
    }
}

/// Whether each event is one of seconds watched.
fn are_watch_seconds(events: &ArrayRef) -> Option<BooleanArray> {
    let events = arrow::compute::cast(events, &DataType::Utf8).ok()?;
    let wanted = Scalar::new(StringArray::from(vec!["watch_seconds"]));
    arrow::compute::kernels::cmp::eq(events.as_string::<i32>(), &wanted).ok()
}

/// What one reading of all files has found.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) rows: AtomicU64,
    pub(super) untimed: AtomicU64,
    pub(super) latest: AtomicI64,
    pub(super) skipped: AtomicU64,
}

impl Steps {
    /// Note times after the horizon.
    pub(super) fn note_stray(&self, batch: &RecordBatch, reading: &Reading, notes: &EventNotes) {
        let Some(horizon) = self.horizon else { return };
        let timed = self.steps.iter().zip(batch.columns());
        for (_, column) in timed.filter(|(step, _)| matches!(step.role, Role::Time | Role::Day)) {
            let Ok(times) = arrow::compute::cast(
                column,
                &DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
            ) else {
                continue;
            };
            if column.null_count() > 0 {
                let rows = column.null_count() as u64;
                notes.note_untimed(reading.untimed.fetch_add(rows, Ordering::Relaxed) + rows);
            }
            let times = times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
            let Some(latest) = max(times).filter(|latest| *latest > horizon) else { continue };
            let limit = Scalar::new(TimestampMicrosecondArray::from(vec![horizon]));
            let rows = gt(times, &limit).map_or(0, |after| after.true_count() as u64);
            let rows = reading.rows.fetch_add(rows, Ordering::Relaxed) + rows;
            let latest = reading.latest.fetch_max(latest, Ordering::Relaxed).max(latest);
            notes.note_stray(StrayTimes { rows, latest });
        }
    }
}
