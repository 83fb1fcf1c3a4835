//! The memory of `clipflow validate` over millions of rows: it must not grow with them.
//!
//! `CLIPFLOW_BENCH_STREAM_ROWS` (5,000,000); `clipflow` is the one built with the benchmark.

mod support;

use std::process::{Command, Stdio};

use support::processes::peak;
use support::{Result, is_bench, requests, setting, verdict};

/// Resident memory of the coordinator, in MiB.
const BAR: f64 = 512.0;

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let rows = setting("CLIPFLOW_BENCH_STREAM_ROWS", 5_000_000_usize)?;
    let folder = tempfile::tempdir_in(support::folder()?)?;
    println!("clipflow validate FILE --quiet, {rows} rows, a tenth invalid; peak resident memory");
    println!("| input | wall s | rows/s | MiB | ≤ {BAR} |");
    println!("|---|---|---|---|---|");
    for with_ids in [true, false] {
        for kind in ["parquet", "csv"] {
            let file = folder.path().join(format!("requests.{kind}"));
            match kind {
                "csv" => requests::write_csv(&file, rows, with_ids)?,
                _ => requests::write_parquet(&file, rows, with_ids)?,
            }
            let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
            command.arg("validate").arg(&file).arg("--quiet").stdout(Stdio::null());
            let peak = peak(&mut command)?;
            if peak.code != Some(3) {
                return Err(format!("{command:?} ended with {:?}", peak.code).into());
            }
            let mebibytes = peak.own_bytes as f64 / f64::from(1 << 20);
            println!(
                "| {kind}, {} ids | {:.1} | {:.0} | {mebibytes:.0} | {} |",
                if with_ids { "with" } else { "without" },
                peak.wall,
                rows as f64 / peak.wall,
                verdict(mebibytes, BAR)
            );
            std::fs::remove_file(&file)?;
        }
    }
    Ok(())
}
