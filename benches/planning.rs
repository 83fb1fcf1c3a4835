//! Planning many requests over few sources: memory must not grow with clips times sources, nor time beyond the rows.
//!
//! `CLIPFLOW_BENCH_PLAN_ROWS` (`1000,10000,100000,200000`) requests, `CLIPFLOW_BENCH_SOURCES` (20) sources of eight seconds,
//! three variants of each clip; `clipflow` is the one built with the benchmark.

mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use support::processes::peak;
use support::video::ffmpeg;
use support::{Result, is_bench, setting, verdict};

/// Resident memory of the coordinator, in MiB.
const BAR: f64 = 1024.0;
/// Growth of the time for each request from one size to the next, that is linear but for noise.
const LINEAR: f64 = 1.3;

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let sizes = setting("CLIPFLOW_BENCH_PLAN_ROWS", "1000,10000,100000,200000".to_owned())?;
    let sizes: Vec<usize> =
        sizes.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?;
    let sources = setting("CLIPFLOW_BENCH_SOURCES", 20_usize)?;
    let folder = tempfile::tempdir_in(support::folder()?)?;
    for number in 0..sources {
        source(folder.path(), number)?;
    }
    println!(
        "clipflow run --plan-only --variants 3, {sources} sources; without the analysis of the sources"
    );
    println!("| requests | wall s | ms/request | MiB | ≤ {BAR} | linear |");
    println!("|---|---|---|---|---|---|");
    let mut before: Option<f64> = None;
    // What the sources cost is measured with one request for each.
    let base = planned(folder.path(), sources, sources)?.0;
    for rows in sizes {
        let (wall, mebibytes) = planned(folder.path(), rows, sources)?;
        let each = (wall - base).max(0.0) / rows as f64;
        let growth = before.map_or(1.0, |before| each / before);
        println!(
            "| {rows} | {wall:.1} | {:.2} | {mebibytes:.0} | {} | {} |",
            each * 1e3,
            verdict(mebibytes, BAR),
            verdict(growth, LINEAR)
        );
        before = Some(each);
    }
    Ok(())
}

/// A source of eight seconds.
fn source(folder: &Path, number: usize) -> Result<()> {
    let tone = format!("sine=f={}:d=8", 300 + 20 * number);
    ffmpeg(|command| {
        command.args([
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=160x90:r=25:d=8",
            "-f",
            "lavfi",
            "-i",
            &tone,
        ]);
        command.args(["-metadata", &format!("title={number}")]);
        command.args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]);
        command.arg(folder.join(format!("s{number}.mp4")));
    })
}

/// Wall time in seconds and memory in MiB of a run of so many requests.
fn planned(folder: &Path, rows: usize, sources: usize) -> Result<(f64, f64)> {
    let mut csv = String::from("request_id,source_url,min_clip_length,max_clip_length,max_clips\n");
    for i in 0..rows {
        writeln!(csv, "q{i},s{}.mp4,{},{},{}", i % sources, 2 + i % 3, 4 + i % 4, 1 + i % 3)?;
    }
    let (file, out) = (folder.join("requests.csv"), folder.join("out"));
    std::fs::write(&file, csv)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.arg("run").arg(&file).arg("-o").arg(&out);
    command.args(["--plan-only", "--variants", "3", "--quiet"]).stdout(Stdio::null());
    let peak = peak(&mut command)?;
    if peak.code != Some(0) {
        return Err(format!("{command:?} ended with {:?}", peak.code).into());
    }
    std::fs::remove_dir_all(&out)?;
    Ok((peak.wall, peak.own_bytes as f64 / f64::from(1 << 20)))
}
