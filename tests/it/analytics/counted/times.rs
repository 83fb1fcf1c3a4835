//! Hours and views are cut alike; units, zones and the moment of asking are stated.

use std::fmt::Write as _;

use serde_json::Value;

use super::{answer, by, error, folder, row};

/// 24 views a day on ten days of May.
fn days() -> String {
    let mut text = "variant_id,platform,day,views\n".to_owned();
    (1..=10).for_each(|day| {
        let _ = writeln!(text, "a,tiktok,2026-05-{day:02},24");
    });
    text
}

/// A view an hour from 1 May on, for ten days, and one that is stamped in 2099.
fn hours(stray: bool) -> String {
    let mut text = "variant_id,event,ts\n".to_owned();
    for hour in 0..240 {
        let _ = writeln!(text, "a,view,2026-05-{:02}T{:02}:00:00Z", hour / 24 + 1, hour % 24);
    }
    if stray {
        text += "a,view,2099-01-01T00:00:00Z\n";
    }
    text
}

#[test]
fn a_lag_cuts_views_and_hours_alike() {
    let files =
        folder(&[("days.csv", &days()), ("raw.csv", &hours(false)), ("stray.csv", &hours(true))]);
    let path = files.path();
    let velocity = |file: &str, more: &[&str]| {
        let (rows, _) = answer(path, file, &[&["velocity,views"], more].concat());
        (rows[0]["velocity"].as_f64().unwrap(), rows[0]["views"].as_i64().unwrap())
    };
    assert_eq!(
        velocity("days.csv", &["--lag-hours", "120"]),
        (1.0, 240),
        "old figures are complete"
    );
    let asked = ["--lag-hours", "120", "--as-of", "2026-05-11T00:00:00Z"];
    assert_eq!(velocity("days.csv", &asked), (1.0, 120));
    // The fifth day is not over.
    assert_eq!(
        velocity("days.csv", &["--lag-hours", "120", "--as-of", "2026-05-10T23:00:00Z"]),
        (1.0, 96)
    );
    assert_eq!(velocity("days.csv", &["--as-of", "2026-05-04T12:00:00Z"]), (1.0, 72));
    let (rows, _) = answer(path, "days.csv", &[&["velocity", "--by", "day"], &asked[..]].concat());
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row["velocity"] == Value::from(1.0)), "{rows:?}");
    for file in ["raw.csv", "stray.csv"] {
        assert_eq!(velocity(file, &[]), (240.0 / 239.0, 240), "{file}");
        assert_eq!(velocity(file, &asked), (121.0 / 120.0, 121), "{file}");
        let (rows, _) = answer(path, file, &["velocity", "--by", "day"]);
        assert_eq!(rows[0]["velocity"], Value::from(1.0), "{file}");
        assert_eq!(
            rows[9]["velocity"],
            Value::from(24.0 / 23.0),
            "{file}: the newest event ends it"
        );
    }
    let (rows, said) = answer(path, "stray.csv", &["views"]);
    assert_eq!(rows[0]["views"], Value::from(241), "without hours it counts");
    assert!(!said.contains("2099"), "nothing of it is about times: {said}");
    let (_, said) = answer(path, "stray.csv", &["views", "--by", "day"]);
    assert!(said.contains("1 rows are of a time after") && said.contains("2099-01-01"), "{said}");
    let (_, said) = answer(path, "stray.csv", &["velocity"]);
    assert!(said.contains("are left out"), "{said}");
}

#[test]
fn what_the_lag_leaves_out_is_tracked_all_the_same() {
    let files = folder(&[(
        "e.csv",
        "variant_id,event,ts\na,view,2026-05-01T00:00:00\na,like,2026-05-03T00:00:00\n,view,\na,view,\n",
    )]);
    let asked = ["likes,views,shares", "--lag-hours", "24", "--as-of", "2026-05-03T01:00:00"];
    let (rows, said) = answer(files.path(), "e.csv", &asked);
    assert_eq!(rows[0]["likes"], Value::from(0), "likes are tracked: 0, not missing");
    assert_eq!((&rows[0]["views"], &rows[0]["shares"]), (&Value::from(1), &Value::Null));
    assert!(said.contains("2 rows have no time and are left out"), "{said}");
}

