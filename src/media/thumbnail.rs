//! A still that stands for a clip: its sharpest well lit frame, as JPEG.
//!
//! Frames at even distances are judged small, and the chosen one is decoded once more in full.

mod judge;

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

use super::input::ffmpeg_args;
use super::sniff::Demuxer;
use super::{CancelToken, MediaCommand, MediaLimits, MediaTools, input_args};
use crate::error::{Error, ErrorCode, Result};
use judge::{HEIGHT, WIDTH, score};

/// So many frames are looked at.
const MOST_FRAMES: usize = 60;
/// Frames that are looked at are this far apart at least, in seconds.
const LEAST_STEP: f64 = 0.4;
/// ffmpeg's scale from 2 (best) to 31.
const JPEG_QUALITY: &str = "3";

/// Writes the still of the video at `path`, which is `seconds` long, to `to`, in the video's size. It is
/// the frame with the most detail, above all around the middle, that is neither dark nor washed out; of
/// equal ones the first.
///
/// # Errors
/// `render.failed` if no frame can be decoded or the file cannot be written, `media.limits` and
/// `cancelled` as for every media process. What is at `to` after an error is no picture.
pub fn thumbnail(
    tools: &MediaTools,
    limits: &MediaLimits,
    (demuxer, path): (Demuxer, &Path),
    seconds: f64,
    to: &Path,
    cancel: &CancelToken,
) -> Result<()> {
    let step = LEAST_STEP.max(seconds / MOST_FRAMES as f64);
    let best = best_frame(tools, limits, (demuxer, path), step, cancel)?;
    let mut command = frames(tools, limits, (demuxer, path));
    command
        .args(["-vf"])
        .arg(format!("{},select=eq(n\\,{best}),scale=out_range=full,format=yuvj420p", every(step)));
    command.args(["-frames:v", "1", "-q:v", JPEG_QUALITY, "-threads", "1", "-y", "-f", "mjpeg"]);
    let mut name = OsString::from("file:");
    name.push(to);
    command.arg(name);
    command.start(cancel)?.wait()?.check(ErrorCode::RenderFailed)?;
    if std::fs::metadata(to).map_or(0, |file| file.len()) == 0 {
        return Err(no_frame());
    }
    Ok(())
}

/// The number of the best among the frames that are looked at.
fn best_frame(
    tools: &MediaTools,
    limits: &MediaLimits,
    source: (Demuxer, &Path),
    step: f64,
    cancel: &CancelToken,
) -> Result<usize> {
    let mut command = frames(tools, limits, source);
    command
        .arg("-vf")
        .arg(format!("{},scale={WIDTH}:{HEIGHT}:flags=area,format=gray", every(step)));
    command.args(["-frames:v"]).arg(MOST_FRAMES.to_string());
    command.args(["-vsync", "passthrough", "-f", "rawvideo", "pipe:1"]);
    let mut reader = command.stdout_pipe()?;
    let child = command.start(cancel)?;
    let mut picture = vec![0; WIDTH * HEIGHT];
    let mut best: Option<(f64, usize)> = None;
    let mut number = 0;
    while reader.read_exact(&mut picture).is_ok() {
        let found = score(&picture);
        if best.is_none_or(|(most, _)| found > most) {
            best = Some((found, number));
        }
        number += 1;
    }
    child.wait()?.check(ErrorCode::RenderFailed)?;
    best.map(|(_, number)| number).ok_or_else(no_frame)
}

/// Lets frames pass that are `step` seconds apart.
fn every(step: f64) -> String {
    format!("select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,{step:.3})")
}

fn frames(
    tools: &MediaTools,
    limits: &MediaLimits,
    (demuxer, path): (Demuxer, &Path),
) -> MediaCommand {
    let mut command = MediaCommand::new(&tools.ffmpeg, limits);
    command.args(ffmpeg_args());
    command.args(input_args(demuxer, path, limits, &["-threads", "1"]));
    command.args(["-map", "0:v:0", "-an", "-sn", "-dn"]);
    command
}

fn no_frame() -> Error {
    Error::new(ErrorCode::RenderFailed, "no frame of the video can be decoded for a thumbnail")
}
