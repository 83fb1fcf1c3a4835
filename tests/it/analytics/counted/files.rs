//! Columns by name, types of all rows, files that are meant.

use serde_json::Value;

use super::{answer, by, error, folder, row};

#[test]
fn csv_columns_are_found_by_name_in_every_file() {
    let files = folder(&[
        ("e/1.csv", "variant_id,day,views,likes\na,2026-05-01,100,5\n"),
        ("e/2.csv", "variant_id,day,likes,views\na,2026-05-02,7,200\n"),
        ("e/3.CSV", "\u{feff}Likes , variant_id,day\n1,a,2026-05-03\n"),
        ("e/4.csv", "variant_id,day,views,likes,campaign\na,2026-05-04,1,1,\"spring, early\"\n"),
        ("e/_tmp.csv", "variant_id,day,views,likes\na,2026-05-01,5000,5\n"),
        ("e/.part.csv", "variant_id,day,views,likes\na,2026-05-01,5000,5\n"),
        ("e/_spool/1.csv", "variant_id,day,views,likes\na,2026-05-01,5000,5\n"),
        ("e/notes.txt", "not events\n"),
        ("twice.csv", "variant_id,views, views\na,1,2\n"),
    ]);
    let path = files.path();
    let (rows, said) = answer(path, "e", &["views,likes"]);
    assert_eq!((&rows[0]["views"], &rows[0]["likes"]), (&Value::from(301), &Value::from(14)));
    assert!(said.contains("notes.txt") && said.contains("left out"), "{said}");
    let of = by(path, "e", "likes", "campaign");
    assert_eq!(
        of.into_iter().collect::<Vec<_>>(),
        [("".to_owned(), Some(13.0)), ("spring, early".to_owned(), Some(1.0))]
    );
    assert!(error(path, "twice.csv", &["views"]).contains("column views twice"));
}

#[test]
fn rows_after_the_first_thousand_have_columns_too() {
    let mut rows: String = "{\"variant_id\":\"a\",\"event\":\"view\",\"value\":1}\n".repeat(1500);
    rows += &"{\"variant_id\":\"a\",\"event\":\"watch_seconds\",\"viewer_id\":\"u1\",\"value\":2.5,\"campaign\":\"late\",\"batch\":7}\n".repeat(3);
    let array = format!("[{}]", rows.trim_end().replace('\n', ",\n"));
    let files = folder(&[
        ("e.ndjson", &rows),
        ("e.json", &array),
        ("f/1.ndjson", &rows[..2000 * 20 / 47 * 47]),
        ("f/2.JSONL", &rows),
    ]);
    for file in ["e.ndjson", "e.json"] {
        let row = row(files.path(), file, "watch_seconds,audience_reach,views");
        assert_eq!(row["watch_seconds"], Value::from(7.5), "{file}");
        assert_eq!((&row["audience_reach"], &row["views"]), (&Value::from(1), &Value::from(1500)));
        let of = by(files.path(), file, "watch_seconds", "campaign");
        assert_eq!(of.get("late"), Some(&Some(7.5)), "{file}: {of:?}");
    }
}

#[test]
fn files_of_different_types_are_one_table() {
    let files = folder(&[
        ("e/1.ndjson", "{\"variant_id\":1,\"views\":1,\"price\":1,\"no\":1}\n"),
        (
            "e/2.ndjson",
            "{\"variant_id\":\"b\",\"views\":\"2\",\"price\":2.5,\"no\":\"x\"}\n{\"variant_id\":\"b\",\"views\":null,\"nested\":{\"a\":1}}\n",
        ),
        (
            "bad.ndjson",
            "{\"variant_id\":\"a\",\"views\":1}\n{\"variant_id\":\"a\",\"views\":[1]}\n",
        ),
        ("broken.ndjson", "{\"variant_id\":\"a\",\"views\":1}\n{\"variant_id\":\"a\",\"views\":\n"),
    ]);
    let of = by(files.path(), "e", "views", "variant_id");
    assert_eq!(
        of.into_iter().collect::<Vec<_>>(),
        [("1".to_owned(), Some(1.0)), ("b".to_owned(), Some(2.0))]
    );
    let (rows, said) = answer(files.path(), "e", &["views", "--by", "price,no"]);
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!((&rows[0]["price"], &rows[0]["no"]), (&Value::from(1.0), &Value::from("1")));
    assert!(said.contains("nested holds lists or objects"), "{said}");
    let said = error(files.path(), "bad.ndjson", &["views"]);
    assert!(said.contains("row 2 of") && said.contains("bad.ndjson"), "{said}");
    assert!(error(files.path(), "broken.ndjson", &["views"]).contains("broken.ndjson"));
}

#[test]
fn folders_are_columns_and_their_missing_value_is_one() {
    let files = folder(&[
        ("e/region=de/1.csv", "variant_id,views\na,1\n"),
        ("e/region=__HIVE_DEFAULT_PARTITION__/1.csv", "variant_id,views\na,2\n"),
        ("e/region=New%20York/1.csv", "variant_id,views\na,4\n"),
        ("e/1.csv", "variant_id,views\na,8\n"),
        ("d/day=2026-05-01/1.csv", "variant_id,views\na,1\n"),
        ("d/day=20260502/1.csv", "variant_id,views\na,2\n"),
    ]);
    let of = by(files.path(), "e", "views", "region");
    let known = [("", 10.0), ("New York", 4.0), ("de", 1.0)];
    let known = known.map(|(region, views)| (region.to_owned(), Some(views)));
    assert_eq!(of.into_iter().collect::<Vec<_>>(), known);
    let of = by(files.path(), "d", "views", "day");
    assert_eq!(of.into_keys().collect::<Vec<_>>(), ["2026-05-01", "2026-05-02"]);
}

#[test]
fn json_files_may_write_a_column_in_different_cases() {
    let files = folder(&[
        ("e/1.ndjson", "{\"variant_id\":\"a\",\"views\":1,\"likes\":1}\n"),
        ("e/2.ndjson", "{\"VARIANT_ID\":\"a\",\"Views\":2}\n{\"VARIANT_ID\":\"b\",\"Views\":4}\n"),
        ("e/3.ndjson", "{\"Variant_Id\":\"b\",\"views\":8,\"LIKES\":3}\n"),
    ]);
    let of = by(files.path(), "e", "views", "variant_id");
    let known = [("a".to_owned(), Some(3.0)), ("b".to_owned(), Some(12.0))];
    assert_eq!(of.into_iter().collect::<Vec<_>>(), known);
    assert_eq!(row(files.path(), "e", "likes")["likes"], Value::from(4));
}
