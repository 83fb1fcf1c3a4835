//! What one row of media work reports: metrics, spans, a record, and figures for its operator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::MediaRuntime;
use crate::error::{Error, Result};
use crate::exec::Work;
use crate::exec::backend::RemoteFigures;
use crate::exec::work::Progress;
use crate::location::redacted;
use crate::resilience::HostKey;
use crate::source::LocalCopy;
use crate::telemetry::{
    Event, ProcessLog, ProcessRecord, RowRecord, Span, Telemetry, TraceId, catalogue, span_id,
    unix_seconds,
};

/// What a row took and used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RowFigures {
    /// Attempts, at least 1.
    pub attempts: u32,
    /// Whether its result was found in a cache.
    pub cached: bool,
    /// Seconds of fetching and working over all attempts.
    pub seconds: f64,
    /// Seconds of waiting: for its turn, a host, a worker, the next attempt.
    pub waited: f64,
    /// Seconds of video gone through.
    pub video_seconds: f64,
    /// Media processes.
    pub processes: usize,
    /// CPU time of its media processes in seconds.
    pub cpu_seconds: f64,
    /// Largest resident memory of its media processes in bytes.
    pub peak_bytes: u64,
}

/// Measures one row from its start to its end. Dropped before, as by cancellation, it only ends what is in flight.
pub(super) struct RowMeter<'a> {
    runtime: &'a MediaRuntime,
    stage: &'a str,
    backend: &'static str,
    host: String,
    location: String,
    trace: Option<TraceId>,
    span: u64,
    started: f64,
    since: Instant,
    processes: ProcessLog,
    progress: Arc<RowProgress>,
    /// Whether a cache had its result; `None`: no cache was asked.
    found: Option<bool>,
    /// The validator of the source that was opened last.
    validator: Option<String>,
}

impl<'a> RowMeter<'a> {
    pub(super) fn start(
        runtime: &'a MediaRuntime,
        work: &'a dyn Work,
        location: &str,
        host: Option<&HostKey>,
    ) -> Self {
        let telemetry = &runtime.telemetry;
        let stage = work.name();
        let shown = redacted(location);
        telemetry.metrics.add(&catalogue::ROWS_IN_FLIGHT, &[stage], 1.0);
        runtime.observer.event(&Event::RowStarted { stage, location: &shown });
        let choice = runtime.backend.choice(work, Some(1)).backend;
        Self {
            runtime,
            stage,
            backend: choice.map_or("at once", |backend| backend.as_str()),
            host: host.map(ToString::to_string).unwrap_or_default(),
            location: shown,
            trace: telemetry.traces.of_source(location),
            span: span_id(),
            started: unix_seconds(),
            since: Instant::now(),
            processes: ProcessLog::default(),
            progress: Arc::new(RowProgress {
                to: Arc::clone(&runtime.env.progress),
                telemetry: telemetry.clone(),
                milliseconds: AtomicU64::new(0),
                expected: AtomicU64::new(0),
            }),
            found: None,
            validator: None,
        }
    }

    /// The span that the row's log events are in. An error-level span is there whatever the filter is.
    pub(super) fn log_span(&self) -> tracing::Span {
        let (stage, location) = (self.stage, self.location.as_str());
        let parent = &self.runtime.telemetry.log_span;
        let trace_id = tracing::field::Empty;
        let span = tracing::error_span!(parent: parent, "row", stage, location, trace_id);
        if let Some(trace) = self.trace {
            span.record("trace_id", tracing::field::display(trace));
        }
        span
    }

    /// The media processes of the row.
    pub(super) fn processes(&self) -> &ProcessLog {
        &self.processes
    }

    /// Receives the progress of the row.
    pub(super) fn progress(&self) -> Arc<dyn Progress> {
        Arc::clone(&self.progress) as Arc<dyn Progress>
    }

    /// The result of the cache, if it was asked.
    pub(super) fn looked_up(&mut self, hit: bool) {
        self.found = Some(hit);
    }

    /// The next attempt follows after `error`.
    pub(super) fn retries(&self, error: &Error) {
        let labels = [self.stage, error.code().as_str()];
        self.metrics(|metrics| metrics.add(&catalogue::ROW_RETRIES, &labels, 1.0));
    }

