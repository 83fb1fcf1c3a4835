//! An executor's side of one row: at most once at a time, its outcome written once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;

use super::RowOrder;
use super::files::outcome_file;
use super::folder::{SharedFolder, cannot_write};
use super::marks::{EarlierAttempts, MAX_DEATHS, RowAttempt, earlier};
use super::member::Executor;
use super::visiting::{VisitedRun, VisitedRuns};
use crate::cancel::{CancelOnDrop, stopped};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::backend::{RemoteFigures, RemoteOutcome, RemoteRow};

/// Time that a row has to end after it was cancelled.
const TIME_TO_END: Duration = Duration::from_secs(4);

/// Runs the row `key` unless it has an outcome; says what was done. `over` completes when the task is cancelled.
///
/// # Errors
/// What no executor can do, or this one cannot: the job fails then. `cancelled`.
pub(super) async fn run_row(
    runs: &Arc<VisitedRuns>,
    order: &RowOrder,
    (key, row): (&str, RecordBatch),
    over: impl Future<Output = ()>,
) -> Result<&'static str> {
    let folder = SharedFolder::at(order.folder.clone());
    if folder.result_file(key).exists() {
        return Ok("found");
    }
    let executor = &runs.executor;
    let run = runs.enter(order)?;
    if run.is_draining() || executor.stop.is_draining() {
        return Ok("withdrawn");
    }
    let mut over = pin!(over);
    let deaths = tokio::select! {
        biased;
        () = &mut over => return Err(stopped()),
        earlier = earlier(&folder, key, &executor.id) => match earlier {
            EarlierAttempts::Outcome => return Ok("found"),
            EarlierAttempts::Deaths(deaths) => deaths,
        },
    };
    let work = order.work.build()?;
    let given_up = match executor.refusal(&order.work) {
        Some(refusal) => Some((failed(refusal, 1), "refused")),
        None => (deaths >= MAX_DEATHS).then(|| (crashed(deaths), "crashed")),
    };
    if let Some((outcome, state)) = given_up {
        let outcome = outcome_file(work.as_ref(), outcome)?;
        return write(executor, &folder, key, outcome, state).await;
    }
    // Until the outcome is written.
    let _attempt = RowAttempt::begin(&folder, key, &executor.id)
        .map_err(|e| cannot_write(folder.path(), e))?;
    let cancel = run.runtime.token();
    let row = RemoteRow { work: work.clone(), row, cancel: cancel.clone() };
    let mut outcome = unless_over(&run, row, CancelOnDrop(cancel), over).await?;
    outcome.figures.executor.clone_from(&executor.name);
    write(executor, &folder, key, outcome_file(work.as_ref(), outcome)?, "done").await
}

/// Runs the row; once `over` completes it is cancelled, and this returns when it has ended.
async fn unless_over(
    run: &VisitedRun,
    row: RemoteRow,
    cancel: CancelOnDrop,
    over: impl Future<Output = ()>,
) -> Result<RemoteOutcome> {
    let mut ran = pin!(run.runtime.run_for_another(row));
    let outcome = tokio::select! {
        biased;
        outcome = &mut ran => outcome?,
        () = over => {
            cancel.0.cancel();
            let _ = tokio::time::timeout(TIME_TO_END, ran).await;
            return Err(stopped());
        }
    };
    match outcome.result {
        Err(e) if e.code() == ErrorCode::Cancelled => Err(e),
        _ => Ok(outcome),
    }
}

async fn write(
    executor: &Executor,
    folder: &SharedFolder,
    key: &str,
    bytes: Vec<u8>,
    state: &'static str,
) -> Result<&'static str> {
    let (put, key, id) = (folder.clone(), key.to_owned(), executor.id.clone());
    let put = tokio::task::spawn_blocking(move || put.put_result(&key, &id, &bytes)).await;
    let put = put.map_err(|e| Error::new(ErrorCode::Internal, format!("no thread ({e})")))?;
    let is_first = put.map_err(|e| cannot_write(folder.path(), e))?;
    Ok(if is_first { state } else { "found" })
}

/// The outcome of a row that executors died with.
fn crashed(deaths: usize) -> RemoteOutcome {
    let message = format!(
        "{deaths} executors died while they ran this row; remove the row, or try its source with --backend process"
    );
    let error = Error::new(ErrorCode::WorkerCrashed, message);
    failed(error, u32::try_from(deaths).unwrap_or(u32::MAX))
}

fn failed(error: Error, attempts: u32) -> RemoteOutcome {
    let figures = RemoteFigures { attempts, ..RemoteFigures::default() };
    RemoteOutcome { result: Err(error), figures }
}
