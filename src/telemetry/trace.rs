//! Spans of a run: one trace for each source, one for the run itself.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Most spans of a run that are recorded.
const MAX_SPANS: usize = 200_000;

/// The id of a trace; 32 hexadecimal digits, as in W3C Trace Context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for TraceId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

/// A stretch of work.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace that it belongs to.
    pub trace: TraceId,
    /// Its own id, not 0.
    pub id: u64,
    /// The span that it is part of.
    pub parent: Option<u64>,
    /// What is done, such as `analyze` or `ffmpeg`.
    pub name: String,
    /// `run`, `stage`, `step`, `row`, `fetch` or `process`.
    pub category: String,
    /// Seconds since 1970 when it started.
    pub start: f64,
    /// Its length in seconds.
    pub seconds: f64,
    /// The process that did it.
    pub pid: u32,
    /// The error code it failed with.
    pub error: Option<String>,
    /// Facts about it, without secrets.
    pub attributes: Vec<(String, String)>,
}

/// Records spans while tracing is on. Clones share them.
///
/// Which traces are kept is decided by whole trace: a share of them by their ids, and those with a failure.
#[derive(Debug, Clone, Default)]
pub struct TraceLog(Option<Arc<TraceTable>>);

#[derive(Debug)]
struct TraceTable {
    run: TraceId,
    rate: f64,
    spans: Mutex<RecordedSpans>,
}

#[derive(Debug, Default)]
struct RecordedSpans {
    spans: Vec<Span>,
    failed: HashSet<TraceId>,
    dropped: u64,
}

impl TraceLog {
    /// Records the spans of the run `run_id`, of which the share `rate` of the traces is kept.
    pub fn new(run_id: &str, rate: f64) -> Self {
        let run = trace_id(&[run_id]);
        Self(Some(Arc::new(TraceTable { run, rate, spans: Mutex::default() })))
    }

    /// Whether spans are recorded.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The trace of the run, which is always kept; `None` while tracing is off.
    pub fn run(&self) -> Option<TraceId> {
        self.0.as_ref().map(|table| table.run)
    }

    /// The trace of a source: the same in each stage and each process.
    pub fn of_source(&self, location: &str) -> Option<TraceId> {
        self.run().map(|run| trace_id(&[&run.to_string(), location]))
    }

    /// Records a span.
    pub fn record(&self, span: Span) {
        let Some(table) = &self.0 else { return };
        let mut recorded = table.lock();
        if span.error.is_some() {
            recorded.failed.insert(span.trace);
        }
        if recorded.spans.len() < MAX_SPANS {
            recorded.spans.push(span);
        } else {
            recorded.dropped += 1;
        }
    }

    /// Whether a trace is kept: it is sampled, or something in it failed so far.
    pub fn keeps(&self, trace: TraceId) -> bool {
        self.0
            .as_ref()
            .is_some_and(|table| table.samples(trace) || table.lock().failed.contains(&trace))
    }

    /// The spans of the traces that are kept, in the order of their start, and the number of spans beyond the limit.
    pub fn kept(&self) -> (Vec<Span>, u64) {
        let Some(table) = &self.0 else { return (vec![], 0) };
        let recorded = table.lock();
        let kept =
            |span: &&Span| table.samples(span.trace) || recorded.failed.contains(&span.trace);
        let mut spans: Vec<Span> = recorded.spans.iter().filter(kept).cloned().collect();
        spans.sort_by(|a, b| a.start.total_cmp(&b.start));
        (spans, recorded.dropped)
    }
}

impl TraceTable {
    /// Whether the id of a trace is among the share that is kept.
    fn samples(&self, trace: TraceId) -> bool {
        let share = (trace.0 as u64) as f64 / u64::MAX as f64;
        trace == self.run || self.rate >= 1.0 || share < self.rate
    }

    fn lock(&self) -> MutexGuard<'_, RecordedSpans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An id of what `parts` name.
fn trace_id(parts: &[&str]) -> TraceId {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    TraceId(u128::from_le_bytes(id).max(1))
}

/// A new id of a span.
pub fn span_id() -> u64 {
    fastrand::u64(1..)
}

/// Seconds since 1970, now.
pub fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn span(trace: TraceId, start: f64, error: Option<&str>) -> Span {
        Span {
            trace,
            id: span_id(),
            parent: None,
            name: "analyze".into(),
            category: "row".into(),
            start,
            seconds: 1.0,
            pid: 1,
            error: error.map(str::to_owned),
            attributes: vec![],
        }
    }

    #[test]
    fn a_trace_is_kept_as_a_whole_and_failed_ones_always() {
        let log = TraceLog::new("run", 0.25);
        let traces: Vec<_> =
            (0..400).map(|n| log.of_source(&format!("{n}.mp4")).unwrap()).collect();
        for (n, trace) in traces.iter().enumerate() {
            log.record(span(*trace, 2.0, None));
            log.record(span(*trace, 1.0, (n == 7).then_some("media.corrupt")));
        }
        let (kept, dropped) = log.kept();
        assert_eq!(dropped, 0);
        let of = |trace: &TraceId| kept.iter().filter(|span| span.trace == *trace).count();
        let counts: Vec<_> = traces.iter().map(of).collect();
        assert!(counts.iter().all(|n| *n == 0 || *n == 2), "whole traces");
        assert_eq!(counts[7], 2, "a failed trace is kept");
        let sampled = counts.iter().filter(|n| **n == 2).count();
        assert!((60..=140).contains(&sampled), "{sampled} of 400");
        assert!(kept.is_sorted_by_key(|span| span.start));
        assert!(traces.iter().zip(&counts).all(|(trace, n)| log.keeps(*trace) == (*n == 2)));
    }

    #[test]
    fn the_run_is_kept_at_any_rate_and_ids_are_those_of_the_source() {
        let log = TraceLog::new("run", 0.0);
        log.record(span(log.run().unwrap(), 0.0, None));
        log.record(span(log.of_source("a.mp4").unwrap(), 0.0, None));
        assert_eq!(log.kept().0.len(), 1);
        let again = TraceLog::new("run", 1.0);
        assert_eq!(log.of_source("a.mp4"), again.of_source("a.mp4"));
        assert_ne!(log.of_source("a.mp4"), log.of_source("b.mp4"));
        let id = log.run().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), 32);
        assert!(!TraceLog::default().is_on() && TraceLog::default().kept().0.is_empty());
    }
}
