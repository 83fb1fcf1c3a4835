//! Nothing is counted wrong in silence: each kind of table that once was, made anew.

mod cells;
mod files;
mod imports;
mod names;
mod oracle;
mod ratios;
mod recipes;
mod times;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::{clipflow, stderr, stdout};

/// A folder with files in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn ask(folder: &Path, events: &str, more: &[&str]) -> Output {
    let args = ["performance", "--events", events, "--format", "json", "--metrics"];
    clipflow(folder, &[&args[..], more].concat())
}

/// The answer of `clipflow performance --metrics …`: its rows, and what was said beside them.
fn answer(folder: &Path, events: &str, more: &[&str]) -> (Vec<Value>, String) {
    let output = ask(folder, events, more);
    assert!(output.status.success(), "{}", stderr(&output));
    let rows = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (rows, stderr(&output))
}

/// The one row of an answer without groups.
fn row(folder: &Path, events: &str, metrics: &str) -> Value {
    let (rows, said) = answer(folder, events, &[metrics]);
    assert_eq!(rows.len(), 1, "{said}");
    rows.into_iter().next().unwrap()
}

/// A metric by a column: the column's values and the metric's.
fn by(folder: &Path, events: &str, metric: &str, column: &str) -> BTreeMap<String, Option<f64>> {
    let (rows, _) = answer(folder, events, &[metric, "--by", column]);
    let key = |row: &Value| row[column].as_str().unwrap_or("").to_owned();
    rows.iter().map(|row| (key(row), row[metric].as_f64())).collect()
}

/// The sentence of a command that fails.
fn error(folder: &Path, events: &str, more: &[&str]) -> String {
    let output = ask(folder, events, more);
    assert_eq!(output.status.code(), Some(2), "{}{}", stdout(&output), stderr(&output));
    stderr(&output)
}
