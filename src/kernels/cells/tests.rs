#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array,
    StringArray, StringViewArray, TimestampMillisecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;

use super::*;

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn counts_are_whole_however_they_are_written() {
    let written = text(&["7", "7.0", " 7 ", "7e0", "0.7e1", "70e-1", "+7", "007.000", ""]);
    let read = counts(&written).unwrap();
    assert_eq!(read.iter().collect::<Vec<_>>(), [[Some(7); 8].as_slice(), &[None]].concat());
    let most = text(&["9223372036854775807", "9.223372036854775807e18"]);
    assert_eq!(counts(&most).unwrap().values().to_vec(), [i64::MAX; 2]);
    for stored in [
        Arc::new(Int32Array::from(vec![7])) as ArrayRef,
        Arc::new(UInt64Array::from(vec![7])),
        Arc::new(Float64Array::from(vec![7.0])),
        Arc::new(StringViewArray::from(vec!["7"])),
        Arc::new(DictionaryArray::<Int32Type>::from_iter(["7"])),
        Arc::new(Decimal128Array::from(vec![700]).with_precision_and_scale(5, 2).unwrap()),
    ] {
        assert_eq!(counts(&stored).unwrap().values().to_vec(), [7], "{}", stored.data_type());
    }
    assert_eq!(counts(&text(&["0", "-0", "0.0", "0e99"])).unwrap().values().to_vec(), [0; 4]);
}

#[test]
fn what_is_no_count_is_named() {
    for (wrong, why) in [
        ("2.7", "no whole number"),
        ("-1", "negative"),
        ("NaN", "no finite"),
        ("-inf", "no finite"),
        ("9223372036854775808", "2^63"),
        ("1e19", "2^63"),
        ("1e999999999999", "no number"),
        ("1,234", "no number"),
        ("12 3", "no number"),
        ("abc", "no number"),
        (".", "no number"),
        ("5e-1", "no whole number"),
    ] {
        let error = counts(&text(&["1", wrong])).unwrap_err();
        assert_eq!((error.row, error.text.as_str()), (1, wrong));
        assert!(error.why.contains(why), "{error}");
    }
    for (wrong, shown) in [
        (Arc::new(Float64Array::from(vec![1.0, f64::NAN])) as ArrayRef, "NaN"),
        (Arc::new(Float64Array::from(vec![1.0, 2.5])), "2.5"),
        (Arc::new(Float64Array::from(vec![1.0, 1e300])), "1000"),
        (Arc::new(Int64Array::from(vec![Some(1), Some(-4)])), "-4"),
        (Arc::new(UInt64Array::from(vec![1, u64::MAX])), "18446744073709551615"),
        (
            Arc::new(Decimal128Array::from(vec![100, 150]).with_precision_and_scale(5, 2).unwrap()),
            "1.50",
        ),
    ] {
        let error = counts(&wrong).unwrap_err();
        assert!(error.row == 1 && error.text.starts_with(shown), "{error}");
    }
}

#[test]
fn seconds_are_finite_and_other_values_may_be_missing() {
    let numbers: ArrayRef =
        Arc::new(Float64Array::from(vec![Some(2.5), None, Some(f64::NAN), Some(-1.0)]));
    assert_eq!(seconds(&numbers).unwrap_err().row, 2);
    let read = values(&numbers, |row| row == 0).unwrap();
    assert_eq!(read.iter().collect::<Vec<_>>(), [Some(2.5), None, None, Some(-1.0)]);
    assert_eq!(values(&numbers, |row| row == 3).unwrap_err().row, 3);
    assert_eq!(seconds(&text(&["2.5", "", "1e1"])).unwrap().values().to_vec(), [2.5, 0.0, 10.0]);
    assert!(seconds(&text(&["inf"])).is_err() && seconds(&text(&["two"])).is_err());
}

#[test]
fn texts_lose_the_space_around_them_and_nothing_else() {
    let written = text(&["a", " a", "a\t", "", "  ", "ä\u{a0}", "a b"]);
    let read = texts(&written);
    let read: Vec<Option<&str>> = read.as_string::<i32>().iter().collect();
    assert_eq!(read, [Some("a"), Some("a"), Some("a"), None, None, Some("ä"), Some("a b")]);
    let clean = text(&["a", "ä"]);
    assert!(Arc::ptr_eq(&texts(&clean), &clean));
    let ids = ids(&(Arc::new(Float64Array::from(vec![12.0, f64::NAN])) as ArrayRef)).unwrap();
    assert_eq!(ids.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("12"), None]);
    assert!(super::ids(&(Arc::new(Float64Array::from(vec![1.5])) as ArrayRef)).is_err());
    assert!(super::ids(&(Arc::new(Float64Array::from(vec![1e17])) as ArrayRef)).is_err());
}

