//! The registry of metrics: counters, gauges and histograms with labels.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::histogram::{Distribution, Histogram};

/// Most series of one metric: beyond it, values are counted under the labels `other`.
const MAX_SERIES: usize = 200;
/// Stands for labels beyond [`MAX_SERIES`].
const OTHER: &str = "other";

/// How values of a metric are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// A value at a moment.
    Gauge,
    /// A distribution of observations.
    Histogram,
}

impl MetricKind {
    /// Its name in every format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The declaration of a metric; all are in [`catalogue`](super::catalogue).
#[derive(Debug, PartialEq, Eq)]
pub struct MetricSpec {
    /// Name by the conventions of Prometheus, with the unit.
    pub name: &'static str,
    /// How values are combined.
    pub kind: MetricKind,
    /// Unit: `seconds`, `bytes`, or what is counted.
    pub unit: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
}

/// A value of a metric with certain labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricSample {
    /// Name by the conventions of Prometheus, with the unit.
    pub name: &'static str,
    /// How values are combined.
    pub kind: MetricKind,
    /// Unit: `seconds`, `bytes`, or what is counted.
    pub unit: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Labels in the order of their declaration.
    pub labels: Vec<(&'static str, String)>,
    /// The value; of a histogram the sum of its observations.
    pub value: f64,
    /// Counts and quantiles of a histogram.
    pub distribution: Option<Distribution>,
}

impl MetricSample {
    /// The value of a label, if it has that label and it is not empty.
    pub fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(label, value)| *label == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }
}

/// The metrics of a program or of one run. Clones share their values.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<MetricTable>);

#[derive(Debug, Default)]
struct MetricTable {
    families: Mutex<BTreeMap<&'static str, MetricFamily>>,
    /// What counts here counts there too.
    parent: Option<Metrics>,
}

#[derive(Debug)]
struct MetricFamily {
    spec: &'static MetricSpec,
    series: BTreeMap<Vec<String>, MetricCell>,
}

#[derive(Debug, Clone, Default)]
struct MetricCell {
    value: f64,
    histogram: Histogram,
}

impl Metrics {
    /// New metrics whose values also count in these.
    #[must_use]
    pub fn child(&self) -> Self {
        let parent = Some(self.clone());
        Self(Arc::new(MetricTable { families: Mutex::default(), parent }))
    }

    /// Adds to a counter, or changes a gauge by a difference.
    pub fn add(&self, spec: &'static MetricSpec, labels: &[&str], by: f64) {
        self.change(spec, labels, &|cell| cell.value += by);
    }

    /// Sets a gauge.
    pub fn set(&self, spec: &'static MetricSpec, labels: &[&str], value: f64) {
        self.change(spec, labels, &|cell| cell.value = value);
    }

    /// Sets a gauge to the largest value so far.
    pub fn raise(&self, spec: &'static MetricSpec, labels: &[&str], value: f64) {
        self.change(spec, labels, &|cell| cell.value = cell.value.max(value));
    }

    /// Adds an observation to a histogram.
    pub fn observe(&self, spec: &'static MetricSpec, labels: &[&str], value: f64) {
        self.change(spec, labels, &|cell| cell.histogram.observe(value));
    }

    /// All values, ordered by name and labels.
    pub fn samples(&self) -> Vec<MetricSample> {
        let families = self.families();
        let samples = families.values().flat_map(|family| {
            let spec = family.spec;
            family.series.iter().map(move |(labels, cell)| {
                let distribution =
                    (spec.kind == MetricKind::Histogram).then(|| cell.histogram.distribution());
                MetricSample {
                    name: spec.name,
                    kind: spec.kind,
                    unit: spec.unit,
                    help: spec.help,
                    labels: spec.labels.iter().copied().zip(labels.iter().cloned()).collect(),
                    value: distribution.as_ref().map_or(cell.value, |d| d.sum),
                    distribution,
                }
            })
        });
        samples.collect()
    }

