//! A span of a trace file as a row, as `spans('trace.json')` gives it.

use super::column::table_of_arrays;
use crate::telemetry::Span;

table_of_arrays! {
    /// A stretch of work of a run.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TraceSpan {
        /// The trace that it belongs to: of a source, or of the run; see `outcomes.trace_id`.
        pub trace_id: String,
        /// Its own id.
        pub span_id: String,
        /// The span that it is part of; NULL for a whole row, a step and a run.
        pub parent_id: Option<String>,
        /// What is done, such as `analyze` or `ffmpeg`.
        pub name: String,
        /// `run`, `stage`, `step`, `row`, `fetch` or `process`.
        pub category: String,
        /// When it started, in seconds since 1970.
        pub start: f64,
        /// Its length in seconds.
        pub duration: f64,
        /// The process that did it.
        pub pid: i64,
        /// The error code it failed with.
        pub error_code: Option<String>,
        /// The stage of media work; NULL outside of one.
        pub stage: Option<String>,
        /// The source; NULL for spans that are not rows.
        pub location: Option<String>,
        /// All attributes as a JSON object.
        pub attributes: String,
    }
}

impl From<&Span> for TraceSpan {
    fn from(span: &Span) -> Self {
        let attribute = |name: &str| {
            let found = span.attributes.iter().find(|(attribute, _)| attribute == name);
            found.map(|(_, value)| value.clone())
        };
        let pairs = span.attributes.iter().map(|(name, v)| (name.clone(), v.clone().into()));
        Self {
            trace_id: span.trace.to_string(),
            span_id: format!("{:016x}", span.id),
            parent_id: span.parent.map(|parent| format!("{parent:016x}")),
            name: span.name.clone(),
            category: span.category.clone(),
            start: span.start,
            duration: span.seconds,
            pid: span.pid.into(),
            error_code: span.error.clone(),
            stage: attribute("stage"),
            location: attribute("location"),
            attributes: serde_json::Value::Object(pairs.collect()).to_string(),
        }
    }
}
