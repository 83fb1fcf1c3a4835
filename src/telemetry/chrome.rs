//! Spans as the JSON of Chrome's trace viewer, which Perfetto opens too: written and read.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::trace::{Span, TraceId};

/// Keys of `args` that are no attributes.
const TRACE: &str = "trace_id";
const SPAN: &str = "span_id";
const PARENT: &str = "parent_id";
const ERROR: &str = "error_code";
const START: &str = "start";
const SECONDS: &str = "duration";

/// The document of `spans`, which are in the order of their start. Spans that overlap without being part of each other
/// are on different lanes.
pub fn document(spans: &[Span], program: &str) -> Value {
    let mut lanes = Lanes::default();
    let mut events = vec![];
    let mut processes = BTreeMap::new();
    for span in spans {
        let lane = lanes.place(span);
        processes.insert(span.pid, ());
        events.push(json!({
            "name": span.name,
            "cat": span.category,
            "ph": "X",
            "ts": (span.start * 1e6).round(),
            "dur": (span.seconds * 1e6).round(),
            "pid": span.pid,
            "tid": lane,
            "args": arguments(span),
        }));
    }
    let own = std::process::id();
    let named = processes.into_keys().map(|pid| {
        let name = if pid == own { program.to_owned() } else { format!("{program} worker") };
        json!({ "name": "process_name", "ph": "M", "pid": pid, "tid": 0, "args": { "name": name } })
    });
    let events: Vec<Value> = named.chain(events).collect();
    json!({ "displayTimeUnit": "ms", "traceEvents": events })
}

fn arguments(span: &Span) -> Value {
    let mut args = Map::new();
    for (name, value) in &span.attributes {
        args.insert(name.clone(), json!(value));
    }
    args.insert(TRACE.into(), json!(span.trace.to_string()));
    args.insert(SPAN.into(), json!(format!("{:016x}", span.id)));
    // Microseconds as integers are exact in the file; the rounded length would not be.
    args.insert(START.into(), json!(span.start));
    args.insert(SECONDS.into(), json!(span.seconds));
    if let Some(parent) = span.parent {
        args.insert(PARENT.into(), json!(format!("{parent:016x}")));
    }
    if let Some(error) = &span.error {
        args.insert(ERROR.into(), json!(error));
    }
    Value::Object(args)
}

/// The spans of a document that [`document`] has made; events of other programs are left out. `None` if it is no such
/// document.
pub fn spans(document: &Value) -> Option<Vec<Span>> {
    let events = document.get("traceEvents").unwrap_or(document).as_array()?;
    Some(events.iter().filter_map(span).collect())
}

fn span(event: &Value) -> Option<Span> {
    let text = |value: &Value, name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let args = event.get("args")?;
    let id = |name: &str| u64::from_str_radix(args.get(name)?.as_str()?, 16).ok();
    let own = [TRACE, SPAN, PARENT, ERROR, START, SECONDS];
    let attributes = args.as_object()?.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(Span {
        trace: text(args, TRACE)?.parse::<TraceId>().ok()?,
        id: id(SPAN)?,
        parent: id(PARENT),
        name: text(event, "name")?,
        category: text(event, "cat").unwrap_or_default(),
        start: args.get(START)?.as_f64()?,
        seconds: args.get(SECONDS)?.as_f64()?,
        pid: event.get("pid")?.as_u64()?.try_into().ok()?,
        error: text(args, ERROR),
        attributes: attributes.map(|(name, value)| (name.clone(), shown(value))).collect(),
    })
}

/// The lanes of the viewer: on each, spans are one after the other or inside each other.
#[derive(Debug, Default)]
struct Lanes {
    /// For each lane the spans that are open: id and end.
    open: Vec<Vec<(u64, f64)>>,
    /// Lane of each span.
    of: HashMap<u64, usize>,
}

impl Lanes {
    /// The lane of a span, counted from 1. Spans come in the order of their start.
    fn place(&mut self, span: &Span) -> usize {
        let end = span.start + span.seconds;
        for lane in &mut self.open {
            while lane.last().is_some_and(|(_, until)| *until <= span.start) {
                lane.pop();
            }
        }
        let fits = |lane: &Vec<(u64, f64)>| match lane.last() {
            Some((id, until)) => Some(*id) == span.parent && end <= *until,
            None => true,
        };
        let of_parent = span.parent.and_then(|parent| self.of.get(&parent)).copied();
        let of_parent = of_parent.filter(|lane| self.open.get(*lane).is_some_and(fits));
        let lane = of_parent.or_else(|| self.open.iter().position(|lane| lane.is_empty()));
        let lane = lane.unwrap_or_else(|| {
            self.open.push(vec![]);
            self.open.len() - 1
        });
        if let Some(open) = self.open.get_mut(lane) {
            open.push((span.id, end));
        }
        self.of.insert(span.id, lane);
        lane + 1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn span(id: u64, parent: Option<u64>, start: f64, seconds: f64) -> Span {
        Span {
            trace: TraceId(7),
            id,
            parent,
            name: format!("span {id}"),
            category: "row".into(),
            start,
            seconds,
            pid: std::process::id(),
            error: (id == 3).then(|| "media.corrupt".to_owned()),
            attributes: vec![("stage".into(), "analyze".into())],
        }
    }

    #[test]
    fn spans_are_read_back_and_overlapping_ones_are_on_lanes_of_their_own() {
        let spans = vec![
            span(1, None, 0.0, 10.0),
            span(2, Some(1), 1.0, 4.0),
            span(3, Some(1), 2.0, 5.123_456_789),
            span(4, Some(1), 6.0, 1.0),
            span(5, None, 8.0, 10.0),
            span(6, None, 11.0, 1.0),
        ];
        let document = document(&spans, "clipflow");
        let events = document["traceEvents"].as_array().unwrap();
        assert_eq!(events[0]["ph"], "M");
        let lanes: Vec<_> =
            events[1..].iter().map(|event| event["tid"].as_u64().unwrap()).collect();
        // The fifth overlaps with the first; on the second lane nothing is under way any more.
        assert_eq!(lanes, [1, 1, 2, 1, 2, 1]);
        assert_eq!(events[3]["dur"], 5_123_457.0);
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(super::spans(&serde_json::from_str(&text).unwrap()).unwrap(), spans);
        assert_eq!(
            super::spans(&json!({ "traceEvents": [{ "name": "x", "ph": "B" }] })),
            Some(vec![])
        );
        assert_eq!(super::spans(&json!("text")), None);
    }
}
