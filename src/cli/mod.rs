//! The command: arguments to configuration to session. The only code that prints or exits.

mod args;
mod bench;
mod print;
mod progress;
mod run;
mod settings;
mod sql;
mod validate;
mod video;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use args::{Arguments, Command};

/// All rows answered, or nothing to complain about.
const OK: u8 = 0;
/// A fault that is neither the request's nor the input's.
const FAULT: u8 = 1;
/// Bad usage or unreadable input.
const USAGE: u8 = 2;
/// Done, but some rows failed.
const ROWS_FAILED: u8 = 3;
/// Stopped by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Run the command with the process's arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
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
        return match settings::print_all(&loaded) {
            Ok(()) => ExitCode::from(OK),
            Err(e) => ExitCode::from(exit_code(e.code())),
        };
    }
    let verbose = if loaded.config.debug { u8::MAX } else { arguments.verbose };
    init_logging(verbose, arguments.log_json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            print::error(&Error::new(ErrorCode::Internal, format!("cannot start threads ({e})")));
            return ExitCode::from(FAULT);
        }
    };
    let code = runtime.block_on(async {
        tokio::select! {
            result = dispatch(arguments, loaded.config) => result.unwrap_or_else(|e| {
                print::error(&e);
                exit_code(e.code())
            }),
            () = stop_signal() => {
                eprintln!("stopped; nothing of this run is visible, run it again to do it");
                INTERRUPTED
            }
        }
    });
    // Media processes were told to end when the command's future was dropped.
    runtime.shutdown_timeout(Duration::from_secs(5));
    ExitCode::from(code)
}

async fn dispatch(arguments: Arguments, parallel: ParallelConfig) -> Result<u8> {
    match arguments.command {
        Command::Run(args) => run::run(args, parallel, arguments.verbose > 0).await,
        Command::Validate(args) => validate::validate(args, parallel).await,
        Command::Sql(args) => sql::sql(args, parallel).await,
        Command::Shots(args) => video::shots(args).await,
        Command::Signals(args) => video::signals(args).await,
        Command::Bench(args) => bench::bench(args, parallel).await,
    }
}

/// Ctrl-C or SIGTERM.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    // Without a handler the signal ends the process at once, and the kernel ends its children.
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => if result.is_err() { std::future::pending().await },
        _ = terminate.recv() => {}
    }
}

/// Errors of the whole command; rows have their own in `outcomes`.
fn exit_code(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::StoreWrite
        | ErrorCode::MissingProgram
        | ErrorCode::Internal
        | ErrorCode::Cancelled => FAULT,
        _ => USAGE,
    }
}

fn init_logging(verbose: u8, json: bool) {
    let default = match verbose {
        0 => "clipflow=error",
        1 => "clipflow=info",
        _ => "clipflow=debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("CLIPFLOW_LOG")
        .unwrap_or_else(|_| default.into());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber is refused; the first one then stays.
    let _ = if json { builder.json().try_init() } else { builder.compact().try_init() };
}
