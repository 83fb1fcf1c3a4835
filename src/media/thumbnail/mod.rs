//! Writes a still for a clip: its sharpest well-lit frame, as JPEG.
//!
//! Frames at regular intervals are scored at a small size, and the chosen one is decoded again in full.
//! Burned-in captions hide the picture and count as detail, so a frame without any is preferred.

mod judge;
mod still;

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

use super::input::ffmpeg_args;
use super::sniff::Demuxer;
use super::{MediaCommand, MediaLimits, MediaTools, input_args};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use judge::{BestFrame, HEIGHT, WIDTH};
pub use still::still_at;

/// Largest number of frames examined.
const MOST_FRAMES: usize = 60;
/// Smallest interval between examined frames, in seconds.
const LEAST_STEP: f64 = 0.4;
/// Seconds around a caption in which it may be visible too.
const ROOM: f64 = 0.05;
/// JPEG quality on ffmpeg's scale from 2 (best) to 31.
const JPEG_QUALITY: &str = "3";

/// A video file from which a still is made.
#[derive(Debug, Clone, Copy)]
pub struct Footage<'a> {
    /// The demuxer that reads it.
    pub demuxer: Demuxer,
    /// The file.
    pub path: &'a Path,
    /// Its duration in seconds.
    pub seconds: f64,
    /// When captions are visible in its picture: start and end in seconds, in order of start.
    pub captioned: &'a [(f64, f64)],
}

/// Writes the still of `footage` to `to`, at the video's size.
///
/// It is the frame with the most detail, weighted towards the middle, that is neither dark nor washed out;
/// the first of equal ones. A frame with a caption is chosen only if no other shows anything.
///
/// # Errors
/// `render.failed` if no frame can be decoded or the file cannot be written, `media.limits` and
/// `cancelled` as for every media process. After an error the content of `to` is undefined.
pub fn thumbnail(
    tools: &MediaTools,
    limits: &MediaLimits,
    footage: Footage<'_>,
    to: &Path,
    cancel: &CancelToken,
) -> Result<()> {
    let step = LEAST_STEP.max(footage.seconds / MOST_FRAMES as f64);
    let best = best_frame(tools, limits, footage, step, cancel)?;
    let mut command = frames(tools, limits, footage);
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

/// The number of the best of the examined frames.
fn best_frame(
    tools: &MediaTools,
    limits: &MediaLimits,
    footage: Footage<'_>,
    step: f64,
    cancel: &CancelToken,
) -> Result<usize> {
    let mut command = frames(tools, limits, footage);
    let (small, mark) =
        (format!("scale={WIDTH}:{HEIGHT}:flags=area"), mark(footage.captioned, step));
    command.arg("-vf").arg(format!("{},{small},format=gray{mark}", every(step)));
    command.args(["-frames:v"]).arg(MOST_FRAMES.to_string());
    command.args(["-vsync", "passthrough", "-f", "rawvideo", "pipe:1"]);
    let mut reader = command.stdout_pipe()?;
    let child = command.start(cancel)?;
    let mut rows = vec![0; WIDTH * (HEIGHT + 1)];
    let mut best = BestFrame::default();
    while reader.read_exact(&mut rows).is_ok() {
        let (picture, mark) = rows.split_at(WIDTH * HEIGHT);
        best.look(picture, mark.iter().all(|value| *value > 127));
    }
    child.wait()?.check(ErrorCode::RenderFailed)?;
    best.frame().ok_or_else(no_frame)
}

/// Filters that add a row below the frame, white while a caption is visible.
fn mark(captioned: &[(f64, f64)], step: f64) -> String {
    let mut row = ",pad=h=ih+1".to_owned();
    let spans: Vec<String> = joined(captioned, step / 4.0)
        .into_iter()
        .map(|(start, end)| format!("between(t\\,{start:.3}\\,{end:.3})"))
        .collect();
    if !spans.is_empty() {
        row.push_str(",fillborders=bottom=1:mode=fixed:color=white:enable=");
        row.push_str(&spans.join("+"));
    }
    row
}

/// The spans, widened by [`ROOM`] and merged across gaps shorter than `gap`.
///
/// A file may start with priming samples, which shift its times slightly. Short gaps are rarely sampled,
/// and a filter expression cannot hold thousands of spans.
fn joined(spans: &[(f64, f64)], gap: f64) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = Vec::new();
    for (start, end) in spans.iter().map(|(start, end)| (start - ROOM, end + ROOM)) {
        match all.last_mut() {
            Some(last) if start < last.1 + gap => last.1 = last.1.max(end),
            _ => all.push((start, end)),
        }
    }
    all
}

/// The filter that passes frames `step` seconds apart.
fn every(step: f64) -> String {
    format!("select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,{step:.3})")
}

fn frames(tools: &MediaTools, limits: &MediaLimits, footage: Footage<'_>) -> MediaCommand {
    let mut command = MediaCommand::ffmpeg(tools, limits);
    command.args(ffmpeg_args());
    command.args(input_args(footage.demuxer, footage.path, limits, &["-threads", "1"]));
    command.args(["-map", "0:v:0", "-an", "-sn", "-dn"]);
    command
}

fn no_frame() -> Error {
    Error::new(ErrorCode::RenderFailed, "no frame of the video can be decoded for a thumbnail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_captions_are_one_span() {
        let spans = [(0.5, 1.0), (1.15, 2.0), (1.2, 1.4), (3.0, 4.0)];
        assert_eq!(joined(&spans, 0.1), [(0.45, 2.05), (2.95, 4.05)]);
        assert_eq!(mark(&[], 0.4), ",pad=h=ih+1");
        // Bounded, however many captions there are.
        let many: Vec<_> = (0..50_000).map(|n| (f64::from(n), f64::from(n) + 0.5)).collect();
        assert!(mark(&many, 50_000.0 / MOST_FRAMES as f64).len() < 10_000);
    }
}
