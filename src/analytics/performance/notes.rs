//! What a reader of the figures should know: what was left out, renamed or is not known.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::sum;
use arrow::datatypes::Int64Type;

use super::Performance;
use crate::query::EventNotes;
use crate::query::events::EventTable;
use crate::query::rollup::UnknownEvents;

/// What reading the events has found; complete when the plan has run.
pub(super) struct Reading {
    pub(super) table: EventTable,
    pub(super) unknown: Arc<UnknownEvents>,
    pub(super) notes: Arc<EventNotes>,
    /// How often the plan reads the events.
    pub(super) passes: u64,
    /// Whether events are left out by their time.
    pub(super) is_bound: bool,
    pub(super) lag_hours: f64,
    /// Sentences about metrics that cannot be told from these events.
    pub(super) blank: Vec<String>,
    /// Columns of the events that the query does not use.
    pub(super) unused: Vec<String>,
    /// The metrics that rows are left out of, and what they need.
    pub(super) left_out: String,
}

/// Rows of `batch` that report some part of a metric and not all, as its column says.
pub fn left_out_rows(batch: &RecordBatch) -> i64 {
    let column = batch.column_by_name("left_out").and_then(|c| c.as_primitive_opt::<Int64Type>());
    column.and_then(sum).unwrap_or_default()
}

impl Performance {
    /// The registered events.
    pub(in crate::analytics) fn events(&self) -> &EventTable {
        &self.reading.table
    }

    /// Names of event kinds that are not known and so were not counted, with the number of their rows;
    /// complete when the plan has run.
    pub fn unknown_events(&self) -> BTreeMap<String, u64> {
        let names = self.reading.unknown.get();
        names.into_iter().map(|(name, rows)| (name, rows / self.reading.passes.max(1))).collect()
    }

    /// Sentences about what was left out, renamed or is not known, once the plan has run; `left_out` are the
    /// rows that the answer's column of that name adds up to.
    pub fn warnings(&self, left_out: i64) -> Vec<String> {
        let reading = &self.reading;
        let mut warnings = reading.table.notes.clone();
        warnings.extend(reading.blank.clone());
        warnings.extend(reading.notes.about_skipped());
        let unknown = self.unknown_events();
        let rows: u64 = unknown.values().sum();
        if rows > 0 {
            let names: Vec<String> =
                unknown.iter().map(|(name, rows)| format!("{name} ({rows})")).collect();
            warnings.push(format!(
                "{rows} rows are of event kinds that are not known and are in no figure: {}",
                names.join(", ")
            ));
        }
        if left_out > 0 {
            warnings.push(format!(
                "{left_out} rows report a part of a metric and not all, and are left out of it (column left_out): {}",
                reading.left_out
            ));
        }
        let unmeasured = reading.notes.unmeasured() / reading.passes.max(1);
        if unmeasured > 0 {
            warnings.push(format!(
                "{unmeasured} events watch_seconds have no value and add nothing to the seconds watched"
            ));
        }
        warnings.extend(self.about_times());
        warnings
    }

    /// Sentences about what the query does not use and could.
    pub fn remarks(&self) -> Vec<String> {
        let unused = &self.reading.unused;
        let sentence = || {
            format!(
                "columns of the events that are in no metric: {}; group by them, or set columns, as in plays=views, if they are figures by another name",
                unused.join(", ")
            )
        };
        (!unused.is_empty()).then(sentence).into_iter().collect()
    }

    fn about_times(&self) -> Vec<String> {
        let Reading { table, notes, is_bound, lag_hours, .. } = &self.reading;
        let time = |micros: i64| {
            chrono::DateTime::from_timestamp_micros(micros)
                .map_or_else(|| micros.to_string(), |t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        };
        let mut sentences = vec![];
        let stray = notes.stray();
        if stray.rows > 0 {
            let what = if *is_bound { "are left out" } else { "count, but in no hours" };
            sentences.push(format!(
                "{} rows are of a time after {}, the last of {}; they {what}",
                stray.rows,
                time(table.options.horizon()),
                time(stray.latest)
            ));
        }
        if *is_bound && notes.untimed() > 0 {
            sentences.push(format!("{} rows have no time and are left out", notes.untimed()));
        }
        if *lag_hours > 0.0 && table.options.as_of.is_none() {
            sentences.push(format!(
                "lag_hours counts from now, so that events until {} count; if the file is of an earlier time, set as_of to it",
                time(table.cut(*lag_hours))
            ));
        }
        sentences
    }
}
