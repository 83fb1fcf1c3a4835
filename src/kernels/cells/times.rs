//! Days and times, whose zone and unit are stated and never guessed.

use std::fmt;
use std::str::FromStr;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Date32Builder, PrimitiveArray};
use arrow::array::{TimestampMicrosecondArray, TimestampMicrosecondBuilder};
use arrow::compute::cast;
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};

use super::{BadCell, Cells, each_text, plain};

const NO_DAY: &str = "is no day; give days such as 2026-05-01 or 20260501";
const NO_TIME: &str =
    "is no time; give times such as 2026-05-01T12:00:00 or 2026-05-01T12:00:00+02:00";
const NO_UNIT: &str = "is a number; give times such as 2026-05-01T12:00:00, or set time_unit to the unit of numbers: s, ms, us or ns";
const SKIPPED: &str = "does not exist in the stated time zone, whose clocks skip it";
const BEYOND: &str = "is beyond the times there are";

/// What a number that stands for a time counts since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl EpochUnit {
    /// Names of units, the first of each the one it is shown by.
    pub const NAMES: [(&'static str, &'static str, EpochUnit); 4] = [
        ("s", "seconds", Self::Seconds),
        ("ms", "milliseconds", Self::Milliseconds),
        ("us", "microseconds", Self::Microseconds),
        ("ns", "nanoseconds", Self::Nanoseconds),
    ];

    /// The unit of that name.
    pub fn parse(name: &str) -> Option<Self> {
        let is = |n: &str| n.eq_ignore_ascii_case(name.trim());
        Self::NAMES.into_iter().find(|(short, long, _)| is(short) || is(long)).map(|n| n.2)
    }

    fn per_second(self) -> i128 {
        match self {
            Self::Seconds => 1,
            Self::Milliseconds => 1000,
            Self::Microseconds => 1_000_000,
            Self::Nanoseconds => 1_000_000_000,
        }
    }
}

/// A time zone: of times that name none, and of days.
#[derive(Debug, Clone, Copy, Default)]
pub enum Zone {
    /// UTC.
    #[default]
    Utc,
    /// Another one.
    Named(Tz),
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utc => f.write_str("UTC"),
            Self::Named(zone) => write!(f, "{zone}"),
        }
    }
}

impl Zone {
    /// The zone of that name (`UTC`, `Europe/Berlin`, `+02:00`).
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        if ["utc", "z", "+00:00"].iter().any(|utc| utc.eq_ignore_ascii_case(name)) {
            return Some(Self::Utc);
        }
        Tz::from_str(name).ok().map(Self::Named)
    }

    /// The microsecond since 1970 of a local time; the first of two where clocks are set back.
    fn instant(self, local: NaiveDateTime) -> Result<i64, &'static str> {
        let zone = match self {
            Self::Utc => return Ok(local.and_utc().timestamp_micros()),
            Self::Named(zone) => zone,
        };
        match zone.from_local_datetime(&local) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => {
                Ok(time.timestamp_micros())
            }
            LocalResult::None => Err(SKIPPED),
        }
    }

    /// The day of an instant.
    fn day(self, micros: i64) -> Option<NaiveDate> {
        let time = DateTime::from_timestamp_micros(micros)?;
        Some(match self {
            Self::Utc => time.date_naive(),
            Self::Named(zone) => time.with_timezone(&zone).date_naive(),
        })
    }
}

/// How times are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// Unit of times that are numbers; `None`: they are refused.
    pub unit: Option<EpochUnit>,
    /// Zone of times that name none, and of days.
    pub zone: Zone,
}

