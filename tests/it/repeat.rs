//! Requests that are done again: those that failed, those whose source changed; runs that stop for failures.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::support::{HEAD, clipflow, query, show, stderr, stdout};

/// The request file: `a` is answered, `late` and `bad` fail, for now.
const ROWS: &str = "a,a.mp4,2,4,1\nlate,late.mp4,2,4,1\nbad,bad.mp4,2,4,1\n";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.mp4"), show::short()).unwrap();
    fs::write(folder.path().join("bad.mp4"), "no video").unwrap();
    fs::write(folder.path().join("requests.csv"), format!("{HEAD}{ROWS}")).unwrap();
    folder
}

/// The exit code, what is printed, and warnings and errors of a run of `requests.csv`.
fn run(folder: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let output = clipflow(folder, &[&["run", "requests.csv", "-o", "out"], more].concat());
    (output.status.code(), stdout(&output), stderr(&output))
}

fn outcomes(folder: &Path) -> Vec<String> {
    query(folder, "SELECT request_id, coalesce(error_code, status) FROM outcomes ORDER BY 1")
}

/// The run that wrote the row of each request, as the commit of its file.
fn clips(folder: &Path) -> Vec<String> {
    query(folder, "SELECT request_id, clip_id, round(score, 9) FROM clips ORDER BY 1, 2")
}

#[test]
fn failed_requests_are_tried_again_and_others_stay() {
    let folder = folder();
    let path = folder.path();
    assert_eq!(run(path, &[]).0, Some(3));
    let before = clips(path);
    fs::write(path.join("late.mp4"), show::short()).unwrap();

    // Only the codes that are named, or groups of them.
    let (code, said, _) = run(path, &["--retry-failed=source.unsupported"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.starts_with("1 request: 0 answered"), "{said}");
    assert!(said.contains("2 other requests of the request file stay as earlier"), "{said}");
    assert!(!said.contains("earlier runs are not in the request file"), "{said}");
    let late = "late,source.not_found";
    assert_eq!(outcomes(path)[2], late);

    let (code, said, _) = run(path, &["--retry-failed=source.not_found,timeout"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("1 request: 1 answered"), "{said}");
    assert_eq!(outcomes(path)[2], "late,ok");
    assert_eq!(clips(path)[..before.len()], before, "the answered request stays");

    // The one that goes on failing is tried each time; a new row is done too.
    fs::write(path.join("requests.csv"), format!("{HEAD}{ROWS}new,a.mp4,2,4,1\n")).unwrap();
    let (code, said, _) = run(path, &["--retry-failed"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.starts_with("2 requests: 1 answered"), "{said}");
    assert!(run(path, &["--retry-failed"]).1.starts_with("1 request: 0 answered"));
    fs::write(path.join("bad.mp4"), show::short()).unwrap();
    assert_eq!(run(path, &["--retry-failed"]).0, Some(0));
    assert_eq!(outcomes(path), ["a,ok", "bad,ok", "late,ok", "new,ok"]);
    let (code, said, _) = run(path, &["--retry-failed"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("4 other requests") && said.contains("nothing to do: no"), "{said}");

    let (code, _, error) = run(path, &["--retry-failed=source.gone"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--retry-failed names source.gone, which is no error code"), "{error}");
}

#[test]
fn changed_sources_are_analysed_again_and_others_stay() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("b.mp4"), show::short()).unwrap();
    fs::write(path.join("requests.csv"), format!("{HEAD}a,a.mp4,2,4,1\nb,b.mp4,2,4,1\n")).unwrap();
    assert_eq!(run(path, &[]).0, Some(0));
    let sources = "SELECT o.request_id, s.source_id FROM outcomes o JOIN sources s ON s.source_id = o.source_id ORDER BY 1";
    let before = query(path, sources);
    let (code, said, _) = run(path, &["--refresh"]);
    assert!(code == Some(0) && said.contains("nothing to do"), "{said}");

    fs::File::options()
        .append(true)
        .open(path.join("b.mp4"))
        .unwrap()
        .set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600))
        .unwrap();
    let (code, said, _) = run(path, &["--refresh"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("1 request: 1 answered"), "{said}");
    let after = query(path, sources);
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1], "the source is another one");
    assert_eq!(query(path, "SELECT count(*) FROM sources"), ["2"]);

    // Its answer stays when the source cannot be asked.
    fs::remove_file(path.join("b.mp4")).unwrap();
    let (code, said, warned) = run(path, &["--refresh"]);
    assert_eq!(code, Some(0), "{said}");
    let told = "1 source cannot be asked whether they changed";
    assert!(warned.contains(told) && warned.contains("source.not_found"), "{warned}");
    assert_eq!(outcomes(path), ["a,ok", "b,ok"]);
}

#[test]
fn a_run_stops_once_too_many_requests_failed() {
    let folder = folder();
    let path = folder.path();
    let (code, said, error) = run(path, &["--max-failures", "1"]);
    assert_eq!((code, said.as_str()), (Some(4), ""), "{error}");
    assert!(error.contains("error[run.too_many_failures]: the run was stopped: 2 of 3 requests"));
    assert!(error.contains("--max-failures allows 1; "), "{error}");
    assert!(!path.join("out/outcomes").exists(), "nothing is visible");
    assert_eq!(run(path, &["--max-failures=34%"]).0, Some(4));
    // 66.7 % of 3 are 2.
    assert_eq!(run(path, &["--max-failures=66.7%"]).0, Some(3));
    assert_eq!(outcomes(path), ["a,ok", "bad,source.unsupported", "late,source.not_found"]);

    // Invalid rows and requests without a candidate count too.
    fs::write(path.join("requests.csv"), format!("{HEAD}x,a.mp4,9,2,1\ny,a.mp4,2,4,1\n")).unwrap();
    let output = clipflow(path, &["run", "requests.csv", "-o", "other", "--max-failures", "0"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("1 of 2 requests"), "{}", stderr(&output));
    fs::write(path.join("requests.csv"), format!("{HEAD}x,a.mp4,600,900,1\n")).unwrap();
    let output = clipflow(path, &["run", "requests.csv", "-o", "other", "--max-failures", "0"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    for wrong in ["-1", "x", "200%"] {
        let output =
            clipflow(path, &["run", "r.csv", "-o", "o", &format!("--max-failures={wrong}")]);
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn settings_that_differ_from_the_last_run_are_said() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("requests.csv"), format!("{HEAD}a,a.mp4,2,4,1\n")).unwrap();
    let (code, _, warned) = run(path, &["--plan-only"]);
    assert!(code == Some(0) && !warned.contains("settings"), "{warned}");
    let (_, _, warned) = run(path, &[]);
    assert!(!warned.contains("settings"), "rendering a plan is no change: {warned}");
    let (_, _, warned) = run(path, &["--quality", "low"]);
    let told = "warning: the settings are not those of the last run into out: render.";
    assert!(warned.contains(told) && warned.contains(", was "), "{warned}");
    let (_, _, warned) = run(path, &["--quality", "low"]);
    assert!(!warned.contains("settings"), "{warned}");
}
