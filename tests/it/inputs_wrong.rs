//! Request files with slips of the hand: what costs a row costs no more, and what is meant is read.

use std::fs;

use super::support::{clipflow, query, show, stderr, stdout};

/// Standard output and error of `validate` over a file of that text.
fn checked(name: &str, text: impl AsRef<[u8]>) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let output = clipflow(folder.path(), &["validate", name]);
    (stdout(&output), stderr(&output))
}

#[test]
fn a_nested_value_in_json_costs_its_row_and_not_the_file() {
    let rows = |text: &str| {
        let (out, error) = checked("r.ndjson", text);
        assert!(!out.is_empty(), "{error}");
        out.lines()
            .map(|line| line.split_once("): ").map_or(line, |(_, said)| said).to_owned())
            .collect::<Vec<_>>()
    };
    for first in [r#""tiny.mp4""#, "null"] {
        let said = rows(&format!(
            "{{\"source_url\":{first},\"request_id\":\"a\"}}\n{{\"source_url\":{{\"a\":1}}}}\n"
        ));
        assert!(said[1].starts_with("invalid_request.bad_value: source_url"), "{said:?}");
        assert_eq!(said[0] == "valid", first != "null", "{said:?}");
    }
    let said = rows(
        "{\"source_url\":\"a.mp4\",\"max_clips\":2}\n{\"source_url\":\"b.mp4\",\"max_clips\":[1]}\n",
    );
    assert_eq!(said[0], "valid");
    assert!(
        said[1].starts_with(
            "invalid_request.bad_value: max_clips is [1], which is not a whole number"
        ),
        "{said:?}"
    );
    // An object, its text, a list, and one that is none, in an array of rows.
    let profiles = [r#"{"age":"18-35"}"#, r#""{\"age\":\"18-35\"}""#, "[1]", r#"{"age":"young"}"#];
    let array: Vec<String> = profiles
        .iter()
        .map(|p| format!(r#"{{"source_url":"a.mp4","audience_profile":{p},"tags":{p}}}"#))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::write(folder.path().join("in/1.json"), format!("[{}]", array.join(","))).unwrap();
    fs::write(
        folder.path().join("in/2.json"),
        r#"[{"source_url":"b.mp4","audience_profile":"{}"}]"#,
    )
    .unwrap();
    let out = stdout(&clipflow(folder.path(), &["validate", "in"]));
    let codes: Vec<bool> =
        out.lines().map(|line| line.ends_with("valid") && !line.contains("rows:")).collect();
    assert_eq!(codes[..5], [true, true, false, false, true], "{out}");
    assert!(out.ends_with("5 rows: 3 valid, 2 invalid\n"), "{out}");
    // A text beside a list is read as the text it is.
    let said = rows(
        "{\"source_url\":\"a.mp4\",\"audience_profile\":\"{}\"}\n{\"source_url\":\"b.mp4\",\"audience_profile\":[1]}\n",
    );
    assert_eq!(said[0], "valid");
    assert!(said[1].starts_with("invalid_request.bad_value"), "{said:?}");
}

#[test]
fn spaces_around_the_names_of_columns_are_none_of_them() {
    let (out, error) = checked("r.csv", "request_id, source_url ,max_clips\na,tiny.mp4,0\n");
    assert!(out.starts_with("row 1 (a): invalid_request.bad_max_clips"), "{out}{error}");
    // The first name may be right and another one not.
    let (out, _) = checked("r.csv", "source_url, max_clips\r\na.mp4,0\r\n");
    assert!(out.contains("bad_max_clips"), "{out}");
    let quoted = "\" source_url \", \"max_clips\",\" a, b\"\na.mp4,0,x\n";
    let (out, error) = checked("r.csv", quoted);
    assert!(out.contains("bad_max_clips"), "{out}{error}");
    let (_, error) = checked("r.csv", "name, link \na,b\n");
    assert!(error.contains("r.csv has no column source_url"), "{error}");
    assert!(!error.contains("trimmed"), "{error}");
}

#[test]
fn csv_that_cannot_be_read_is_told_in_a_plain_sentence() {
    for (text, wanted) in [
        (
            &b"source_url,topic\n\"a\nb.mp4\",x\n\nc.mp4,extra,more\n"[..],
            "in r.csv: line 5 has 3 fields, not 2 as the header; put a value that holds a comma in quotes",
        ),
        (b"source_url,topic\na.mp4\n", "in r.csv: line 2 has 1 field, not 2 as the header"),
    ] {
        let (_, error) = checked("r.csv", text);
        assert!(error.contains(wanted), "{error}");
        assert!(!error.contains("Arrow") && !error.contains("Csv error"), "{error}");
    }
}

#[test]
fn what_is_nearly_right_is_noted_once_on_standard_error() {
    let profile = r#""{""ag"":""18""}""#;
    let csv = format!(
        "source_url,max_clip_len,audience_profile\na.mp4,4,\nb.mp4,4,{profile}\nc.mp4,4,{profile}\n"
    );
    let (out, error) = checked("r.csv", csv);
    assert!(out.ends_with("3 rows: 3 valid, 0 invalid\n"), "{out}");
    let notes: Vec<&str> = error.lines().collect();
    assert_eq!(notes.len(), 2, "{error}");
    assert!(notes[0].ends_with(
        "the column max_clip_len is carried along and not read; did you mean max_clip_length?"
    ));
    assert!(notes[1].contains("(and of 1 more) has a part ag, which is not read;"), "{error}");
    let (_, error) = checked("r.csv", "source_url,campaign\n");
    assert_eq!(error, "warning: there are no rows in r.csv\n");
    let (_, error) = checked("r.csv", "source_url,campaign\na.mp4,x\n");
    assert_eq!(error, "");
}

#[test]
fn a_url_that_no_look_can_make_right_is_refused_by_the_check_as_by_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    show::make(&folder.join("show.mp4"));
    let urls = [
        "show.mp4",
        "htp://ex.com/a.mp4",
        "ftp://ex.com/a.mp4",
        "https://youtu.be/",
        "https://www.youtube.com/playlist?list=PL1",
        "https://u:secret@ex.com/a.mp4",
        "http://127.0.0.1/a.mp4",
        "https://ex.com:99999/a.mp4",
        "file://tiny.mp4",
    ];
    fs::write(folder.join("r.csv"), format!("source_url\n{}\n", urls.join("\n"))).unwrap();
    let codes = [
        "source.unsupported",
        "source.unsupported",
        "source.unsupported",
        "source.unsupported",
        "source.blocked",
        "source.blocked",
        "invalid_request.bad_url",
        "invalid_request.bad_url",
    ];
    let output = clipflow(folder, &["validate", "r.csv"]);
    let checked = stdout(&output);
    assert!(checked.starts_with("row 1 ") && checked.lines().next().unwrap().ends_with(": valid"));
    assert!(!checked.contains("secret"), "{checked}");
    let output = clipflow(folder, &["run", "r.csv", "--out", "out", "--plan-only", "--quiet"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    for (i, code) in codes.iter().enumerate() {
        let line = checked.lines().nth(i + 1).unwrap();
        let message = query(
            folder,
            &format!(
                r#"SELECT error_code || ': ' || error_message FROM outcomes WHERE "row" = {}"#,
                i + 2
            ),
        );
        let message = message[0].trim_matches('"').replace("\"\"", "\"");
        assert!(message.starts_with(code), "{message}");
        assert!(line.ends_with(&format!("): {message}")), "{line}\n{message}");
    }
    // What the settings allow takes a look.
    let private = stdout(&clipflow(folder, &["validate", "r.csv", "--allow-private"]));
    assert!(private.lines().nth(6).unwrap().ends_with(": valid"), "{private}");
    assert!(private.lines().nth(5).unwrap().contains("source.blocked"), "{private}");
}

#[test]
fn what_does_nothing_is_said_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("r.csv"), "source_url\nnone.mp4\n").unwrap();
    fs::write(folder.join("afile"), "x").unwrap();
    let run = |more: &[&str]| clipflow(folder, &[&["run", "r.csv", "--out", "out"], more].concat());
    let model = include_str!("../../src/kernels/score/built_in.json");
    let model: serde_json::Value = serde_json::from_str(model).unwrap();
    fs::write(folder.join("model.json"), model["viral_score"].to_string()).unwrap();
    for lone in [
        &["--platforms", "tiktok"][..],
        &["--audience", "{}"],
        &["--captions", "soft"],
        &["--captions", "sidecar"],
        &["--captions", "burned"],
        &["--model", "model.json"],
        &["--variants-only"],
    ] {
        for zero in [&[][..], &["--variants", "0"]] {
            let output = run(&[lone, zero].concat());
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{lone:?}");
            assert!(said.starts_with("error[config.invalid]: "), "{lone:?}: {said}");
            assert!(said.contains(lone[0]) && said.contains("while --variants is 0"), "{said}");
            assert!(!folder.join("out").exists(), "{lone:?}");
        }
    }
    let both = stderr(&run(&["--captions", "soft", "--platforms", "x"]));
    assert!(
        both.contains("--platforms, --captions soft have no effect while --variants is 0"),
        "{both}"
    );
    // No captions are what plain clips have.
    let mut config = clipflow::pipeline::RunConfig::new("r.csv", "out");
    config.variants.captions = None;
    config.check().unwrap();
    let error = stderr(&run(&["--max-clips", "abc"]));
    assert!(error.contains("give a whole number") && !error.contains("digit"), "{error}");
    for (more, wanted) in [
        (["--smart-cut", "--format", "webm"], "warning: --smart-cut does nothing here"),
        (
            ["--thumbnails", "--format", "mp3"],
            "warning: --thumbnails does nothing here: mp3 has no picture",
        ),
    ] {
        assert!(stderr(&run(&more)).contains(wanted), "{}", stderr(&run(&more)));
    }
    let error = stderr(&clipflow(folder, &["run", "r.csv", "--out", "afile"]));
    assert!(
        error.contains("cannot write afile") && error.contains("there is a file of that name"),
        "{error}"
    );
}

#[test]
fn a_program_that_is_not_ffmpeg_is_told_from_a_bad_source() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    show::make(&folder.join("show.mp4"));
    fs::write(folder.join("r.csv"), "source_url\nshow.mp4\n").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.current_dir(folder).args(["run", "r.csv", "--out", "out"]);
    let output = command.env("CLIPFLOW_FFMPEG", "/bin/true").output().unwrap();
    assert!(
        stdout(&output).contains("/bin/true is not ffmpeg; correct or unset CLIPFLOW_FFMPEG"),
        "{}",
        stdout(&output)
    );
}