/// The times of a column, in microseconds since 1970 in UTC.
///
/// # Errors
/// The first cell that is none.
pub fn times(column: &ArrayRef, clock: Clock) -> Cells<TimestampMicrosecondArray> {
    let column = &plain(column);
    match column.data_type() {
        DataType::Null => Ok(TimestampMicrosecondArray::new_null(column.len())),
        DataType::Timestamp(_, zone) => of_timestamps(column, zone.is_some(), clock.zone),
        DataType::Date32 | DataType::Date64 => of_timestamps(column, false, clock.zone),
        other if other.is_numeric() => {
            let mut times = TimestampMicrosecondBuilder::with_capacity(column.len());
            each_number(column, |row, number| {
                let time = number.map(|n| time_of_number(n, clock)).transpose();
                times.append_option(time.map_err(|why| bad(row, number, why))?);
                Ok(())
            })?;
            Ok(times.finish())
        }
        _ => {
            let mut times = TimestampMicrosecondBuilder::with_capacity(column.len());
            each_text(column, |row, text| {
                let time = text.map(|text| time_of_text(text, clock)).transpose();
                times.append_option(
                    time.map_err(|why| BadCell::new(row, text.unwrap_or_default(), why))?,
                );
                Ok(())
            })?;
            Ok(times.finish())
        }
    }
}

/// The days of a column; a time is of the day that it is in the clock's zone.
///
/// # Errors
/// The first cell that is none.
pub fn days(column: &ArrayRef, clock: Clock) -> Cells<Date32Array> {
    let column = &plain(column);
    let day_of = |micros: i64| clock.zone.day(micros).map(Date32Type::from_naive_date);
    match column.data_type() {
        DataType::Null => Ok(Date32Array::new_null(column.len())),
        DataType::Date32 => Ok(column.as_primitive::<Date32Type>().clone()),
        DataType::Date64 => {
            let days = cast(column, &DataType::Date32).map_err(|_| BadCell::new(0, "", NO_DAY))?;
            Ok(days.as_primitive::<Date32Type>().clone())
        }
        DataType::Timestamp(..) => {
            let times = times(column, clock)?;
            Ok(times.iter().map(|time| time.and_then(day_of)).collect())
        }
        other if other.is_numeric() => {
            let mut days = Date32Builder::with_capacity(column.len());
            each_number(column, |row, number| {
                let day = number.map(|n| day_of_number(n, clock)).transpose();
                days.append_option(day.map_err(|why| bad(row, number, why))?);
                Ok(())
            })?;
            Ok(days.finish())
        }
        _ => {
            let mut days = Date32Builder::with_capacity(column.len());
            each_text(column, |row, text| {
                let day = text.map(|text| day_of_text(text, clock)).transpose();
                days.append_option(
                    day.map_err(|why| BadCell::new(row, text.unwrap_or_default(), why))?,
                );
                Ok(())
            })?;
            Ok(days.finish())
        }
    }
}

/// A number of a cell, exactly.
#[derive(Debug, Clone, Copy)]
enum Number {
    Whole(i64),
    Float(f64),
}

fn bad(row: usize, number: Option<Number>, why: &'static str) -> BadCell {
    match number {
        Some(Number::Whole(n)) => BadCell::new(row, n, why),
        Some(Number::Float(n)) => BadCell::new(row, n, why),
        None => BadCell::new(row, "", why),
    }
}

fn each_number(
    column: &ArrayRef,
    mut each: impl FnMut(usize, Option<Number>) -> Cells<()>,
) -> Cells<()> {
    let fault = |_| BadCell::new(0, column.data_type(), NO_TIME);
    if column.data_type().is_integer() {
        let whole = cast(column, &DataType::Int64).map_err(fault)?;
        let whole = whole.as_primitive::<Int64Type>();
        return whole.iter().enumerate().try_for_each(|(row, n)| each(row, n.map(Number::Whole)));
    }
    let floats = cast(column, &DataType::Float64).map_err(fault)?;
    let floats = floats.as_primitive::<Float64Type>();
    // A missing time in a column of floats.
    let known = |n: Option<f64>| n.filter(|n| !n.is_nan()).map(Number::Float);
    floats.iter().enumerate().try_for_each(|(row, n)| each(row, known(n)))
}

