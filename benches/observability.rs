//! What reporting costs: whole runs of the command with every exporter on and with none, in turns, and what the
//! counting that is always there takes of a run.
//!
//! `CLIPFLOW_BENCH_SOURCES` (4), `CLIPFLOW_BENCH_REPEATS` (5).

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clipflow::telemetry::{Metrics, catalogue};
use support::video::Video;
use support::{Meter, Result, Spread, is_bench, repeats, setting, verdict};

/// Seconds of each source.
const SECONDS: u32 = 30;
/// Most that all exporters may add to the CPU time of a run, and the counting that is always there.
const ON: f64 = 0.02;
const OFF: f64 = 0.002;

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let sources = setting("CLIPFLOW_BENCH_SOURCES", 4_u32)?;
    let repeats = repeats(5)?;
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let mut csv = "source_url,min_clip_length,max_clip_length,max_clips\n".to_owned();
    for seed in 0..sources {
        let video = Video { seed, seconds: SECONDS, size: (640, 360), kilobits: 900 };
        csv += &format!("{},4,8,2\n", video.file()?.display());
    }
    std::fs::write(folder.join("requests.csv"), csv)?;
    let exporters = exporters(folder)?;
    run(folder, &[])?;
    let mut cpu = [vec![], vec![]];
    for _ in 0..repeats {
        cpu[0].push(run(folder, &[])?);
        cpu[1].push(run(folder, &exporters)?);
    }
    let ratios = cpu[1].iter().zip(&cpu[0]).map(|(on, off)| on / off);
    let ratio = Spread::of(ratios);
    let [off, on] = cpu.map(Spread::of);
    println!(
        "{sources} sources of {SECONDS} s (640×360), CPU seconds, median (least–most) of {repeats} pairs"
    );
    println!("| no exporter | all exporters | ratio | bar | |");
    println!("|---|---|---|---|---|");
    let added = ratio.median - 1.0;
    println!("| {off:.2} | {on:.2} | {ratio:.3} | ≤ {} | {} |", 1.0 + ON, verdict(added, ON));
    counting(folder, off.median)
}

/// The calls to the registry of metrics that a run makes, and what as many calls cost.
fn counting(folder: &Path, run_seconds: f64) -> Result<()> {
    let output = command(folder)
        .args(["sql", "out", "SELECT sum(coalesce(observations, CASE kind WHEN 'counter' THEN value ELSE 1 END)) \
            FROM run_stats WHERE kind = 'histogram' OR unit IN ('rows', 'processes', 'sources', 'requests', 'lookups')", "--format", "csv"])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let observed: f64 = text.lines().nth(1).unwrap_or_default().parse()?;
    // Each of these comes with calls for seconds, bytes and gauges; progress makes some calls a second of video.
    let calls = (10.0 * observed) as usize + 10_000;
    let metrics = Metrics::default().child();
    let started = Instant::now();
    for n in 0..calls {
        metrics.add(&catalogue::ROWS, &["analyze", "async", ""], 1.0);
        if n % 4 == 0 {
            metrics.observe(&catalogue::ROW_SECONDS, &["analyze", "async"], n as f64);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let share = seconds / run_seconds;
    println!(
        "| {calls} calls to the registry | {seconds:.4} s | {share:.5} of the run | ≤ {OFF} | {} |",
        verdict(share, OFF)
    );
    Ok(())
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// CPU seconds of a whole run of the command and of its media processes.
fn run(folder: &Path, exporters: &[String]) -> Result<f64> {
    let _ = std::fs::remove_dir_all(folder.join("out"));
    // Children alone: what the receivers in this program take is not of the run.
    let meter = Meter::of_children()?;
    let mut command = command(folder);
    command.args(["run", "requests.csv", "--out", "out", "--allow-root"]).arg(support::folder()?);
    let output = command.args(exporters).output()?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(String::from_utf8_lossy(&said).into_owned().into());
    }
    Ok(meter.cost()?.cpu)
}

/// The flags of every exporter, with receivers in this program.
fn exporters(folder: &Path) -> Result<Vec<String>> {
    let agent = UdpSocket::bind("127.0.0.1:0")?;
    let datadog = format!("udp://{}", agent.local_addr()?);
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while agent.recv(&mut buffer).is_ok() {}
    });
    let collector = TcpListener::bind("127.0.0.1:0")?;
    let otlp = format!("http://{}", collector.local_addr()?);
    std::thread::spawn(move || {
        for stream in collector.incoming().flatten() {
            std::thread::spawn(move || collect(stream));
        }
    });
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    std::thread::spawn(move || scrape(port));
    let file = |name: &str| folder.join(name).display().to_string();
    let flags = [
        ("--metrics-file", file("metrics.prom")),
        ("--metrics-interval", "1".to_owned()),
        ("--metrics-listen", port.to_string()),
        ("--datadog", datadog),
        ("--otlp", otlp),
        ("--trace", file("trace.json")),
        ("--log-format", "json".to_owned()),
        ("--progress", "json".to_owned()),
    ];
    let flags = flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
    Ok(flags.chain(["-v".to_owned()]).collect())
}

/// Answers every request of one connection.
fn collect(mut stream: TcpStream) {
    let Ok(second) = stream.try_clone() else { return };
    let mut reader = BufReader::new(second);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).map_or(true, |bytes| bytes == 0) {
                return;
            }
            let line = line.to_ascii_lowercase();
            if let Some(given) = line.strip_prefix("content-length:") {
                length = given.trim().parse().unwrap_or(0);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        if reader.read_exact(&mut body).and_then(|()| stream.write_all(answer)).is_err() {
            return;
        }
    }
}

/// Asks for the metrics of whatever run there is, as a scraper in a hurry does.
fn scrape(port: u16) {
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { continue };
        let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let mut page = String::new();
        let _ =
            stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut page));
    }
}
