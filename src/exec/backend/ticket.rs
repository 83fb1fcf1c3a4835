//! Hands a task from an asynchronous caller to a worker thread and returns the answer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Task;
use crate::cancel::stopped;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::outcome::check_columns;
use crate::exec::registry::is_built_in;
use crate::exec::{Work, WorkKind};
use crate::panics::panic_text;

/// Time that work has to stop after it was asked to.
pub(super) const GRACE: Duration = Duration::from_secs(2);

type TaskResult = Result<Vec<ArrayRef>>;

/// A task on its way to a thread. It holds its slot until the work has ended, even if the caller is gone.
#[derive(Debug)]
pub(super) struct TaskTicket {
    task: Task,
    started: oneshot::Sender<()>,
    answer: oneshot::Sender<TaskResult>,
    _slot: OwnedSemaphorePermit,
}

impl TaskTicket {
    /// Runs the work on this thread.
    pub(super) fn run(self) {
        self.run_with(|task| task.work.run(&task.rows, &task.env, &task.cancel));
    }

    /// Answers with the result of `how`; a panic becomes an error.
    pub(super) fn run_with(self, how: impl FnOnce(&Task) -> TaskResult) {
        let Self { task, started, answer, _slot: slot } = self;
        // Fails if the caller is gone. The work then runs anyway, unless its token is cancelled.
        let _ = started.send(());
        let result = task.cancel.begin().and_then(|()| contained(&task, how));
        drop((task, slot));
        let _ = answer.send(result);
    }

    /// The kind of the work.
    pub(super) fn kind(&self) -> WorkKind {
        self.task.work.kind()
    }

    /// Answers with an error.
    pub(super) fn refuse(self, error: Error) {
        let _ = self.answer.send(Err(error));
    }
}

/// Runs `how`, catches panics and checks the columns.
pub(super) fn contained(task: &Task, how: impl FnOnce(&Task) -> TaskResult) -> TaskResult {
    // Unwind safety: no state survives a panic, since each run starts from its settings and rows.
    let columns = catch_unwind(AssertUnwindSafe(|| how(task)))
        .unwrap_or_else(|p| Err(panicked(task.work.as_ref(), &*p)))?;
    check_columns(task.work.as_ref(), task.rows.num_rows(), &columns)?;
    Ok(columns)
}

/// Waits for a slot, passes the task to `start`, and waits for the answer.
pub(super) async fn hand_over(
    slots: &Arc<Semaphore>,
    mut task: Task,
    start: impl FnOnce(TaskTicket) + Send,
) -> TaskResult {
    // A child token: a timeout stops this task and nothing else under the caller's token.
    task.cancel = task.cancel.child();
    let (cancel, timeout) = (task.cancel.clone(), task.timeout);
    let slot = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(stopped()),
        slot = Arc::clone(slots).acquire_owned() => slot.map_err(|_| shut_down())?,
    };
    let ((started, begun), (answer, mut answered)) = (oneshot::channel(), oneshot::channel());
    start(TaskTicket { task, started, answer, _slot: slot });
    let too_late = async {
        match timeout {
            Some(timeout) if begun.await.is_ok() => tokio::time::sleep(timeout).await,
            _ => std::future::pending().await,
        }
    };
    let timed_out = tokio::select! {
        biased;
        answer = &mut answered => return answer.unwrap_or_else(|_| Err(shut_down())),
        () = cancel.cancelled() => false,
        () = too_late => true,
    };
    cancel.cancel();
    let late = tokio::time::timeout(GRACE, answered).await;
    match (timed_out, timeout, late) {
        (true, Some(timeout), _) => Err(timeout_error(timeout)),
        (_, _, Ok(Ok(answer))) => answer,
        _ => Err(stopped()),
    }
}

fn timeout_error(timeout: Duration) -> Error {
    let seconds = timeout.as_secs_f64();
    Error::new(
        ErrorCode::Timeout,
        format!(
            "this row took longer than the limit of {seconds} s; raise timeout or remove the row"
        ),
    )
}

fn shut_down() -> Error {
    Error::new(
        ErrorCode::Cancelled,
        "the workers were shut down before this row was done; run again to resume",
    )
}

/// The error of a row whose `work` panicked: a bug of ours in work that is built in, else one of the program
/// that the work belongs to.
fn panicked(work: &dyn Work, payload: &(dyn Any + Send)) -> Error {
    let text = panic_text(payload);
    let name = work.name();
    tracing::error!("the work {name} panicked: {text}");
    match is_built_in(work) {
        true => Error::new(
            ErrorCode::Internal,
            format!(
                "a bug in clipflow made this row fail ({name} panicked: {text}); please report it with the log"
            ),
        ),
        false => Error::new(
            ErrorCode::WorkPanicked,
            format!("the work {name} panicked: {text}; correct it, or remove this row"),
        ),
    }
}
