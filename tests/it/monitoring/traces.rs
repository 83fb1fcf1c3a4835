//! Traces: whole, sampled, joined by worker processes, and named in outcomes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use clipflow::telemetry::{Span, chrome};

use super::super::support::{clipflow, query, show, stderr};

fn spans(path: &Path) -> Vec<Span> {
    let text = fs::read_to_string(path).unwrap();
    chrome::spans(&serde_json::from_str(&text).unwrap()).unwrap()
}

/// Runs the requests of the show with these arguments, and reads its trace file.
fn traced(folder: &Path, args: &[&str]) -> Vec<Span> {
    show::requests(folder);
    let run = ["run", "requests.csv", "--out", "out", "--trace", "t.json"];
    let output = clipflow(folder, &[&run[..], args].concat());
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    spans(&folder.join("t.json"))
}

#[test]
fn a_trace_tells_stages_rows_and_media_processes_and_outcomes_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let spans = traced(folder.path(), &["--backend", "process"]);
    let of = |category: &'static str| spans.iter().filter(move |span| span.category == category);
    assert_eq!(of("run").count(), 1);
    let stages: BTreeSet<_> = of("stage").map(|span| span.name.as_str()).collect();
    assert_eq!(stages, ["analyze", "render"].into());
    assert!(of("step").any(|span| span.name == "candidates"));
    let rows: BTreeMap<u64, &Span> = of("row").map(|span| (span.id, span)).collect();
    let own = of("run").next().unwrap().pid;
    let mut workers = 0;
    for process in of("process") {
        let row = rows[&process.parent.unwrap()];
        assert_eq!(process.trace, row.trace, "worker processes join the trace of the row");
        assert!(process.start >= row.start - 0.05);
        assert!(process.start + process.seconds <= row.start + row.seconds + 0.05);
        workers += usize::from(process.pid != own);
    }
    assert!(workers >= 2, "ffprobe and ffmpeg were started by workers");
    let failed: Vec<_> = of("row").filter(|row| row.error.is_some()).collect();
    assert_eq!(failed.len(), 2, "a file that is missing and one that is no video");
    let named =
        query(folder.path(), "SELECT request_id, trace_id FROM outcomes ORDER BY request_id");
    for line in named {
        let (request, trace) = line.split_once(',').unwrap();
        let known = rows.values().any(|row| row.trace.to_string() == trace);
        assert_eq!(known, request != "bad", "{line}: only a rejected request has no trace");
    }
    let stages_of_show: BTreeSet<_> = rows
        .values()
        .filter(|row| {
            row.attributes.iter().any(|(k, v)| k == "location" && v.ends_with("/show.mp4"))
        })
        .map(|row| (row.trace, row.name.clone()))
        .collect();
    assert_eq!(stages_of_show.len(), 2, "analysis and rendering of a source are one trace");
    assert_eq!(stages_of_show.iter().map(|(trace, _)| trace).collect::<BTreeSet<_>>().len(), 1);
}

#[test]
fn of_unsampled_traces_those_that_failed_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let spans = traced(folder.path(), &["--trace-sampling", "0"]);
    let rows: Vec<_> = spans.iter().filter(|span| span.category == "row").collect();
    assert!(rows.iter().all(|row| row.error.is_some()) && rows.len() == 2, "{rows:?}");
    assert_eq!(spans.iter().filter(|span| span.category == "run").count(), 1);
    let named = "SELECT count(trace_id) FROM outcomes WHERE status = 'ok'";
    assert_eq!(query(folder.path(), named), ["0"]);
    let named = "SELECT count(trace_id) FROM outcomes WHERE request_id IN ('missing', 'text')";
    assert_eq!(query(folder.path(), named), ["2"]);
    let in_sql =
        "SELECT count(*) FROM spans('t.json') WHERE category = 'row' AND error_code IS NOT NULL";
    assert_eq!(query(folder.path(), in_sql), ["2"]);
}

#[test]
fn without_tracing_outcomes_have_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    show::requests(folder.path());
    let run = ["run", "requests.csv", "--out", "out", "--plan-only"];
    assert_eq!(clipflow(folder.path(), &run).status.code(), Some(3));
    assert_eq!(query(folder.path(), "SELECT count(trace_id) FROM outcomes"), ["0"]);
    let bad = clipflow(folder.path(), &["sql", "out", "SELECT * FROM spans('requests.csv')"]);
    assert!(stderr(&bad).contains("name a file of clipflow run --trace"), "{}", stderr(&bad));
}
