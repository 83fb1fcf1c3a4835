//! What runs report: metrics, traces, logs, bundles; each read back by its own kind of reader.

mod bundle;
mod exports;
mod logs;
mod otlp;
mod processor;
mod progress;
mod traces;

use std::collections::BTreeMap;
use std::path::Path;

use super::support::query;

/// The samples of an exposition of Prometheus: name with labels, and value.
pub fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (sorted(name), value.parse().expect("a number"))
    };
    lines.map(sample).collect()
}

/// A name with its labels in alphabetical order, as JSON has them.
fn sorted(name: &str) -> String {
    let Some((base, labels)) = name.split_once('{') else { return name.to_owned() };
    // One quote alone: a value may be empty.
    let labels = labels.strip_suffix("\"}").unwrap_or(labels);
    let mut labels: Vec<&str> = labels.split("\",").collect();
    labels.sort_unstable();
    let labels: Vec<String> = labels.iter().map(|label| format!("{label}\"")).collect();
    format!("{base}{{{}}}", labels.join(","))
}

/// The rows of `run_stats` of the last run under the names that Prometheus has for them.
pub fn run_stats(folder: &Path) -> BTreeMap<String, f64> {
    let sql = "SELECT metric, kind, labels, value, observations FROM run_stats
               WHERE run_id = (SELECT max(run_id) FROM run_stats)";
    let lines = query(folder, sql);
    lines.iter().flat_map(|line| names(&cells(line))).collect()
}

/// The cells of a line of CSV, in which quotes are doubled.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (vec![], String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.push(chars.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}

fn names(row: &[String]) -> Vec<(String, f64)> {
    let [metric, kind, labels, value, observations] = row else { panic!("{row:?}") };
    let labels: serde_json::Map<String, serde_json::Value> = serde_json::from_str(labels).unwrap();
    let shown: Vec<_> =
        labels.iter().map(|(name, v)| format!("{name}=\"{}\"", v.as_str().unwrap())).collect();
    let shown = if shown.is_empty() { String::new() } else { format!("{{{}}}", shown.join(",")) };
    let value: f64 = value.parse().unwrap();
    match kind.as_str() {
        "histogram" => vec![
            (format!("{metric}_sum{shown}"), value),
            (format!("{metric}_count{shown}"), observations.parse().unwrap()),
        ],
        _ => vec![(format!("{metric}{shown}"), value)],
    }
}
