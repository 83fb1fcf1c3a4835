//! `platform_metrics`: what a platform means by a figure, and since when.
//!
//! Rules of platforms change; a figure is read with the rule of its day. The table is data
//! (`sql/analytics/platform_metrics.csv`), built in.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use arrow::datatypes::Schema;

use super::Column;
use super::column::{Day, columns, fields_of};
use crate::error::{Error, ErrorCode, Result};

/// Its name in SQL.
pub const NAME: &str = "platform_metrics";

const ROWS: &str = include_str!("../../sql/analytics/platform_metrics.csv");

/// The columns.
pub const COLUMNS: &[Column] = columns! {
    /// As in `variants`; `any`: every platform.
    platform: String,
    /// A figure of daily aggregates or a metric.
    metric: String,
    /// First day of this meaning; NULL: since it is counted.
    valid_from: Option<Day>,
    /// Last day of it; NULL: still.
    valid_to: Option<Day>,
    /// Whether a second play by the same viewer counts; NULL where that is no question.
    counts_replays: Option<bool>,
    /// What an empty cell says: never that the figure is 0.
    empty_means: String,
    /// Hours until the platform's figure is complete.
    lag_hours: i64,
    /// How the platform defines the figure.
    definition: String,
};

/// All rows.
///
/// # Errors
/// `internal` if the built-in table does not fit its columns.
pub fn table() -> Result<RecordBatch> {
    let fault = |cause: String| {
        Error::new(
            ErrorCode::Internal,
            format!("the table of platform metrics is broken ({cause})"),
        )
    };
    let reader = ReaderBuilder::new(Arc::new(Schema::new(fields_of(COLUMNS))))
        .with_header(true)
        .build(Cursor::new(ROWS))
        .map_err(|e| fault(e.to_string()))?;
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|e| fault(e.to_string()))?;
    match batches.as_slice() {
        [only] => Ok(only.clone()),
        _ => Err(fault(format!("{} batches", batches.len()))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Date32Type;

    use super::*;

    #[test]
    fn no_day_has_two_meanings_of_one_figure() {
        let rows = table().unwrap();
        let (platforms, metrics) =
            (rows.column(0).as_string::<i32>(), rows.column(1).as_string::<i32>());
        let (from, to) = (
            rows.column(2).as_primitive::<Date32Type>(),
            rows.column(3).as_primitive::<Date32Type>(),
        );
        let mut spans: BTreeMap<(&str, &str), Vec<(i32, i32)>> = BTreeMap::new();
        for row in 0..rows.num_rows() {
            let first = if from.is_valid(row) { from.value(row) } else { i32::MIN };
            let last = if to.is_valid(row) { to.value(row) } else { i32::MAX };
            assert!(first <= last);
            spans
                .entry((platforms.value(row), metrics.value(row)))
                .or_default()
                .push((first, last));
        }
        for (figure, mut spans) in spans {
            spans.sort_unstable();
            assert!(spans.windows(2).all(|two| two[0].1 < two[1].0), "{figure:?}");
        }
        let replays = rows.column(4).as_boolean();
        let shorts = (0..rows.num_rows())
            .filter(|r| platforms.value(*r) == "shorts" && metrics.value(*r) == "views");
        assert_eq!(shorts.map(|r| replays.value(r)).collect::<Vec<_>>(), [false, true]);
    }
}
