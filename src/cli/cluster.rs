//! `clipflow scheduler` and `clipflow executor`.

use std::net::IpAddr;

use super::args::{ExecutorArgs, SchedulerArgs};
use super::{OK, print};
use crate::cancel::CancelToken;
use crate::cluster::{ExecutorOptions, run_executor, run_scheduler};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};

pub(super) async fn scheduler(
    args: SchedulerArgs,
    parallel: &ParallelConfig,
    stop: CancelToken,
) -> Result<u8> {
    check_open(args.listen.ip(), args.insecure || !parallel.tls_ca.is_empty())?;
    print::notice(&format!("scheduler at df://{}; Ctrl-C ends it", args.listen));
    let serve = run_scheduler(args.listen, args.executor_timeout, parallel, stop.clone());
    // It has no rows of its own to finish.
    tokio::select! {
        served = serve => served.map(|()| OK),
        () = stop.draining() => Ok(OK),
    }
}

pub(super) async fn executor(
    args: ExecutorArgs,
    parallel: ParallelConfig,
    stop: CancelToken,
) -> Result<u8> {
    check_open(args.listen, args.insecure || !parallel.tls_ca.is_empty())?;
    let options = ExecutorOptions {
        scheduler: parallel.scheduler_address()?,
        host: args.listen,
        roots: args.allow_root.into_iter().map(Into::into).collect(),
        results: args.results,
        parallel,
        stop,
    };
    print::notice(&format!("executor of {}; Ctrl-C ends it", options.scheduler));
    run_executor(options).await.map(|()| OK)
}

/// Without certificates only a loopback address is safe: Ballista's servers take work from anyone.
fn check_open(address: IpAddr, is_meant: bool) -> Result<()> {
    if address.is_loopback() || is_meant {
        return Ok(());
    }
    let message = format!(
        "at {address} anyone who reaches the port could submit work; name certificates (--tls-ca, --tls-cert, --tls-key), or give --insecure in a network that is closed"
    );
    Err(Error::new(ErrorCode::ConfigInvalid, message))
}
