//! Metrics in the text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

use super::metrics::{MetricKind, MetricSample};

/// The `Content-Type` of [`text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The exposition of `samples`, which are ordered by name.
pub fn text(samples: &[MetricSample]) -> String {
    let mut text = String::new();
    let mut last = "";
    for sample in samples {
        // Writing to a string does not fail.
        if sample.name != last {
            last = sample.name;
            let help = sample.help.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = writeln!(text, "# HELP {last} {help}");
            let _ = writeln!(text, "# TYPE {last} {}", sample.kind.as_str());
        }
        match (&sample.distribution, sample.kind) {
            (Some(distribution), MetricKind::Histogram) => {
                for (bound, count) in &distribution.bounds {
                    line(&mut text, sample, "_bucket", Some(&bound.to_string()), *count as f64);
                }
                let count = distribution.count as f64;
                line(&mut text, sample, "_bucket", Some("+Inf"), count);
                line(&mut text, sample, "_sum", None, distribution.sum);
                line(&mut text, sample, "_count", None, count);
            }
            _ => line(&mut text, sample, "", None, sample.value),
        }
    }
    text
}

fn line(text: &mut String, sample: &MetricSample, suffix: &str, le: Option<&str>, value: f64) {
    let labels = sample.labels.iter().map(|(name, value)| (*name, value.as_str()));
    let labels = labels.chain(le.map(|le| ("le", le)));
    let labels: Vec<_> =
        labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    let shown = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(text, "{}{suffix}{shown} {value}", sample.name);
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;
    use crate::telemetry::catalogue::{HOST_CALLS, ROW_WAIT_SECONDS, ROWS};

    #[test]
    fn each_family_has_help_and_type_once_and_labels_are_escaped() {
        let metrics = Metrics::default();
        metrics.add(&ROWS, &["analyze", "async", ""], 2.0);
        metrics.add(&ROWS, &["analyze", "async", "media.corrupt"], 1.0);
        metrics.set(&HOST_CALLS, &["a\"b\\c\nd"], 3.0);
        metrics.observe(&ROW_WAIT_SECONDS, &["render"], 0.5);
        let text = text(&metrics.samples());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines.iter().filter(|line| **line == "# TYPE clipflow_rows_total counter").count(),
            1
        );
        assert!(lines.contains(&"clipflow_host_calls_total{host=\"a\\\"b\\\\c\\nd\"} 3"), "{text}");
        assert!(lines.contains(
            &"clipflow_rows_total{stage=\"analyze\",backend=\"async\",code=\"media.corrupt\"} 1"
        ));
        assert!(
            lines.contains(&"clipflow_row_wait_seconds_bucket{stage=\"render\",le=\"0.256\"} 0")
        );
        assert!(
            lines.contains(&"clipflow_row_wait_seconds_bucket{stage=\"render\",le=\"1.024\"} 1")
        );
        assert!(
            lines.contains(&"clipflow_row_wait_seconds_bucket{stage=\"render\",le=\"+Inf\"} 1")
        );
        assert!(lines.contains(&"clipflow_row_wait_seconds_count{stage=\"render\"} 1"));
    }
}