fn clock(unit: &str, zone: &str) -> Clock {
    Clock { unit: EpochUnit::parse(unit), zone: Zone::parse(zone).unwrap() }
}

#[test]
fn times_name_their_unit_and_zone() {
    let noon = 1_777_636_800_000_000;
    let utc = clock("", "UTC");
    let of = |column: &ArrayRef, clock: Clock| times(column, clock).map(|t| t.values().to_vec());
    let written =
        text(&["2026-05-01T12:00:00", "2026-05-01 14:00:00+02:00", "2026-05-01T12:00:00Z"]);
    assert_eq!(of(&written, utc).unwrap(), [noon; 3]);
    assert_eq!(of(&text(&["2026-05-01"]), utc).unwrap(), [noon - 43_200_000_000]);
    assert_eq!(of(&text(&["20260501"]), utc).unwrap(), [noon - 43_200_000_000]);
    // In Berlin a time without a zone is two hours earlier in UTC; one with a zone is what it says.
    let berlin = clock("", "Europe/Berlin");
    assert_eq!(of(&written, berlin).unwrap(), [noon - 7_200_000_000, noon, noon]);
    let millis: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![noon / 1000]));
    assert_eq!(of(&millis, utc).unwrap(), [noon]);
    assert_eq!(of(&millis, berlin).unwrap(), [noon - 7_200_000_000]);
    let with_zone: ArrayRef = Arc::new(
        TimestampMillisecondArray::from(vec![noon / 1000]).with_timezone("America/New_York"),
    );
    assert_eq!(of(&with_zone, berlin).unwrap(), [noon], "an instant is an instant");
    // Numbers need a unit.
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1_777_636_800]));
    assert!(of(&numbers, utc).unwrap_err().why.contains("time_unit"));
    assert_eq!(of(&numbers, clock("s", "UTC")).unwrap(), [noon]);
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1_777_636_800.5]));
    assert!(of(&floats, utc).is_err());
    assert_eq!(of(&floats, clock("seconds", "UTC")).unwrap(), [noon + 500_000]);
    assert_eq!(of(&text(&["1777636800000"]), clock("ms", "UTC")).unwrap(), [noon]);
    assert!(of(&text(&["1777636800000"]), utc).is_err() && of(&text(&["soon"]), utc).is_err());
    assert!(of(&numbers, clock("ns", "UTC")).is_ok());
    let huge: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX]));
    assert!(of(&huge, clock("s", "UTC")).is_err());
}

#[test]
fn days_are_those_of_the_zone_over_changes_of_the_clock() {
    let day = |column: &ArrayRef, clock: Clock| {
        let days = days(column, clock)?;
        let days: ArrayRef = Arc::new(days);
        let days = arrow::compute::cast(&days, &DataType::Utf8).unwrap();
        Ok::<_, BadCell>(days.as_string::<i32>().value(0).to_owned())
    };
    let (utc, berlin) = (clock("", "UTC"), clock("", "Europe/Berlin"));
    for written in ["2026-05-01", "20260501", "2026-05-01T23:59:00"] {
        assert_eq!(day(&text(&[written]), utc).unwrap(), "2026-05-01", "{written}");
    }
    let number: ArrayRef = Arc::new(Int32Array::from(vec![20_260_501]));
    assert_eq!(day(&number, utc).unwrap(), "2026-05-01");
    let float: ArrayRef = Arc::new(Float64Array::from(vec![20_260_501.0]));
    assert_eq!(day(&float, utc).unwrap(), "2026-05-01");
    for wrong in ["20261301", "Monday", "20574"] {
        assert!(day(&text(&[wrong]), utc).is_err(), "{wrong}");
    }
    // 22:30 UTC is the next day in Berlin in summer and not in winter.
    assert_eq!(day(&text(&["2026-07-01T22:30:00Z"]), berlin).unwrap(), "2026-07-02");
    assert_eq!(day(&text(&["2026-12-01T22:30:00Z"]), berlin).unwrap(), "2026-12-01");
    // Clocks skip from 2 to 3 in spring, and show 2:30 twice in autumn.
    assert!(times(&text(&["2026-03-29T02:30:00"]), berlin).unwrap_err().why.contains("skip"));
    let twice = times(&text(&["2026-10-25T02:30:00", "2026-10-25T00:30:00Z"]), berlin).unwrap();
    assert_eq!(twice.value(0), twice.value(1));
    assert!(Zone::parse("Berlin").is_none() && EpochUnit::parse("h").is_none());
}
