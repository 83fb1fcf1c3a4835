//! What becomes of the columns of request files: their names, their types, and those that are carried along.

use std::fs;
use std::path::Path;

use super::{refused, verdicts};
use crate::support::{clipflow, stderr};
use clipflow::model::VideoClipRequest;

#[test]
fn nested_audience_becomes_json_and_reserved_names_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let json = r#"{"source_url":"a.mp4","audience_profile":{"age":"18-35","interests":["tech"]},"status":"new","Row":7}"#;
    fs::write(folder.path().join("r.ndjson"), format!("{json}\n")).unwrap();
    let output = clipflow(folder.path(), &["validate", "r.ndjson", "--out", "v.parquet"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let file = fs::File::open(folder.path().join("v.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 10).unwrap();
    let batch = reader.into_iter().next().unwrap().unwrap();
    let cell = |name: &str| {
        let column = arrow::compute::cast(
            batch.column_by_name(name).unwrap(),
            &arrow::datatypes::DataType::Utf8,
        )
        .unwrap();
        arrow::array::AsArray::as_string::<i32>(&column).value(0).to_owned()
    };
    assert_eq!(cell("audience_profile"), r#"{"age":"18-35","interests":["tech"]}"#);
    assert_eq!(
        (cell("input_status"), cell("input_Row"), cell("row")),
        ("new".into(), "7".into(), "1".into())
    );
}

#[test]
fn verdicts_have_the_columns_of_requests_and_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "source_url,start,end,campaign,sound,timecodes\na.mp4,0:01,0:02,spring,1,2\na.mp4,0:00:01:12,5,spring,1,2\n";
    fs::write(folder.path().join("r.csv"), rows).unwrap();
    let output = clipflow(folder.path(), &["validate", "r.csv", "--out", "v.parquet"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let file = fs::File::open(folder.path().join("v.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 10).unwrap();
    let batch = reader.into_iter().next().unwrap().unwrap();
    let mut found: Vec<String> =
        batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut want: Vec<String> =
        VideoClipRequest::COLUMNS.iter().map(|c| c.name.to_owned()).collect();
    want.extend(
        [
            "row",
            "location",
            "asked_language",
            "error_code",
            "error_message",
            "campaign",
            "input_sound",
            "input_timecodes",
        ]
        .map(str::to_owned),
    );
    found.sort();
    want.sort();
    assert_eq!(found, want);
    // What counts frames is known with its source.
    let start = batch.column_by_name("start").unwrap();
    let start = arrow::array::AsArray::as_primitive::<arrow::datatypes::Float64Type>(start);
    assert_eq!(start.iter().collect::<Vec<_>>(), [Some(1.0), None]);
}

pub(super) type Columns = Vec<(&'static str, arrow::array::ArrayRef)>;

fn batch_of(columns: Columns) -> arrow::array::RecordBatch {
    use arrow::datatypes::{Field, Schema};
    // Not RecordBatch::try_from_iter alone: a schema may name a column twice.
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, values)| Field::new(*name, values.data_type().clone(), true))
        .collect();
    let values = columns.into_iter().map(|(_, values)| values).collect();
    arrow::array::RecordBatch::try_new(std::sync::Arc::new(Schema::new(fields)), values).unwrap()
}

pub(super) fn text(values: &[&str]) -> arrow::array::ArrayRef {
    std::sync::Arc::new(arrow::array::StringArray::from(values.to_vec()))
}

pub(super) fn write_parquet(path: &Path, columns: Columns) {
    let batch = batch_of(columns);
    let file = fs::File::create(path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

pub(super) fn write_arrow(path: &Path, columns: Columns) {
    let batch = batch_of(columns);
    let file = fs::File::create(path).unwrap();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

pub(super) fn write_arrow_stream(path: &Path, columns: Columns) {
    let batch = batch_of(columns);
    let file = fs::File::create(path).unwrap();
    let mut writer = arrow::ipc::writer::StreamWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

/// What `validate --out` writes: columns of the requests, each value as text, `-` for NULL.
fn checked(folder: &Path, requests: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let output = clipflow(folder, &["validate", requests, "--out", "checked.parquet"]);
    assert!(output.status.code().is_some_and(|c| c == 0 || c == 3), "{}", stderr(&output));
    let file = fs::File::open(folder.join("checked.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 64).unwrap();
    let mut rows = vec![];
    for batch in reader {
        let batch = batch.unwrap();
        let cells: Vec<_> = columns
            .iter()
            .map(|name| {
                let column = batch.column_by_name(name);
                let column = column.unwrap_or_else(|| panic!("no {name} in {}", batch.schema()));
                arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8).unwrap()
            })
            .collect();
        rows.extend((0..batch.num_rows()).map(|row| {
            let cell = |c: &arrow::array::ArrayRef| match arrow::array::Array::is_null(c, row) {
                true => "-".to_owned(),
                false => arrow::array::AsArray::as_string::<i32>(c).value(row).to_owned(),
            };
            cells.iter().map(cell).collect()
        }));
    }
    rows
}

#[test]
fn each_file_of_a_folder_is_read_by_its_own_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("csv")).unwrap();
    fs::write(path.join("csv/1.csv"), "source_url,a\nu1.mp4,a1\nu2.mp4,a2\n").unwrap();
    fs::write(path.join("csv/2.csv"), "a,source_url\na3,u3.mp4\n").unwrap();
    fs::write(path.join("csv/3.csv"), "youtube_url,max_clips\nu4.mp4,2\n").unwrap();
    let rows = checked(path, "csv", &["row", "source_url", "a", "max_clips"]);
    let default = rows[0][3].clone();
    assert_eq!(
        rows,
        [
            ["1", "u1.mp4", "a1", default.as_str()],
            ["2", "u2.mp4", "a2", default.as_str()],
            ["3", "u3.mp4", "a3", default.as_str()],
            ["4", "u4.mp4", "-", "2"],
        ]
    );
    fs::write(path.join("csv/2.csv"), "a,link\na3,u3.mp4\n").unwrap();
    let said = refused(path, "csv");
    assert!(said.contains("error[input.column]") && said.contains("2.csv has no"), "{said}");
    // Of one schema, and one row too long: the file is named, and the line.
    fs::remove_file(path.join("csv/3.csv")).unwrap();
    fs::write(path.join("csv/2.csv"), "source_url,a\nu3.mp4,a3\nu4.mp4,a4,b4\n").unwrap();
    let said = refused(path, "csv");
    assert!(
        said.contains("error[input.unreadable]") && said.contains("csv/2.csv: line 3 has 3 fields"),
        "{said}"
    );
}

#[test]
fn so_are_files_of_other_kinds_whose_types_differ() {
    use arrow::array::{Float64Array, Int64Array};
    use std::sync::Arc;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("parquet")).unwrap();
    write_parquet(
        &path.join("parquet/1.parquet"),
        vec![("source_url", text(&["u1.mp4"])), ("n", Arc::new(Int64Array::from(vec![7])))],
    );
    write_parquet(
        &path.join("parquet/2.parquet"),
        vec![
            ("only_here", text(&["x"])),
            ("n", Arc::new(Float64Array::from(vec![1.5]))),
            ("source_url", text(&["u2.mp4"])),
            ("max_clips", text(&["3"])),
        ],
    );
    write_parquet(
        &path.join("parquet/3.parquet"),
        vec![("source_url", text(&["u3.mp4"])), ("max_clips", text(&["4"]))],
    );
    assert_eq!(
        checked(path, "parquet", &["row", "source_url", "n", "only_here"]),
        [["1", "u1.mp4", "7.0", "-"], ["2", "u2.mp4", "1.5", "x"], ["3", "u3.mp4", "-", "-"]]
    );

    fs::create_dir(path.join("arrow")).unwrap();
    write_arrow(&path.join("arrow/1.arrow"), vec![("source_url", text(&["u1.mp4"]))]);
    write_arrow_stream(&path.join("arrow/2.arrow"), vec![("source_url", text(&["u2.mp4"]))]);
    assert_eq!(checked(path, "arrow", &["row", "source_url"]), [["1", "u1.mp4"], ["2", "u2.mp4"]]);

    fs::create_dir(path.join("json")).unwrap();
    fs::write(path.join("json/1.ndjson"), "{\"source_url\":\"u1.mp4\",\"n\":1}\n").unwrap();
    fs::write(path.join("json/2.ndjson"), "{\"n\":\"two\"}\n").unwrap();
    fs::write(path.join("json/3.ndjson"), "").unwrap();
    assert_eq!(
        checked(path, "json", &["row", "source_url", "n"]),
        [["1", "u1.mp4", "1"], ["2", "-", "two"]]
    );
}

#[test]
fn rows_of_unlike_files_keep_the_order_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("many")).unwrap();
    let mut wanted = vec![];
    for file in 0..5 {
        let mut csv = format!("c{file},source_url\n");
        for line in 0..20_000 / (file + 1) {
            let url = format!("{file}-{line}.mp4");
            csv.push_str(&format!("x,{url}\n"));
            wanted.push(vec![(wanted.len() + 1).to_string(), url]);
        }
        fs::write(folder.path().join(format!("many/{file}.csv")), csv).unwrap();
    }
    assert!(checked(folder.path(), "many", &["row", "source_url"]) == wanted);
}

#[test]
fn any_file_name_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("sub [x]*?")).unwrap();
    let names = ["br[1]", "q?x", "star*", "a b#c%20d", "ünï", "sub [x]*?/in", "sub [x]*?/../up"];
    for name in names {
        let url = || vec![("source_url", text(&["a.mp4"]))];
        fs::write(path.join(format!("{name}.csv")), "source_url\na.mp4\n").unwrap();
        write_parquet(&path.join(format!("{name}.parquet")), url());
        write_arrow(&path.join(format!("{name}.arrow")), url());
        write_arrow_stream(&path.join(format!("{name}.ipc")), url());
        fs::write(path.join(format!("{name}.jsonl")), "{\"source_url\":\"a.mp4\"}\n").unwrap();
        for ending in ["csv", "parquet", "arrow", "ipc", "jsonl"] {
            let file = format!("{name}.{ending}");
            assert_eq!(checked(path, &file, &["row", "source_url"]), [["1", "a.mp4"]], "{file}");
        }
    }
    // A pattern would match this one too.
    fs::write(path.join("stars.csv"), "source_url\nb.mp4\n").unwrap();
    assert_eq!(checked(path, "star*.csv", &["source_url"]), [["a.mp4"]]);
    fs::rename(path.join("stars.csv"), path.join("sub [x]*?/in2.csv")).unwrap();
    for ending in ["parquet", "arrow", "ipc", "jsonl"] {
        fs::remove_file(path.join(format!("sub [x]*?/in.{ending}"))).unwrap();
    }
    assert_eq!(checked(path, "sub [x]*?", &["source_url"]), [["a.mp4"], ["b.mp4"]]);
}

#[test]
fn nested_columns_are_carried_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let row = r#"{"source_url":"a.mp4","tags":["x","y"],"by":{"name":"n"}}"#;
    fs::write(folder.path().join("r.ndjson"), format!("{row}\n")).unwrap();
    let wanted = [[r#"["x","y"]"#, r#"{"name":"n"}"#]];
    assert_eq!(checked(folder.path(), "r.ndjson", &["tags", "by"]), wanted);
    fs::create_dir(folder.path().join("both")).unwrap();
    fs::write(folder.path().join("both/1.ndjson"), format!("{row}\n")).unwrap();
    fs::write(
        folder.path().join("both/2.ndjson"),
        "{\"source_url\":\"b.mp4\",\"tags\":\"z\",\"by\":1}\n",
    )
    .unwrap();
    assert_eq!(
        checked(folder.path(), "both", &["tags", "by"]),
        [wanted[0].map(str::to_owned), ["z".to_owned(), "1".to_owned()]]
    );
}

#[test]
fn a_column_that_stands_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let columns =
        || vec![("source_url", text(&["a.mp4"])), ("note", text(&["1"])), ("note", text(&["2"]))];
    fs::write(path.join("r.csv"), "source_url,note,note\na.mp4,1,2\n").unwrap();
    write_parquet(&path.join("r.parquet"), columns());
    write_arrow(&path.join("r.arrow"), columns());
    for file in ["r.csv", "r.parquet", "r.arrow"] {
        let said = refused(path, file);
        assert!(said.starts_with("error[input.column]"), "{said}");
        assert!(said.contains(file) && said.contains("the column note twice"), "{said}");
    }
    fs::write(path.join("unnamed.csv"), ",source_url,\n0,a.mp4,z\n").unwrap();
    assert_eq!(checked(path, "unnamed.csv", &["column_1", "column_3"]), [["0", "z"]]);
}

#[test]
fn a_reserved_name_gets_one_that_is_free() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.csv"), "source_url,status,Input_Status,STATUS\na.mp4,s,i,S\n")
        .unwrap();
    assert_eq!(
        checked(
            folder.path(),
            "r.csv",
            &["input_input_status", "Input_Status", "input_input_input_STATUS"]
        ),
        [["s", "i", "S"]]
    );
}

#[test]
fn encoded_and_exact_types_are_read_as_what_they_hold() {
    use arrow::array::{DictionaryArray, DurationMillisecondArray, Int32Array, Int64Array};
    use std::sync::Arc;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let of = |values: arrow::array::ArrayRef| -> arrow::array::ArrayRef {
        Arc::new(DictionaryArray::new(Int32Array::from(vec![0, 1, 0]), values))
    };
    let columns = || -> Columns {
        vec![
            ("source_url", of(text(&["a.mp4", "b.mp4"]))),
            ("max_clips", of(Arc::new(Int64Array::from(vec![2, 3])))),
            ("min_clip_length", of(text(&["5", "x"]))),
            ("max_clip_length", Arc::new(DurationMillisecondArray::from(vec![9500, 20_000, 8000]))),
            ("region", of(text(&["eu", "us"]))),
        ]
    };
    write_arrow(&path.join("r.arrow"), columns());
    write_parquet(&path.join("r.parquet"), columns());
    for file in ["r.arrow", "r.parquet"] {
        assert_eq!(
            checked(path, file, &["source_url", "max_clips", "max_clip_length", "region"]),
            [
                ["a.mp4", "2", "9.5", "eu"],
                ["b.mp4", "3", "20.0", "us"],
                ["a.mp4", "2", "8.0", "eu"]
            ],
            "{file}"
        );
        let lines = verdicts(path, file);
        assert!(
            lines[1].contains("min_clip_length is x, which is not a number of seconds"),
            "{lines:?}"
        );
    }
    let big = 9_007_199_254_740_993;
    write_arrow(
        &path.join("big.arrow"),
        vec![
            ("source_url", text(&["a.mp4"])),
            ("min_clip_length", text(&["90"])),
            // An invalid row keeps what it asks for.
            ("max_clip_length", text(&["10"])),
            ("max_clips", Arc::new(Int64Array::from(vec![big]))),
        ],
    );
    fs::write(
        path.join("big.csv"),
        format!("source_url,min_clip_length,max_clip_length,max_clips\na.mp4,90,10,{big}\n"),
    )
    .unwrap();
    for file in ["big.arrow", "big.csv"] {
        assert_eq!(checked(path, file, &["max_clips"]), [[big.to_string()]], "{file}");
    }
    fs::write(path.join("n.csv"), "source_url,max_clips\na,3.0\na,2.5\na,99999999999999999999\n")
        .unwrap();
    let lines = verdicts(path, "n.csv");
    assert!(lines[0].ends_with("valid"), "{lines:?}");
    assert!(lines[1].contains("max_clips is 2.5, which is not a whole number"), "{lines:?}");
    let beyond = "max_clips is 99999999999999999999, which is not a whole number from 1 to 100;";
    assert!(lines[2].contains(beyond), "{lines:?}");
}

#[test]
fn both_names_of_the_source_column_count_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("r.csv"),
        "youtube_url,source_url\ny1.mp4,\ny2.mp4,s2.mp4\n,s3.mp4\n",
    )
    .unwrap();
    assert_eq!(
        checked(folder.path(), "r.csv", &["source_url", "youtube_url"]),
        [["y1.mp4", "y1.mp4"], ["s2.mp4", "y2.mp4"], ["s3.mp4", "-"]]
    );
}

#[test]
fn ids_of_json_keep_their_digits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let rows: Vec<String> = (0..3_u64)
        .map(|i| {
            let id = (1 << 63) + i;
            format!(
                "{{\"request_id\":{id},\"youtube_url\":\"v.mp4\",\"post\":1{id}{i},\n\"n\":{i}}}"
            )
        })
        .collect();
    let lines: Vec<String> = rows.iter().map(|row| row.replace('\n', "")).collect();
    fs::write(path.join("r.ndjson"), lines.join("\n")).unwrap();
    fs::write(path.join("r.json"), format!("[{}]", rows.join(",\n"))).unwrap();
    for file in ["r.ndjson", "r.json"] {
        let found = checked(path, file, &["request_id", "post", "n"]);
        let expected = [0_u64, 1, 2].map(|i| {
            let id = (1 << 63) + i;
            vec![id.to_string(), format!("1{id}{i}"), i.to_string()]
        });
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn statistics_of_parquet_requests_are_not_taken_for_values() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = std::sync::Arc::new(arrow::array::Float64Array::from(vec![5.0, f64::NAN, 5.0]));
    let columns: Columns = vec![
        ("request_id", text(&["a", "b", "c"])),
        ("youtube_url", text(&["v.mp4"; 3])),
        ("min_clip_length", lengths),
    ];
    write_parquet(&folder.path().join("r.parquet"), columns);
    let found =
        checked(folder.path(), "r.parquet", &["request_id", "min_clip_length", "error_code"]);
    let lengths: Vec<&str> = found.iter().map(|row| row[1].as_str()).collect();
    assert!(lengths[0] == lengths[2] && lengths[1] != lengths[0], "NaN is not 5: {found:?}");
}
