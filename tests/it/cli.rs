//! The command from outside: spellings, exit codes, sentences.

use std::fs;

use super::support::show::{self, CUTS};
use super::support::{clipflow, query, stderr, stdout};

#[test]
fn a_run_answers_every_row_once() {
    let folder = show::finished();
    let rows = query(
        folder,
        r#"SELECT request_id, status, error_code, clips, campaign FROM outcomes ORDER BY "row""#,
    );
    assert_eq!(
        rows,
        [
            "good,ok,,2,spring",
            "same,ok,,2,summer",
            "long,ok,,1,spring",
            "short,failed,selection.no_candidate,0,",
            "missing,failed,source.not_found,0,",
            "bad,failed,invalid_request.bad_length,0,",
            "text,failed,source.unsupported,0,autumn",
        ]
    );
    let messages = query(folder, "SELECT error_message FROM outcomes WHERE request_id = 'short'");
    assert!(messages[0].contains("60 s") && messages[0].contains("30"), "{messages:?}");
}

#[test]
fn a_run_says_how_it_went() {
    let folder = show::finished();
    // The second run of the same requests finds everything done and says the same.
    let output = clipflow(folder, &["run", "requests.csv", "--out", "out"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(3));
    for part in [
        "7 requests: 3 answered with 5 clips, 4 failed",
        "source.not_found",
        "nothing to do",
        "out/media",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn the_shots_are_those_of_the_programme() {
    let folder = show::finished();
    let output = clipflow(folder, &["shots", "show.mp4", "--format", "csv"]);
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "start,end,transition,score");
    let starts: Vec<f64> =
        lines[1..].iter().map(|l| l.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(starts[0], 0.0);
    for (found, wanted) in starts[1..].iter().zip(CUTS) {
        assert!((found - wanted).abs() < 0.001, "{starts:?}");
    }
    assert_eq!(starts.len(), CUTS.len() + 1, "{text}");
    let by_sql = query(
        folder,
        "SELECT start, \"end\", transition, score FROM shots('show.mp4') ORDER BY start",
    );
    assert_eq!(lines[1..], by_sql);
}

#[test]
fn the_signals_are_four_a_second() {
    let folder = show::finished();
    let output = clipflow(folder, &["signals", "show.mp4", "--format", "csv"]);
    let text = stdout(&output);
    assert!(text.starts_with("t,shot_score,motion,luma,chroma,saliency_x,saliency_y,loudness,onset,speech,silence,caption_density\n"), "{text}");
    assert_eq!(text.lines().count(), 1 + 120);
}

#[test]
fn validate_prints_each_row_and_writes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.csv"), show::REQUESTS).unwrap();
    let output = clipflow(folder.path(), &["validate", "r.csv", "--out", "verdict.parquet"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(text.contains("row 1 (good): valid"), "{text}");
    assert!(
        text.contains("row 6 (bad): invalid_request.bad_length: max_clip_length is 4 s"),
        "{text}"
    );
    assert!(text.ends_with("7 rows: 6 valid, 1 invalid\n"), "{text}");
    let again = clipflow(folder.path(), &["validate", "verdict.parquet", "--quiet"]);
    assert!(
        stdout(&again).starts_with("row 6 (bad): invalid_request.bad_length"),
        "{}",
        stdout(&again)
    );
    fs::write(folder.path().join("ok.csv"), "source_url\na.mp4\n").unwrap();
    assert_eq!(clipflow(folder.path(), &["validate", "ok.csv"]).status.code(), Some(0));
}

#[test]
fn explain_prints_plan_and_cost_and_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    show::requests(folder.path());
    let output =
        clipflow(folder.path(), &["run", "requests.csv", "--out", "out", "--explain", "-v"]);
    let text = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    for part in ["MediaExec: analyze", "MediaExec: render", "select_clips_about(", "AggregateExec"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(text.contains("distinct sources                 3   of which unreadable 2"), "{text}");
    assert!(text.contains("source-seconds to decode      30.0"), "{text}");
    // good and same ask for the same (2 × 9 s), long for 15 s; short cannot be met.
    assert!(text.contains("clip-seconds to encode        33.0"), "{text}");
    assert!(!folder.path().join("out").exists(), "explain writes nothing");
}

#[test]
fn max_clips_is_the_default_and_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    show::make(&folder.path().join("show.mp4"));
    fs::write(
        folder.path().join("r.csv"),
        "request_id,source_url,min_clip_length,max_clip_length,max_clips\nnone,show.mp4,2,4,\nmany,show.mp4,2,4,9\n",
    )
    .unwrap();
    let output = clipflow(
        folder.path(),
        &["run", "r.csv", "--out", "out", "--max-clips", "1", "--workers", "1"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        query(folder.path(), "SELECT request_id, clips FROM outcomes ORDER BY 1"),
        ["many,1", "none,1"]
    );
}

#[test]
fn bad_usage_and_unreadable_input_exit_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let code = |args: &[&str]| clipflow(folder.path(), args).status.code();
    assert_eq!(code(&["run"]), Some(2));
    assert_eq!(code(&["run", "none.csv", "--out", "out"]), Some(2));
    assert_eq!(code(&["run", "none.csv", "--out", "out", "--max-clips", "0"]), Some(2));
    assert_eq!(code(&["sql", "nowhere", "SELECT 1"]), Some(2));
    assert_eq!(code(&["shots", "none.mp4"]), Some(2));
    let output = clipflow(folder.path(), &["run", "none.csv", "--out", "out"]);
    assert!(
        stderr(&output).contains("none.csv") && stderr(&output).contains("no such file"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn sql_reads_and_does_not_write() {
    let folder = show::finished();
    let refused = [
        "DROP TABLE clips",
        "CREATE TABLE x AS SELECT 1",
        "INSERT INTO clips SELECT * FROM clips",
        "COPY clips TO 'x.parquet'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * FROM 'requests.csv'",
        "SELECT * FROM render_media((SELECT 'show.mp4' AS location, 1 AS spans))",
        "SELECT 1; DROP TABLE clips",
    ];
    for sql in refused {
        let output = clipflow(folder, &["sql", "out", sql]);
        assert_eq!(output.status.code(), Some(2), "{sql}: {}", stdout(&output));
        assert!(stderr(&output).starts_with("error[query.invalid]"), "{sql}: {}", stderr(&output));
    }
    let output = clipflow(folder, &["sql", "out", "SELECT * FROM shots('none.mp4')"]);
    assert!(stderr(&output).starts_with("error[source.not_found]"), "{}", stderr(&output));
}

#[test]
fn sql_writes_every_format() {
    let folder = show::finished();
    let sql = "SELECT request_id, clips FROM outcomes WHERE status = 'ok' ORDER BY 1";
    let print = |args: &[&str]| {
        let output = clipflow(folder, &[&["sql", "out", sql][..], args].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    assert!(print(&[]).contains("| good       | 2     |"));
    assert_eq!(print(&["--format", "csv"]), "request_id,clips\ngood,2\nlong,1\nsame,2\n");
    assert!(print(&["--format", "json"]).starts_with("{\"request_id\":\"good\",\"clips\":2}\n"));
    print(&["--format", "parquet", "-o", "answer.parquet"]);
    assert_eq!(&fs::read(folder.join("answer.parquet")).unwrap()[..4], b"PAR1");
    // A device is written to and a link is followed; neither is replaced.
    let _ = fs::remove_file(folder.join("device"));
    let _ = fs::remove_file(folder.join("link"));
    std::os::unix::fs::symlink("/dev/null", folder.join("device")).unwrap();
    std::os::unix::fs::symlink("answer.parquet", folder.join("link")).unwrap();
    print(&["--format", "csv", "-o", "device"]);
    print(&["--format", "csv", "-o", "link"]);
    assert!(folder.join("device").is_symlink() && folder.join("link").is_symlink());
    assert!(
        fs::read_to_string(folder.join("answer.parquet")).unwrap().starts_with("request_id,clips")
    );
    fs::write(folder.join("q.sql"), sql).unwrap();
    let output = clipflow(folder, &["sql", "out", "-f", "q.sql", "--format", "csv"]);
    assert_eq!(stdout(&output).lines().count(), 4);
    let empty = clipflow(
        folder,
        &["sql", "out", "SELECT clip_id FROM clips WHERE false", "--format", "csv"],
    );
    assert_eq!(stdout(&empty), "clip_id\n");
}

#[test]
fn sql_gives_the_first_rows_and_streams_of_arrow() {
    let folder = show::finished();
    let sql = "SELECT request_id FROM outcomes ORDER BY 1";
    let first = clipflow(folder, &["sql", "out", sql, "--rows", "2", "--format", "csv"]);
    assert_eq!(stdout(&first), "request_id\nbad\ngood\n", "{}", stderr(&first));
    let none = clipflow(folder, &["sql", "out", sql, "--rows", "0", "--format", "csv"]);
    assert_eq!(stdout(&none), "request_id\n");
    let stream = clipflow(folder, &["sql", "out", sql, "--rows", "2", "--format", "arrows"]);
    let reader = arrow::ipc::reader::StreamReader::try_new(&stream.stdout[..], None).unwrap();
    let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 2);
    let two = clipflow(folder, &["sql", "out", "SELECT 1; SELECT 2", "--format", "arrows"]);
    assert!(stderr(&two).starts_with("error[config.invalid]: 2 statements"), "{}", stderr(&two));
}
