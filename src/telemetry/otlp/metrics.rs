//! Metrics: counters as sums, gauges, and histograms with the bounds that Prometheus gets.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::{attribute, nanoseconds, scope};
use crate::telemetry::histogram::Distribution;
use crate::telemetry::metrics::{MetricKind, MetricSample};

/// The request with `samples`, which are ordered by name and count since `start`, as they are at `now` (both in seconds
/// since 1970).
pub fn metrics(
    resource: &Resource,
    samples: &[MetricSample],
    start: f64,
    now: f64,
) -> ExportMetricsServiceRequest {
    let between = (nanoseconds(start), nanoseconds(now));
    let families = samples.chunk_by(|a, b| a.name == b.name);
    let metrics = families.filter_map(|samples| metric(samples, between)).collect();
    let scope_metrics = vec![ScopeMetrics { scope: scope(), metrics, ..Default::default() }];
    let resource = Some(resource.clone());
    let of_resource = ResourceMetrics { resource, scope_metrics, ..Default::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![of_resource] }
}

/// The samples of one name.
fn metric(samples: &[MetricSample], between: (u64, u64)) -> Option<Metric> {
    let first = samples.first()?;
    let cumulative = AggregationTemporality::Cumulative as i32;
    let numbers = || samples.iter().map(|sample| number(sample, between)).collect();
    let data = match first.kind {
        MetricKind::Counter => Data::Sum(Sum {
            data_points: numbers(),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        MetricKind::Gauge => Data::Gauge(Gauge { data_points: numbers() }),
        MetricKind::Histogram => {
            let point = |sample: &MetricSample| {
                sample.distribution.as_ref().map(|d| histogram(d, labels(sample), between))
            };
            Data::Histogram(Histogram {
                data_points: samples.iter().filter_map(point).collect(),
                aggregation_temporality: cumulative,
            })
        }
    };
    let (name, unit) = name_and_unit(first);
    let description = first.help.to_owned();
    Some(Metric { name, unit, description, data: Some(data), ..Default::default() })
}

/// `clipflow_row_duration_seconds` is `clipflow.row_duration` with the unit `s`: a collector that hands it on to
/// Prometheus adds the unit and `_total` again.
fn name_and_unit(sample: &MetricSample) -> (String, String) {
    let name = sample.name.trim_end_matches("_total");
    let (name, unit) = match sample.unit {
        "seconds" => (name.trim_end_matches("_seconds"), "s".to_owned()),
        "bytes" => (name.trim_end_matches("_bytes"), "By".to_owned()),
        unit => (name, format!("{{{unit}}}")),
    };
    (name.replacen('_', ".", 1), unit)
}

fn number(sample: &MetricSample, (start, now): (u64, u64)) -> NumberDataPoint {
    NumberDataPoint {
        attributes: labels(sample),
        start_time_unix_nano: start,
        time_unix_nano: now,
        value: Some(Value::AsDouble(sample.value)),
        ..Default::default()
    }
}

fn histogram(
    distribution: &Distribution,
    attributes: Vec<KeyValue>,
    (start, now): (u64, u64),
) -> HistogramDataPoint {
    let mut below = 0;
    let mut bucket_counts: Vec<u64> = vec![];
    for (_, count) in &distribution.bounds {
        bucket_counts.push(count.saturating_sub(below));
        below = *count;
    }
    bucket_counts.push(distribution.count.saturating_sub(below));
    HistogramDataPoint {
        attributes,
        start_time_unix_nano: start,
        time_unix_nano: now,
        count: distribution.count,
        sum: Some(distribution.sum),
        bucket_counts,
        explicit_bounds: distribution.bounds.iter().map(|(bound, _)| *bound).collect(),
        max: Some(distribution.max),
        ..Default::default()
    }
}

fn labels(sample: &MetricSample) -> Vec<KeyValue> {
    let filled = sample.labels.iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| attribute(name, value)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::telemetry::Metrics;
    use crate::telemetry::catalogue::{METRICS, PROCESS_MEMORY, ROW_WAIT_SECONDS, ROWS};

    #[test]
    fn names_lose_what_a_collector_adds_again() {
        let metrics = Metrics::default();
        metrics.add(&ROWS, &["analyze", "async", ""], 2.0);
        metrics.set(&PROCESS_MEMORY, &["analyze"], 5.0);
        metrics.observe(&ROW_WAIT_SECONDS, &["analyze"], 0.003);
        metrics.observe(&ROW_WAIT_SECONDS, &["analyze"], 1e9);
        let request = super::metrics(&Resource::default(), &metrics.samples(), 1.0, 2.5);
        let scope = &request.resource_metrics[0].scope_metrics[0];
        let named: Vec<_> =
            scope.metrics.iter().map(|m| (m.name.as_str(), m.unit.as_str())).collect();
        let expected = [
            ("clipflow.media_peak_memory", "By"),
            ("clipflow.row_wait", "s"),
            ("clipflow.rows", "{rows}"),
        ];
        assert_eq!(named, expected);
        let Some(Data::Histogram(histogram)) = &scope.metrics[1].data else { panic!("{scope:?}") };
        let point = &histogram.data_points[0];
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
        assert_eq!(point.bucket_counts.last(), Some(&1), "beyond the last bound");
        assert_eq!(
            (point.start_time_unix_nano, point.time_unix_nano),
            (1_000_000_000, 2_500_000_000)
        );
    }

    #[test]
    fn no_two_metrics_get_one_name() {
        let sample = |spec: &&crate::telemetry::MetricSpec| MetricSample {
            name: spec.name,
            kind: spec.kind,
            unit: spec.unit,
            help: spec.help,
            labels: vec![],
            value: 0.0,
            distribution: None,
        };
        let mut names: Vec<_> = METRICS.iter().map(|spec| name_and_unit(&sample(spec)).0).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
    }
}
