//! What this process and all that it started hold and have spent, as Linux tells it.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode, Result};

/// How often the memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(10);
/// Seconds of a tick in `/proc/PID/stat`: `USER_HZ` is 100 on every Linux there is.
const TICK: f64 = 0.01;

/// A process and what it has started.
#[derive(Debug, Clone, Copy)]
pub struct ProcessTree {
    root: u32,
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, Clone, Copy)]
struct Stat {
    parent: u32,
    /// Seconds, its own and those of the children it has waited for.
    cpu: f64,
}

impl ProcessTree {
    /// This process.
    pub fn of_this_process() -> Self {
        Self { root: std::process::id() }
    }

    /// The process `root`.
    pub fn of(root: u32) -> Self {
        Self { root }
    }

    /// Processes there are now, the root included.
    pub fn processes(&self) -> Vec<u32> {
        self.members(&all()).into_iter().map(|(pid, _)| pid).collect()
    }

    /// Resident bytes of all its processes together. Pages that they share count once for each.
    pub fn resident_bytes(&self) -> u64 {
        self.processes().iter().filter_map(|pid| resident(*pid)).sum()
    }

    /// Seconds of CPU time that its processes have spent, those that have ended and were waited for
    /// included; in steps of 10 ms.
    pub fn cpu_seconds(&self) -> f64 {
        self.members(&all()).iter().map(|(_, stat)| stat.cpu).sum()
    }

    fn members(&self, all: &HashMap<u32, Stat>) -> Vec<(u32, Stat)> {
        let mut found: Vec<(u32, Stat)> =
            all.get(&self.root).map(|stat| (self.root, *stat)).into_iter().collect();
        let mut next = 0;
        while let Some((parent, _)) = found.get(next).copied() {
            found.extend(all.iter().filter(|(_, s)| s.parent == parent).map(|(p, s)| (*p, *s)));
            next += 1;
        }
        found
    }
}

fn all() -> HashMap<u32, Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?))).collect()
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which is in parentheses and may hold anything: state, parent, …; user and
    // system time, and those of its children, are the 12th to 15th of them.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().filter_map(|t| t.parse::<u64>().ok()).sum::<u64>();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, cpu: ticks as f64 * TICK })
}

fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Watches how much memory a tree of processes holds, every 10 ms, until it is asked.
#[derive(Debug)]
pub struct PeakMemory {
    tree: ProcessTree,
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl PeakMemory {
    /// Begin to watch.
    ///
    /// # Errors
    /// `internal` if no thread can be started.
    pub fn watch(tree: ProcessTree) -> Result<Self> {
        let (peak, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (to, until) = (Arc::clone(&peak), Arc::clone(&stop));
        let watch = move || {
            while !until.load(Ordering::Relaxed) {
                to.fetch_max(tree.resident_bytes(), Ordering::Relaxed);
                std::thread::sleep(SAMPLE_EVERY);
            }
        };
        let thread = std::thread::Builder::new().name("benchmark-memory".into());
        let watcher = thread
            .spawn(watch)
            .map_err(|e| Error::new(ErrorCode::Internal, format!("cannot start a thread ({e})")))?;
        Ok(Self { tree, peak, stop, watcher: Some(watcher) })
    }

    /// The most bytes so far.
    pub fn bytes(&self) -> u64 {
        self.peak.load(Ordering::Relaxed).max(self.tree.resident_bytes())
    }
}

impl Drop for PeakMemory {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

/// What a piece of work took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeasuredCost {
    /// Elapsed seconds.
    pub wall: f64,
    /// CPU seconds of the process and of all it started.
    pub cpu: f64,
}

/// A running measurement of this process.
#[derive(Debug, Clone, Copy)]
pub struct CostMeter {
    started: Instant,
    cpu: f64,
}

impl CostMeter {
    /// Begin.
    pub fn start() -> Self {
        let cpu = ProcessTree::of_this_process().cpu_seconds();
        Self { started: Instant::now(), cpu }
    }

    /// What was spent since.
    pub fn cost(&self) -> MeasuredCost {
        let wall = self.started.elapsed().as_secs_f64();
        MeasuredCost { wall, cpu: ProcessTree::of_this_process().cpu_seconds() - self.cpu }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn memory_that_is_touched_and_time_that_is_spent_are_seen() {
        let tree = ProcessTree::of_this_process();
        assert!(tree.processes().contains(&std::process::id()));
        let before = tree.resident_bytes();
        let meter = CostMeter::start();
        let peak = PeakMemory::watch(tree).unwrap();
        let mut block = vec![1_u8; 64 << 20];
        // Until the clock that counts in steps of 10 ms has seen it.
        while meter.cost().cpu < 0.03 {
            for page in block.chunks_mut(4096) {
                page[0] = page[0].wrapping_mul(31).wrapping_add(7);
            }
        }
        assert!(peak.bytes() > before + (48 << 20), "{} after {before}", peak.bytes());
        assert!(meter.cost().wall > 0.0 && std::hint::black_box(&block).len() > 1);
    }
}
