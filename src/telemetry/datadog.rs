//! Metrics as DogStatsD datagrams: counters (`c`), gauges (`g`) and distributions (`d`) with tags.

use std::collections::HashMap;

use super::metrics::{MetricKind, MetricSample};

/// Largest datagram over UDP that is not fragmented on common networks, in bytes.
pub const UDP_BYTES: usize = 1432;
/// Largest datagram over a Unix socket that the agent reads, in bytes.
pub const UNIX_BYTES: usize = 8192;

/// Encodes what has changed since the last call: DogStatsD counters are differences.
#[derive(Debug, Default)]
pub struct DogStatsd {
    sent: HashMap<Vec<String>, MetricSample>,
}

impl DogStatsd {
    /// Datagrams of at most `max_bytes` with the metrics of `samples` that changed. (A single metric is never
    /// divided.)
    pub fn datagrams(&mut self, samples: &[MetricSample], max_bytes: usize) -> Vec<String> {
        let mut datagrams: Vec<String> = vec![];
        for sample in samples {
            let labels = sample.labels.iter().map(|(_, value)| value.clone());
            let key: Vec<String> = std::iter::once(sample.name.to_owned()).chain(labels).collect();
            for metric in changed(sample, self.sent.get(&key)) {
                match datagrams.last_mut() {
                    Some(last) if last.len() + 1 + metric.len() <= max_bytes => {
                        last.push('\n');
                        last.push_str(&metric);
                    }
                    _ => datagrams.push(metric),
                }
            }
            self.sent.insert(key, sample.clone());
        }
        datagrams
    }
}

/// The metrics that tell the difference between `sample` and what was `sent`.
fn changed(sample: &MetricSample, sent: Option<&MetricSample>) -> Vec<String> {
    let name = name(sample.name);
    let tags = tags(sample);
    match (sample.kind, &sample.distribution) {
        (MetricKind::Histogram, Some(distribution)) => {
            let before = sent.and_then(|sent| sent.distribution.as_ref());
            let before = before.map_or(&[][..], |before| &before.middles);
            let difference = |(middle, count): &(f64, u64)| {
                let had = before.iter().find(|(m, _)| m == middle).map_or(0, |(_, count)| *count);
                (*middle, count.saturating_sub(had))
            };
            let differences = distribution.middles.iter().map(difference);
            // A value with a sample rate of 1/n counts n times.
            differences
                .filter(|(_, count)| *count > 0)
                .map(|(value, count)| match count {
                    1 => format!("{name}:{value}|d{tags}"),
                    n => format!("{name}:{value}|d|@{}{tags}", 1.0 / n as f64),
                })
                .collect()
        }
        (MetricKind::Counter, _) => {
            let difference = sample.value - sent.map_or(0.0, |sent| sent.value);
            let is_new = difference > 0.0;
            is_new.then(|| format!("{name}:{difference}|c{tags}")).into_iter().collect()
        }
        _ if sent.is_some_and(|sent| sent.value == sample.value) => vec![],
        _ => vec![format!("{name}:{}|g{tags}", sample.value)],
    }
}

/// `clipflow_rows_total` as Datadog names metrics: `clipflow.rows`.
fn name(name: &str) -> String {
    name.trim_end_matches("_total").replacen('_', ".", 1)
}

fn tags(sample: &MetricSample) -> String {
    let filled = sample.labels.iter().filter(|(_, value)| !value.is_empty());
    let tags: Vec<_> = filled.map(|(name, value)| format!("{name}:{}", tag(value))).collect();
    if tags.is_empty() { String::new() } else { format!("|#{}", tags.join(",")) }
}

/// A value without the characters that delimit tags and metrics.
fn tag(value: &str) -> String {
    value.chars().map(|c| if matches!(c, '|' | ',' | '\n' | '#' | '@') { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;
    use crate::telemetry::catalogue::{HOST_CALLS, ROW_WAIT_SECONDS, ROWS, WORKERS};

    #[test]
    fn only_what_changed_is_sent_again() {
        let metrics = Metrics::default();
        let mut encoder = DogStatsd::default();
        metrics.add(&ROWS, &["analyze", "async", ""], 2.0);
        metrics.set(&WORKERS, &["async"], 4.0);
        (0..3).for_each(|_| metrics.observe(&ROW_WAIT_SECONDS, &["analyze"], 1.0));
        let first = encoder.datagrams(&metrics.samples(), UDP_BYTES);
        assert_eq!(first.len(), 1);
        let lines: Vec<_> = first[0].lines().collect();
        assert_eq!(lines.len(), 3, "{first:?}");
        assert!(lines[0].starts_with("clipflow.row_wait_seconds:"), "{}", lines[0]);
        assert!(lines[0].ends_with("|d|@0.3333333333333333|#stage:analyze"), "{}", lines[0]);
        assert_eq!(lines[1], "clipflow.rows:2|c|#stage:analyze,backend:async");
        assert_eq!(lines[2], "clipflow.workers:4|g|#backend:async");
        assert_eq!(encoder.datagrams(&metrics.samples(), UDP_BYTES), Vec::<String>::new());
        metrics.add(&ROWS, &["analyze", "async", ""], 5.0);
        let second = encoder.datagrams(&metrics.samples(), UDP_BYTES);
        assert_eq!(second, ["clipflow.rows:5|c|#stage:analyze,backend:async"]);
    }

    #[test]
    fn datagrams_are_bounded_and_tags_hold_no_delimiter() {
        let metrics = Metrics::default();
        for host in 0..100 {
            metrics.set(&HOST_CALLS, &[&format!("https://{host}.example|x,y#z@\n:443")], 1.0);
        }
        let datagrams = DogStatsd::default().datagrams(&metrics.samples(), UDP_BYTES);
        assert!(datagrams.len() > 1);
        assert!(datagrams.iter().all(|datagram| datagram.len() <= UDP_BYTES));
        let lines: Vec<_> = datagrams.iter().flat_map(|datagram| datagram.lines()).collect();
        assert_eq!(lines.len(), 100);
        for line in lines {
            assert!(line.ends_with(".example_x_y_z__:443"), "{line}");
        }
    }
}
