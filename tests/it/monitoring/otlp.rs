//! OTLP: what a collector of OpenTelemetry receives, decoded with OpenTelemetry's own messages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::super::support::http::{Server, empty};
use super::super::support::{query, show, stderr};
use super::run_stats;

/// What a collector has received, with the resource of each request.
#[derive(Default)]
struct Received {
    resources: Vec<Resource>,
    spans: Vec<Span>,
    /// As sent last: they count from the beginning.
    metrics: Vec<Metric>,
    logs: Vec<LogRecord>,
}

fn received(server: &Server) -> Received {
    let mut all = Received::default();
    for request in server.requests() {
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        let body = request.body.as_slice();
        match request.path.as_str() {
            "/v1/traces" => {
                let [of] = ExportTraceServiceRequest::decode(body)
                    .unwrap()
                    .resource_spans
                    .try_into()
                    .unwrap();
                all.resources.push(of.resource.unwrap());
                all.spans.extend(of.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
            "/v1/metrics" => {
                let [of] = ExportMetricsServiceRequest::decode(body)
                    .unwrap()
                    .resource_metrics
                    .try_into()
                    .unwrap();
                all.resources.push(of.resource.unwrap());
                all.metrics =
                    of.scope_metrics.into_iter().flat_map(|scope| scope.metrics).collect();
            }
            "/v1/logs" => {
                let [of] = ExportLogsServiceRequest::decode(body)
                    .unwrap()
                    .resource_logs
                    .try_into()
                    .unwrap();
                all.resources.push(of.resource.unwrap());
                all.logs.extend(of.scope_logs.into_iter().flat_map(|scope| scope.log_records));
            }
            other => panic!("nothing is at {other}"),
        }
    }
    all
}

fn value(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    Some(match found.value.clone()?.value? {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    })
}

fn command(folder: &Path, url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.current_dir(folder).args(["run", "requests.csv", "--out", "out", "--otlp", url]);
    command.args(args);
    command
}

/// The figures of counters and gauges by the name that a collector gives them for Prometheus.
fn figures(metrics: &[Metric]) -> BTreeMap<String, f64> {
    let mut figures = BTreeMap::new();
    for metric in metrics {
        let unit = match metric.unit.as_str() {
            "s" => "_seconds",
            "By" => "_bytes",
            other => {
                assert!(other.starts_with('{'), "{other}");
                ""
            }
        };
        let name = format!("{}{unit}", metric.name.replace('.', "_"));
        let (points, end) = match metric.data.as_ref().unwrap() {
            Data::Sum(sum) => {
                assert!(sum.is_monotonic);
                (&sum.data_points, "_total")
            }
            Data::Gauge(gauge) => (&gauge.data_points, ""),
            Data::Histogram(histogram) => {
                for point in &histogram.data_points {
                    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                    let stage = value(&point.attributes, "clipflow.stage").unwrap_or_default();
                    let sum = figures.entry(format!("{name}_count {stage}")).or_default();
                    *sum += point.count as f64;
                }
                continue;
            }
            other => panic!("{other:?}"),
        };
        for point in points {
            let Some(number_data_point::Value::AsDouble(number)) = point.value else {
                panic!("{point:?}")
            };
            let stage = value(&point.attributes, "clipflow.stage").unwrap_or_default();
            *figures.entry(format!("{name}{end} {stage}")).or_default() += number;
        }
    }
    figures
}

#[test]
fn a_collector_gets_the_figures_of_run_stats_whole_traces_and_logs_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::requests(path);
    let server = Server::start(|_, stream| empty(stream, 200, &[]));
    let run = command(path, &server.url(""), &["--backend", "process", "--plan-only"])
        .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20k3y,x-tenant=a")
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=tests")
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", stderr(&run));
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer k3y"));
        assert_eq!(request.header("x-tenant"), Some("a"));
    }
    let all = received(&server);
    for resource in &all.resources {
        assert_eq!(value(&resource.attributes, "service.name").as_deref(), Some("clipflow"));
        let environment = value(&resource.attributes, "deployment.environment.name");
        assert_eq!(environment.as_deref(), Some("tests"));
    }
    figures_are_those_of_run_stats(path, &all.metrics);
    traces_are_whole(path, &all.spans);
    let failed = all
        .logs
        .iter()
        .find(|log| value(&log.attributes, "error.type").as_deref() == Some("source.not_found"));
    let failed = failed.unwrap_or_else(|| panic!("{:?}", all.logs));
    assert!(all.spans.iter().any(|span| span.trace_id == failed.trace_id), "{failed:?}");
}

