//! What it costs to analyse a video: CPU time against merely decoding it, and memory on a long one.
//!
//! `CLIPFLOW_BENCH_VIDEO`: more files, separated as in `PATH`; `CLIPFLOW_BENCH_REPEATS` (5);
//! `CLIPFLOW_BENCH_LONG`: seconds of the long file (3600), 0 for none.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::processes::{Peak, peak};
use support::video::{Video, duration, looped};
use support::{Cost, Meter, Result, Spread, is_bench, repeats, setting, verdict};

/// CPU time of the analysis over that of decoding.
const RATIO_BAR: f64 = 1.25;
/// Resident memory of all processes together, in MB.
const MEMORY_BAR: f64 = 300.0;

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
    let Peak { bytes, processes: most, code, .. } = peak(analyse(file).stdout(Stdio::null()))?;
    if code != Some(0) {
        return Err(format!("analysing {} ended with {code:?}", file.display()).into());
    }
    let megabytes = bytes as f64 / 1e6;
    println!(
        "| {} | {:.0} | {megabytes:.0} | {most} | {} |",
        name(file),
        duration(file)?,
        verdict(megabytes, MEMORY_BAR)
    );
    Ok(())
}

fn name(file: &Path) -> std::borrow::Cow<'_, str> {
    file.file_name().unwrap_or_default().to_string_lossy()
}