fn of_timestamps(
    column: &ArrayRef,
    has_zone: bool,
    zone: Zone,
) -> Cells<TimestampMicrosecondArray> {
    let to = match column.data_type() {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        _ => DataType::Timestamp(TimeUnit::Microsecond, None),
    };
    let micros = cast(column, &to).map_err(|_| BadCell::new(0, column.data_type(), BEYOND))?;
    if let Some(row) = (0..column.len()).find(|row| column.is_valid(*row) && micros.is_null(*row)) {
        return Err(BadCell::new(row, "a time", BEYOND));
    }
    let micros = micros.as_primitive::<TimestampMicrosecondType>();
    // The zone says how an instant is shown; the instant is the number.
    let plain = PrimitiveArray::new(micros.values().clone(), micros.nulls().cloned());
    if has_zone || matches!(zone, Zone::Utc) {
        return Ok(plain);
    }
    let instant = |(row, local): (usize, Option<i64>)| {
        let Some(local) = local else { return Ok(None) };
        let naive = DateTime::from_timestamp_micros(local).map(|t| t.naive_utc());
        let naive = naive.ok_or_else(|| BadCell::new(row, local, BEYOND))?;
        zone.instant(naive).map(Some).map_err(|why| BadCell::new(row, naive, why))
    };
    plain.iter().enumerate().map(instant).collect()
}

/// The day that a number of eight digits writes.
fn written_day(number: i64) -> Option<NaiveDate> {
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    let day = NaiveDate::from_ymd_opt(year.try_into().ok()?, month as u32, day as u32);
    day.filter(|day| (1900..=2199).contains(&day.year()))
}

fn epoch(number: Number, unit: EpochUnit) -> Result<i64, &'static str> {
    let per_second = unit.per_second();
    let micros = match number {
        Number::Whole(n) => (i128::from(n) * 1_000_000).div_euclid(per_second),
        Number::Float(n) if n.is_finite() => (n * (1e6 / per_second as f64)).round() as i128,
        Number::Float(_) => return Err(NO_TIME),
    };
    let micros = i64::try_from(micros).map_err(|_| BEYOND)?;
    DateTime::from_timestamp_micros(micros).map(|_| micros).ok_or(BEYOND)
}

fn time_of_number(number: Number, clock: Clock) -> Result<i64, &'static str> {
    match (number, clock.unit) {
        (number, Some(unit)) => epoch(number, unit),
        (Number::Whole(n), None) => match written_day(n) {
            Some(day) => clock.zone.instant(day.into()),
            None => Err(NO_UNIT),
        },
        (Number::Float(_), None) => Err(NO_UNIT),
    }
}

fn day_of_number(number: Number, clock: Clock) -> Result<i32, &'static str> {
    let whole = match number {
        Number::Whole(n) => Some(n),
        Number::Float(n) if n.fract() == 0.0 && n.abs() < 1e15 => Some(n as i64),
        Number::Float(_) => None,
    };
    if let Some(day) = whole.and_then(written_day) {
        return Ok(Date32Type::from_naive_date(day));
    }
    let unit = clock.unit.ok_or(NO_DAY)?;
    let day = clock.zone.day(epoch(number, unit)?).ok_or(BEYOND)?;
    Ok(Date32Type::from_naive_date(day))
}

/// The number that a text is, if it is one.
fn number_in(text: &str) -> Option<Number> {
    let is_number = |t: &str| t.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !is_number(digits) {
        return None;
    }
    text.parse().map(Number::Whole).ok().or_else(|| text.parse().map(Number::Float).ok())
}

fn time_of_text(text: &str, clock: Clock) -> Result<i64, &'static str> {
    if let Some(number) = number_in(text) {
        return time_of_number(number, clock);
    }
    let time = string_to_datetime(&Utc, text).map_err(|_| NO_TIME)?;
    if matches!(clock.zone, Zone::Utc) || names_zone(text) {
        return Ok(time.timestamp_micros());
    }
    clock.zone.instant(time.naive_utc())
}

/// Whether a time is written with an offset or a zone behind it.
fn names_zone(text: &str) -> bool {
    let time = text.get(10..).unwrap_or_default();
    time.contains(['+', '-', 'z', 'Z']) || time.trim().contains(' ') || time.contains('/')
}

fn day_of_text(text: &str, clock: Clock) -> Result<i32, &'static str> {
    if let Some(number) = number_in(text) {
        return day_of_number(number, clock);
    }
    if text.len() == 10
        && let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d")
    {
        return Ok(Date32Type::from_naive_date(day));
    }
    let micros = time_of_text(text, clock).map_err(|_| NO_DAY)?;
    clock.zone.day(micros).map(Date32Type::from_naive_date).ok_or(BEYOND)
}