    /// A source was opened since `since`.
    pub(super) fn opened(&mut self, opened: &Result<LocalCopy>, since: Instant) {
        self.validator = opened.as_ref().ok().map(|copy| copy.validator.clone());
        let code = opened.as_ref().err().map_or("", |error| error.code().as_str());
        let host = self.host.as_str();
        let seconds = since.elapsed().as_secs_f64();
        self.metrics(|metrics| metrics.add(&catalogue::SOURCE_OPENS, &[host, code], 1.0));
        let is_fetched = opened.as_ref().is_ok_and(LocalCopy::is_fetched);
        let mut attributes = vec![("host".to_owned(), self.host.clone())];
        if let Some(copy) = opened.as_ref().ok().filter(|_| is_fetched) {
            let bytes = size_of(copy);
            self.metrics(|metrics| {
                metrics.observe(&catalogue::SOURCE_FETCH_SECONDS, &[host], seconds);
                metrics.add(&catalogue::SOURCE_FETCHED_BYTES, &[host], bytes as f64);
            });
            attributes.push(("bytes".to_owned(), bytes.to_string()));
        }
        if is_fetched || (opened.is_err() && !host.is_empty()) {
            let error = opened.as_ref().err().map(|error| error.code().as_str().to_owned());
            self.record_span(
                "fetch",
                "fetch",
                unix_seconds() - seconds,
                seconds,
                error,
                attributes,
            );
        }
    }

    /// Another machine has run the row of this work.
    pub(super) fn ran_elsewhere(&mut self, work: &str, figures: &RemoteFigures) {
        self.processes.extend(figures.processes.clone());
        self.validator.clone_from(&figures.validator);
        if figures.expected_seconds > 0.0 {
            self.progress.expected(work, figures.expected_seconds);
        }
        if figures.video_seconds > 0.0 {
            self.progress.advanced(work, figures.video_seconds);
        }
    }

    /// A worker is taken while the result lives.
    pub(super) fn running(&self, copy: Option<&LocalCopy>) -> RunningRow<'_> {
        let bytes = copy.map_or(0, size_of) as f64;
        let running = RunningRow { meter: self, bytes };
        running.shift(1.0);
        running
    }

    /// The row has ended.
    pub(super) fn end(
        &self,
        error: Option<&Error>,
        attempts: u32,
        elapsed: Duration,
    ) -> (RowFigures, RemoteFigures) {
        let processes = self.processes.take();
        let seconds = elapsed.as_secs_f64();
        let figures = RowFigures {
            attempts,
            cached: self.found == Some(true),
            seconds,
            waited: (self.since.elapsed().as_secs_f64() - seconds).max(0.0),
            video_seconds: self.progress.milliseconds.load(Ordering::Relaxed) as f64 / 1000.0,
            processes: processes.len(),
            cpu_seconds: processes.iter().map(|process| process.cpu_seconds).sum(),
            peak_bytes: processes.iter().map(|process| process.peak_bytes).max().unwrap_or(0),
        };
        let code = error.map_or("", |error| error.code().as_str());
        self.metrics(|metrics| {
            let Self { stage, backend, .. } = *self;
            metrics.add(&catalogue::ROWS, &[stage, backend, code], 1.0);
            metrics.observe(&catalogue::ROW_SECONDS, &[stage, backend], figures.seconds);
            metrics.observe(&catalogue::ROW_WAIT_SECONDS, &[stage], figures.waited);
            if let Some(hit) = self.found {
                let result = if hit { "hit" } else { "miss" };
                metrics.add(&catalogue::CACHE_LOOKUPS, &[stage, result], 1.0);
            }
        });
        processes.iter().for_each(|process| self.ended(process));
        self.row_span(error, &figures);
        let of_row = RemoteFigures {
            attempts,
            seconds,
            video_seconds: figures.video_seconds,
            expected_seconds: self.progress.expected.load(Ordering::Relaxed) as f64 / 1000.0,
            validator: self.validator.clone(),
            processes: processes.clone(),
            executor: String::new(),
        };
        self.runtime.telemetry.rows.record(RowRecord {
            stage: self.stage.to_owned(),
            location: self.location.clone(),
            trace_id: self.trace.map(|trace| trace.to_string()),
            backend: self.backend.to_owned(),
            error_code: error.map(|error| error.code().as_str().to_owned()),
            error_message: error.map(|error| error.message().to_owned()),
            attempts,
            started: self.started,
            seconds,
            waited: figures.waited,
            cached: figures.cached,
            processes,
        });
        (figures, of_row)
    }

    /// A media process of the row has ended.
    fn ended(&self, process: &ProcessRecord) {
        let stage = self.stage;
        let program = process.program.as_str();
        self.metrics(|metrics| {
            metrics.add(&catalogue::PROCESSES, &[program, stage, &process.end], 1.0);
            metrics.observe(&catalogue::PROCESS_SECONDS, &[program, stage], process.seconds);
            metrics.add(&catalogue::PROCESS_CPU_SECONDS, &[program, stage], process.cpu_seconds);
            metrics.raise(&catalogue::PROCESS_MEMORY, &[stage], process.peak_bytes as f64);
        });
        let Some(trace) = self.trace else { return };
        let attributes = [
            ("stage", stage.to_owned()),
            ("process.pid", process.pid.to_string()),
            ("process.command_args", process.args.join(" ")),
            ("end", process.end.clone()),
            ("status", process.status.clone()),
            ("cpu_seconds", process.cpu_seconds.to_string()),
            ("peak_bytes", process.peak_bytes.to_string()),
        ];
        self.runtime.telemetry.traces.record(Span {
            trace,
            id: span_id(),
            parent: Some(self.span),
            name: process.program.clone(),
            category: "process".to_owned(),
            start: process.started,
            seconds: process.seconds,
            pid: process.parent,
            // That a process fails may be expected: the row tells whether something is wrong.
            error: None,
            attributes: attributes.map(|(name, value)| (name.to_owned(), value)).into(),
        });
    }

    fn row_span(&self, error: Option<&Error>, figures: &RowFigures) {
        let Some(trace) = self.trace else { return };
        let attributes = [
            ("stage", self.stage.to_owned()),
            ("location", self.location.clone()),
            ("backend", self.backend.to_owned()),
            ("attempts", figures.attempts.to_string()),
            ("cached", figures.cached.to_string()),
            ("waited", figures.waited.to_string()),
            ("video_seconds", figures.video_seconds.to_string()),
        ];
        self.runtime.telemetry.traces.record(Span {
            trace,
            id: self.span,
            parent: None,
            name: self.stage.to_owned(),
            category: "row".to_owned(),
            start: self.started,
            seconds: self.since.elapsed().as_secs_f64(),
            pid: std::process::id(),
            error: error.map(|error| error.code().as_str().to_owned()),
            attributes: attributes.map(|(name, value)| (name.to_owned(), value)).into(),
        });
    }

    fn record_span(
        &self,
        name: &str,
        category: &str,
        start: f64,
        seconds: f64,
        error: Option<String>,
        attributes: Vec<(String, String)>,
    ) {
        let Some(trace) = self.trace else { return };
        self.runtime.telemetry.traces.record(Span {
            trace,
            id: span_id(),
            parent: Some(self.span),
            name: name.to_owned(),
            category: category.to_owned(),
            start,
            seconds,
            pid: std::process::id(),
            error,
            attributes,
        });
    }

    fn metrics(&self, record: impl FnOnce(&crate::telemetry::Metrics)) {
        record(&self.runtime.telemetry.metrics);
    }
}

