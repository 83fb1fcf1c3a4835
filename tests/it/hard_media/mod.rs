//! Sources in which picture, sound or text change or are not where they are expected, and what becomes of them.

mod bars;
mod channels;
mod clocks;
mod left_out;
mod range;
mod sentences;
mod sizes;
mod standing;
mod timecodes;
mod tracks;
mod wide_words;

use std::path::Path;
use std::process::Command;

use super::support::{clipflow, stderr, stdout};

/// Runs ffmpeg in `folder`.
fn ffmpeg(folder: &Path, args: &[&str]) {
    let mut command = Command::new("ffmpeg");
    command.current_dir(folder).args(["-nostdin", "-v", "error", "-y"]).args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a run says on standard output and error.
fn run(folder: &Path, args: &[&str]) -> String {
    let output = clipflow(folder, &[&["run", "-o", "out"], args].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output) + &stderr(&output)
}

/// The luma of the frame of `file` at `at` seconds, with its width.
fn luma(folder: &Path, file: &str, at: f64) -> (usize, Vec<u8>) {
    let seek = format!("{at}");
    let mut command = Command::new("ffmpeg");
    command.current_dir(folder).args(["-nostdin", "-v", "error", "-ss", &seek, "-i", file]);
    command.args(["-frames:v", "1", "-vf", "format=gray", "-f", "rawvideo", "-"]);
    let pixels = command.output().unwrap().stdout;
    let mut command = Command::new("ffprobe");
    command.current_dir(folder).args(["-v", "error", "-select_streams", "v"]);
    command.args(["-show_entries", "stream=width", "-of", "csv=p=0", file]);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let width = text.trim().trim_end_matches(',').parse().unwrap();
    assert!(!pixels.is_empty(), "{file} has no frame at {at} s");
    (width, pixels)
}