fn figures_are_those_of_run_stats(folder: &Path, metrics: &[Metric]) {
    let sent = figures(metrics);
    let mut compared = 0;
    let mut expected: BTreeMap<String, f64> = BTreeMap::new();
    for (name, number) in run_stats(folder) {
        let base = name.split('{').next().unwrap();
        let stage = name.split("stage=\"").nth(1).and_then(|rest| rest.split('"').next());
        if !base.ends_with("_sum") {
            *expected.entry(format!("{base} {}", stage.unwrap_or_default())).or_default() += number;
        }
    }
    for (name, number) in expected {
        let Some(other) = sent.get(&name) else { panic!("{name} was not sent: {sent:?}") };
        assert!(
            (number - other).abs() <= 1e-6 * number.abs().max(1.0),
            "{name}: {number}, {other}"
        );
        compared += 1;
    }
    assert!(compared > 25, "{compared} compared");
}

fn traces_are_whole(folder: &Path, spans: &[Span]) {
    let ids: BTreeSet<_> = spans.iter().map(|span| span.span_id.clone()).collect();
    assert_eq!(ids.len(), spans.len(), "each span is sent once");
    for span in spans {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        assert!(span.parent_span_id.is_empty() || ids.contains(&span.parent_span_id));
    }
    let category = |span: &Span| value(&span.attributes, "clipflow.category").unwrap();
    assert_eq!(spans.iter().filter(|span| category(span) == "run").count(), 1);
    let failed = spans.iter().filter(|span| span.status.as_ref().is_some_and(|s| s.code == 2));
    let codes: BTreeSet<_> =
        failed.map(|span| value(&span.attributes, "error.type").unwrap()).collect();
    assert!(codes.contains("source.not_found"), "{codes:?}");
    let traces: BTreeSet<String> = spans
        .iter()
        .map(|span| span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    let named = query(folder, "SELECT trace_id FROM outcomes WHERE trace_id IS NOT NULL");
    assert!(!named.is_empty() && named.iter().all(|trace| traces.contains(trace)), "{named:?}");
    let ffmpeg = spans.iter().find(|span| span.name == "ffmpeg").unwrap();
    assert!(value(&ffmpeg.attributes, "process.command_args").unwrap().contains("-i"));
}

#[test]
fn a_collector_that_stumbles_is_asked_again_and_one_that_is_away_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("requests.csv"), "source_url\nmissing.mp4\n").unwrap();
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_, stream| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        empty(stream, if first { 503 } else { 200 }, &[])
    });
    let run = command(path, &server.url("/otlp/"), &[]).output().unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", stderr(&run));
    let requests = server.requests();
    assert_eq!((&requests[0].path, &requests[0].body), (&requests[1].path, &requests[1].body));
    assert!(requests.iter().all(|request| request.path.starts_with("/otlp/v1/")));

    let url = Server::dead().url("");
    fs::remove_dir_all(path.join("out")).unwrap();
    let mut away = command(path, &url, &[]);
    let run = away.env("CLIPFLOW_LOG", "clipflow=warn").output().unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", stderr(&run));
    assert_eq!(
        stderr(&run).matches("the collector cannot be reached").count(),
        1,
        "{}",
        stderr(&run)
    );

    let wrong = command(path, "https://me:k3y@collector/", &[]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("OTEL_EXPORTER_OTLP_HEADERS"), "{}", stderr(&wrong));
    assert!(!stderr(&wrong).contains("k3y"), "{}", stderr(&wrong));
}
