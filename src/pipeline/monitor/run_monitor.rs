//! What one run reports: its metrics, its traces, and the table of its metrics.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use serde_json::{Map, Value};

use super::host_metrics;
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::model::RunStat;
use crate::resilience::{HostState, Hosts};
use crate::store::FileEntry;
use crate::telemetry::{
    MetricSample, Metrics, RowLog, Span, Telemetry, TraceLog, catalogue, span_id, unix_seconds,
};

/// The reports of one run. Dropping it ends the run's span.
#[derive(Debug)]
pub(in crate::pipeline) struct RunMonitor {
    /// Names the run; ids of later runs sort behind those of earlier ones.
    pub(in crate::pipeline) run_id: String,
    /// Where its work reports to.
    pub(in crate::pipeline) telemetry: Telemetry,
    started: f64,
    since: Instant,
    hosts: Hosts,
    before: Vec<HostState>,
    result: Mutex<Option<&'static str>>,
}

impl RunMonitor {
    pub(super) fn new(all: &Telemetry, hosts: &Hosts, config: &ParallelConfig) -> Self {
        let started = unix_seconds();
        let run_id = format!("{:011x}{:08x}", (started * 1000.0) as u64, fastrand::u32(..));
        let traces = match config.is_tracing() {
            true => TraceLog::new(&run_id, config.trace_sampling_rate),
            false => TraceLog::default(),
        };
        Self {
            telemetry: all.for_run(&run_id, traces, RowLog::new(config.debug)),
            run_id,
            started,
            since: Instant::now(),
            hosts: hosts.clone(),
            before: hosts.snapshot(),
            result: Mutex::default(),
        }
    }

    /// The run has ended well enough to be committed.
    pub(in crate::pipeline) fn ended(&self, result: &'static str) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        let metrics = &self.telemetry.metrics;
        metrics.add(&catalogue::RUNS, &[result], 1.0);
        metrics.set(&catalogue::RUN_SECONDS, &[], self.since.elapsed().as_secs_f64());
    }

    /// Tables were written.
    pub(in crate::pipeline) fn written<'a>(
        &self,
        tables: impl Iterator<Item = (&'a str, &'a FileEntry)>,
    ) {
        for (table, entry) in tables {
            let metrics = &self.telemetry.metrics;
            metrics.add(&catalogue::TABLE_BYTES, &[table], entry.bytes as f64);
            metrics.add(&catalogue::TABLE_ROWS, &[table], entry.rows as f64);
        }
    }

    /// The rows of the table `run_stats`.
    ///
    /// # Errors
    /// `internal` if they do not make a batch.
    pub(in crate::pipeline) fn stats(&self) -> Result<RecordBatch> {
        let dropped = self.telemetry.traces.kept().1;
        if dropped > 0 {
            self.telemetry.metrics.add(&catalogue::SPANS_DROPPED, &[], dropped as f64);
        }
        // Of the hosts what this run did, which their totals over all runs do not tell.
        let of_hosts = Metrics::default();
        host_metrics(&of_hosts, &self.hosts.snapshot(), &self.before);
        let samples = self.telemetry.metrics.samples().into_iter().chain(of_hosts.samples());
        let rows: Vec<RunStat> = samples.map(|sample| self.row(&sample)).collect();
        let schema = Schema::new(RunStat::fields());
        RecordBatch::try_new(schema.into(), RunStat::arrays(rows.iter())).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("the metrics do not make a table: {e}"))
        })
    }

    fn row(&self, sample: &MetricSample) -> RunStat {
        let label = |name: &str| sample.label(name).map(str::to_owned);
        let labels = sample.labels.iter().map(|(name, v)| ((*name).to_owned(), v.clone().into()));
        let distribution = sample.distribution.as_ref();
        RunStat {
            run_id: self.run_id.clone(),
            started: self.started,
            metric: sample.name.to_owned(),
            kind: sample.kind.as_str().to_owned(),
            unit: sample.unit.to_owned(),
            stage: label("stage"),
            backend: label("backend"),
            host: label("host"),
            code: label("code"),
            labels: Value::Object(labels.collect::<Map<_, _>>()).to_string(),
            value: sample.value,
            observations: distribution.map(|d| i64::try_from(d.count).unwrap_or(i64::MAX)),
            p50: distribution.map(|d| d.p50),
            p90: distribution.map(|d| d.p90),
            p99: distribution.map(|d| d.p99),
            max: distribution.map(|d| d.max),
        }
    }
}

impl Drop for RunMonitor {
    fn drop(&mut self) {
        let result = *self.result.lock().unwrap_or_else(PoisonError::into_inner);
        if result.is_none() {
            self.telemetry.metrics.add(&catalogue::RUNS, &["failed"], 1.0);
        }
        let Some(trace) = self.telemetry.traces.run() else { return };
        self.telemetry.traces.record(Span {
            trace,
            id: span_id(),
            parent: None,
            name: "run".to_owned(),
            category: "run".to_owned(),
            start: self.started,
            seconds: self.since.elapsed().as_secs_f64(),
            pid: std::process::id(),
            error: None,
            attributes: vec![
                ("run_id".to_owned(), self.run_id.clone()),
                ("result".to_owned(), result.unwrap_or("failed").to_owned()),
            ],
        });
    }
}
