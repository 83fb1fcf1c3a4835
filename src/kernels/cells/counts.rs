//! Counts, which are whole, not negative and below 2⁶³; and seconds, which are finite.

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Float64Builder, Int64Array, Int64Builder,
};
use arrow::compute::{cast, min};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};

use super::{BadCell, Cells, each_text, plain};

const NEGATIVE: &str = "is negative; a count is 0 or more";
const FRACTION: &str = "is no whole number; a count has no fraction";
const TOO_LARGE: &str = "is more than a count can be (2^63 - 1)";
const NO_NUMBER: &str = "is no number; write digits alone, as 1234";
const NOT_FINITE: &str = "is no finite number; leave the cell empty where nothing was measured";
const NEGATIVE_SECONDS: &str = "is negative; seconds are 0 or more";
const INEXACT: &str = "has more digits than a number with a fraction keeps";

/// 2⁶³.
const LIMIT: f64 = 9_223_372_036_854_775_808.0;
/// Whole numbers up to here are exact as floats.
pub(super) const EXACT: i64 = 1 << 53;

/// The counts that a column holds, however its numbers are stored or written (`12`, `12.0`, `1.2e1`).
///
/// # Errors
/// The first cell that is no count.
pub fn counts(column: &ArrayRef) -> Cells<Int64Array> {
    let column = &plain(column);
    match column.data_type() {
        DataType::Null => Ok(Int64Array::new_null(column.len())),
        DataType::UInt64 => {
            let counts = column.as_primitive::<UInt64Type>();
            let large = |i: &usize| counts.is_valid(*i) && counts.value(*i) > i64::MAX as u64;
            match (0..counts.len()).find(large) {
                Some(row) => Err(BadCell::new(row, counts.value(row), TOO_LARGE)),
                None => Ok(counts.unary(|count| count as i64)),
            }
        }
        integer if integer.is_integer() => {
            let counts = as_type::<Int64Type>(column, &DataType::Int64)?;
            if min(&counts).is_none_or(|least| least >= 0) {
                return Ok(counts);
            }
            let negative = |i: &usize| counts.is_valid(*i) && counts.value(*i) < 0;
            let row = (0..counts.len()).find(negative).unwrap_or_default();
            Err(BadCell::new(row, counts.value(row), NEGATIVE))
        }
        float if float.is_floating() => of_floats(&as_type(column, &DataType::Float64)?),
        _ => {
            let mut counts = Int64Builder::with_capacity(column.len());
            each_text(column, |row, text| {
                let count = text.map(count_of).transpose();
                counts.append_option(count.map_err(|why| cell(row, text, why))?);
                Ok(())
            })?;
            Ok(counts.finish())
        }
    }
}

/// The seconds that a column holds: finite, not negative.
///
/// # Errors
/// The first cell that holds none.
pub fn seconds(column: &ArrayRef) -> Cells<Float64Array> {
    values(column, |_| true)
}

/// The numbers that a column holds. Those of the rows that `are_seconds` are seconds; of the others NaN
/// is a missing number, and any finite number is one.
///
/// # Errors
/// The first cell that is no finite number, or negative seconds.
pub fn values(column: &ArrayRef, are_seconds: impl Fn(usize) -> bool) -> Cells<Float64Array> {
    let column = &plain(column);
    let check = |row: usize, number: f64| {
        if number.is_nan() && !are_seconds(row) {
            return Ok(None);
        }
        if !number.is_finite() {
            return Err(BadCell::new(row, number, NOT_FINITE));
        }
        if number < 0.0 && are_seconds(row) {
            return Err(BadCell::new(row, number, NEGATIVE_SECONDS));
        }
        Ok(Some(number))
    };
    if !column.data_type().is_integer() && !column.data_type().is_floating() {
        let mut numbers = Float64Builder::with_capacity(column.len());
        each_text(column, |row, text| {
            let number =
                text.map(|text| text.parse().map_err(|_| cell(row, Some(text), NO_NUMBER)));
            let number = number.transpose()?.map(|number| check(row, number)).transpose()?;
            numbers.append_option(number.flatten());
            Ok(())
        })?;
        return Ok(numbers.finish());
    }
    let numbers = as_type::<Float64Type>(column, &DataType::Float64)?;
    // Clean columns, which most are, are passed on without a copy.
    let is_plain = |number: &f64| number.is_finite() && *number >= 0.0;
    if numbers.values().iter().all(is_plain) {
        return Ok(numbers);
    }
    let checked = numbers.iter().enumerate().map(|(row, number)| match number {
        Some(number) => check(row, number),
        None => Ok(None),
    });
    checked.collect()
}

