//! The record of a media process that has ended.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use crate::media::failure::{Finished, StopReason};
use crate::telemetry::{ProcessRecord, scrub};

/// Longest argument that is kept, in characters: filtergraphs are long and tell most.
const ARGUMENT_CHARS: usize = 4000;

/// The record of a process of `program` that started at `started`, in seconds since 1970.
pub(super) fn of(
    finished: &Finished,
    program: &OsStr,
    pid: u32,
    started: f64,
    peak_bytes: u64,
) -> ProcessRecord {
    let end = match finished.stop {
        Some(StopReason::Cancelled) => "cancelled",
        Some(StopReason::Timeout) => "timeout",
        None if finished.status.success() => "ok",
        None => "failed",
    };
    let status = match (finished.status.signal(), finished.status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, code) => format!("status {}", code.unwrap_or(-1)),
    };
    let shown = |arg: &OsString| -> String {
        scrub(&arg.to_string_lossy()).chars().take(ARGUMENT_CHARS).collect()
    };
    ProcessRecord {
        program: Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned(),
        args: finished.args.iter().map(shown).collect(),
        pid,
        parent: std::process::id(),
        started,
        seconds: finished.elapsed.as_secs_f64(),
        cpu_seconds: finished.cpu,
        peak_bytes,
        end: end.to_owned(),
        status,
        stderr: if end == "ok" { String::new() } else { scrub(&finished.stderr) },
    }
}
