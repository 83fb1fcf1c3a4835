//! From an asynchronous caller to the thread that works, and back with the answer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Task;
use crate::cancel::stopped;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::WorkKind;
use crate::exec::outcome::check_columns;

/// Time that work has to end once it was told to.
pub(super) const GRACE: Duration = Duration::from_secs(2);

type Answer = Result<Vec<ArrayRef>>;

/// A task on its way to a thread. Its slot is taken until the work has ended, whoever still waits.
#[derive(Debug)]
pub(super) struct Ticket {
    task: Task,
    started: oneshot::Sender<()>,
    answer: oneshot::Sender<Answer>,
    _slot: OwnedSemaphorePermit,
}

impl Ticket {
    /// Do the work on this thread.
    pub(super) fn run(self) {
        self.run_with(|task| task.work.run(&task.rows, &task.env, &task.cancel));
    }

    /// Answer with what `how` says; a panic of it is an answer too.
    pub(super) fn run_with(self, how: impl FnOnce(&Task) -> Answer) {
        let Self { task, started, answer, _slot: slot } = self;
        // Nobody listens any more if the caller is gone: then the work is done for nobody.
        let _ = started.send(());
        let result = task.cancel.begin().and_then(|()| contained(&task, how));
        drop((task, slot));
        let _ = answer.send(result);
    }

    /// What the work waits for.
    pub(super) fn kind(&self) -> WorkKind {
        self.task.work.kind()
    }

    /// Answer with an error.
    pub(super) fn refuse(self, error: Error) {
        let _ = self.answer.send(Err(error));
    }
}

/// `how` with panics caught and the columns checked.
pub(super) fn contained(task: &Task, how: impl FnOnce(&Task) -> Answer) -> Answer {
    // A work that panicked is not asked again to go on: each run starts from its settings and rows.
    let columns =
        catch_unwind(AssertUnwindSafe(|| how(task))).unwrap_or_else(|p| Err(panicked(&*p)))?;
    check_columns(task.work.as_ref(), task.rows.num_rows(), &columns)?;
    Ok(columns)
}

/// Waits for a slot, gives the task to `start`, and waits for the answer.
pub(super) async fn hand_over(
    slots: &Arc<Semaphore>,
    mut task: Task,
    start: impl FnOnce(Ticket) + Send,
) -> Answer {
    // Its own: a timeout ends this task and not what else the caller's token ends.
    task.cancel = task.cancel.child();
    let (cancel, timeout) = (task.cancel.clone(), task.timeout);
    let slot = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(stopped()),
        slot = Arc::clone(slots).acquire_owned() => slot.map_err(|_| shut_down())?,
    };
    let ((started, begun), (answer, mut answered)) = (oneshot::channel(), oneshot::channel());
    start(Ticket { task, started, answer, _slot: slot });
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
            "this took longer than the {seconds} s that a row may take; allow more (timeout) or leave the row out"
        ),
    )
}

fn shut_down() -> Error {
    Error::new(
        ErrorCode::Cancelled,
        "the workers were shut down before this was done; run it again to go on",
    )
}

/// What a row gets whose work panicked.
fn panicked(payload: &(dyn Any + Send)) -> Error {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!("work panicked: {text}");
    Error::new(
        ErrorCode::Internal,
        "clipflow failed on this row through a fault of its own; please report it with the log",
    )
}