/// Whole numbers as floats, each exactly.
///
/// # Errors
/// The first one that is not.
pub fn exact_floats(column: &ArrayRef) -> Cells<Float64Array> {
    if column.data_type().is_integer() {
        let wide = |i: &usize| {
            let whole = cast(&column.slice(*i, 1), &DataType::Int64).ok();
            let whole = whole.map(|w| w.as_primitive::<Int64Type>().clone());
            column.is_valid(*i)
                && whole.is_none_or(|w| w.is_null(0) || w.value(0).unsigned_abs() > EXACT as u64)
        };
        let narrow = matches!(column.data_type(), DataType::Int64 | DataType::UInt64);
        if narrow && let Some(row) = (0..column.len()).find(wide) {
            return Err(BadCell::new(row, shown(column, row), INEXACT));
        }
    }
    as_type(column, &DataType::Float64)
}

fn cell(row: usize, text: Option<&str>, why: &'static str) -> BadCell {
    BadCell::new(row, text.unwrap_or_default(), why)
}

fn shown(column: &ArrayRef, row: usize) -> String {
    let text = cast(&column.slice(row, 1), &DataType::Utf8).ok();
    text.map_or_else(String::new, |t| t.as_string::<i32>().value(0).to_owned())
}

/// A cast that cannot lose a value.
fn as_type<T: arrow::datatypes::ArrowPrimitiveType>(
    column: &ArrayRef,
    to: &DataType,
) -> Cells<arrow::array::PrimitiveArray<T>> {
    let cast = cast(column, to).map_err(|_| BadCell::new(0, column.data_type(), NO_NUMBER))?;
    Ok(cast.as_primitive::<T>().clone())
}

fn of_floats(numbers: &Float64Array) -> Cells<Int64Array> {
    let count = |(row, number): (usize, Option<f64>)| {
        let Some(number) = number else { return Ok(None) };
        let why = match number {
            n if !n.is_finite() => NOT_FINITE,
            n if n < 0.0 => NEGATIVE,
            n if n.fract() != 0.0 => FRACTION,
            n if n >= LIMIT => TOO_LARGE,
            n => return Ok(Some(n as i64)),
        };
        Err(BadCell::new(row, number, why))
    };
    numbers.iter().enumerate().map(count).collect()
}

/// The count that a text writes.
fn count_of(text: &str) -> Result<i64, &'static str> {
    let is_short = text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    if is_short {
        return text.parse().map_err(|_| NO_NUMBER);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| NO_NUMBER)?),
        None => (text, 0),
    };
    let is_negative = mantissa.starts_with('-');
    let digits = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if all().next().is_none() || !all().all(|b| b.is_ascii_digit()) {
        let is_known = ["nan", "inf", "infinity"].iter().any(|n| digits.eq_ignore_ascii_case(n));
        return Err(if is_known { NOT_FINITE } else { NO_NUMBER });
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    if is_negative {
        return Err(NEGATIVE);
    }
    // The digits, times ten to this.
    let power = i64::from(exponent) - fraction.len() as i64;
    let kept = if power < 0 {
        let (head, tail) =
            digits.split_at(digits.len().saturating_sub(power.unsigned_abs() as usize));
        if tail.bytes().any(|b| b != b'0') {
            return Err(FRACTION);
        }
        head.to_owned()
    } else if digits.len() as i64 + power > 19 {
        return Err(TOO_LARGE);
    } else {
        format!("{digits}{}", "0".repeat(power as usize))
    };
    kept.parse().map_err(|_| TOO_LARGE)
}
