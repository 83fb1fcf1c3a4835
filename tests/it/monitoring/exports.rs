//! Metrics leave the program: a file, a listener, datagrams; the figures are those of `run_stats`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::super::support::gated::Gate;
use super::super::support::waiting::until;
use super::super::support::{clipflow, query, show, stderr, stdout};
use super::{run_stats, samples};

/// The same samples in both, up to the rounding of texts; gauges of hosts and of the program are not of a run.
fn assert_equal(exported: &BTreeMap<String, f64>, of_run: &BTreeMap<String, f64>) {
    let mut compared = 0;
    for (name, value) in of_run {
        // Tables are written after the metrics were taken; a histogram's labels are written before `le`.
        let Some(other) = exported.get(name) else { panic!("{name} is not exported") };
        assert!((value - other).abs() <= 1e-6 * value.abs().max(1.0), "{name}: {value}, {other}");
        compared += 1;
    }
    assert!(compared > 40, "{compared} compared");
}

#[test]
fn the_metrics_file_has_the_figures_of_run_stats_and_of_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::requests(path);
    let run = ["run", "requests.csv", "--out", "out", "--metrics-file", "m.prom"];
    assert_eq!(clipflow(path, &run).status.code(), Some(3));
    let exported = samples(&fs::read_to_string(path.join("m.prom")).unwrap());
    assert_equal(&exported, &run_stats(path));
    let count = |sql: &str| query(path, sql)[0].parse::<f64>().unwrap();
    let metric = |name: &str| exported[name];
    let answered = count("SELECT count(*) FROM outcomes WHERE status = 'ok'");
    assert_eq!(metric("clipflow_requests_total{code=\"\"}"), answered);
    assert_eq!(metric("clipflow_clips_total"), count("SELECT sum(clips) FROM outcomes"));
    let bytes = "SELECT sum(bytes) FROM (SELECT DISTINCT uri, bytes FROM renditions)";
    assert_eq!(metric("clipflow_rendered_bytes_total"), count(bytes));
    let rows = "clipflow_rows_total{backend=\"async\",code=\"\",stage=\"analyze\"}";
    assert_eq!(metric(rows), 1.0, "one source is a video");
    assert_eq!(metric("clipflow_rows_in_flight{stage=\"analyze\"}"), 0.0);
    assert_eq!(metric("clipflow_rows_running{stage=\"render\"}"), 0.0);
    assert_eq!(metric("clipflow_source_in_flight_bytes"), 0.0);
    let decoded = metric("clipflow_video_seconds_total{stage=\"analyze\"}");
    assert!((decoded - 30.0).abs() < 1.0, "{decoded} s of a video of 30 s");
    assert!(metric("clipflow_media_peak_memory_bytes{stage=\"analyze\"}") > 1e7);
    let cpu = "clipflow_media_cpu_seconds_total{program=\"ffmpeg\",stage=\"render\"}";
    assert!(metric(cpu) > 0.01);
    promtool(&["check", "metrics"], Some(&path.join("m.prom")));
}

/// Runs Prometheus' own checker where it is installed.
fn promtool(args: &[&str], input: Option<&Path>) {
    let mut command = Command::new("promtool");
    command.args(args);
    if let Some(input) = input {
        command.stdin(Stdio::from(fs::File::open(input).unwrap()));
    }
    match command.output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        }
        Err(cause) => assert_eq!(cause.kind(), std::io::ErrorKind::NotFound, "{cause}"),
    }
}

