//! Waiting for work: other Python threads run meanwhile, Ctrl-C stops it, and progress is told to a callable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use clipflow::{CancelToken, Error, ErrorCode, Event, Observer, Result};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};

use crate::errors::{OrRaise, exception};

/// Longest time between two looks at signals.
const LOOK: Duration = Duration::from_millis(50);
/// Time for stopped work to end, and after a second Ctrl-C.
const TIME_TO_END: Duration = Duration::from_secs(30);
const TIME_TO_LEAVE: Duration = Duration::from_secs(2);
/// Room for deep expressions while they are planned.
const STACK: usize = 64 << 20;

/// Stops the work that it was given to, from another thread.
#[pyclass(module = "clipflow", frozen)]
#[derive(Clone, Default)]
pub(crate) struct Stop(pub(crate) CancelToken);

#[pymethods]
impl Stop {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Begin nothing more; what is under way is finished.
    fn drain(&self, py: Python<'_>) {
        py.detach(|| self.0.drain());
    }

    /// End what is under way.
    fn cancel(&self, py: Python<'_>) {
        py.detach(|| self.0.cancel());
    }
}

/// The threads of asynchronous work, started on first use.
pub(crate) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let built = RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        builder.enable_all().thread_name("clipflow").thread_stack_size(STACK / 8).build()
    });
    built
        .as_ref()
        .map_err(|e| Error::new(ErrorCode::Internal, format!("cannot start threads ({e})")))
}

enum Message<T> {
    /// An event as JSON.
    Event(String),
    Done(Result<T>),
}

/// Tells events to the thread that waits.
pub(crate) struct Progress<T>(Mutex<Sender<Message<T>>>);

impl<T> std::fmt::Debug for Progress<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}

impl<T: Send> Observer for Progress<T> {
    fn event(&self, event: &Event<'_>) {
        if let Ok(json) = serde_json::to_string(event) {
            // Without a reader the work is about to end.
            let _ =
                self.0.lock().unwrap_or_else(PoisonError::into_inner).send(Message::Event(json));
        }
    }
}

/// Run `work` on a thread of its own and wait for it. A signal whose handler raises (Ctrl-C) and an exception of
/// `progress` cancel `stop`; the exception is raised when the work has ended.
pub(crate) fn wait<T: Send + 'static>(
    py: Python<'_>,
    stop: &CancelToken,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> PyResult<T> {
    observed(py, stop, None, |_| work)
}

/// As [`wait`], for the future that `make` makes; a cancelled `stop` ends it.
pub(crate) fn wait_for<T, F>(
    py: Python<'_>,
    stop: &CancelToken,
    make: impl FnOnce() -> F + Send + 'static,
) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>>,
{
    let token = stop.clone();
    wait(py, stop, move || {
        runtime()?.block_on(async {
            tokio::select! {
                result = make() => result,
                () = token.cancelled() => Err(Error::new(ErrorCode::Cancelled, "the query was stopped")),
            }
        })
    })
}

/// As [`wait`]; `make` makes the work, given the observer that calls `progress` with each event as JSON on the
/// thread that waits.
pub(crate) fn observed<T, W>(
    py: Python<'_>,
    stop: &CancelToken,
    progress: Option<&Py<PyAny>>,
    make: impl FnOnce(Arc<Progress<T>>) -> W,
) -> PyResult<T>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T> + Send + 'static,
{
    let (sender, messages) = channel();
    let work = make(Arc::new(Progress(Mutex::new(sender.clone()))));
    let run = move || {
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(abnormal()));
        let _ = sender.send(Message::Done(result));
    };
    let thread = std::thread::Builder::new().name("clipflow-call".into()).stack_size(STACK);
    let started = thread.spawn(run).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("cannot start a thread for the work ({e})"))
    });
    started.or_raise()?;
    let messages = Mutex::new(messages);
    loop {
        let message = py.detach(|| next(&messages, LOOK));
        let told = match message {
            Ok(Message::Done(result)) => return result.map_err(|error| exception(&error)),
            Ok(Message::Event(json)) => {
                progress.map_or(Ok(()), |call| call.call1(py, (json,)).map(|_| ()))
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => return Err(exception(&abnormal())),
        };
        if let Err(raised) = told.and_then(|()| py.check_signals()) {
            stop.cancel();
            ended(py, stop, &messages);
            return Err(raised);
        }
    }
}

/// Wait until stopped work has ended; a second Ctrl-C hurries it.
fn ended<T: Send>(py: Python<'_>, stop: &CancelToken, messages: &Mutex<Receiver<Message<T>>>) {
    let mut until = Instant::now() + TIME_TO_END;
    let mut is_hurried = false;
    while Instant::now() < until {
        match py.detach(|| next(messages, LOOK)) {
            Ok(Message::Done(_)) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Message::Event(_)) | Err(RecvTimeoutError::Timeout) => {}
        }
        if py.check_signals().is_err() && !is_hurried {
            is_hurried = true;
            stop.cancel_now();
            until = Instant::now() + TIME_TO_LEAVE;
        }
    }
}

fn next<T>(
    messages: &Mutex<Receiver<Message<T>>>,
    time: Duration,
) -> std::result::Result<Message<T>, RecvTimeoutError> {
    messages.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(time)
}

fn abnormal() -> Error {
    Error::new(
        ErrorCode::Internal,
        "clipflow failed on this call through a fault of its own; please report it",
    )
}
