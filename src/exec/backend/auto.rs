//! The backend that costs least for the work at hand.
//!
//! | work | runs on | because |
//! |---|---|---|
//! | media | `async` | it waits for processes of its own; a worker process would add one more |
//! | I/O | `async`, more tasks than cores | it waits; cores are not what it lacks |
//! | kernel | the cheapest of the ways there are | rows × what a row has cost so far, and the measured cost of handing it over |
//!
//! `process` is never chosen: it always costs more than a thread. It is for work that may crash or
//! take too much memory, which no measurement tells beforehand.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::ArrayRef;
use async_trait::async_trait;

use super::costs::{self, RowCosts};
use super::ticket::contained;
use super::{AsyncBackend, Backend, Choice, JoblibBackend, Task, ThreadBackend};
use crate::config::{BackendType, ParallelConfig};
use crate::error::Result;
use crate::exec::{Work, WorkKind};

/// See the module.
#[derive(Debug)]
pub struct AutoBackend {
    limits: Limits,
    media: AsyncBackend,
    io: AsyncBackend,
    thread: ThreadBackend,
    joblib: JoblibBackend,
    costs: Arc<RowCosts>,
    /// The last choice for each work, to log changes of mind and not each task.
    told: Mutex<HashMap<&'static str, Place>>,
}

/// What the machine and the settings allow.
#[derive(Debug, Clone, Copy)]
struct Limits {
    workers: usize,
    io_tasks: usize,
    cores: usize,
    memory_gb: f64,
}

/// Where a kernel may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    Thread,
    Async,
    Joblib,
}

impl Place {
    fn backend(self) -> Option<BackendType> {
        match self {
            Self::Here => None,
            Self::Thread => Some(BackendType::Thread),
            Self::Async => Some(BackendType::Async),
            Self::Joblib => Some(BackendType::Joblib),
        }
    }

    fn name(self) -> &'static str {
        self.backend().map_or("at once", BackendType::as_str)
    }
}

impl AutoBackend {
    /// Choosing among backends of the size that `config` and this machine allow.
    pub fn new(config: &ParallelConfig) -> Self {
        let workers = config.workers();
        // What waits for a network needs no core: as many as may fetch at a time, unless limited.
        let io_tasks =
            if config.max_workers == 0 { workers.max(config.max_fetches) } else { workers };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let costs = Arc::new(RowCosts::default());
        Self {
            limits: Limits { workers, io_tasks, cores, memory_gb: config.memory_limit_gb },
            media: AsyncBackend::new(workers),
            io: AsyncBackend::new(io_tasks),
            thread: ThreadBackend::new(workers),
            joblib: JoblibBackend::with_costs(workers, Arc::clone(&costs)),
            costs,
            told: Mutex::default(),
        }
    }

    /// Where `rows` rows of `work` go; `None`: any number.
    fn decide(&self, work: &dyn Work, rows: Option<usize>) -> Decision {
        let Limits { workers, io_tasks, .. } = self.limits;
        match work.kind() {
            WorkKind::Media => {
                Decision { place: Place::Async, workers, ground: Ground::Media(self.limits) }
            }
            WorkKind::Io => Decision { place: Place::Async, workers: io_tasks, ground: Ground::Io },
            WorkKind::Cpu => {
                let nanos = self.costs.of(work.name()).nanos();
                decide_kernel(nanos, rows, workers, work.is_bounded())
            }
        }
    }

    fn tell(&self, work: &'static str, rows: usize, decision: &Decision) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(work, decision.place) != Some(decision.place) {
            let Decision { place, workers, ground } = decision;
            tracing::info!(work, rows, backend = place.name(), workers, "{ground}");
        }
    }

    /// Run it in this very thread: shorter than handing it over would take.
    fn run_here(&self, task: &Task) -> Result<Vec<ArrayRef>> {
        let started = std::time::Instant::now();
        let columns = contained(task, |task| {
            task.cancel.check()?;
            task.work.run(&task.rows, &task.env, &task.cancel)
        })?;
        self.costs.of(task.work.name()).observe(task.rows.num_rows(), started.elapsed());
        Ok(columns)
    }
}

#[async_trait]
impl Backend for AutoBackend {
    fn backend_type(&self) -> BackendType {
        BackendType::Auto
    }

    fn workers(&self) -> usize {
        self.limits.workers
    }

