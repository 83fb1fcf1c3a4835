//! What a run reports: events, metrics, traces and logs.
//!
//! Everything is recorded once and read by many: [`Metrics`] holds counters, gauges and histograms, a [`TraceLog`] the
//! spans of rows, and each format ([`prometheus`], [`datadog`], [`chrome`], OTLP) is one module that reads them. Reporting never
//! fails the work: an [`Observer`] returns nothing, and what cannot be recorded is dropped.

pub mod catalogue;
pub mod chrome;
mod counters;
pub mod datadog;
mod event;
mod histogram;
#[cfg(feature = "datafusion")]
pub mod logs;
mod metrics;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod process_log;
pub mod prometheus;
mod redact;
mod row_log;
mod trace;

pub use counters::{MediaCounters, MediaCounts};
pub use event::{Event, Observer, Silent};
pub use histogram::{Distribution, Histogram};
pub use metrics::{MetricKind, MetricSample, MetricSpec, Metrics};
pub use process_log::{ProcessLog, ProcessRecord};
pub use redact::scrub;
pub use row_log::{RowLog, RowRecord};
pub use trace::{Span, TraceId, TraceLog, span_id, unix_seconds};

/// Everything that the work of a run reports to. Clones share it.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// Counters, gauges and histograms.
    pub metrics: Metrics,
    /// Spans of rows and of their media processes; empty while tracing is off.
    pub traces: TraceLog,
    /// What debug bundles are made of: rows that failed, or all of them.
    pub rows: RowLog,
    /// The span that log events of the run are in, which tasks of their own do not inherit.
    pub log_span: tracing::Span,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            metrics: Metrics::default(),
            traces: TraceLog::default(),
            rows: RowLog::default(),
            log_span: tracing::Span::none(),
        }
    }
}

impl Telemetry {
    /// For the run `run_id` whose metrics also count in these, with traces and rows of its own.
    #[must_use]
    pub fn for_run(&self, run_id: &str, traces: TraceLog, rows: RowLog) -> Self {
        // An error-level span is there whatever the filter is.
        let log_span = tracing::error_span!("run", run_id);
        Self { metrics: self.metrics.child(), traces, rows, log_span }
    }

    /// Record a part of the run that started at `start`, in seconds since 1970, and took `seconds`.
    pub fn part_of_run(&self, category: &str, name: &str, start: f64, seconds: f64) {
        let Some(trace) = self.traces.run() else { return };
        self.traces.record(Span {
            trace,
            id: span_id(),
            parent: None,
            name: name.to_owned(),
            category: category.to_owned(),
            start,
            seconds,
            pid: std::process::id(),
            error: None,
            attributes: vec![],
        });
    }
}
