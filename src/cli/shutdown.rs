//! Signals: the first one drains a run, the second one ends it at once.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::print;
use crate::cancel::CancelToken;
use crate::error::{ErrorCode, Result};

/// Time for media processes to end after cancellation, and for threads to clean up.
const TIME_TO_END: Duration = Duration::from_secs(5);
/// The same after a second signal: the process exits within 2 s.
const TIME_TO_LEAVE: Duration = Duration::from_millis(1500);

/// Means to stop a run.
#[derive(Debug, Default)]
pub(super) struct StopControl {
    /// Drains and cancels the run.
    pub(super) token: CancelToken,
    /// Time for rows under way to finish.
    pub(super) drain: Duration,
}

/// How a command ended.
#[derive(Debug)]
pub(super) enum CommandEnd {
    /// It finished, with an exit code or an error.
    Done(Result<u8>),
    /// A signal stopped it; the exit code of that signal, and what it says of what remains.
    Stopped(u8, Option<String>),
}

/// Run `command` until it finishes or signals stop it. Without `stop`, the first signal stops it.
pub(super) async fn supervised(
    stop: Option<&StopControl>,
    command: impl Future<Output = Result<u8>>,
) -> CommandEnd {
    let mut command = std::pin::pin!(command);
    // Without a handler, a signal ends the process and the kernel ends its children.
    let Ok(mut signals) = Signals::new() else { return CommandEnd::Done(command.await) };
    let (name, code) = tokio::select! {
        result = &mut command => return CommandEnd::Done(result),
        signal = signals.next() => signal,
    };
    let Some(stop) = stop else { return CommandEnd::Stopped(code, None) };
    let seconds = stop.drain.as_secs_f64();
    if seconds > 0.0 {
        print::notice(&format!(
            "{name}: what is under way is finished, within {seconds} s; once more to leave at once"
        ));
    }
    stop.token.drain();
    let ended = |result: Result<u8>| match result {
        Err(e) if e.code() == ErrorCode::Cancelled => {
            CommandEnd::Stopped(code, Some(e.message().to_owned()))
        }
        result => CommandEnd::Done(result),
    };
    tokio::select! {
        result = &mut command => return ended(result),
        () = tokio::time::sleep(stop.drain) => stop.token.cancel(),
        _ = signals.next() => return leave(stop, command, code).await,
    }
    tokio::select! {
        result = &mut command => ended(result),
        () = tokio::time::sleep(TIME_TO_END) => CommandEnd::Stopped(code, None),
        _ = signals.next() => leave(stop, command, code).await,
    }
}

/// End at once: media processes are killed, and what they were writing is removed.
async fn leave(
    stop: &StopControl,
    command: impl Future<Output = Result<u8>>,
    code: u8,
) -> CommandEnd {
    stop.token.cancel_now();
    let _ = tokio::time::timeout(TIME_TO_LEAVE, command).await;
    CommandEnd::Stopped(code, None)
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

    /// Wait for the next signal: its name and exit code.
    async fn next(&mut self) -> (&'static str, u8) {
        tokio::select! {
            _ = self.interrupt.recv() => ("interrupted", 130),
            _ = self.terminate.recv() => ("told to stop", 143),
        }
    }
}
