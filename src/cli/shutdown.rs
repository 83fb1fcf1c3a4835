//! Being told to stop: the first signal drains a run, the second one ends it at once.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::print;
use crate::cancel::CancelToken;
use crate::error::{ErrorCode, Result};

/// Time that media processes have to end once they are told to, and threads to tidy up.
const TIME_TO_END: Duration = Duration::from_secs(5);
/// The same after a second signal: the process is gone within 2 s.
const TIME_TO_LEAVE: Duration = Duration::from_millis(1500);

/// How a run can be stopped.
#[derive(Debug, Default)]
pub(super) struct Stop {
    /// Drains and cancels it.
    pub(super) token: CancelToken,
    /// How long it may drain.
    pub(super) drain: Duration,
}

/// How a command ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// By itself.
    Done(Result<u8>),
    /// By a signal, with the exit code of that.
    Stopped(u8),
}

/// Run `command` to its end, or until signals end it. Without a `stop` the first one does.
pub(super) async fn supervised(
    stop: Option<&Stop>,
    command: impl Future<Output = Result<u8>>,
) -> Ended {
    let mut command = std::pin::pin!(command);
    // Without a handler a signal ends the process, and the kernel its children.
    let Ok(mut signals) = Signals::new() else { return Ended::Done(command.await) };
    let (name, code) = tokio::select! {
        result = &mut command => return Ended::Done(result),
        signal = signals.next() => signal,
    };
    let Some(stop) = stop else { return Ended::Stopped(code) };
    let seconds = stop.drain.as_secs_f64();
    print::notice(&format!(
        "{name}: what is under way is finished, within {seconds} s; once more to leave at once"
    ));
    stop.token.drain();
    let ended = |result: Result<u8>| match result {
        Err(e) if e.code() == ErrorCode::Cancelled => Ended::Stopped(code),
        result => Ended::Done(result),
    };
    tokio::select! {
        result = &mut command => return ended(result),
        () = tokio::time::sleep(stop.drain) => stop.token.cancel(),
        _ = signals.next() => return leave(stop, command, code).await,
    }
    tokio::select! {
        result = &mut command => ended(result),
        () = tokio::time::sleep(TIME_TO_END) => Ended::Stopped(code),
        _ = signals.next() => leave(stop, command, code).await,
    }
}

/// End at once: media processes are killed, and what they were writing is removed.
async fn leave(stop: &Stop, command: impl Future<Output = Result<u8>>, code: u8) -> Ended {
    stop.token.cancel_now();
    let _ = tokio::time::timeout(TIME_TO_LEAVE, command).await;
    Ended::Stopped(code)
}

/// The signals that stop a command.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next one's name and exit code.
    async fn next(&mut self) -> (&'static str, u8) {
        tokio::select! {
            _ = self.interrupt.recv() => ("interrupted", 130),
            _ = self.terminate.recv() => ("told to stop", 143),
        }
    }
}
