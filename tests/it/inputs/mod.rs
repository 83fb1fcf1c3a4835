//! Request files of every kind, and what is wrong with some of them.

mod columns;
mod damaged;
mod spreadsheets;

use std::fs;
use std::path::Path;

use arrow::array::AsArray;
use clipflow::pipeline::{self, RunConfig};

use super::support::{clipflow, stderr, stdout};

/// The verdict lines of `validate` over a file, without the totals.
fn verdicts(folder: &Path, file: &str) -> Vec<String> {
    let output = clipflow(folder, &["validate", file]);
    assert!(output.status.code().is_some_and(|c| c == 0 || c == 3), "{}", stderr(&output));
    let text = stdout(&output);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.pop();
    lines
}

fn refused(folder: &Path, file: &str) -> String {
    let output = clipflow(folder, &["validate", file]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    stderr(&output)
}

#[test]
fn all_kinds_of_files_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let csv = "request_id,youtube_url,min_clip_length,max_clips\na,v.mp4,5,2\nb,,5,2\nc,w.mp4,x,2\nd,w.mp4,5,2.5\n";
    fs::write(path.join("r.csv"), csv).unwrap();
    let json = r#"{"request_id":"a","youtube_url":"v.mp4","min_clip_length":5,"max_clips":2}
{"request_id":"b","min_clip_length":5.0,"max_clips":2}
{"request_id":"c","youtube_url":"w.mp4","min_clip_length":"x","max_clips":2}
{"request_id":"d","youtube_url":"w.mp4","min_clip_length":5,"max_clips":2.5}
"#;
    fs::write(path.join("r.ndjson"), json).unwrap();
    let from_csv = verdicts(path, "r.csv");
    assert_eq!(from_csv.len(), 4);
    assert_eq!(from_csv[0], "row 1 (a): valid");
    assert!(from_csv[1].starts_with("row 2 (b): invalid_request.missing_url"), "{from_csv:?}");
    assert!(
        from_csv[2].contains(
            "invalid_request.bad_value: min_clip_length is x, which is not a number of seconds"
        ),
        "{from_csv:?}"
    );
    assert!(
        from_csv[3]
            .contains("invalid_request.bad_value: max_clips is 2.5, which is not a whole number"),
        "{from_csv:?}"
    );
    assert_eq!(verdicts(path, "r.ndjson"), from_csv);
    // Parquet and Arrow, with numbers as numbers and text as text.
    let output = clipflow(path, &["validate", "r.csv", "--out", "r.parquet"]);
    assert_eq!(output.status.code(), Some(3));
    arrow_file(&path.join("r.arrow"));
    let from_arrow = verdicts(path, "r.arrow");
    assert_eq!(
        from_arrow,
        [&from_csv[0], &from_csv[1], &from_csv[3].replace("row 4 (d)", "row 3 (d)")]
            .map(String::clone)
    );
    fs::create_dir(path.join("folder")).unwrap();
    fs::copy(path.join("r.csv"), path.join("folder/1.csv")).unwrap();
    fs::write(
        path.join("folder/2.csv"),
        "request_id,youtube_url,min_clip_length,max_clips\ne,v.mp4,5,2\n",
    )
    .unwrap();
    fs::write(path.join("folder/_SUCCESS"), "").unwrap();
    let from_folder = verdicts(path, "folder");
    assert_eq!(from_folder[..4], from_csv);
    assert_eq!(from_folder[4], "row 5 (e): valid");
}

fn arrow_file(path: &Path) {
    use arrow::array::{Float32Array, RecordBatch, StringViewArray, UInt8Array};
    use std::sync::Arc;
    let batch = RecordBatch::try_from_iter([
        (
            "request_id",
            Arc::new(StringViewArray::from(vec!["a", "b", "d"])) as arrow::array::ArrayRef,
        ),
        ("youtube_url", Arc::new(StringViewArray::from(vec![Some("v.mp4"), None, Some("w.mp4")]))),
        ("min_clip_length", Arc::new(UInt8Array::from(vec![5, 5, 5]))),
        ("max_clips", Arc::new(Float32Array::from(vec![2.0, 2.0, 2.5]))),
    ])
    .unwrap();
    let mut writer =
        arrow::ipc::writer::FileWriter::try_new(fs::File::create(path).unwrap(), &batch.schema())
            .unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

#[test]
fn a_bad_value_far_down_costs_its_row_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut csv = "source_url,max_clip_length\n".to_owned();
    for _ in 0..5000 {
        csv.push_str("a.mp4,20\n");
    }
    csv.push_str("a.mp4,twenty\n");
    fs::write(folder.path().join("r.csv"), csv).unwrap();
    let output = clipflow(folder.path(), &["validate", "r.csv", "--quiet"]);
    let text = stdout(&output);
    assert!(text.starts_with("row 5001 "), "{text}");
    assert!(text.ends_with("5001 rows: 5000 valid, 1 invalid\n"), "{text}");
}

#[test]
fn a_request_may_give_one_bound_only() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "source_url,min_clip_length,max_clip_length\na.mp4,90,\nb.mp4,,10\n";
    fs::write(folder.path().join("r.csv"), csv).unwrap();
    assert_eq!(clipflow(folder.path(), &["validate", "r.csv"]).status.code(), Some(0));
}

