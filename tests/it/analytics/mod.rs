//! Events and metrics: the engines agree, known answers, files of all kinds, exports of platforms.

mod agree;
mod counted;
mod experiments;
mod exports;
mod files;
mod oracle;
mod recipes;
mod selection;
mod simulated;

use std::path::Path;
use std::process::Output;

use clipflow::query::{SessionOptions, session};
use datafusion::prelude::SessionContext;

use super::support::{clipflow, lines, rows, stderr, stdout};

/// A session that gives each partition `batch_size` rows at a time.
fn context(partitions: usize, batch_size: usize) -> SessionContext {
    session(&SessionOptions { partitions, batch_size, ..SessionOptions::default() }, None).unwrap()
}

fn performance(folder: &Path, args: &[&str]) -> Output {
    clipflow(folder, &[&["performance", "--format", "csv"], args].concat())
}

/// The lines of an answer that was given, without the columns that say how.
fn answer(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{}", stderr(output));
    let text = stdout(output);
    let header = text.lines().next().unwrap_or_default();
    let known = header.split(',').take_while(|name| *name != "metric_version").count();
    let cells = |line: &str| line.split(',').take(known).collect::<Vec<_>>().join(",");
    text.lines().map(cells).collect()
}
