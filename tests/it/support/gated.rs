//! An ffmpeg that says when it is started, and waits until it may go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::waiting::until;
use super::workers::naming;

/// A folder with a gated ffmpeg in it.
pub struct Gate {
    pub folder: PathBuf,
}

impl Gate {
    /// In `folder`, which is made without links in its name.
    pub fn new(folder: &Path) -> Self {
        let folder = folder.canonicalize().unwrap();
        fs::create_dir(folder.join("pass")).unwrap();
        let ffmpeg = String::from_utf8(
            Command::new("sh").args(["-c", "command -v ffmpeg"]).output().unwrap().stdout,
        )
        .unwrap();
        let script = format!(
            r#"#!/bin/sh
kind=analyze
for argument in "$@"; do
    case "$argument" in
        file:*) [ -n "$name" ] || name=${{argument##*/}} ;;
        libx264) kind=render ;;
    esac
done
echo "$kind $name" >> {folder}/calls
while [ ! -e {folder}/pass/all ] && [ ! -e {folder}/pass/$kind ] && [ ! -e {folder}/pass/$kind-$name ]; do
    /bin/sleep 0.02
done
exec {ffmpeg} "$@"
"#,
            folder = folder.display(),
            ffmpeg = ffmpeg.trim()
        );
        let program = folder.join("ffmpeg");
        fs::write(&program, script).unwrap();
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// Let calls go on: `all`, `analyze`, `render`, or of one source (`analyze-a.mp4`).
    pub fn open(&self, what: &str) {
        fs::write(self.folder.join("pass").join(what), "").unwrap();
    }

    /// Wait for `calls` calls, letting all but the last go on one after the other.
    pub fn up_to(&self, calls: usize) {
        for number in 1..=calls {
            until("the next row is under way", || self.peek().len() >= number);
            if number < calls {
                self.open(&self.peek()[number - 1].replace(' ', "-"));
            }
        }
    }

    /// The calls since the last look: `analyze a.mp4`, `render a.mp4`, in order of name.
    pub fn calls(&self) -> Vec<String> {
        let mut calls = self.peek();
        let _ = fs::remove_file(self.folder.join("calls"));
        calls.sort();
        calls
    }

    /// The same without forgetting them, in order of time.
    pub fn peek(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Start the command in the folder, in a process group of its own.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
        let child = command
            .current_dir(&self.folder)
            .args(args)
            .env("CLIPFLOW_FFMPEG", self.folder.join("ffmpeg"))
            // The script writes beside itself, which no ffmpeg may.
            .env("CLIPFLOW_SANDBOX", "off")
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        Running { child }
    }

    /// Run the command to its end: its exit code and standard output.
    pub fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_clipflow"))
            .current_dir(&self.folder)
            .args(args)
            .env("CLIPFLOW_FFMPEG", self.folder.join("ffmpeg"))
            // The script writes beside itself, which no ffmpeg may.
            .env("CLIPFLOW_SANDBOX", "off")
            .output()
            .expect("the command starts");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }

    /// Processes that have the folder on their command line.
    pub fn processes(&self) -> usize {
        naming(&self.folder.to_string_lossy())
    }

    /// All tables of the results in `out` but what time it took, a line a row.
    pub fn tables(&self, out: &str) -> Vec<String> {
        let mut lines = vec![];
        // Each run measures something else.
        let tables = clipflow::model::table::TABLES.iter().filter(|t| t.name != "run_stats");
        for table in tables {
            let columns = if table.name == "outcomes" { "* EXCEPT (elapsed)" } else { "*" };
            let sql = format!("SELECT {columns} FROM {}", table.name);
            let (code, text) = self.run(&["sql", out, &sql, "--format", "csv"]);
            assert_eq!(code, Some(0), "{text}");
            let mut rows: Vec<_> =
                text.lines().map(|line| format!("{}: {line}", table.name)).collect();
            rows.sort();
            lines.extend(rows);
        }
        lines
    }
}

/// A command under way.
pub struct Running {
    pub child: Child,
}

impl Running {
    /// Send a signal to the command and what is in its process group, as a terminal does.
    pub fn signal(&self, signal: Signal) {
        killpg(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Read standard error up to a line that holds `text`.
    pub fn wait_for_line(&mut self, text: &str) {
        let stderr = self.child.stderr.as_mut().unwrap();
        // Byte by byte: what follows stays in the pipe.
        let mut lines = BufReader::with_capacity(1, stderr);
        let mut seen = String::new();
        while lines.read_line(&mut seen).unwrap() > 0 {
            if seen.contains(text) {
                return;
            }
        }
        panic!("{text} was not said, but:\n{seen}");
    }

    /// Wait for the end: exit code and the rest of standard error.
    pub fn end(mut self) -> (ExitStatus, String) {
        until("the command ends", || self.child.try_wait().unwrap().is_some());
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All files below a folder, relative to it, in order; empty if there is none.
pub fn files(folder: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
            match path.is_dir() {
                true => walk(root, &path, found),
                false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
            }
        }
    }
    let mut found = vec![];
    walk(folder, folder, &mut found);
    found.sort();
    found
}
