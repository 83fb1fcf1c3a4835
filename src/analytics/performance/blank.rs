//! Which metrics the events cannot tell, and which of their columns a query does not use.

use super::choice::{Choice, Figure};
use crate::kernels::metrics::Metric;
use crate::query::events::{EventTable, Events};

impl Choice {
    /// A sentence for each metric that is blank in every row, since the events lack a column.
    pub(super) fn blank(&self, events: &EventTable) -> Vec<String> {
        let sentence = |(name, figure): &(String, Figure)| {
            let (name, lacking) = match figure {
                Figure::Metric(metric) | Figure::Mean(metric) => {
                    (name.as_str(), self.lacking(metric, events))
                }
                Figure::Part(metric, _) => (metric.name, self.lacking(metric, events)),
                Figure::Count(input) => {
                    (name.as_str(), self.lacks(input, events).into_iter().collect())
                }
            };
            let first = lacking.first()?;
            Some(format!(
                "{name} is blank: the events have no column {}; add it, or set columns to THEIRS={first} if it has another name there",
                lacking.join(" and no column ")
            ))
        };
        let mut sentences: Vec<String> = self.figures.iter().filter_map(sentence).collect();
        sentences.dedup();
        sentences
    }

    /// Columns that the events lack and without which a metric is unknown.
    fn lacking(&self, metric: &Metric, events: &EventTable) -> Vec<&'static str> {
        let lacks = |input: &&str| self.lacks(input, events);
        let (any, all) = metric.inputs.split_at_checked(metric.alternatives()).unwrap_or_default();
        let mut lacking: Vec<&str> = all.iter().filter_map(lacks).collect();
        // Of the parts of a sum one is enough.
        let parts: Vec<&str> = any.iter().filter_map(lacks).collect();
        if parts.len() == any.len() {
            lacking.extend(parts.first());
        }
        lacking.dedup();
        lacking
    }

    /// The column that the events lack for a count.
    fn lacks(&self, input: &str, events: &EventTable) -> Option<&'static str> {
        let has = |name: &str| events.known.iter().any(|known| known == name);
        let needs = |name: &'static str| Some(name).filter(|name| !has(name));
        let is_raw = events.form == Events::Raw;
        match input {
            "hours" if is_raw => needs("ts"),
            "hours" => needs("day"),
            "playable_seconds" if self.duration.is_none() => Some("duration"),
            "audience_reach" | "new_viewers" if is_raw => needs("viewer_id"),
            "watch_seconds" if is_raw => needs("value"),
            "followers" if is_raw => Some("followers"),
            // Other counts of raw events are of their kinds.
            _ if is_raw => None,
            "holds" => needs("views_15s").filter(|_| !has("views_100")),
            "starts" | "playable_seconds" => needs("views"),
            "completions" => needs("views_100"),
            figure => {
                let fields = crate::model::event::DAY_VIEWERS.iter().map(|column| column.name);
                let kinds = crate::model::event::EventKind::ALL.into_iter().map(|k| k.figure());
                kinds.chain(fields).find(|name| *name == figure && !has(name))
            }
        }
    }

    /// The columns of the events that mean nothing here and are not grouped by.
    pub(super) fn unused(&self, events: &EventTable) -> Vec<String> {
        let is_used = |name: &String| self.axes.iter().any(|axis| axis.name() == name);
        events.others.iter().filter(|name| !is_used(name)).cloned().collect()
    }
}
