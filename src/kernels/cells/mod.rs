//! Cells of a user's table as counts, seconds, days, times and ids: one rule for every file format.
//!
//! A cell is read without loss or not at all: what does not fit is a [`BadCell`], never a rounded,
//! clamped or missing value. Empty text and text of spaces is a missing value everywhere.

mod counts;
mod texts;
mod times;

#[cfg(test)]
mod tests;

use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

pub use counts::{counts, exact_floats, seconds, values};
pub use texts::{ids, texts};
pub use times::{Clock, EpochUnit, Zone, days, times};

/// A cell that does not hold what its column is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCell {
    /// Its row in the array, from 0.
    pub row: usize,
    /// What it holds.
    pub text: String,
    /// What is wrong with it, as the end of a sentence: "is negative".
    pub why: &'static str,
}

impl BadCell {
    fn new(row: usize, text: impl fmt::Display, why: &'static str) -> Self {
        Self { row, text: text.to_string(), why }
    }
}

impl fmt::Display for BadCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, which {}", self.text, self.why)
    }
}

/// The outcome of reading a column's cells.
pub type Cells<T> = Result<T, BadCell>;

/// Whether a type is one of the three of text.
pub fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// A dictionary's values row by row; any other column as it is.
fn plain(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Dictionary(_, value) => {
            cast(column, value).unwrap_or_else(|_| ArrayRef::clone(column))
        }
        _ => ArrayRef::clone(column),
    }
}

/// Calls `each` with every cell as text, `None` where it is missing or empty.
fn each_text(
    column: &ArrayRef,
    mut each: impl FnMut(usize, Option<&str>) -> Cells<()>,
) -> Cells<()> {
    let mut give = |row: usize, text: Option<&str>| {
        each(row, text.map(str::trim).filter(|text| !text.is_empty()))
    };
    match column.data_type() {
        DataType::Utf8 => {
            column.as_string::<i32>().iter().enumerate().try_for_each(|(i, t)| give(i, t))
        }
        DataType::LargeUtf8 => {
            column.as_string::<i64>().iter().enumerate().try_for_each(|(i, t)| give(i, t))
        }
        DataType::Utf8View => {
            column.as_string_view().iter().enumerate().try_for_each(|(i, t)| give(i, t))
        }
        _ => match cast(column, &DataType::Utf8) {
            Ok(texts) => {
                texts.as_string::<i32>().iter().enumerate().try_for_each(|(i, t)| give(i, t))
            }
            Err(_) => (0..column.len()).find(|row| column.is_valid(*row)).map_or(Ok(()), |row| {
                Err(BadCell::new(row, column.data_type(), "is no single value"))
            }),
        },
    }
}
