//! Logs in three forms, with trace ids; no exporter shows a secret.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::super::support::http::{Server, empty};
use super::super::support::{clipflow, show, stderr, stdout};

/// A secret that nothing may show.
const CANARY: &str = "canary7f3a9";

fn signed_requests(folder: &Path) {
    // Nothing listens there: the fetch fails, which is logged, traced, counted and kept.
    let url = format!("http://127.0.0.1:9/a.mp4?v=1&X-Amz-Signature={CANARY}&token={CANARY}");
    fs::write(folder.join("r.csv"), format!("request_id,source_url\nsigned,\"{url}\"\n")).unwrap();
}

#[test]
fn a_secret_is_in_no_log_metric_trace_or_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    signed_requests(path);
    let collector = Server::start(|_, stream| empty(stream, 200, &[]));
    let url = collector.url("");
    for form in ["pretty", "compact", "json"] {
        let _ = fs::remove_dir_all(path.join("out"));
        let exports = ["--metrics-file", "m.prom", "--trace", "t.json", "--progress", "json"];
        let exports = [&exports[..], &["--otlp", &url]].concat();
        let run = ["-vv", "--log-format", form, "run", "r.csv", "--out", "out", "--allow-private"];
        let tries = ["--max-retries", "1", "--retry-delay", "0"];
        let output = clipflow(path, &[&run[..], &exports, &tries].concat());
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let (said, told) = (stderr(&output), stdout(&output));
        assert!(said.contains("retrying") && said.contains("127.0.0.1:9"), "{said}");
        let metrics = fs::read_to_string(path.join("m.prom")).unwrap();
        assert!(metrics.contains("host=\"http://127.0.0.1:9\""), "{metrics}");
        let trace = fs::read_to_string(path.join("t.json")).unwrap();
        let debug = clipflow(path, &["debug", "out", "signed", "-o", "b.zip"]);
        assert!(debug.status.success(), "{}", stderr(&debug));
        // Files of a bundle are stored as they are.
        let bundle = String::from_utf8_lossy(&fs::read(path.join("b.zip")).unwrap()).into_owned();
        assert!(bundle.contains("requests.json") && bundle.contains("source."), "it has content");
        let stats = stdout(&clipflow(path, &["stats", "out", "--format", "json"]));
        for text in [said, told, metrics, trace, bundle, stats, stderr(&debug), stdout(&debug)] {
            assert!(!text.contains(CANARY), "{form}: {text}");
        }
    }
    let sent = collector.requests();
    let paths: BTreeSet<_> = sent.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/v1/logs", "/v1/metrics", "/v1/traces"].into());
    for request in sent {
        // Texts stand in Protobuf as they are.
        let text = String::from_utf8_lossy(&request.body);
        assert!(!text.contains(CANARY), "{}: {text}", request.path);
    }
}

#[test]
fn events_of_a_row_have_its_trace_and_forms_are_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::requests(path);
    let run = ["run", "requests.csv", "--out", "out", "--plan-only", "--tracing"];
    let output = clipflow(path, &[&["-v", "--log-format", "json"], &run[..]].concat());
    let said = stderr(&output);
    let lines = said.lines().filter(|line| line.starts_with('{'));
    let events: Vec<serde_json::Value> =
        lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = events.iter().find(|e| e["fields"]["code"] == "source.not_found").unwrap();
    let row = failed["spans"].as_array().unwrap().iter().find(|s| s["name"] == "row").unwrap();
    assert_eq!(row["trace_id"].as_str().unwrap().len(), 32, "{failed}");
    assert!(failed["spans"].as_array().unwrap().iter().any(|s| s["run_id"].is_string()));
    fs::remove_dir_all(path.join("out")).unwrap();
    let output = clipflow(path, &[&["-v", "--log-format", "compact"], &run[..]].concat());
    let said = stderr(&output);
    let line = said.lines().find(|line| line.contains("source.not_found")).unwrap();
    assert!(line.contains("trace_id=") && line.contains("run_id="), "{line}");
}