#[test]
fn numbers_need_a_unit_and_days_of_digits_are_days() {
    let files = folder(&[
        (
            "s.csv",
            "variant_id,event,ts\na,view,1777593600\na,view,1777679999.5\na,view,1777680000\n",
        ),
        ("ms.ndjson", "{\"variant_id\":\"a\",\"event\":\"view\",\"ts\":1777593600000}\n"),
        ("ymd.csv", "variant_id,day,views\na,20260501,1\na,20260502,2\n"),
        (
            "ymd.ndjson",
            "{\"variant_id\":\"a\",\"day\":20260501,\"views\":1}\n{\"variant_id\":\"a\",\"day\":20260502,\"views\":2}\n",
        ),
        ("bad.csv", "variant_id,day,views\na,2026-05-01,1\na,20261341,2\n"),
    ]);
    let path = files.path();
    let said = error(path, "s.csv", &["views", "--by", "day"]);
    assert!(said.contains("ts of row 1") && said.contains("--time-unit"), "{said}");
    let (rows, _) = answer(path, "s.csv", &["views", "--by", "day", "--time-unit", "s"]);
    let views: Vec<_> =
        rows.iter().map(|row| (row["day"].as_str().unwrap(), row["views"].as_i64())).collect();
    assert_eq!(views, [("2026-05-01", Some(2)), ("2026-05-02", Some(1))]);
    let (rows, _) = answer(path, "ms.ndjson", &["views", "--by", "day", "--time-unit", "ms"]);
    assert_eq!(rows[0]["day"], Value::from("2026-05-01"));
    for file in ["ymd.csv", "ymd.ndjson"] {
        let of = by(path, file, "views", "day");
        let known = [("2026-05-01".to_owned(), Some(1.0)), ("2026-05-02".to_owned(), Some(2.0))];
        assert_eq!(of.into_iter().collect::<Vec<_>>(), known, "{file}");
    }
    assert!(error(path, "bad.csv", &["views", "--by", "day"]).contains("day of row 2"));
    for (args, what) in [
        (["--time-unit", "hours"], "--time-unit"),
        (["--time-zone", "Mars"], "--time-zone"),
        (["--as-of", "soon"], "--as-of"),
    ] {
        let said = error(path, "ymd.csv", &[&["views"], &args[..]].concat());
        assert!(said.contains(what) && said.contains("config.invalid"), "{said}");
    }
}

#[test]
fn days_are_those_of_the_stated_zone() {
    // Clocks in Berlin skip an hour on 29 March and repeat one on 25 October.
    let mut raw = "variant_id,event,ts\n".to_owned();
    for hour in 0..72 {
        let _ = writeln!(raw, "spring,view,2026-03-{:02}T{:02}:00:00Z", 28 + hour / 24, hour % 24);
        let _ = writeln!(raw, "autumn,view,2026-10-{:02}T{:02}:00:00Z", 24 + hour / 24, hour % 24);
    }
    let files = folder(&[
        ("raw.csv", &raw),
        (
            "local.csv",
            "variant_id,event,ts\na,view,2026-07-01T00:30:00\na,view,2026-07-01T00:30:00Z\na,view,2026-03-29T02:30:00\n",
        ),
        (
            "days.csv",
            "variant_id,day,views\na,2026-03-28,24\na,2026-03-29,23\na,2026-03-30,24\nb,2026-10-25,25\n",
        ),
    ]);
    let path = files.path();
    let berlin = ["--time-zone", "Europe/Berlin"];
    let (rows, _) =
        answer(path, "raw.csv", &[&["views,velocity", "--by", "day"], &berlin[..]].concat());
    let views =
        |day: &str| rows.iter().find(|r| r["day"] == Value::from(day)).unwrap()["views"].clone();
    assert_eq!((views("2026-03-29"), views("2026-10-25")), (Value::from(23), Value::from(25)));
    let (rows, _) = answer(path, "raw.csv", &["views", "--by", "day"]);
    assert!(rows.iter().all(|row| row["views"] == Value::from(24)), "{rows:?}");
    // A day is as long as it was.
    let (rows, _) = answer(path, "days.csv", &[&["velocity", "--by", "day"], &berlin[..]].concat());
    assert!(rows.iter().all(|row| row["velocity"] == Value::from(1.0)), "{rows:?}");
    let said = error(path, "local.csv", &[&["views", "--by", "day"], &berlin[..]].concat());
    assert!(said.contains("row 3") && said.contains("skip"), "{said}");
    assert_eq!(row(path, "local.csv", "views")["views"], Value::from(3), "without hours");
}
