//! Columns of the structs in lists.

use arrow::array::{Array, AsArray, Float64Array, ListArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};

use crate::error::{Error, ErrorCode, Result};

/// A numeric field of the structs in a list column; NULL becomes NaN, which is skipped.
pub(super) fn column(list: &ListArray, name: &str) -> Result<Float64Array> {
    let structs = list.values().as_struct_opt();
    let column = structs.and_then(|s| s.column_by_name(name)).ok_or_else(|| {
        column_error(format!("reframe_path needs a column {name} in signals or shots"))
    })?;
    let column = cast(column, &DataType::Float64).map_err(unreadable)?;
    let column = column.as_primitive::<Float64Type>();
    let nulls = NullBuffer::union(column.nulls(), list.values().nulls());
    if nulls.as_ref().is_none_or(|nulls| nulls.null_count() == 0) {
        return Ok(column.clone());
    }
    let there = |i: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(i));
    let numbers = (0..column.len()).map(|i| if there(i) { column.value(i) } else { f64::NAN });
    Ok(Float64Array::from_iter_values(numbers))
}

pub(super) fn values<'a>(list: &ListArray, column: &'a Float64Array, row: usize) -> &'a [f64] {
    let offsets = list.value_offsets();
    &column.values()[offsets[row] as usize..offsets[row + 1] as usize]
}

pub(super) fn column_error(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InputColumn, message)
}

pub(super) fn unreadable(cause: arrow::error::ArrowError) -> Error {
    column_error(format!("signals and shots cannot be read: {cause}")).with_source(cause)
}
