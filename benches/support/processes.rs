//! The memory of a process and of all that it starts.

use std::process::Command;
use std::time::{Duration, Instant};

use clipflow::processors::benchmark::ProcessTree;

use super::Result;

/// How often the memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);

/// The most a command held.
#[derive(Debug, Clone, Copy, Default)]
pub struct Peak {
    /// Resident bytes of all processes at one moment, looked at every 20 ms. Pages that they share
    /// count once for each.
    pub bytes: u64,
    /// Resident bytes of the command itself, as the kernel keeps account of them.
    pub own_bytes: u64,
    /// Processes at one moment.
    pub processes: usize,
    /// Seconds it took.
    pub wall: f64,
    /// Exit code.
    pub code: Option<i32>,
}

/// Runs a command to its end.
///
/// # Errors
/// If it cannot be started or was ended by a signal.
pub fn peak(command: &mut Command) -> Result<Peak> {
    let started = Instant::now();
    let mut child = command.spawn()?;
    let mut peak = Peak::default();
    let status = loop {
        let tree = ProcessTree::of(child.id());
        peak.processes = peak.processes.max(tree.processes().len());
        peak.bytes = peak.bytes.max(tree.resident_bytes());
        peak.own_bytes = peak.own_bytes.max(high_water(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(SAMPLE_EVERY);
    };
    if status.code().is_none() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(Peak { wall: started.elapsed().as_secs_f64(), code: status.code(), ..peak })
}

/// The most that a process has held so far, as the kernel keeps account of it.
fn high_water(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}
