//! Casts of columns to the types of the kernels.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray, StringArray};
use arrow::compute::{cast, concat};
use arrow::datatypes::{ArrowPrimitiveType, DataType};

use crate::error::{Error, ErrorCode, Result};
use crate::query::arguments::list_type;

/// An error about wrong arguments of a function.
pub(super) fn misused(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::QueryInvalid, message)
}

/// `column` as `to`, whatever type it has.
pub(super) fn as_type(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if column.data_type() == to {
        return Ok(ArrayRef::clone(column));
    }
    cast(column, to).map_err(|e| {
        misused(format!("a column of {} cannot be read as {to}: {e}", column.data_type()))
            .with_source(e)
    })
}

/// `column` as text, whatever string type it has.
pub(super) fn text(column: &ArrayRef) -> Result<StringArray> {
    Ok(as_type(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// `column` as numbers of one type, whatever numeric type it has.
pub(super) fn numbers<T: ArrowPrimitiveType>(column: &ArrayRef) -> Result<PrimitiveArray<T>> {
    Ok(as_type(column, &T::DATA_TYPE)?.as_primitive::<T>().clone())
}

/// `column` as lists of numbers.
pub(super) fn float_lists(column: &ArrayRef) -> Result<ListArray> {
    Ok(as_type(column, &list_type(DataType::Float64))?.as_list::<i32>().clone())
}

/// `column` as lists, of whatever items.
pub(super) fn lists(column: &ArrayRef) -> Result<ListArray> {
    column
        .as_list_opt::<i32>()
        .cloned()
        .ok_or_else(|| misused(format!("a column of {} holds no lists", column.data_type())))
}

/// What `of` gives for the rows of `columns`, called once for each run of rows with an equal `key`; without
/// keys, once for all of them with `None`.
pub(super) fn by_runs(
    key: Option<&ArrayRef>,
    columns: &[ArrayRef],
    of: impl Fn(Option<&str>, &[ArrayRef]) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    let Some(key) = key else { return of(None, columns) };
    let key = text(key)?;
    let at = |row: usize| key.is_valid(row).then(|| key.value(row));
    let mut runs: Vec<Range<usize>> = vec![];
    for row in 0..key.len() {
        match runs.last_mut() {
            Some(run) if at(run.start) == at(row) => run.end = row + 1,
            _ => runs.push(row..row + 1),
        }
    }
    if let [_] | [] = runs.as_slice() {
        return of((!key.is_empty()).then(|| at(0)).flatten(), columns);
    }
    let part = |run: &Range<usize>| {
        let slices: Vec<ArrayRef> = columns.iter().map(|c| c.slice(run.start, run.len())).collect();
        of(at(run.start), &slices)
    };
    let parts = runs.iter().map(part).collect::<Result<Vec<_>>>()?;
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    concat(&parts).map_err(|e| misused(format!("parts of a column do not fit: {e}")).with_source(e))
}