impl Drop for RowMeter<'_> {
    fn drop(&mut self) {
        self.metrics(|metrics| metrics.add(&catalogue::ROWS_IN_FLIGHT, &[self.stage], -1.0));
    }
}

/// A row that holds a worker.
pub(super) struct RunningRow<'a> {
    meter: &'a RowMeter<'a>,
    bytes: f64,
}

impl RunningRow<'_> {
    fn shift(&self, by: f64) {
        self.meter.metrics(|metrics| {
            metrics.add(&catalogue::ROWS_RUNNING, &[self.meter.stage], by);
            metrics.add(&catalogue::SOURCE_BYTES_IN_FLIGHT, &[], by * self.bytes);
        });
    }
}

impl Drop for RunningRow<'_> {
    fn drop(&mut self) {
        self.shift(-1.0);
    }
}

fn size_of(copy: &LocalCopy) -> u64 {
    std::fs::metadata(&copy.path).map_or(0, |facts| facts.len())
}

/// Counts the progress of one row on its way.
#[derive(Debug)]
struct RowProgress {
    to: Arc<dyn Progress>,
    telemetry: Telemetry,
    milliseconds: AtomicU64,
    /// Announced, in milliseconds.
    expected: AtomicU64,
}

impl Progress for RowProgress {
    fn advanced(&self, stage: &str, seconds: f64) {
        self.milliseconds.fetch_add((seconds.max(0.0) * 1000.0) as u64, Ordering::Relaxed);
        self.telemetry.metrics.add(&catalogue::VIDEO_SECONDS, &[stage], seconds.max(0.0));
        self.to.advanced(stage, seconds);
    }

    fn expected(&self, stage: &str, seconds: f64) {
        self.expected.fetch_add((seconds.max(0.0) * 1000.0) as u64, Ordering::Relaxed);
        self.to.expected(stage, seconds);
    }
}
