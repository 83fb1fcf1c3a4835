//! Log events of clipflow for embedders: a closure, and a ring of the last ones.

use std::collections::VecDeque;
use std::fmt::{self, Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::redact::scrub;
use super::trace::unix_seconds;
use crate::error::{Error, ErrorCode, Result};

/// Most entries of a [`DebugLog`]; the oldest ones go.
pub const MAX_ENTRIES: usize = 10_000;
/// Longest text of an entry or a field, in characters.
const MAX_TEXT: usize = 2000;

/// A log event, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogEntry {
    /// Seconds since 1970.
    pub timestamp: f64,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: &'static str,
    /// The module that it comes from, such as `clipflow::exec::runtime`.
    pub target: String,
    /// The sentence.
    pub message: String,
    /// Its fields, and those of the spans that it happened in, outermost first.
    pub fields: Vec<(String, String)>,
}

/// Receives log events on the threads that log; must not block.
pub trait LogSink: Send + Sync {
    /// An event of clipflow.
    fn log(&self, entry: &LogEntry);
}

impl<F: Fn(&LogEntry) + Send + Sync> LogSink for F {
    fn log(&self, entry: &LogEntry) {
        self(entry);
    }
}

/// The last entries. Clones share them.
#[derive(Clone, Default)]
pub struct DebugLog(Arc<Mutex<VecDeque<LogEntry>>>);

impl DebugLog {
    /// The entries, oldest first.
    pub fn entries(&self) -> Vec<LogEntry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl LogSink for DebugLog {
    fn log(&self, entry: &LogEntry) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == MAX_ENTRIES {
            entries.pop_front();
        }
        entries.push_back(entry.clone());
    }
}

impl Debug for DebugLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DebugLog")
    }
}

/// A sink that receives events as long as this value or a clone of it lives.
#[derive(Clone)]
pub struct LogSubscription(#[allow(dead_code)] Arc<dyn LogSink>);

impl Debug for LogSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogSubscription")
    }
}

/// The sinks of this program. Logging is one for the whole program, as `tracing` has it.
static SINKS: RwLock<Vec<Weak<dyn LogSink>>> = RwLock::new(vec![]);
/// Whether a [`LogLayer`] was made, whose subscriber forwards events.
static IS_INSTALLED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Gives `sink` the events of clipflow in this program from now on.
///
/// A program without a subscriber of `tracing` gets one. One that has its own adds a [`LogLayer`] to it.
///
/// # Errors
/// `config.invalid` if the program has a subscriber without a [`LogLayer`].
pub fn subscribe(sink: Arc<dyn LogSink>) -> Result<LogSubscription> {
    use std::sync::atomic::Ordering;
    let mut sinks = SINKS.write().unwrap_or_else(PoisonError::into_inner);
    if !IS_INSTALLED.load(Ordering::Acquire) {
        // The limit holds for this layer alone, so that others of the program see what they ask for.
        let ours = filter_fn(|metadata| metadata.target().starts_with("clipflow"));
        let subscriber = Registry::default().with(LogLayer::new().with_filter(ours));
        if tracing::subscriber::set_global_default(subscriber).is_err() {
            IS_INSTALLED.store(false, Ordering::Release);
            return Err(Error::new(
                ErrorCode::ConfigInvalid,
                "this program has a tracing subscriber of its own; add clipflow::telemetry::logs::LogLayer to it",
            ));
        }
    }
    sinks.retain(|sink| sink.strong_count() > 0);
    sinks.push(Arc::downgrade(&sink));
    Ok(LogSubscription(sink))
}

/// A layer of `tracing-subscriber` that gives the events of clipflow to the sinks of [`subscribe`].
#[derive(Debug)]
pub struct LogLayer(());

impl LogLayer {
    /// A layer for the program's subscriber.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        IS_INSTALLED.store(true, std::sync::atomic::Ordering::Release);
        Self(())
    }
}

