//! `clipflow scheduler`: gives the rows of clients to executors.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use ballista::prelude::SessionConfigExt;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::prelude::SessionConfig;

use super::VERSION;
use super::codec::ClusterCodec;
use super::executor::free_port;
use super::tls::{Credentials, front};
use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};

/// Seconds between two looks for executors that are gone.
const LOOK: u64 = 2;
/// Seconds that a job waits for the first executor before it fails, and its client submits it anew.
const NO_EXECUTORS: u64 = 60;

/// Serves at `address` until it is stopped, with TLS if `parallel` names certificates. An executor that says nothing for
/// `executor_timeout` seconds is given up.
///
/// # Errors
/// `config.invalid` if it cannot listen there, or the certificates cannot be used.
pub(crate) async fn run_scheduler(
    address: SocketAddr,
    executor_timeout: u64,
    parallel: &ParallelConfig,
    stop: CancelToken,
) -> Result<()> {
    let serve = async {
        let Some(credentials) = Credentials::of(parallel)? else {
            return serve(address, executor_timeout, TaskSchedulingPolicy::PushStaged).await;
        };
        let inner = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port(Ipv4Addr::LOCALHOST.into())?));
        tokio::select! {
            served = serve(inner, executor_timeout, TaskSchedulingPolicy::PullStaged) => served,
            failed = front(address, inner, &credentials) => failed,
        }
    };
    tokio::select! {
        served = serve => served,
        () = stop.cancelled() => Ok(()),
    }
}

async fn serve(
    address: SocketAddr,
    executor_timeout: u64,
    policy: TaskSchedulingPolicy,
) -> Result<()> {
    let session = || {
        SessionConfig::new_with_ballista()
            .with_ballista_physical_extension_codec(Arc::new(ClusterCodec::default()))
    };
    let config = SchedulerConfig {
        bind_host: address.ip().to_string(),
        bind_port: address.port(),
        external_host: address.ip().to_string(),
        scheduling_policy: policy,
        executor_timeout_seconds: executor_timeout,
        expire_dead_executor_interval_seconds: LOOK,
        no_executors_grace_period_seconds: NO_EXECUTORS,
        override_config_producer: Some(Arc::new(session)),
        override_physical_codec: Some(Arc::new(ClusterCodec::default())),
        ..SchedulerConfig::default()
    };
    let failed = |cause: &dyn std::fmt::Display| {
        let message = format!(
            "the scheduler cannot serve at {address} ({cause}); choose a free port below 32768"
        );
        Error::new(ErrorCode::ConfigInvalid, message)
    };
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(|e| failed(&e))?;
    tracing::info!(%address, version = VERSION, "scheduler starts");
    start_server(cluster, address, Arc::new(config)).await.map_err(|e| failed(&e))
}
