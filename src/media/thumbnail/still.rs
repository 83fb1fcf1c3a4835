//! A small still at a given moment.

use std::path::Path;

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::media::input::ffmpeg_args;
use crate::media::sniff::Demuxer;
use crate::media::{MediaCommand, MediaLimits, MediaTools, input_args};

/// Largest still, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// JPEG quality on ffmpeg's scale from 2 (best) to 31.
const JPEG_QUALITY: &str = "7";

/// The frame of a video at `at` seconds of its clock, as JPEG of `size`: width and height in pixels.
///
/// # Errors
/// `media.corrupt` if no frame can be decoded there, else as for every media process.
pub fn still_at(
    tools: &MediaTools,
    limits: &MediaLimits,
    (demuxer, path): (Demuxer, &Path),
    at: f64,
    (width, height): (i64, i64),
    cancel: &CancelToken,
) -> Result<Vec<u8>> {
    let mut command = MediaCommand::ffmpeg(tools, limits);
    command.args(ffmpeg_args());
    // What is on screen is the last picture at or before that moment, which may have come long before.
    let seek = format!("{at:.3}");
    command.args(input_args(demuxer, path, limits, &["-noaccurate_seek", "-ss", &seek]));
    command.args(["-map", "0:v:0", "-an", "-sn", "-dn", "-frames:v", "1", "-vf"]);
    command.arg(format!(
        "setpts='max(0,PTS)',fps=25:start_time=0,scale={width}:{height}:out_range=full,format=yuvj420p"
    ));
    command.args(["-q:v", JPEG_QUALITY, "-threads", "1", "-f", "mjpeg", "pipe:1"]);
    let (jpeg, finished) = command.capture(cancel, MOST_BYTES)?;
    finished.check(ErrorCode::MediaCorrupt)?;
    if jpeg.is_empty() {
        return Err(Error::new(
            ErrorCode::MediaCorrupt,
            format!("no frame of the source can be decoded at {at:.1} s"),
        ));
    }
    Ok(jpeg)
}