/// Fields of a span, kept with it.
struct SpanFields(Vec<(String, String)>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = FieldTexts::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields.fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = FieldTexts::default();
        values.record(&mut fields);
        let Some(span) = context.span(id) else { return };
        if let Some(SpanFields(of_span)) = span.extensions_mut().get_mut() {
            of_span.retain(|(name, _)| fields.fields.iter().all(|(new, _)| new != name));
            of_span.extend(fields.fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        if !metadata.target().starts_with("clipflow") {
            return;
        }
        let sinks = SINKS.read().unwrap_or_else(PoisonError::into_inner).clone();
        let sinks: Vec<_> = sinks.iter().filter_map(Weak::upgrade).collect();
        if sinks.is_empty() {
            return;
        }
        let mut texts = FieldTexts::default();
        event.record(&mut texts);
        let mut fields = vec![];
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(SpanFields(of_span)) = span.extensions().get() {
                fields.extend(of_span.iter().cloned());
            }
        }
        fields.extend(texts.fields);
        let entry = LogEntry {
            timestamp: unix_seconds(),
            level: metadata.level().as_str(),
            target: metadata.target().to_owned(),
            message: texts.message,
            fields,
        };
        sinks.iter().for_each(|sink| sink.log(&entry));
    }
}

/// Fields as texts without secrets.
#[derive(Default)]
struct FieldTexts {
    message: String,
    fields: Vec<(String, String)>,
}

impl FieldTexts {
    fn add(&mut self, field: &Field, text: &str) {
        let text: String = scrub(text).chars().take(MAX_TEXT).collect();
        match field.name() {
            "message" => self.message = text,
            name => self.fields.push((name.to_owned(), text)),
        }
    }
}

impl Visit for FieldTexts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.add(field, &text);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn events_come_with_the_fields_of_their_spans_and_without_secrets() {
        let log = DebugLog::default();
        let subscription = {
            // As a program with a subscriber of its own does.
            let sink: Arc<dyn LogSink> = Arc::new(log.clone());
            SINKS.write().unwrap().push(Arc::downgrade(&sink));
            LogSubscription(sink)
        };
        let subscriber = Registry::default().with(LogLayer(()));
        tracing::subscriber::with_default(subscriber, || {
            // The id of a trace is known after the span.
            let trace_id = tracing::field::Empty;
            let span = tracing::info_span!("row", stage = "analyze", trace_id);
            span.record("trace_id", "ab12");
            let _entered = span.enter();
            tracing::warn!(
                code = "source.timeout",
                url = "https://h/a?sig=canary",
                "at https://u:canary@h/a"
            );
            tracing::info!(target: "hyper", "not ours");
        });
        let mine: Vec<_> =
            log.entries().into_iter().filter(|e| e.message.contains("//h/a")).collect();
        let [entry] = mine.as_slice() else { panic!("{mine:?}") };
        assert_eq!((entry.level, entry.message.as_str()), ("WARN", "at https://h/a"));
        assert!(entry.target.starts_with("clipflow::telemetry") && entry.timestamp > 1.7e9);
        let fields: Vec<_> = entry.fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            fields,
            ["stage=analyze", "trace_id=ab12", "code=source.timeout", "url=https://h/a?sig=…"]
        );
        drop(subscription);
        let before = log.entries().len();
        tracing::subscriber::with_default(Registry::default().with(LogLayer(())), || {
            tracing::warn!("nobody receives this");
        });
        assert_eq!(log.entries().len(), before);
    }

    #[test]
    fn the_log_is_a_ring() {
        let log = DebugLog::default();
        for n in 0..=MAX_ENTRIES {
            let message = n.to_string();
            log.log(&LogEntry {
                timestamp: 0.0,
                level: "INFO",
                target: String::new(),
                message,
                fields: vec![],
            });
        }
        let entries = log.entries();
        assert_eq!((entries.len(), entries[0].message.as_str()), (MAX_ENTRIES, "1"));
    }
}
