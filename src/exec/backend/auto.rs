//! Chooses the backend that costs least for each work.
//!
//! | work | runs on | because |
//! |---|---|---|
//! | media | `async` | it waits for media processes; a worker process would only add another one |
//! | I/O | `async`, more tasks than cores | it waits and needs no core |
//! | kernel | the cheapest backend | rows × measured cost of a row, plus the measured cost of the hand-over |
//!
//! `process` is never chosen: it always costs more than a thread. It is for work that may crash or
//! take too much memory, which cannot be measured in advance.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::ArrayRef;
use async_trait::async_trait;

use super::costs::{self, RowCosts};
use super::ticket::contained;
use super::{AsyncBackend, Backend, BackendChoice, JoblibBackend, Task, ThreadBackend};
use crate::config::{BackendType, ParallelConfig};
use crate::error::Result;
use crate::exec::{Work, WorkKind};

/// Chooses among backends of one size; see the module.
#[derive(Debug)]
pub struct AutoBackend {
    limits: AutoLimits,
    media: AsyncBackend,
    io: AsyncBackend,
    thread: ThreadBackend,
    joblib: JoblibBackend,
    costs: Arc<RowCosts>,
    /// The last choice for each work, so that only changes are logged.
    logged: Mutex<HashMap<String, KernelPlace>>,
}

/// Limits set by the machine and the settings.
#[derive(Debug, Clone, Copy)]
struct AutoLimits {
    workers: usize,
    io_tasks: usize,
    cores: usize,
    memory_gb: f64,
}

/// Where a kernel may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KernelPlace {
    Here,
    Thread,
    Async,
    Joblib,
}

impl KernelPlace {
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
    /// Chooses among backends of the size that `config` and this machine allow.
    pub fn new(config: &ParallelConfig) -> Self {
        let workers = config.workers();
        // Tasks that wait for a network need no core: as many as there may be fetches, unless limited.
        let io_tasks =
            if config.max_workers == 0 { workers.max(config.max_fetches) } else { workers };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let costs = Arc::new(RowCosts::default());
        Self {
            limits: AutoLimits { workers, io_tasks, cores, memory_gb: config.memory_limit_gb },
            media: AsyncBackend::new(workers),
            io: AsyncBackend::new(io_tasks),
            thread: ThreadBackend::new(workers),
            joblib: JoblibBackend::with_costs(workers, Arc::clone(&costs)),
            costs,
            logged: Mutex::default(),
        }
    }

    /// The decision for `rows` rows of `work`; `None`: any number.
    fn decide(&self, work: &dyn Work, rows: Option<usize>) -> Decision {
        let AutoLimits { workers, io_tasks, .. } = self.limits;
        match work.kind() {
            WorkKind::Media => Decision {
                place: KernelPlace::Async,
                workers,
                reason: DecisionReason::Media(self.limits),
            },
            WorkKind::Io => Decision {
                place: KernelPlace::Async,
                workers: io_tasks,
                reason: DecisionReason::Io,
            },
            WorkKind::Cpu => {
                let nanos = self.costs.of(work.name()).nanos();
                decide_kernel(nanos, rows, workers, work.is_bounded())
            }
        }
    }

    fn log_change(&self, work: &str, rows: usize, decision: &Decision) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.get(work) != Some(&decision.place) {
            logged.insert(work.to_owned(), decision.place);
            let Decision { place, workers, reason } = decision;
            tracing::info!(work, rows, backend = place.name(), workers, "{reason}");
        }
    }

    /// Runs it on the calling thread, which is faster than handing it over.
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
        self.log_change(task.work.name(), rows, &decision);
        match decision.place {
            KernelPlace::Here => self.run_here(&task),
            KernelPlace::Thread => self.thread.run(task).await,
            KernelPlace::Joblib => self.joblib.run(task).await,
            KernelPlace::Async if kind == WorkKind::Io => self.io.run(task).await,
            KernelPlace::Async => self.media.run(task).await,
        }
    }

    fn choice(&self, work: &dyn Work, rows: Option<usize>) -> BackendChoice {
        let Decision { place, workers, reason } = self.decide(work, rows);
        BackendChoice { backend: place.backend(), workers, reason: reason.to_string() }
    }
}

/// Where work runs, and why. The reason is formatted only when it is read.
#[derive(Debug, Clone, Copy)]
struct Decision {
    place: KernelPlace,
    workers: usize,
    reason: DecisionReason,
}

#[derive(Debug, Clone, Copy)]
enum DecisionReason {
    Media(AutoLimits),
    Io,
    /// The rows have not been measured yet.
    Unknown,
    /// Estimated times for that many rows of that many nanoseconds.
    Measured {
        rows: usize,
        nanos: f64,
        estimates: [Estimate; 3],
    },
}

/// Estimated time of some rows in one place.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    place: KernelPlace,
    /// Infinite where the place is not allowed.
    nanos: f64,
}

impl fmt::Display for DecisionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Media(AutoLimits { workers, cores, memory_gb, .. }) => write!(
                f,
                "auto: media rows wait for media processes; {cores} cores and {memory_gb} GB hold {workers}"
            ),
            Self::Io => f.write_str("auto: rows wait for input and output, not for a core"),
            Self::Unknown => {
                f.write_str("auto: its rows are not measured yet; joblib measures them as they run")
            }
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

/// The cheapest place for `rows` rows (`None`: very many) at a measured cost of `nanos` each.
fn decide_kernel(
    nanos: Option<f64>,
    rows: Option<usize>,
    workers: usize,
    bounded: bool,
) -> Decision {
    let Some(nanos) = nanos else {
        return Decision { place: KernelPlace::Joblib, workers, reason: DecisionReason::Unknown };
    };
    let rows = rows.unwrap_or(costs::MANY_ROWS);
    let serial = nanos * rows as f64;
    let mut estimates =
        [KernelPlace::Here, KernelPlace::Thread, KernelPlace::Joblib].map(|place| {
            let allowed = place != KernelPlace::Here || (bounded && serial <= costs::AT_ONCE_NANOS);
            let nanos = costs::estimate(place.backend(), serial, workers);
            Estimate { place, nanos: if allowed { nanos } else { f64::INFINITY } }
        });
    estimates.sort_by(|a, b| a.nanos.total_cmp(&b.nanos));
    let [Estimate { place, .. }, ..] = estimates;
    Decision { place, workers, reason: DecisionReason::Measured { rows, nanos, estimates } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_goes_where_its_rows_cost_least() {
        let place = |nanos, rows, workers, bounded| {
            decide_kernel(Some(nanos), Some(rows), workers, bounded).place
        };
        assert_eq!(place(100.0, 10, 4, true), KernelPlace::Here, "1 µs is less than any hand-over");
        assert_ne!(place(100.0, 10, 4, false), KernelPlace::Here, "it might wait");
        assert_eq!(
            place(100.0, 1_000_000, 4, true),
            KernelPlace::Joblib,
            "0.1 s is worth four threads"
        );
        assert_eq!(place(1e6, 8, 4, true), KernelPlace::Joblib, "few rows that cost much");
        assert_eq!(
            place(1e6, 1000, 1, true),
            KernelPlace::Thread,
            "one thread gains nothing by stealing"
        );
    }

    #[test]
    fn an_unmeasured_kernel_goes_to_joblib() {
        let Decision { place, reason, .. } = decide_kernel(None, Some(5), 2, true);
        assert_eq!(place, KernelPlace::Joblib);
        assert!(reason.to_string().contains("not measured yet"), "{reason}");
    }
}
