//! What runs report to: the metrics of all runs of an engine, and the exporters that read them.

mod files;
#[cfg(feature = "otlp")]
mod otlp;
mod push;
mod run_monitor;
#[cfg(feature = "http")]
mod server;
mod target;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

#[cfg(feature = "cli")]
pub(super) use files::read_rows;
pub(super) use files::{remove_rows, write_rows};
pub(super) use run_monitor::RunMonitor;

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::resilience::{BreakerState, HostState, Hosts};
use crate::telemetry::{
    MetricSample, Metrics, Span, Telemetry, TraceLog, catalogue, chrome, prometheus,
};
use push::DatadogSocket;

/// Runs whose traces are kept for the trace file.
const TRACED_RUNS: usize = 100;

/// Metrics of all runs of an engine, and their exporters. Dropping it writes the files a last time.
#[derive(Debug)]
pub(super) struct Monitor {
    telemetry: Telemetry,
    hosts: Hosts,
    traces: Mutex<VecDeque<TraceLog>>,
    metrics_file: Option<PathBuf>,
    trace_file: Option<PathBuf>,
    datadog: Option<Mutex<DatadogSocket>>,
    #[cfg(feature = "otlp")]
    otlp: Option<otlp::OtlpExporter>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Monitor {
    /// Check the settings of exporters.
    ///
    /// # Errors
    /// `config.invalid` for an address that cannot be understood.
    pub(super) fn check(config: &ParallelConfig) -> Result<()> {
        target::listen_address(&config.metrics_listen)?;
        target::collector(&config.otlp_url)?;
        target::Datadog::parse(&config.datadog_url).map(|_| ())
    }

    /// Start the exporters that `config` asks for, in the runtime of the caller.
    ///
    /// # Errors
    /// As [`Monitor::check`].
    pub(super) fn start(config: &ParallelConfig, hosts: &Hosts) -> Result<Arc<Self>> {
        let file = |path: &str| (!path.is_empty()).then(|| PathBuf::from(path));
        let listen = target::listen_address(&config.metrics_listen)?;
        let datadog = target::Datadog::parse(&config.datadog_url)?.map(DatadogSocket::new);
        let collector = target::collector(&config.otlp_url)?;
        let monitor = Arc::new(Self {
            telemetry: Telemetry::default(),
            hosts: hosts.clone(),
            traces: Mutex::default(),
            metrics_file: file(&config.metrics_file),
            trace_file: file(&config.trace_file),
            datadog: datadog.map(Mutex::new),
            #[cfg(feature = "otlp")]
            otlp: collector.clone().map(otlp::OtlpExporter::start).transpose()?,
            tasks: Mutex::default(),
        });
        let labels = [env!("CARGO_PKG_VERSION")];
        monitor.telemetry.metrics.set(&catalogue::BUILD, &labels, 1.0);
        let Ok(runtime) = Handle::try_current() else { return Ok(monitor) };
        let pushes = monitor.datadog.is_some() || collector.is_some();
        let exports = monitor.metrics_file.is_some() || pushes;
        if exports {
            let every = Duration::try_from_secs_f64(config.metrics_interval_seconds);
            let every = every.unwrap_or(Duration::from_secs(15));
            let task = runtime.spawn(export_every(every, Arc::downgrade(&monitor)));
            lock(&monitor.tasks).push(task);
        }
        #[cfg(feature = "http")]
        if let Some(address) = listen {
            let weak = Arc::downgrade(&monitor);
            let page = move || weak.upgrade().map(|monitor| monitor.prometheus());
            let task = runtime.spawn(server::serve(address, Arc::new(page)));
            lock(&monitor.tasks).push(task);
        }
        #[cfg(not(feature = "http"))]
        let _ = listen;
        Ok(monitor)
    }

    /// The metrics of all runs, with the state of hosts as it is now.
    pub(super) fn samples(&self) -> Vec<MetricSample> {
        host_metrics(&self.telemetry.metrics, &self.hosts.snapshot(), &[]);
        self.telemetry.metrics.samples()
    }

    /// The metrics in the text format of Prometheus.
    pub(super) fn prometheus(&self) -> String {
        prometheus::text(&self.samples())
    }

    /// Begin a run, whose metrics also count here.
    pub(super) fn begin(&self, config: &ParallelConfig) -> RunMonitor {
        let run = RunMonitor::new(&self.telemetry, &self.hosts, config);
        let mut traces = lock(&self.traces);
        if run.telemetry.traces.is_on() {
            if traces.len() == TRACED_RUNS {
                traces.pop_front();
            }
            traces.push_back(run.telemetry.traces.clone());
        }
        run
    }

    /// The spans of the last runs, in the order of their start.
    pub(super) fn spans(&self) -> Vec<Span> {
        let logs: Vec<TraceLog> = lock(&self.traces).iter().cloned().collect();
        let mut spans: Vec<Span> = logs.iter().flat_map(|log| log.kept().0).collect();
        spans.sort_by(|a, b| a.start.total_cmp(&b.start));
        spans
    }

    /// Write and send what there is now. What fails is logged: reporting never fails the work.
    pub(super) fn export(&self) {
        self.export_metrics();
        if let Some(path) = &self.trace_file {
            let document = chrome::document(&self.spans(), "clipflow");
            files::replace(path, document.to_string().as_bytes());
        }
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &self.otlp {
            otlp.send_spans(self.spans());
        }
    }

    /// Send the metrics that have changed to the agent: the number of datagrams.
    ///
    /// # Errors
    /// `config.invalid` without an agent, `internal` if it cannot be reached.
    pub(super) fn send_to_datadog(&self) -> Result<usize> {
        let agent = self.datadog.as_ref().ok_or_else(no_agent)?;
        lock(agent).try_send(&self.samples()).map_err(|cause| {
            Error::new(ErrorCode::Internal, format!("metrics are not sent to Datadog ({cause})"))
        })
    }

    fn export_metrics(&self) {
        if let Some(path) = &self.metrics_file {
            files::replace(path, self.prometheus().as_bytes());
        }
        if let Some(datadog) = &self.datadog {
            lock(datadog).send(&self.samples());
        }
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &self.otlp {
            otlp.send_metrics_and_logs(&self.samples());
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        lock(&self.tasks).iter().for_each(JoinHandle::abort);
        self.export();
    }
}

/// Check that the settings name a DogStatsD agent.
///
/// # Errors
/// `config.invalid` if they do not.
pub(crate) fn check_datadog(config: &ParallelConfig) -> Result<()> {
    target::Datadog::parse(&config.datadog_url)?.map(|_| ()).ok_or_else(no_agent)
}

fn no_agent() -> Error {
    Error::setting(
        "datadog_url",
        "is empty; give udp://HOST:PORT or unix:///PATH of a DogStatsD agent",
    )
}

/// Exports the metrics at intervals while the monitor is there.
async fn export_every(every: Duration, monitor: Weak<Monitor>) {
    loop {
        tokio::time::sleep(every).await;
        let Some(monitor) = monitor.upgrade() else { return };
        // Disks and sockets may block.
        let _ = tokio::task::spawn_blocking(move || monitor.export_metrics()).await;
    }
}

/// Sets the metrics of hosts to their state less what they were `before`.
fn host_metrics(metrics: &Metrics, now: &[HostState], before: &[HostState]) {
    for host in now {
        let had = before.iter().find(|had| had.host == host.host);
        let since = |count: fn(&HostState) -> u64| (count(host) - had.map_or(0, count)) as f64;
        let labels = [host.host.as_str()];
        metrics.set(&catalogue::HOST_CALLS, &labels, since(|host| host.attempts));
        metrics.set(&catalogue::HOST_FAILURES, &labels, since(|host| host.failures));
        metrics.set(&catalogue::HOST_REFUSED, &labels, since(|host| host.refused));
        metrics.set(&catalogue::HOST_RETRIES, &labels, since(|host| host.retries));
        let state = match host.state {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        };
        metrics.set(&catalogue::HOST_BREAKER, &labels, state);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
