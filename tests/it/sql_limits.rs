//! Limits of `clipflow sql`, whose text may be somebody else's: memory, and what it may read.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use clipflow::processors::benchmark::ProcessTree;

use super::support::{clipflow, show, stderr, stdout};

/// Runs a query under half a GB; returns its exit code, what it said, and the most that it held, in bytes.
fn under_half_a_gigabyte(folder: &Path, sql: &str) -> (Option<i32>, String, u64) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_clipflow"))
        .current_dir(folder)
        .args(["sql", "out", sql])
        .env("CLIPFLOW_MEMORY_LIMIT_GB", "0.5")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(ProcessTree::of(child.id()).resident_bytes());
        std::thread::yield_now();
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code(), stderr(&output), peak)
}

#[test]
fn values_and_aggregates_that_are_too_large_end_the_query_within_its_memory() {
    let folder = show::finished();
    for sql in [
        "SELECT length(repeat('a', 1000000000))",
        "SELECT length(lpad('a', 2000000000))",
        "SELECT cardinality(array_agg(repeat('abcdefgh', 100000 + value % 7))) FROM range(0, 5000)",
        "SELECT max(length(string_agg(repeat('x', 1000000), ','))) FROM range(0, 3000)",
        "SELECT length(replace(repeat('a', 20000000), 'a', repeat('b', 100)))",
        "SELECT cardinality(range(0, 1000000000))",
    ] {
        let (code, said, peak) = under_half_a_gigabyte(folder, sql);
        assert_eq!(code, Some(2), "{sql}: {said}");
        assert!(said.starts_with("error["), "{sql}: {said}");
        assert!(peak < 600_000_000, "{sql}: {peak} bytes; {said}");
    }
    // What fits is answered.
    let (code, said, _) = under_half_a_gigabyte(folder, "SELECT length(repeat('a', 100000000))");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn table_functions_read_beneath_the_roots_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
    for path in [&inside, &outside] {
        fs::create_dir(path).unwrap();
        fs::write(path.join("short.mp4"), show::short()).unwrap();
        fs::write(path.join("t.json"), "{\"traceEvents\":[]}").unwrap();
        fs::write(path.join("e.csv"), "variant_id,event,viewer_id\nv,view,a\n").unwrap();
    }
    let video = ["run", "short.mp4", "--out", "results", "--plan-only", "--min", "2", "--max", "4"];
    for path in [&inside, &outside] {
        let run = clipflow(path, &video);
        assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    }
    std::os::unix::fs::symlink(outside.join("short.mp4"), inside.join("link.mp4")).unwrap();
    let sql = |query: &str, more: &[&str]| {
        clipflow(&inside, &[&["sql", "results", query, "--format", "csv"], more].concat())
    };
    let calls = |place: &str| {
        [
            format!("SELECT count(*) FROM shots('{place}/short.mp4')"),
            format!("SELECT count(*) FROM clips('{place}/results')"),
            format!("SELECT count(*) FROM spans('{place}/t.json')"),
            format!(
                "SELECT count(*) FROM performance('{place}/e.csv', 'audience_reach', 'variant_id')"
            ),
        ]
    };
    for query in calls(".") {
        let output = sql(&query, &[]);
        assert_eq!(output.status.code(), Some(0), "{query}: {}", stderr(&output));
    }
    let (absolute, root) = (outside.display().to_string(), outside.to_str().unwrap());
    let tricks = [
        "SELECT * FROM shots('link.mp4')",
        "SELECT * FROM cues('s3://bucket/talk.mp4')",
        "SELECT * FROM clips('/no/such')",
    ];
    let outside_calls = calls(&absolute).into_iter().chain(calls("../out"));
    for query in outside_calls.clone().chain(tricks.map(str::to_owned)) {
        let output = sql(&query, &[]);
        assert_eq!(output.status.code(), Some(2), "{query}: {}", stdout(&output));
        assert!(stderr(&output).contains("--allow-root"), "{query}: {}", stderr(&output));
    }
    for query in outside_calls {
        let output = sql(&query, &["--allow-root", root]);
        assert_eq!(output.status.code(), Some(0), "{query}: {}", stderr(&output));
    }
}
