//! What it costs to analyse a video: CPU time against merely decoding it, and memory on a long one.
//!
//! `CLIPFLOW_BENCH_VIDEO`: more files, separated as in `PATH`; `CLIPFLOW_BENCH_REPEATS` (5);
//! `CLIPFLOW_BENCH_LONG`: seconds of the long file (3600), 0 for none.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::video::{Video, duration, looped};
use support::{Cost, Meter, Result, Spread, is_bench, repeats, setting, verdict};

/// CPU time of the analysis over that of decoding.
const RATIO_BAR: f64 = 1.25;
/// Resident memory of all processes together, in MB.
const MEMORY_BAR: f64 = 300.0;
/// How often the memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let generated = Video { seed: 1, seconds: 60, size: (1280, 720), kilobits: 2500 }.file()?;
    let named = std::env::var_os("CLIPFLOW_BENCH_VIDEO").unwrap_or_default();
    let files: Vec<PathBuf> = std::iter::once(generated.clone())
        .chain(std::env::split_paths(&named).filter(|p| !p.as_os_str().is_empty()))
        .collect();
    let repeats = repeats(5)?;
    println!("CPU seconds, median (least–most) of {repeats} alternating runs");
    println!("| file | seconds | ffmpeg -f null | clipflow signals | ratio | ≤ {RATIO_BAR} |");
    println!("|---|---|---|---|---|---|");
    for file in &files {
        compare(file, repeats)?;
    }
    let long = setting("CLIPFLOW_BENCH_LONG", 3600)?;
    println!("\nresident memory of all processes together, at its peak, every 20 ms");
    println!("| file | seconds | MB | processes | ≤ {MEMORY_BAR} |");
    println!("|---|---|---|---|---|");
    memory(&generated)?;
    if long > 0 {
        let file = looped(&generated, long)?;
        let measured = memory(&file);
        // It is large and quickly made again.
        std::fs::remove_file(&file)?;
        measured?;
    }
    Ok(())
}

/// Prints what decoding and analysing `file` take.
fn compare(file: &Path, repeats: usize) -> Result<()> {
    let (mut decoding, mut analysing) = (vec![], vec![]);
    for _ in 0..repeats {
        decoding.push(run(decode(file))?.cpu);
        analysing.push(run(analyse(file))?.cpu);
    }
    let ratio = Spread::of(analysing.iter().zip(&decoding).map(|(a, d)| a / d));
    println!(
        "| {} | {:.0} | {} | {} | {ratio} | {} |",
        name(file),
        duration(file)?,
        Spread::of(decoding),
        Spread::of(analysing),
        verdict(ratio.median, RATIO_BAR)
    );
    Ok(())
}

/// Video and audio of `file` decoded and thrown away.
fn decode(file: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(file).args(["-f", "null", "-"]);
    command
}

fn analyse(file: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.arg("signals").arg(file).args(["--format", "csv"]);
    command
}

fn run(mut command: Command) -> Result<Cost> {
    let meter = Meter::start()?;
    let status = command.stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    meter.cost()
}

/// Prints the most memory that the processes of an analysis hold at one moment. Pages that they
/// share count once for each.
fn memory(file: &Path) -> Result<()> {
    let mut child = analyse(file).stdout(Stdio::null()).spawn()?;
    let (mut peak, mut most) = (0, 0);
    let status = loop {
        let tree = tree(child.id());
        most = most.max(tree.len());
        peak = peak.max(tree.iter().filter_map(|pid| resident(*pid)).sum());
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(SAMPLE_EVERY);
    };
    if !status.success() {
        return Err(format!("analysing {} ended with {status}", file.display()).into());
    }
    let megabytes = peak as f64 / 1e6;
    println!(
        "| {} | {:.0} | {megabytes:.0} | {most} | {} |",
        name(file),
        duration(file)?,
        verdict(megabytes, MEMORY_BAR)
    );
    Ok(())
}

/// `root` and the processes it started, and theirs.
fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(pid) = tree.get(next).copied() {
        tree.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
        next += 1;
    }
    tree
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which is in parentheses and may hold anything: state, parent.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Bytes of memory that a process holds now.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn name(file: &Path) -> std::borrow::Cow<'_, str> {
    file.file_name().unwrap_or_default().to_string_lossy()
}