    fn change(&self, spec: &'static MetricSpec, labels: &[&str], how: &dyn Fn(&mut MetricCell)) {
        {
            let mut families = self.families();
            let family = families
                .entry(spec.name)
                .or_insert_with(|| MetricFamily { spec, series: BTreeMap::new() });
            how(family.cell(labels));
        }
        if let Some(parent) = &self.0.parent {
            parent.change(spec, labels, how);
        }
    }

    fn families(&self) -> MutexGuard<'_, BTreeMap<&'static str, MetricFamily>> {
        self.0.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetricFamily {
    /// The cell of these labels, as many as are declared; of `other` where there are too many series.
    fn cell(&mut self, labels: &[&str]) -> &mut MetricCell {
        let value = |i: usize| labels.get(i).copied().unwrap_or_default().to_owned();
        let mut key: Vec<String> = (0..self.spec.labels.len()).map(value).collect();
        if self.series.len() >= MAX_SERIES && !self.series.contains_key(&key) {
            key = vec![OTHER.to_owned(); key.len()];
        }
        self.series.entry(key).or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::telemetry::catalogue::{
        HOST_CALLS, METRICS, RENDERED_FILES, ROW_SECONDS, ROWS, SOURCE_BYTES_IN_FLIGHT,
    };

    #[test]
    fn what_counts_in_a_run_counts_in_all_of_them() {
        let all = Metrics::default();
        let (first, second) = (all.child(), all.child());
        first.add(&ROWS, &["analyze", "async", ""], 2.0);
        second.add(&ROWS, &["analyze", "async", ""], 3.0);
        second.observe(&ROW_SECONDS, &["analyze", "async"], 0.5);
        first.add(&SOURCE_BYTES_IN_FLIGHT, &[], 8.0);
        first.add(&SOURCE_BYTES_IN_FLIGHT, &[], -8.0);
        let rows = |metrics: &Metrics| {
            metrics.samples().iter().find(|sample| sample.name == ROWS.name).unwrap().value
        };
        assert_eq!((rows(&first), rows(&second), rows(&all)), (2.0, 3.0, 5.0));
        let samples = all.samples();
        let names: Vec<_> = samples.iter().map(|sample| sample.name).collect();
        assert_eq!(names, [ROW_SECONDS.name, ROWS.name, SOURCE_BYTES_IN_FLIGHT.name]);
        assert_eq!(samples[0].distribution.as_ref().unwrap().count, 1);
        assert_eq!((samples[1].label("stage"), samples[1].label("code")), (Some("analyze"), None));
        assert_eq!(samples[2].value, 0.0);
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let metrics = Metrics::default();
        for host in 0..10_000 {
            metrics.add(&HOST_CALLS, &[&format!("https://{host}.example")], 1.0);
        }
        let samples = metrics.samples();
        assert_eq!(samples.len(), MAX_SERIES + 1);
        assert_eq!(samples.iter().map(|sample| sample.value).sum::<f64>(), 10_000.0);
        let other = samples.iter().find(|sample| sample.label("host") == Some(OTHER)).unwrap();
        assert_eq!(other.value, (10_000 - MAX_SERIES) as f64);
    }

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let mut names = std::collections::HashSet::new();
        assert!(METRICS.contains(&&RENDERED_FILES));
        for metric in METRICS {
            assert!(names.insert(metric.name), "{} twice", metric.name);
            assert!(metric.name.starts_with("clipflow_"), "{}", metric.name);
            assert!(metric.help.ends_with('.') && !metric.unit.is_empty(), "{}", metric.name);
            let is_counter = metric.kind == MetricKind::Counter;
            assert_eq!(metric.name.ends_with("_total"), is_counter, "{}", metric.name);
            let base = metric.name.trim_end_matches("_total");
            for unit in ["seconds", "bytes"] {
                assert_eq!(base.ends_with(unit), metric.unit == unit, "{}", metric.name);
            }
        }
    }
}
