//! What the benchmarks share: CPU time, repeats, generated video.
#![allow(dead_code, unused_imports, reason = "each benchmark uses a part of this")]

pub mod processes;
pub mod requests;
pub mod video;

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use clipflow::processors::benchmark::{MeasuredCost as Cost, Spread};
use nix::sys::resource::{UsageWho, getrusage};

/// What a benchmark returns: any error ends it with a message.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Whether this is `cargo bench`. A test runner that starts every target is answered at once.
pub fn is_bench() -> bool {
    std::env::args().any(|a| a == "--bench")
}

/// The number in the environment variable `name`.
///
/// # Errors
/// If it is set and no number.
pub fn setting<T: std::str::FromStr>(name: &str, default: T) -> Result<T> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name} is {text:?}, not a number").into()),
        Err(_) => Ok(default),
    }
}

/// Repeats of a measurement: `CLIPFLOW_BENCH_REPEATS`, or `default`.
///
/// # Errors
/// If it is set and no number.
pub fn repeats(default: usize) -> Result<usize> {
    Ok(setting("CLIPFLOW_BENCH_REPEATS", default)?.max(1))
}

/// Where generated files are kept from one run to the next.
///
/// # Errors
/// If it cannot be made.
pub fn folder() -> Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A running measurement.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    started: Instant,
    whose: &'static [UsageWho],
    cpu: f64,
}

impl Meter {
    /// Starts to measure.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn start() -> Result<Self> {
        Self::of(&[UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN])
    }

    /// Starts to measure the children alone.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn of_children() -> Result<Self> {
        Self::of(&[UsageWho::RUSAGE_CHILDREN])
    }

    fn of(whose: &'static [UsageWho]) -> Result<Self> {
        Ok(Self { started: Instant::now(), whose, cpu: cpu_seconds(whose)? })
    }

    /// What was spent since the start.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn cost(&self) -> Result<Cost> {
        Ok(Cost {
            wall: self.started.elapsed().as_secs_f64(),
            cpu: cpu_seconds(self.whose)? - self.cpu,
        })
    }
}

/// Processor seconds of this process or of its children (and theirs) that were waited for.
fn cpu_seconds(whose: &[UsageWho]) -> Result<f64> {
    let mut total = 0.0;
    for who in whose {
        let usage = getrusage(*who)?;
        for time in [usage.user_time(), usage.system_time()] {
            total += Duration::new(time.tv_sec().try_into()?, 0).as_secs_f64()
                + time.tv_usec() as f64 / 1e6;
        }
    }
    Ok(total)
}

/// `met` or `MISSED`.
pub fn verdict(value: f64, bar: f64) -> &'static str {
    if value <= bar { "met" } else { "MISSED" }
}
