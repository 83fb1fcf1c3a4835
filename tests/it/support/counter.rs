//! Videos whose frames carry their number and whose sound ticks once a second, and the way back
//! from a file to the numbers, times and ticks in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Width and height of the counter's picture: 16 bits of 16 pixels each.
pub const WIDTH: usize = 256;
pub const HEIGHT: usize = 96;
const BIT: usize = 16;
/// Height of the bits; below them something moves.
const BITS_HIGH: usize = 48;
/// Rate at which sound is read back.
pub const RATE: f64 = 48_000.0;

/// Runs ffmpeg and insists that it succeeds; its standard output.
pub fn ffmpeg(args: &[&str]) -> Vec<u8> {
    run("ffmpeg", &[&["-nostdin", "-v", "error", "-y"], args].concat())
}

fn run(program: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(args).output().expect("ffmpeg is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    output.stdout
}

/// Writes `name` in `folder`: `frames` frames that carry their number, 25 a second, and a 50 ms
/// tone of 1 kHz at each whole second. `options` are ffmpeg's for the output; a `-vf` may set other
/// times.
pub fn make(folder: &Path, name: &str, frames: usize, options: &[&str]) -> PathBuf {
    let raw = folder.join(format!("{name}.gray"));
    let mut bytes = Vec::with_capacity(frames * WIDTH * HEIGHT);
    for number in 0..frames {
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                bytes.push(pixel(number, x, y));
            }
        }
    }
    std::fs::write(&raw, bytes).expect("room for test media");
    let path = folder.join(name);
    let seconds = frames as f64 / 25.0;
    let tone = format!("aevalsrc='0.8*sin(2*PI*1000*t)*lt(mod(t,1),0.05)':s=48000:d={seconds}");
    let size = format!("{WIDTH}x{HEIGHT}");
    let mut args = vec!["-f", "rawvideo", "-pix_fmt", "gray", "-s", &size, "-r", "25", "-i"];
    args.push(raw.to_str().expect("UTF-8"));
    args.extend(["-f", "lavfi", "-i", &tone]);
    args.extend(options);
    args.push(path.to_str().expect("UTF-8"));
    ffmpeg(&args);
    std::fs::remove_file(raw).expect("the raw frames are there");
    path
}

fn pixel(number: usize, x: usize, y: usize) -> u8 {
    if y < BITS_HIGH {
        return if (number >> (x / BIT)) & 1 == 1 { 235 } else { 16 };
    }
    ((x * 2 + y + number * 5) % 200 + 20) as u8
}

/// The numbers of the frames of `path`, in the order they are shown. `filters` come before the
/// reading (`null` for none).
pub fn numbers(path: &Path, filters: &str) -> Vec<usize> {
    let filters = format!("{filters},scale={WIDTH}:{HEIGHT},format=gray");
    let file = path.to_str().expect("UTF-8");
    let raw = ffmpeg(&[
        "-i",
        file,
        "-map",
        "0:v:0",
        "-vf",
        &filters,
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-",
    ]);
    raw.chunks_exact(WIDTH * HEIGHT).map(|picture| number(picture, 1)).collect()
}

/// The number of a decoded frame with so many bytes a pixel.
pub fn number(picture: &[u8], bytes: usize) -> usize {
    let lit = |bit: &usize| picture[(BITS_HIGH / 2 * WIDTH + bit * BIT + BIT / 2) * bytes] > 125;
    (0..WIDTH / BIT).filter(lit).map(|bit| 1 << bit).sum()
}

/// PTS in seconds of the frames of `path` as decoded, counted from the container's start time.
pub fn times(path: &Path) -> Vec<f64> {
    let file = path.to_str().expect("UTF-8");
    let start = probe(file, &["-show_entries", "format=start_time"]);
    let start: f64 = start[0].parse().unwrap_or(0.0);
    let list = ffmpeg(&[
        "-copyts",
        "-i",
        file,
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "1:1000000",
        "-f",
        "framecrc",
        "-",
    ]);
    let list = String::from_utf8(list).expect("UTF-8");
    let ticks: i64 = list
        .lines()
        .find_map(|line| line.strip_prefix("#tb 0: 1/"))
        .and_then(|ticks| ticks.parse().ok())
        .expect("a time base");
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').nth(2).and_then(|pts| pts.trim().parse::<i64>().ok()))
        .map(|pts| pts.expect("a PTS") as f64 / ticks as f64 - start)
        .collect()
}

/// What ffprobe answers, a value a line.
pub fn probe(file: &str, entries: &[&str]) -> Vec<String> {
    let args = [&["-v", "error"], entries, &["-of", "default=nw=1:nk=1", file]].concat();
    let text = String::from_utf8(run("ffprobe", &args)).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// The sound of `path`, one channel, [`RATE`] samples a second.
pub fn sound(path: &Path) -> Vec<f32> {
    let file = path.to_str().expect("UTF-8");
    let raw =
        ffmpeg(&["-i", file, "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]);
    raw.chunks_exact(4)
        .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect()
}

/// When the tones of `path` begin, in seconds from its first sample. A tone that sounds at the
/// very start began before and is left out.
pub fn ticks(path: &Path) -> Vec<f64> {
    let sound = sound(path);
    let mut found = Vec::new();
    let mut at = 0;
    while at < sound.len() {
        if sound[at].abs() > 0.15 {
            if at > 480 {
                found.push(at as f64 / RATE);
            }
            at += RATE as usize / 2;
        }
        at += 1;
    }
    found
}
