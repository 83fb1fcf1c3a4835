//! What a processor tells of its batches.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clipflow::config::{BackendType, ParallelConfig};
use clipflow::processors::{VideoClipProcessor, create_high_performance_processor};
use clipflow::telemetry::{MetricKind, MetricSample, chrome};
use clipflow::{Error, VideoClipRequest};
use futures::StreamExt;

use super::super::support::show;

fn processor(folder: &Path, parallel: ParallelConfig) -> VideoClipProcessor {
    fs::write(folder.join("short.mp4"), show::short()).unwrap();
    let processor = create_high_performance_processor(folder.join("out"), parallel).unwrap();
    let mut processor = processor.with_base(folder);
    processor.config_mut().plan_only = true;
    processor
}

fn requests() -> Vec<VideoClipRequest> {
    let request = |source: &str| VideoClipRequest {
        min_clip_length: 2.0,
        max_clip_length: 4.0,
        ..VideoClipRequest::new(source)
    };
    ["short.mp4", "missing.mp4"].map(request).into()
}

fn value(metrics: &[MetricSample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |m: &&MetricSample| {
        m.name == name && labels.iter().all(|(k, v)| m.label(k).unwrap_or_default() == *v)
    };
    metrics.iter().filter(fits).map(|m| m.value).sum()
}

#[test]
fn metrics_of_batches_add_up_and_are_exported() {
    let folder = tempfile::tempdir().unwrap();
    let processor = processor(folder.path(), ParallelConfig::default());
    assert_eq!(processor.get_performance_metrics(), vec![]);
    for n in 1..=2 {
        let requests: Vec<_> =
            requests().into_iter().map(|r| VideoClipRequest { max_clips: n, ..r }).collect();
        let answers = processor.process_batch_parallel(&requests, BackendType::Auto).unwrap();
        assert_eq!(answers.iter().filter(|answer| answer.success).count(), 1);
    }
    let metrics = processor.get_performance_metrics();
    assert_eq!(value(&metrics, "clipflow_runs_total", &[("result", "rows_failed")]), 2.0);
    assert_eq!(value(&metrics, "clipflow_rows_total", &[("code", "source.not_found")]), 2.0);
    assert_eq!(value(&metrics, "clipflow_requests_total", &[("code", "")]), 2.0);
    let times = metrics.iter().find(|m| m.kind == MetricKind::Histogram).unwrap();
    let of = times.distribution.as_ref().unwrap();
    assert!(of.p50 <= of.p90 && of.p90 <= of.p99 && of.p99 <= of.max, "{of:?}");
    let text = processor.export_metrics_to_prometheus();
    let exported = super::samples(&text);
    assert_eq!(exported["clipflow_runs_total{result=\"rows_failed\"}"], 2.0);
    let error: Error = processor.export_metrics_to_datadog().unwrap_err();
    assert!(error.message().starts_with("datadog_url is empty; give"), "{error}");
}

#[test]
fn datadog_gets_what_has_changed_since_the_last_time() {
    let folder = tempfile::tempdir().unwrap();
    let agent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    agent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let url = format!("udp://{}", agent.local_addr().unwrap());
    let parallel = ParallelConfig { datadog_url: url.as_str().into(), ..Default::default() };
    let processor = processor(folder.path(), parallel);
    processor.process_batch_parallel(&requests(), BackendType::Auto).unwrap();
    let mut buffer = [0; 2000];
    let length = agent.recv(&mut buffer).unwrap();
    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(text.lines().all(|line| line.starts_with("clipflow.")), "{text}");
    assert_eq!(processor.export_metrics_to_datadog().unwrap(), 0, "the batch has sent all of it");
}

#[test]
fn a_stream_of_metrics_ends_with_the_batches() {
    let folder = tempfile::tempdir().unwrap();
    let processor = processor(folder.path(), ParallelConfig::default());
    let stream = processor.stream_performance_metrics(Duration::from_millis(20));
    let worker = {
        let processor = processor.clone();
        std::thread::spawn(move || processor.process_batch_parallel(&requests(), BackendType::Auto))
    };
    worker.join().unwrap().unwrap();
    let all: Vec<Vec<MetricSample>> = futures::executor::block_on(stream.collect());
    assert!(all.len() >= 2, "one at once and one at the end");
    let last = all.last().unwrap();
    assert_eq!(value(last, "clipflow_rows_total", &[("stage", "analyze")]), 2.0);
}

#[test]
fn traces_are_exported_without_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let parallel = ParallelConfig { enable_tracing: true, ..Default::default() };
    let processor = processor(folder.path(), parallel);
    processor.process_batch_parallel(&requests(), BackendType::Thread).unwrap();
    let document = serde_json::from_str(&processor.export_traces()).unwrap();
    let spans = chrome::spans(&document).unwrap();
    assert_eq!(spans.iter().filter(|span| span.category == "row").count(), 2);
}

#[test]
fn log_events_go_to_a_closure_and_to_the_debug_log() {
    let folder = tempfile::tempdir().unwrap();
    let parallel = ParallelConfig { debug: true, ..Default::default() };
    let mut processor = processor(folder.path(), parallel);
    let heard = Arc::new(Mutex::new(vec![]));
    let sink = Arc::clone(&heard);
    let set = processor.set_logger(move |entry| sink.lock().unwrap().push(entry.clone()));
    set.unwrap();
    processor.process_batch_parallel(&requests(), BackendType::Auto).unwrap();
    let place = folder.path().join("missing.mp4");
    let place = place.to_string_lossy();
    let logs = processor.get_debug_logs();
    for entries in [heard.lock().unwrap().clone(), logs] {
        // Other tests of this program log too.
        let mine = entries.iter().find(|entry| {
            entry.level == "WARN"
                && entry.fields.iter().any(|(k, v)| k == "location" && *v == *place)
        });
        let entry = mine.expect("the row that failed is logged");
        assert!(entry.target.starts_with("clipflow::exec"), "{entry:?}");
        assert!(entry.fields.contains(&("code".into(), "source.not_found".into())), "{entry:?}");
        assert!(entry.timestamp > 1.7e9 && !entry.message.is_empty());
    }
    let quiet = tempfile::tempdir().unwrap();
    let other = super::processor::processor(quiet.path(), ParallelConfig::default());
    other.process_batch_parallel(&requests(), BackendType::Auto).unwrap();
    assert_eq!(other.get_debug_logs(), vec![], "without debug nothing is kept");
}
