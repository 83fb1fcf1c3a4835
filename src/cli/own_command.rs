//! A command of this program in a process of its own, for servers: a query that reaches the ceiling of its memory ends
//! that process alone, and one that does not end can be ended from outside.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::error::{Error, ErrorCode, Result};

/// Most bytes that the command may say on standard error; more are dropped.
const MOST_SAID: u64 = 256 << 10;
/// Time for the command to end by itself after it was told to, or after its time was over.
const PATIENCE: Duration = Duration::from_secs(2);

/// A command of this program whose answer is rows.
#[derive(Debug)]
pub(super) struct OwnCommand {
    /// The arguments, which ask for `--format arrows`.
    pub(super) arguments: Vec<OsString>,
    /// What it reads on standard input.
    pub(super) input: String,
    /// Where it starts: what relative paths are relative to.
    pub(super) folder: PathBuf,
    /// Time it may take.
    pub(super) time: Duration,
    /// Most bytes of its answer.
    pub(super) most_bytes: u64,
}

/// What a command answered.
#[derive(Debug)]
pub(super) struct RowsAnswer {
    /// The columns.
    pub(super) schema: SchemaRef,
    /// The rows.
    pub(super) batches: Vec<RecordBatch>,
    /// Its warnings.
    pub(super) notes: Vec<String>,
}

impl OwnCommand {
    /// Runs it. Dropping the future ends the process.
    ///
    /// # Errors
    /// The error that the command prints; `query.limits` for an answer that is too large, `query.invalid` for one
    /// that takes too long.
    pub(super) async fn answer(self) -> Result<RowsAnswer> {
        let program = std::env::current_exe().map_err(|e| cannot_start(&e))?;
        let mut command = Command::new(program);
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| cannot_start(&e))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut running = RunningCommand(Some(child));
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Error::new(ErrorCode::Internal, "the query's process has no pipes"));
        };
        let talk = async {
            let write = async {
                // A command that has ended before it read all says why.
                let _ = stdin.write_all(self.input.as_bytes()).await;
                drop(stdin);
            };
            let rows = read(stdout, self.most_bytes, || running.tell());
            let (_, rows, said) = tokio::join!(write, rows, read(stderr, MOST_SAID, || {}));
            (rows, said)
        };
        let Ok((rows, said)) = tokio::time::timeout(self.time + PATIENCE, talk).await else {
            return Err(self.too_long());
        };
        let status = running.ended().await;
        if rows.is_cut {
            return Err(self.too_large());
        }
        let said = String::from_utf8_lossy(&said.bytes);
        match status {
            Some(0) => decoded(&rows.bytes, notes(&said)),
            status => Err(error_of(&said, status)),
        }
    }

    fn too_long(&self) -> Error {
        let seconds = self.time.as_secs();
        let message =
            format!("the query took longer than {seconds} s; ask for less or raise --timeout");
        Error::new(ErrorCode::QueryInvalid, message)
    }

    fn too_large(&self) -> Error {
        let megabytes = self.most_bytes as f64 / 1e6;
        let message = format!(
            "the answer is larger than {megabytes:.0} MB; ask for fewer rows, fewer columns or shorter values"
        );
        Error::new(ErrorCode::QueryLimits, message)
    }
}

/// A process under way. Dropped, it is told to end, so that it ends the processes that it has started, and killed if it
/// does not.
struct RunningCommand(Option<Child>);

impl RunningCommand {
    /// Tells it to end.
    fn tell(&self) {
        // One that was waited for has no id any more.
        let id = self.0.as_ref().and_then(Child::id).and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
    }

    /// Waits for its end once it has closed its output; its exit code.
    async fn ended(&mut self) -> Option<i32> {
        let child = self.0.as_mut()?;
        let status = tokio::time::timeout(PATIENCE, child.wait()).await;
        status.ok().and_then(std::result::Result::ok).and_then(|status| status.code())
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        self.tell();
        let Some(mut child) = self.0.take().filter(|child| child.id().is_some()) else { return };
        // Without a runtime the process is killed at once, as it is dropped.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(PATIENCE, child.wait()).await;
            });
        }
    }
}

/// What was read of a pipe.
struct PipeOutput {
    bytes: Vec<u8>,
    /// Whether there was more than may be.
    is_cut: bool,
}

/// Reads to the end; once there are more than `most` bytes, calls `cut` and drops the rest.
async fn read(pipe: impl AsyncRead + Unpin, most: u64, cut: impl Fn()) -> PipeOutput {
    let mut bytes = vec![];
    let mut limited = pipe.take(most.saturating_add(1));
    // What was not read is missed when it is decoded.
    let _ = limited.read_to_end(&mut bytes).await;
    let is_cut = bytes.len() as u64 > most;
    if is_cut {
        cut();
        let mut rest = limited.into_inner();
        let mut dropped = vec![0; 64 << 10];
        while rest.read(&mut dropped).await.is_ok_and(|n| n > 0) {}
    }
    PipeOutput { bytes, is_cut }
}

fn decoded(bytes: &[u8], notes: Vec<String>) -> Result<RowsAnswer> {
    let read = || -> std::result::Result<RowsAnswer, arrow::error::ArrowError> {
        let reader = StreamReader::try_new(bytes, None)?;
        let schema = reader.schema();
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(RowsAnswer { schema, batches, notes })
    };
    read().map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the query's process answered no rows ({e})"))
            .with_source(e)
    })
}

/// The sentences of `warning: …` lines.
fn notes(said: &str) -> Vec<String> {
    said.lines().filter_map(|line| line.strip_prefix("warning: ")).map(str::to_owned).collect()
}

/// The error of the last line `error[code]: sentence`; what follows it belongs to the sentence.
fn error_of(said: &str, status: Option<i32>) -> Error {
    let printed = said.rfind("error[").and_then(|at| {
        let (code, sentence) = said[at + "error[".len()..].split_once("]: ")?;
        Some(Error::new(ErrorCode::parse(code)?, sentence.trim_end()))
    });
    printed.unwrap_or_else(|| {
        let how =
            status.map_or_else(|| "was killed".to_owned(), |code| format!("ended with {code}"));
        let last = said.lines().last().unwrap_or("it said nothing");
        let message = format!("the query's process {how}: {last}");
        Error::new(ErrorCode::Internal, message)
    })
}

fn cannot_start(cause: &std::io::Error) -> Error {
    let message = format!("no process can be started for the query ({cause})");
    Error::new(ErrorCode::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_says_is_an_error_and_warnings() {
        let said = "warning: one\nwarning: two\nerror[query.invalid]: no column \"x\"\nat line 2\n";
        let error = error_of(said, Some(2));
        assert_eq!(error.code(), ErrorCode::QueryInvalid);
        assert_eq!(error.message(), "no column \"x\"\nat line 2");
        assert_eq!(notes(said), ["one", "two"]);
        let killed = error_of("Segmentation fault", None);
        assert_eq!(killed.code(), ErrorCode::Internal);
        assert_eq!(killed.message(), "the query's process was killed: Segmentation fault");
    }
}