#[test]
fn the_alert_rules_are_rules_and_the_dashboard_asks_for_metrics_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = root.join("deploy/prometheus/clipflow.rules.yml");
    promtool(&["check", "rules", rules.to_str().unwrap()], None);
    let text = fs::read_to_string(&rules).unwrap();
    assert_eq!(text.matches("- alert:").count(), 5);
    let dashboard = fs::read_to_string(root.join("deploy/grafana/clipflow.json")).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().unwrap().len() >= 6);
    let known: Vec<&str> = clipflow::telemetry::catalogue::METRICS.iter().map(|m| m.name).collect();
    let mut seen = 0;
    for word in (text + &dashboard).split(|c: char| !(c.is_alphanumeric() || c == '_')) {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
        if word.starts_with("clipflow_") {
            seen += 1;
            assert!(known.contains(&base.unwrap_or(word)), "there is no metric {word}");
        }
    }
    assert!(seen > 12, "{seen}");
}

/// A free port of the loopback interface.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn get(port: u16, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn metrics_are_served_while_a_run_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.mp4"), show::short()).unwrap();
    let gate = Gate::new(folder.path());
    let port = free_port();
    let listen = port.to_string();
    let video = ["run", "a.mp4", "--out", "out", "--plan-only", "--min", "2", "--max", "4"];
    let run = [&video[..], &["--metrics-listen", &listen]].concat();
    let run = gate.start(&run);
    gate.up_to(1);
    let page = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    until("metrics are served", || {
        answer = get(port, page).unwrap_or_default();
        answer.contains("clipflow_rows_running{stage=\"analyze\"}")
    });
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(samples(body)["clipflow_rows_in_flight{stage=\"analyze\"}"] >= 1.0, "{body}");
    let other = get(port, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    assert!(other.starts_with("HTTP/1.1 404"), "{other}");
    let post = get(
        port,
        "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
    assert!(post.unwrap().starts_with("HTTP/1.1 405"));
    gate.open("all");
    let (status, said) = run.end();
    assert!(status.success(), "{said}");
}

/// One metric of a DogStatsD datagram.
#[derive(Debug)]
struct Parsed {
    name: String,
    value: f64,
    kind: char,
    rate: f64,
    tags: BTreeMap<String, String>,
}

fn parse(line: &str) -> Parsed {
    let mut parts = line.split('|');
    let (name, value) = parts.next().unwrap().split_once(':').unwrap();
    let kind = parts.next().unwrap();
    assert!(["c", "g", "d"].contains(&kind), "{line}");
    let (mut rate, mut tags) = (1.0, BTreeMap::new());
    for part in parts {
        match (part.strip_prefix('@'), part.strip_prefix('#')) {
            (Some(given), _) => rate = given.parse().unwrap(),
            (_, Some(given)) => {
                let pairs = given.split(',').map(|tag| tag.split_once(':').unwrap());
                tags.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            _ => panic!("{line}"),
        }
    }
    let (name, value) = (name.to_owned(), value.parse().unwrap());
    Parsed { name, value, kind: kind.chars().next().unwrap(), rate, tags }
}

/// Receives datagrams on a thread until the sender is done.
fn receive(
    read: impl Fn(&mut [u8]) -> std::io::Result<usize> + Send + 'static,
) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(length) = read(&mut buffer) {
            let _ = sender.send(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
    });
    receiver
}

fn check_datagrams(received: &Receiver<String>, max_bytes: usize, folder: &Path) {
    let datagrams: Vec<String> = received.iter().collect();
    assert!(datagrams.iter().all(|datagram| datagram.len() <= max_bytes));
    let metrics: Vec<Parsed> = datagrams.iter().flat_map(|d| d.lines()).map(parse).collect();
    let rows = metrics.iter().filter(|m| m.name == "clipflow.rows" && m.kind == 'c');
    let rows: f64 = rows.map(|m| m.value).sum();
    let stats =
        "SELECT CAST(sum(value) AS BIGINT) FROM run_stats WHERE metric = 'clipflow_rows_total'";
    assert_eq!(query(folder, stats)[0], rows.to_string());
    let times = metrics.iter().filter(|m| m.name == "clipflow.row_duration_seconds");
    let times: Vec<_> = times.collect();
    assert!(times.iter().all(|m| m.kind == 'd' && m.tags.contains_key("stage")));
    let count: f64 = times.iter().map(|m| 1.0 / m.rate).sum();
    assert!((count - rows).abs() < 1e-6, "{count} observations of {rows} rows");
    assert!(metrics.iter().any(|m| m.name == "clipflow.workers" && m.kind == 'g'));
}

#[test]
fn datadog_gets_counters_gauges_and_distributions_over_udp_and_unix_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::requests(path);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let own = udp.local_addr().unwrap();
    let url = format!("udp://{own}");
    let received = receive(move |buffer| match udp.recv(buffer) {
        // The test says that the run is over.
        Ok(3) => Err(std::io::Error::other("end")),
        other => other,
    });
    let run = clipflow(path, &["run", "requests.csv", "--out", "out", "--datadog", &url]);
    assert_eq!(run.status.code(), Some(3), "{}", stderr(&run));
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"end", own).unwrap();
    check_datagrams(&received, 1432, path);

    let unix = path.join("dogstatsd.sock");
    let socket = UnixDatagram::bind(&unix).unwrap();
    let received = receive(move |buffer| match socket.recv(buffer) {
        Ok(3) => Err(std::io::Error::other("end")),
        other => other,
    });
    fs::remove_dir_all(path.join("out")).unwrap();
    let url = format!("unix://{}", unix.display());
    let run = clipflow(path, &["run", "requests.csv", "--out", "out", "--datadog", &url]);
    assert_eq!(run.status.code(), Some(3), "{}", stderr(&run));
    UnixDatagram::unbound().unwrap().send_to(b"end", &unix).unwrap();
    check_datagrams(&received, 8192, path);
}

