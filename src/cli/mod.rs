//! The command: arguments to configuration to session. The only code that prints or exits.

mod args;
#[cfg(feature = "bench")]
mod bench;
mod cache;
mod ceiling;
#[cfg(feature = "distributed")]
mod cluster;
mod completions;
mod debug;
mod experiment;
mod export;
mod forget;
mod import_events;
mod logging;
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(feature = "mcp")]
mod own_command;
mod performance;
mod print;
mod progress;
mod render;
mod report;
mod run;
mod score;
mod settings;
mod shutdown;
mod sql;
mod stats;
mod train;
mod upkeep;
mod validate;
mod video;
mod videos;

use std::process::ExitCode;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::panics::caught;
use args::{Command, CommandLine};
pub use ceiling::CountingAllocator;
use shutdown::{CommandEnd, StopControl};

/// Everything succeeded.
const OK: u8 = 0;
/// A fault of the machine: disk, missing program, a defect of clipflow.
const FAULT: u8 = 1;
/// Bad usage or unreadable input.
const USAGE: u8 = 2;
/// The command finished, but some rows failed.
const ROWS_FAILED: u8 = 3;
/// More rows failed than `--max-failures` allows; nothing is visible.
const TOO_MANY_FAILURES: u8 = 4;

/// Run the command with the process's arguments.
pub fn main() -> ExitCode {
    let arguments = CommandLine::of_process();
    let settings = arguments.command.settings();
    let loaded = match settings.load() {
        Ok(loaded) => loaded,
        Err(e) => {
            print::error(&e);
            return ExitCode::from(exit_code(e.code()));
        }
    };
    loaded.notices.iter().for_each(|notice| print::warning(notice));
    if settings.print() {
        return match print::line(loaded.to_string().trim_end()) {
            Ok(()) => ExitCode::from(OK),
            Err(e) => ExitCode::from(exit_code(e.code())),
        };
    }
    let verbose = if loaded.config.debug { u8::MAX } else { arguments.log.verbose };
    logging::init(verbose, arguments.log.format());
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    // A server plans queries on these threads, not on the first one.
    threads.enable_all().thread_stack_size(STACK);
    let runtime = match threads.build() {
        Ok(runtime) => runtime,
        Err(e) => {
            print::error(&Error::new(ErrorCode::Internal, format!("cannot start threads ({e})")));
            return ExitCode::from(FAULT);
        }
    };
    let drain = arguments.command.drain_seconds(&loaded.config);
    let stop = drain.map(|seconds| StopControl {
        token: CancelToken::new(),
        drain: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
    });
    let token = stop.as_ref().map(|s| s.token.clone()).unwrap_or_default();
    let is_prompt = arguments.command.is_prompt();
    let leaves_nothing = arguments.command.leaves_nothing();
    let command = without_panics(dispatch(arguments, loaded.config, token));
    let ended = match is_prompt {
        true => CommandEnd::Done(runtime.block_on(command)),
        false => runtime.block_on(shutdown::supervised(stop.as_ref(), command)),
    };
    let (code, patience) = match ended {
        CommandEnd::Done(Ok(code)) => {
            (code, if leaves_nothing { TIME_TO_LEAVE } else { TIME_TO_END })
        }
        CommandEnd::Done(Err(e)) => {
            print::error(&e);
            (exit_code(e.code()), if leaves_nothing { TIME_TO_LEAVE } else { TIME_TO_END })
        }
        CommandEnd::Stopped(code, remains) => {
            print::notice(match (&remains, stop) {
                (Some(remains), _) => remains,
                (None, Some(_)) => {
                    "stopped; nothing of this run is visible yet: run it again to go on where it was"
                }
                (None, None) => "stopped",
            });
            (code, TIME_TO_LEAVE)
        }
    };
    runtime.shutdown_timeout(patience);
    ExitCode::from(code)
}

/// A command whose panic is an error.
async fn without_panics(command: impl Future<Output = Result<u8>>) -> Result<u8> {
    caught(command).await.unwrap_or_else(|text| {
        let sentence = format!(
            "a part of the program panicked ({text}); if a file that was read is whole, report this"
        );
        Err(Error::new(ErrorCode::Internal, sentence))
    })
}

/// Stack of a thread, in bytes: that of the first one.
const STACK: usize = 8 << 20;
/// Time for threads to end after the command has finished.
const TIME_TO_END: Duration = Duration::from_secs(5);
/// Time for threads to end after the command was stopped: its work has been ended already.
const TIME_TO_LEAVE: Duration = Duration::from_millis(250);

async fn dispatch(
    arguments: CommandLine,
    parallel: ParallelConfig,
    stop: CancelToken,
) -> Result<u8> {
    match arguments.command {
        #[cfg(feature = "distributed")]
        Command::Scheduler(args) => cluster::scheduler(args, &parallel, stop).await,
        #[cfg(feature = "distributed")]
        Command::Executor(args) => cluster::executor(args, parallel, stop).await,
        Command::Run(args) => run::run(args, parallel, stop, arguments.log.verbose > 0).await,
        Command::Render(args) => render::render(args, parallel, stop).await,
        Command::Report(args) => report::report(args, parallel).await,
        Command::Forget(args) => forget::forget(args, parallel).await,
        Command::Fsck(args) => upkeep::fsck(args, parallel).await,
        Command::Gc(args) => upkeep::gc(args, parallel).await,
        Command::Compact(args) => upkeep::compact(args, parallel).await,
        Command::Cache(args) => cache::cache(args.what, &parallel).await,
        Command::Validate(args) => validate::validate(args, parallel).await,
        Command::Export(args) => export::export(args, parallel).await,
        Command::Stats(args) => stats::stats(args, parallel).await,
        Command::Debug(args) => debug::debug(args, parallel).await,
        Command::Sql(args) => sql::sql(args, parallel).await,
        Command::Shots(args) => video::shots(args).await,
        Command::Signals(args) => video::signals(args).await,
        Command::Performance(args) => performance::performance(args, parallel).await,
        Command::Experiment(args) => experiment::experiment(args, parallel).await,
        Command::Train(args) => train::train(args, parallel).await,
        Command::Score(args) => score::score(args, parallel).await,
        Command::ImportEvents(args) => import_events::import_events(args).await,
        #[cfg(feature = "mcp")]
        Command::Mcp(args) => mcp::mcp(args, parallel, stop).await,
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => completions::man(&args),
        #[cfg(feature = "bench")]
        Command::Bench(args) => bench::bench(args, parallel).await,
    }
}

/// Errors of the whole command; rows have their own in `outcomes`.
fn exit_code(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::StoreWrite
        | ErrorCode::SetupMissingProgram
        | ErrorCode::Internal
        | ErrorCode::Cancelled => FAULT,
        ErrorCode::RunTooManyFailures => TOO_MANY_FAILURES,
        _ => USAGE,
    }
}