#[test]
fn a_second_row_with_the_same_id_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("r.csv"),
        "request_id,source_url\nx,a.mp4\nx,b.mp4\n,a.mp4\n,a.mp4\n",
    )
    .unwrap();
    let lines = verdicts(folder.path(), "r.csv");
    assert!(lines[1].contains("invalid_request.duplicate_id"), "{lines:?}");
    assert!(lines[2].ends_with(": valid") && lines[3].ends_with(": valid"), "{lines:?}");
    assert_ne!(
        lines[2].split(' ').nth(2),
        lines[3].split(' ').nth(2),
        "equal rows without ids get ids of their own"
    );
}

#[test]
fn files_that_cannot_be_read_are_named_with_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("no_url.csv"), "url,length\na.mp4,3\n").unwrap();
    let said = refused(path, "no_url.csv");
    for part in ["error[input.column]", "no_url.csv", "source_url", "url, length"] {
        assert!(said.contains(part), "{said}");
    }
    fs::write(path.join("list.ndjson"), "{\"source_url\":\"a\",\"max_clip_length\":[1,2]}\n")
        .unwrap();
    let said = verdicts(path, "list.ndjson");
    assert!(said[0].contains("bad_value: max_clip_length is [1,2], which is not a"), "{said:?}");
    fs::write(path.join("broken.parquet"), "PAR1 this is no Parquet file PAR1").unwrap();
    fs::write(path.join("empty.csv"), "").unwrap();
    fs::write(path.join("what.bin"), "\u{1}\u{2}").unwrap();
    fs::create_dir(path.join("none")).unwrap();
    fs::write(path.join("ragged.csv"), "source_url,a\nx.mp4,1,2,3\n").unwrap();
    for file in
        ["broken.parquet", "empty.csv", "what.bin", "none", "ragged.csv", "no-such-file.parquet"]
    {
        let said = refused(path, file);
        assert!(
            said.starts_with("error[input.unreadable]") && said.contains(file),
            "{file}: {said}"
        );
        assert!(said.lines().count() == 1, "{said}");
    }
}

#[test]
fn what_is_no_arrow_or_json_file_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("junk.arrow"), "this is junk, and long enough to look like more").unwrap();
    fs::write(path.join("short.arrow"), "x").unwrap();
    fs::write(path.join("half.arrow"), b"ARROW1\0\0\xff\xff\xff\xff\x10\0\0\0").unwrap();
    fs::write(path.join("stream.arrow"), b"\xff\xff\xff\xff\x08\0\0\0junkjunkjunk").unwrap();
    fs::write(path.join("old.feather"), "FEA1 and what follows of it FEA1").unwrap();
    for file in ["junk.arrow", "short.arrow", "half.arrow", "stream.arrow", "old.feather"] {
        let said = refused(path, file);
        assert!(said.starts_with("error[input.unreadable]") && said.contains(file), "{said}");
        assert!(!said.to_lowercase().contains("internal error"), "{said}");
    }
    assert!(refused(path, "old.feather").contains("version 1"));
    fs::create_dir(path.join("json")).unwrap();
    fs::write(path.join("json/1.ndjson"), "{\"source_url\":\"a.mp4\"}\n").unwrap();
    for (line, what) in
        [("{\"source_url\": }", "line 3 is not JSON"), ("7", "line 3 holds no JSON")]
    {
        let good = "{\"source_url\":\"a.mp4\"}";
        fs::write(path.join("json/2.ndjson"), format!("{good}\n\n{line}\n{good}\n")).unwrap();
        let said = refused(path, "json");
        assert!(said.starts_with("error[input.unreadable]"), "{said}");
        assert!(said.contains("2.ndjson") && said.contains(what), "{said}");
    }
}

#[test]
fn files_of_no_kind_are_told_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.xlsx"), "PK").unwrap();
    let said = refused(folder.path(), "r.xlsx");
    for kind in ["r.xlsx", "Parquet", "Arrow", "CSV", "TSV", "NDJSON", ".xlsx", ".ods"] {
        assert!(said.contains(kind), "{said}");
    }
}

#[tokio::test]
async fn a_checked_file_is_printed_in_order_without_a_sort() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.csv");
    let rows: String = (0..20_000).map(|i| format!("talk-{i}.mp4\n")).collect();
    fs::write(&file, format!("source_url\n{rows}")).unwrap();
    let checked = pipeline::validate(&RunConfig::new(&file, ".")).await.unwrap();
    let sql = r#"SELECT "row", source_url FROM checked WHERE error_code IS NULL ORDER BY "row""#;
    let frame = checked.ctx.sql(sql).await.unwrap();
    let plan = frame.clone().create_physical_plan().await.unwrap();
    let plan = datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string();
    assert!(!plan.contains("SortExec"), "{plan}");
    let batches = frame.collect().await.unwrap();
    let sources = batches.iter().flat_map(|b| {
        let column = arrow::compute::cast(b.column(1), &arrow::datatypes::DataType::Utf8).unwrap();
        column.as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
    });
    assert!(sources.eq((0..20_000).map(|i| format!("talk-{i}.mp4"))));
}