#[test]
fn an_exporter_that_cannot_work_does_not_fail_the_run_and_a_wrong_address_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("short.mp4"), show::short()).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let video =
        ["run", "short.mp4", "--out", "out", "--max-clips", "1", "--plan-only", "--max", "4"];
    let all = [
        &video[..],
        &[
            "--metrics-listen",
            &port,
            "--metrics-file",
            "no/such/m.prom",
            "--trace",
            "no/such/t.json",
        ],
        &["--datadog", "unix:///no/such.sock"],
    ]
    .concat();
    let run = clipflow(path, &all);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    for (flag, value) in [("--metrics-listen", "nowhere"), ("--datadog", "http://agent")] {
        let run = clipflow(path, &[&video[..], &[flag, value]].concat());
        assert_eq!(run.status.code(), Some(2));
        let said = stderr(&run);
        assert!(
            said.contains(&format!("error[config.invalid]: {flag} is {value}; give")),
            "{said}"
        );
    }
}

#[test]
fn stats_prints_the_last_run_or_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for clips in ["1", "2"] {
        // Written anew, or the second run would find the analysis of the first.
        fs::write(path.join("short.mp4"), show::short()).unwrap();
        let video = ["run", "short.mp4", "--out", "out", "--plan-only", "--min", "2", "--max", "3"];
        let run = clipflow(path, &[&video[..], &["--max-clips", clips]].concat());
        assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    }
    let last = clipflow(path, &["stats", "out", "--format", "csv"]);
    let all = clipflow(path, &["stats", "out", "--all", "--format", "csv"]);
    let runs = |text: &str| -> std::collections::BTreeSet<String> {
        let lines = text.lines().skip(1);
        lines.map(|line| line.split(',').next().unwrap().to_owned()).collect()
    };
    let (last, all) = (stdout(&last), stdout(&all));
    assert_eq!((runs(&last).len(), runs(&all).len()), (1, 2), "the stats of replaced runs stay");
    assert_eq!(runs(&last).first(), runs(&all).last());
    let shown = stdout(&clipflow(path, &["stats", "out"]));
    assert!(shown.contains("clipflow_row_duration_seconds") && shown.contains("p99"), "{shown}");
    let none = clipflow(path, &["stats", "nothing"]);
    assert_eq!(none.status.code(), Some(2));
}
