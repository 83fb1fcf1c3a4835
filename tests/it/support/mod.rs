//! What several tests need.

pub mod counter;
pub mod gated;
pub mod http;
pub mod s3;
pub mod show;
pub mod stumble;
pub mod workers;

use std::path::Path;
use std::process::{Command, Output};

/// Run the `clipflow` command.
pub fn clipflow(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.current_dir(folder).args(args).output().expect("the command starts")
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The rows of a query over the results in `folder/out`, as CSV lines without the header.
pub fn query(folder: &Path, sql: &str) -> Vec<String> {
    let output = clipflow(folder, &["sql", "out", sql, "--format", "csv"]);
    assert!(output.status.success(), "{sql}: {}", stderr(&output));
    stdout(&output).lines().skip(1).map(str::to_owned).collect()
}
