//! Turns the result or error of work into the columns of its rows.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, new_null_array,
};

use super::Work;
use crate::error::{Error, ErrorCode, Result};

/// Result of some rows that were run together.
#[derive(Debug)]
pub(super) struct RowsOutcome {
    /// The work's columns, or the error that stands for all the rows.
    pub(super) result: Result<Vec<ArrayRef>>,
    /// Number of runs.
    pub(super) attempts: i64,
    /// Seconds for all rows together.
    pub(super) elapsed: f64,
}

/// The columns of `rows`, those of the work (NULL after an error), and the outcome columns. The elapsed
/// seconds are divided equally among the rows.
///
/// # Errors
/// `internal` if the work broke its contract.
pub(super) fn finish_rows(
    work: &dyn Work,
    rows: &RecordBatch,
    outcome: RowsOutcome,
) -> Result<Vec<ArrayRef>> {
    let count = rows.num_rows();
    let (added, code, message) = match outcome.result {
        Ok(added) => (added, None, None),
        Err(e) => {
            let nulls = |f: &arrow::datatypes::Field| new_null_array(f.data_type(), count);
            let nulls = work.output_fields().iter().map(nulls).collect();
            (nulls, Some(e.code().as_str()), Some(e.message().to_owned()))
        }
    };
    check_columns(work, count, &added)?;
    let share = outcome.elapsed / count.max(1) as f64;
    let mut columns = rows.columns().to_vec();
    columns.extend(added);
    columns.push(Arc::new(StringArray::from_iter(std::iter::repeat_n(code, count))));
    columns.push(Arc::new(StringArray::from_iter(std::iter::repeat_n(message.as_deref(), count))));
    columns.push(Arc::new(Int64Array::from_value(outcome.attempts, count)));
    columns.push(Arc::new(Float64Array::from_value(share, count)));
    Ok(columns)
}

/// Checks that `columns` have the number, types and length that `work` declares for `rows` rows.
///
/// # Errors
/// `internal`.
pub(super) fn check_columns(work: &dyn Work, rows: usize, columns: &[ArrayRef]) -> Result<()> {
    let fields = work.output_fields();
    let fits = columns.len() == fields.len()
        && columns
            .iter()
            .zip(&fields)
            .all(|(column, field)| column.len() == rows && column.data_type() == field.data_type());
    if fits {
        return Ok(());
    }
    let given: Vec<_> =
        columns.iter().map(|c| format!("{} × {}", c.len(), c.data_type())).collect();
    let promised: Vec<_> = fields.iter().map(|f| format!("{rows} × {}", f.data_type())).collect();
    Err(Error::new(
        ErrorCode::Internal,
        format!(
            "the work {} returned the columns [{}] but declares [{}]; correct its output_fields or its run",
            work.name(),
            given.join(", "),
            promised.join(", ")
        ),
    ))
}
