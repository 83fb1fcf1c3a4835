//! Which metrics and columns are meant.

use super::PerformanceQuery;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::metrics::retention::retention_step;
use crate::kernels::metrics::{METRICS, Metric, NOT_ADDITIVE};
use crate::model::event::EventKind;
use crate::query::events::{EventTable, Events, quote};

/// Counts that the statement makes for metrics, beside the figures.
const SHARED_INPUTS: [&str; 3] = ["holds", "starts", "completions"];

/// Columns of every answer.
const OF_ANSWERS: [&str; 4] = ["variants", "metric_version", "definitions", "left_out"];

/// A column of the answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Figure {
    /// The metric of the group.
    Metric(&'static Metric),
    /// The mean of the metric over the group's variants.
    Mean(&'static Metric),
    /// A count that the metric is made of, over the rows that report all of them.
    Part(&'static Metric, &'static str),
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
        let setting = match query.lag_hours > 0.0 {
            true => Some("lag_hours"),
            false => events.options.as_of.map(|_| "as_of"),
        };
        if let Some(setting) = setting.filter(|_| !events.has_time) {
            let column = if events.form == Events::Raw { "ts" } else { "day" };
            let what = format!("needs times, and the events have no column {column}");
            return Err(Error::setting(setting, what));
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
        if let Some(axis) = axes.iter().find(|a| OF_ANSWERS.contains(&a.name())) {
            return Err(config(format!(
                "the answer has a column {0} of its own; give the column {0} another name to group by it",
                axis.name()
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

    /// Columns of the variants that are read, beside their id.
    pub(super) fn joined_columns(&self) -> impl Iterator<Item = &str> {
        let is_axis = |name: &str| self.variant_axes().any(|axis| axis == name);
        let duration = self.duration.iter().filter_map(move |axis| match axis {
            Axis::Variant(name) if self.uses("playable_seconds") && !is_axis(name) => {
                Some(name.as_str())
            }
            _ => None,
        });
        self.variant_axes().filter(|name| *name != "variant_id").chain(duration)
    }

    /// Whether the variants are joined: columns of theirs are read.
    pub(super) fn reads_variants(&self) -> bool {
        self.joins && self.joined_columns().next().is_some()
    }

    /// Whether a group is one variant, whose distinct viewers the roll-up by variant knows.
    pub(super) fn by_variant(&self) -> bool {
        self.axes.iter().any(|axis| axis.name() == "variant_id")
    }

    pub(super) fn uses(&self, input: &str) -> bool {
        self.figures.iter().any(|(_, figure)| match figure {
            Figure::Metric(metric) | Figure::Mean(metric) | Figure::Part(metric, _) => {
                metric.inputs.contains(&input)
            }
            Figure::Count(name) => *name == input,
        })
    }

    /// Whether parts of metrics are asked for as they are, with completions above views too.
    pub(super) fn asks_parts(&self) -> bool {
        self.figures.iter().any(|(_, figure)| matches!(figure, Figure::Part(..)))
    }

    /// Whether events are left out by their time: with a lag, a stated moment, or where hours are counted,
    /// which stray times would stretch.
    pub(super) fn is_bound_in_time(&self, events: &EventTable, lag_hours: f64) -> bool {
        let asked = lag_hours > 0.0 || events.options.as_of.is_some() || self.uses("hours");
        asked && events.has_time
    }

    /// The metrics that rows can be left out of, and what each needs.
    pub(super) fn left_out_note(&self) -> String {
        let metric = |figure: &Figure| match figure {
            Figure::Metric(m) | Figure::Mean(m) | Figure::Part(m, _) => {
                Some(format!("{} ({})", m.name, m.inputs.join(", ")))
            }
            Figure::Count(_) => None,
        };
        let mut metrics: Vec<String> = self.figures.iter().filter_map(|f| metric(&f.1)).collect();
        metrics.dedup();
        metrics.join("; ")
    }

    /// Whether distinct viewers are counted in a roll-up of their own, by the axes.
    pub(super) fn counts_viewers_apart(&self, events: &EventTable) -> bool {
        let of_groups = self.figures.iter().any(|(_, figure)| match figure {
            Figure::Metric(metric) => metric.needs_viewers(),
            Figure::Part(_, part) => NOT_ADDITIVE.contains(part),
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
    if let Some((metric, part)) = name.split_once('.')
        && let Some(metric) = Metric::find(metric).or_else(|| retention_step(metric))
        && let Some(part) = metric.inputs.iter().find(|input| **input == part)
    {
        return Ok(Figure::Part(metric, part));
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
        return Ok(Axis::Event(name.to_owned(), events.day_of("e.ts")));
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
