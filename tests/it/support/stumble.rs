//! Work that does what each row tells it, mishaps included. The test binary has it, and so has
//! `examples/stumbling_worker.rs`, which is the worker binary of the tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type};
use clipflow::cancel::CancelToken;
use clipflow::exec::{InputColumn, Work, WorkEnv, WorkKind, WorkSpec, register_work};
use clipflow::media::{MediaCommand, MediaLimits};
use clipflow::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

/// Squares `number`, after doing what `order` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stumble {
    /// `cpu`, `io` or `media`.
    pub kind: String,
    /// Folder of the files `journal`, to which each row writes `+` as it begins and `-` as it ends,
    /// with its number, and of the gates that rows wait at.
    pub folder: PathBuf,
}

/// Makes [`Stumble`] known to worker processes.
#[allow(dead_code, reason = "only the worker binary calls it")]
pub fn register() {
    register_work("stumble", |settings| {
        let work: Stumble = serde_json::from_value(settings.clone())
            .map_err(|e| Error::new(ErrorCode::ConfigInvalid, e.to_string()))?;
        Ok(Arc::new(work))
    });
}

impl Work for Stumble {
    fn name(&self) -> &'static str {
        "stumble"
    }

    fn kind(&self) -> WorkKind {
        match self.kind.as_str() {
            "io" => WorkKind::Io,
            "media" => WorkKind::Media,
            _ => WorkKind::Cpu,
        }
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        vec![InputColumn::new("number", DataType::Int64), InputColumn::new("order", DataType::Utf8)]
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![Field::new("square", DataType::Int64, true)]
    }

    fn spec(&self) -> Option<WorkSpec> {
        let settings = serde_json::to_value(self).ok()?;
        Some(WorkSpec::Registered { name: "stumble".into(), settings })
    }

    fn run(
        &self,
        rows: &RecordBatch,
        env: &WorkEnv,
        cancel: &CancelToken,
    ) -> Result<Vec<ArrayRef>> {
        let numbers = rows.column_by_name("number").unwrap().as_primitive::<Int64Type>();
        let orders = rows.column_by_name("order").unwrap().as_string::<i32>();
        for (number, order) in numbers.values().iter().zip(orders.iter().flatten()) {
            let _line = self.write(*number);
            self.obey(order, *number, env, cancel)?;
        }
        let squares: Int64Array = numbers.unary(|n| n * n);
        let rows = if orders.iter().flatten().any(|o| o == "short") { 0 } else { squares.len() };
        Ok(vec![Arc::new(squares.slice(0, rows))])
    }
}

impl Stumble {
    fn obey(&self, order: &str, number: i64, env: &WorkEnv, cancel: &CancelToken) -> Result<()> {
        let (verb, rest) = order.split_once(' ').unwrap_or((order, ""));
        match verb {
            "" | "short" => {}
            "err" => {
                return Err(Error::new(ErrorCode::MediaCorrupt, format!("row {number} is bad")));
            }
            "panic" => panic!("row {number} panics"),
            "abort" => std::process::abort(),
            "kill" => {
                nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
            }
            "allocate" => drop(std::hint::black_box(vec![1_u8; 3 << 30])),
            "print" => {
                println!("row {number} prints");
                eprintln!("row {number} complains");
            }
            "nap" => cancel.sleep(Duration::from_millis(rest.parse().unwrap()))?,
            "wait" => cancel.sleep(Duration::from_secs(3600))?,
            // Until the file is there (or the test is over), whatever is said meanwhile.
            "gate" => {
                while self.folder.exists() && !self.folder.join(rest).exists() {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            "progress" => (0..4).for_each(|_| env.progress.advanced("stumble", 0.5)),
            "encode" => encode(env, cancel)?,
            other => panic!("row {number} has the order {other}"),
        }
        Ok(())
    }

    fn write(&self, number: i64) -> Line<'_> {
        self.line('+', number);
        Line(self, number)
    }

    fn line(&self, sign: char, number: i64) {
        let mut journal = OpenOptions::new();
        let journal = journal.create(true).append(true).open(self.folder.join("journal"));
        // The folder goes when the test is over.
        let Ok(mut journal) = journal else { return };
        // One write, so that lines of several processes do not mix.
        journal.write_all(format!("{sign} {number}\n").as_bytes()).unwrap();
    }
}

struct Line<'a>(&'a Stumble, i64);

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.0.line('-', self.1);
    }
}

/// A media process without end.
fn encode(env: &WorkEnv, cancel: &CancelToken) -> Result<()> {
    let mut command = MediaCommand::new(&env.tools()?.ffmpeg, &MediaLimits::default());
    command.args(["-v", "quiet", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2", "-f", "null"]);
    command.arg("-");
    command.start(cancel)?.wait()?.check(ErrorCode::MediaCrashed)
}
