//! Texts without the space around them, and ids exactly as they are written.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};

use super::counts::EXACT;
use super::{BadCell, Cells, plain};

const NO_ID: &str = "is a number with a fraction, or too large to be exact; write ids as text";

/// Texts without the space around them; an empty one is missing. Other types pass as they are.
pub fn texts(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            if texts.iter().all(is_clean) {
                return ArrayRef::clone(column);
            }
            Arc::new(texts.iter().map(cleaned).collect::<StringArray>())
        }
        DataType::Utf8View => {
            let texts = column.as_string_view();
            if texts.iter().all(is_clean) {
                return ArrayRef::clone(column);
            }
            Arc::new(texts.iter().map(cleaned).collect::<StringViewArray>())
        }
        DataType::LargeUtf8 => {
            let texts = column.as_string::<i64>();
            if texts.iter().all(is_clean) {
                return ArrayRef::clone(column);
            }
            Arc::new(texts.iter().map(cleaned).collect::<arrow::array::LargeStringArray>())
        }
        DataType::Dictionary(_, value) if super::is_text(value) => {
            let values = column.as_any_dictionary().values();
            if Arc::ptr_eq(&texts(values), values) {
                ArrayRef::clone(column)
            } else {
                texts(&plain(column))
            }
        }
        _ => ArrayRef::clone(column),
    }
}

/// Ids: whole numbers and texts as they are. A float that is whole and exact is that number, as a table
/// library stores whole numbers beside missing ones; NaN is then a missing one.
///
/// # Errors
/// The first float that is neither.
pub fn ids(column: &ArrayRef) -> Cells<ArrayRef> {
    if !column.data_type().is_floating() {
        return Ok(texts(column));
    }
    let floats = cast(column, &DataType::Float64).map_err(|_| BadCell::new(0, "", NO_ID))?;
    let id = |(row, number): (usize, Option<f64>)| match number {
        Some(n) if n.is_nan() => Ok(None),
        Some(n) if n.fract() != 0.0 || n.abs() > EXACT as f64 => Err(BadCell::new(row, n, NO_ID)),
        Some(n) => Ok(Some((n as i64).to_string())),
        None => Ok(None),
    };
    let ids = floats.as_primitive::<Float64Type>().iter().enumerate().map(id);
    Ok(Arc::new(ids.collect::<Cells<StringArray>>()?))
}

#[inline]
fn is_clean(text: Option<&str>) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_graphic());
    text.is_none_or(|text| {
        let bytes = text.as_bytes();
        // Space beyond ASCII is rare: such texts are looked at closely.
        (edge(bytes.first()) && edge(bytes.last()))
            || (!text.is_empty() && text.trim().len() == text.len())
    })
}

fn cleaned(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
