//! The memory of a process and of all that it starts.

use std::process::Command;
use std::time::{Duration, Instant};

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
        let tree = tree(child.id());
        peak.processes = peak.processes.max(tree.len());
        let bytes = tree.iter().filter_map(|pid| memory(*pid, "VmRSS:")).sum();
        peak.bytes = peak.bytes.max(bytes);
        peak.own_bytes = peak.own_bytes.max(memory(child.id(), "VmHWM:").unwrap_or(0));
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

/// A line of what the kernel tells of a process's memory, in bytes.
fn memory(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(name))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}