    async fn run(&self, task: Task) -> Result<Vec<ArrayRef>> {
        let rows = task.rows.num_rows();
        let kind = task.work.kind();
        let decision = self.decide(task.work.as_ref(), Some(rows));
        self.tell(task.work.name(), rows, &decision);
        match decision.place {
            Place::Here => self.run_here(&task),
            Place::Thread => self.thread.run(task).await,
            Place::Joblib => self.joblib.run(task).await,
            Place::Async if kind == WorkKind::Io => self.io.run(task).await,
            Place::Async => self.media.run(task).await,
        }
    }

    fn choice(&self, work: &dyn Work, rows: Option<usize>) -> Choice {
        let Decision { place, workers, ground } = self.decide(work, rows);
        Choice { backend: place.backend(), workers, reason: ground.to_string() }
    }
}

/// Where, and why. The figures become a sentence only if somebody asks.
#[derive(Debug, Clone, Copy)]
struct Decision {
    place: Place,
    workers: usize,
    ground: Ground,
}

#[derive(Debug, Clone, Copy)]
enum Ground {
    Media(Limits),
    Io,
    /// Nothing is known of the rows.
    Unknown,
    /// What the ways to run so many rows of so many nanoseconds are expected to take.
    Measured {
        rows: usize,
        nanos: f64,
        estimates: [Estimate; 3],
    },
}

/// What a way to run some rows is expected to take.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    place: Place,
    /// Infinite where the place is not allowed.
    nanos: f64,
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Media(Limits { workers, cores, memory_gb, .. }) => write!(
                f,
                "auto: media rows wait for processes of their own; {cores} cores and {memory_gb} GB hold {workers}"
            ),
            Self::Io => f.write_str("auto: rows wait for others, not for a core"),
            Self::Unknown => f.write_str(
                "auto: nothing is known of its rows yet; joblib measures them as it goes",
            ),
            Self::Measured { rows, nanos, estimates } => {
                write!(f, "auto: {rows} rows × {:.2} µs:", nanos / 1e3)?;
                let allowed = estimates.iter().filter(|e| e.nanos.is_finite());
                for (i, Estimate { place, nanos }) in allowed.enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    write!(f, "{comma} {} {:.3} ms", place.name(), nanos / 1e6)?;
                }
                Ok(())
            }
        }
    }
}

/// The cheapest place for `rows` rows (`None`: very many) that have cost `nanos` each so far.
fn decide_kernel(
    nanos: Option<f64>,
    rows: Option<usize>,
    workers: usize,
    bounded: bool,
) -> Decision {
    let Some(nanos) = nanos else {
        return Decision { place: Place::Joblib, workers, ground: Ground::Unknown };
    };
    let rows = rows.unwrap_or(costs::MANY_ROWS);
    let serial = nanos * rows as f64;
    let mut estimates = [Place::Here, Place::Thread, Place::Joblib].map(|place| {
        let allowed = place != Place::Here || (bounded && serial <= costs::AT_ONCE_NANOS);
        let nanos = costs::estimate(place.backend(), serial, workers);
        Estimate { place, nanos: if allowed { nanos } else { f64::INFINITY } }
    });
    estimates.sort_by(|a, b| a.nanos.total_cmp(&b.nanos));
    let [Estimate { place, .. }, ..] = estimates;
    Decision { place, workers, ground: Ground::Measured { rows, nanos, estimates } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_goes_where_its_rows_cost_least() {
        let place = |nanos, rows, workers, bounded| {
            decide_kernel(Some(nanos), Some(rows), workers, bounded).place
        };
        assert_eq!(place(100.0, 10, 4, true), Place::Here, "1 µs is less than any hand-over");
        assert_ne!(place(100.0, 10, 4, false), Place::Here, "it might wait");
        assert_eq!(place(100.0, 1_000_000, 4, true), Place::Joblib, "0.1 s is worth four threads");
        assert_eq!(place(1e6, 8, 4, true), Place::Joblib, "few rows that cost much");
        assert_eq!(
            place(1e6, 1000, 1, true),
            Place::Thread,
            "one thread gains nothing by stealing"
        );
    }

    #[test]
    fn what_is_not_known_is_measured() {
        let Decision { place, ground, .. } = decide_kernel(None, Some(5), 2, true);
        assert_eq!(place, Place::Joblib);
        assert!(ground.to_string().contains("nothing is known"), "{ground}");
    }
}
