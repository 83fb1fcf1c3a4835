//! `clipflow executor`: takes rows from a scheduler and runs them on this machine.

use std::net::{IpAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_executor::execution_engine::DefaultExecutionEngine;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use datafusion::prelude::SessionConfig;

use super::codec::ClusterCodec;
use super::engine::FlaggingEngine;
use super::member::{Executor, ExecutorOptions};
use super::tls::{Credentials, tunnel};
use super::visiting::VisitedRuns;
use super::{VERSION, fault};
use crate::error::{Error, ErrorCode, Result};

/// Seconds between two signs of life to the scheduler.
const HEARTBEAT: u64 = 2;
/// Seconds for the scheduler to answer at the start.
const TIME_TO_CONNECT: u16 = 30;
/// Ports that are tried where none is named; above them the system takes its own.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Serves until it is stopped.
///
/// # Errors
/// `config.invalid` if the scheduler cannot be reached or refuses, `setup.missing_program`.
pub(crate) async fn run_executor(options: ExecutorOptions) -> Result<()> {
    let work_dir = tempfile::Builder::new().prefix("clipflow-executor-").tempdir();
    let work_dir = work_dir.map_err(|e| fault("there is no temporary folder", e))?;
    let id = work_dir.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let id = id.trim_start_matches("clipflow-").to_owned();
    let runs = Arc::new(VisitedRuns::of(Executor::new(&options, id.clone())?));
    let ports = (free_port(options.host)?, free_port(options.host)?);
    let mut config = process_config(&options, &runs, ports, work_dir.path());
    if let Some(credentials) = Credentials::of(&options.parallel)? {
        let way = tunnel(&options.scheduler, &credentials).await?;
        (config.scheduler_host, config.scheduler_port) = (way.host, way.port);
        // It asks for work: nothing connects to it.
        config.bind_host = "127.0.0.1".to_owned();
        config.task_scheduling_policy = TaskSchedulingPolicy::PullStaged;
    }
    let config = Arc::new(config);
    tracing::info!(id, version = VERSION, scheduler = %options.scheduler, "executor starts");
    let stop = options.stop.clone();
    tokio::select! {
        served = start_executor_process(config) => served.map_err(|cause| {
            let message = format!(
                "the executor cannot work with the scheduler {} ({cause}); see that it runs there, as clipflow {VERSION}",
                options.scheduler
            );
            Error::new(ErrorCode::ConfigInvalid, message)
        }),
        () = stop.cancelled() => Ok(()),
    }
}

fn process_config(
    options: &ExecutorOptions,
    runs: &Arc<VisitedRuns>,
    (port, grpc_port): (u16, u16),
    work_dir: &Path,
) -> ExecutorProcessConfig {
    let (found, executor) = (Arc::clone(runs), &runs.executor);
    let session = move || {
        use ballista::prelude::SessionConfigExt;
        SessionConfig::new_with_ballista()
            .with_ballista_physical_extension_codec(Arc::new(ClusterCodec::default()))
            .with_extension(Arc::clone(&found))
    };
    ExecutorProcessConfig {
        executor_id: executor.id.clone(),
        bind_host: options.host.to_string(),
        external_host: Some(options.host.to_string()),
        port,
        grpc_port,
        scheduler_host: options.scheduler.host.clone(),
        scheduler_port: options.scheduler.port,
        scheduler_connect_timeout_seconds: TIME_TO_CONNECT,
        vcores: executor.base.backend().workers(),
        work_dir: Some(work_dir.display().to_string()),
        executor_heartbeat_interval_seconds: HEARTBEAT,
        override_config_producer: Some(Arc::new(session)),
        override_execution_engine: Some(Arc::new(FlaggingEngine(DefaultExecutionEngine::new()))),
        override_physical_codec: Some(Arc::new(ClusterCodec::default())),
        ..ExecutorProcessConfig::default()
    }
}

/// A port that is free at this moment.
pub(super) fn free_port(host: IpAddr) -> Result<u16> {
    let mut tries = (0..200).map(|_| fastrand::u16(PORTS));
    tries.find(|port| TcpListener::bind((host, *port)).is_ok()).ok_or_else(|| {
        let message = format!("no port from {} to {} is free on {host}", PORTS.start, PORTS.end);
        Error::new(ErrorCode::ConfigInvalid, message)
    })
}
