//! Media rows on the executors of a Ballista cluster.
//!
//! Ballista schedules, the results folder recovers. A row is a file in the folder of its run, which every executor
//! sees ([`SharedFolder`]); a job of one stage names the files, one task each ([`ClusterExec`]). An executor runs
//! the row with its source on the ordinary media runtime and writes the outcome to a file of the row's name that is
//! created once. The client ([`ClusterBackend`]) looks for these files, not for results of the job: a job that is lost, stuck
//! or forgotten is replaced by one of the rows that are missing, and a row that is done is never done again.
//!
//! Each attempt at a row has a mark, removed when the attempt ends. A mark that stays and stands still is that of an
//! executor that died; a row that outlived two of them ends with `worker_crashed`.

mod backend;
mod board;
mod codec;
mod engine;
mod executor;
mod files;
mod folder;
mod job;
mod marks;
mod member;
mod plan;
mod row;
mod scheduler;
mod tls;
mod visiting;
mod watch;

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use crate::error::{Error, ErrorCode};
use crate::exec::WorkSpec;

pub(crate) use backend::ClusterBackend;
pub(crate) use executor::run_executor;
pub(crate) use member::ExecutorOptions;
pub(crate) use scheduler::run_scheduler;

/// The version that speaks; all of a cluster must be of one.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a job does with each of its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RowOrder {
    /// The shared folder of the run.
    folder: PathBuf,
    /// The work.
    work: WorkSpec,
    /// Folders, buckets and prefixes that sources may lie in.
    roots: Vec<String>,
}

/// An error of this layer that is a defect or a fault of the machine.
fn fault(what: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorCode::Internal, format!("{what} ({cause}); please report it with the log"))
        .with_source(cause)
}
