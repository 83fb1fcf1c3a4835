//! Which metrics and columns are meant.

use super::PerformanceQuery;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::metrics::{METRICS, Metric, NOT_ADDITIVE};
use crate::model::event::EventKind;
use crate::query::events::{EventTable, Events, quote};

/// Counts that the statement makes for metrics, beside the figures.
const SHARED_INPUTS: [&str; 3] = ["holds", "starts", "completions"];

/// A column of the answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Figure {
    /// The metric of the group.
    Metric(&'static Metric),
    /// The mean of the metric over the group's variants.
    Mean(&'static Metric),
    /// A count of the group, or its distinct viewers.
    Count(&'static str),
}

/// Where a column to group by comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Axis {
    /// The events: its name, and the expression that gives it.
    Event(String, String),
    /// The variants.
    Variant(String),
}

impl Axis {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Event(name, _) | Self::Variant(name) => name,
        }
    }
}

/// A checked query.
#[derive(Debug)]
pub(super) struct Choice {
    /// The asked columns: name and meaning.
    pub(super) figures: Vec<(String, Figure)>,
    pub(super) axes: Vec<Axis>,
    /// Whether the variants are joined.
    pub(super) joins: bool,
    /// What gives a variant's duration in the roll-up or the join; none: nothing does.
    pub(super) duration: Option<Axis>,
}

/// The longest time before the newest event that can be left out: more than a century.
const MAX_LAG_HOURS: f64 = 1e6;

impl Choice {
    pub(super) fn new(
        query: &PerformanceQuery,
        events: &EventTable,
        variants: &[String],
    ) -> Result<Self> {
        if !(0.0..=MAX_LAG_HOURS).contains(&query.lag_hours) {
            let what = format!("is {}; give hours from 0 to {MAX_LAG_HOURS}", query.lag_hours);
            return Err(Error::setting("lag_hours", what));
        }
        if query.lag_hours > 0.0 && !events.has_time {
            let what = "needs times, and the events have no column ts or day";
            return Err(Error::setting("lag_hours", what));
        }
        let mut figures: Vec<(String, Figure)> = vec![];
        for name in &query.metrics {
            // Asked for twice, it is answered once, as a column to group by is.
            if !figures.iter().any(|(known, _)| known == name) {
                figures.push((name.clone(), figure(name)?));
            }
        }
        if figures.is_empty() {
            return Err(config(format!("name at least one metric; there are {}", metric_names())));
        }
        let axes = query.by.iter().map(|name| axis(name, events, variants));
        let mut axes = axes.collect::<Result<Vec<_>>>()?;
        let mut seen = vec![];
        axes.retain(|axis| {
            !seen.contains(axis) && {
                seen.push(axis.clone());
                true
            }
        });
        if let Some((name, _)) = figures.iter().find(|(n, _)| axes.iter().any(|a| a.name() == n)) {
            return Err(config(format!(
                "{name} is asked for as a metric and as a column to group by"
            )));
        }
        let duration = axis("duration", events, variants).ok();
        Ok(Self { figures, axes, joins: !variants.is_empty(), duration })
    }

    /// The axes that the events give: the keys of the roll-up beside the variant.
    pub(super) fn event_axes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.axes.iter().filter_map(|axis| match axis {
            Axis::Event(name, value) if name != "variant_id" => {
                Some((name.as_str(), value.as_str()))
            }
            _ => None,
        })
    }

    pub(super) fn variant_axes(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().filter_map(|axis| match axis {
            Axis::Variant(name) => Some(name.as_str()),
            Axis::Event(..) => None,
        })
    }

    /// Whether a group is one variant, whose distinct viewers the roll-up by variant knows.
    pub(super) fn by_variant(&self) -> bool {
        self.axes.iter().any(|axis| axis.name() == "variant_id")
    }

    pub(super) fn uses(&self, input: &str) -> bool {
        self.figures.iter().any(|(_, figure)| match figure {
            Figure::Metric(metric) | Figure::Mean(metric) => metric.inputs.contains(&input),
            Figure::Count(name) => *name == input,
        })
    }

    /// Whether distinct viewers are counted in a roll-up of their own, by the axes.
    pub(super) fn counts_viewers_apart(&self, events: &EventTable) -> bool {
        let of_groups = self.figures.iter().any(|(_, figure)| match figure {
            Figure::Metric(metric) => metric.needs_viewers(),
            Figure::Mean(_) => false,
            Figure::Count(name) => NOT_ADDITIVE.contains(name),
        });
        of_groups && events.form == Events::Raw && events.has_viewers && !self.by_variant()
    }
}

fn figure(name: &str) -> Result<Figure> {
    if let Some(metric) = Metric::find(name) {
        return Ok(Figure::Metric(metric));
    }
    if let Some(metric) = name.strip_prefix("mean_").and_then(Metric::find) {
        return Ok(Figure::Mean(metric));
    }
    let figures = EventKind::ALL.into_iter().map(EventKind::figure);
    let mut counts = figures.chain(NOT_ADDITIVE.iter().copied()).chain(SHARED_INPUTS);
    counts
        .find(|count| *count == name)
        .map(Figure::Count)
        .ok_or_else(|| config(format!("there is no metric {name}; there are {}", metric_names())))
}

fn metric_names() -> String {
    let metrics: Vec<&str> =
        METRICS.iter().map(|m| m.name).chain(NOT_ADDITIVE.iter().copied()).collect();
    format!("{}, each metric with mean_ before it, and figures such as views", metrics.join(", "))
}

fn axis(name: &str, events: &EventTable, variants: &[String]) -> Result<Axis> {
    if events.dimensions.iter().any(|d| d == name) {
        return Ok(Axis::Event(name.to_owned(), format!("e.{}", quote(name))));
    }
    if name == "day" && events.has_time && events.form == Events::Raw {
        return Ok(Axis::Event(name.to_owned(), "CAST(e.ts AS DATE)".to_owned()));
    }
    if variants.iter().any(|v| v == name) {
        return Ok(Axis::Variant(name.to_owned()));
    }
    let theirs = events.dimensions.join(", ");
    Err(config(if variants.is_empty() {
        format!(
            "the events have no column {name} to group by; they have {theirs} (columns of variants can be grouped by when the results folder is named too)"
        )
    } else {
        format!(
            "neither the events nor the variants have a column {name} to group by; the events have {theirs}, the variants {}, and what columns of your own the requests had",
            variants.join(", ")
        )
    }))
}

fn config(sentence: impl Into<String>) -> Error {
    Error::new(ErrorCode::ConfigInvalid, sentence)
}
