//! Generated test videos: moving patterns with a tone.

use std::path::Path;

use crate::cancel::CancelToken;
use crate::error::{ErrorCode, Result};
use crate::media::input::ffmpeg_args;
use crate::media::{MediaCommand, MediaLimits, MediaTools};

/// Length, size and look of a generated video.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// Duration in seconds.
    pub(super) seconds: u32,
    /// Width and height in pixels, even.
    pub(super) size: (u32, u32),
    /// Makes its colours and its tone differ from those of other seeds.
    pub(super) seed: u32,
}

/// Writes a sample to `path`: moving test pictures at 25 fps in H.264 and a tone in AAC, as MP4.
///
/// # Errors
/// `render.failed` if the encoder fails, `cancelled`.
pub(super) fn sample(
    tools: &MediaTools,
    path: &Path,
    sample: Sample,
    cancel: &CancelToken,
) -> Result<()> {
    let Sample { seconds, size: (width, height), seed } = sample;
    let picture = format!("testsrc2=s={width}x{height}:r=25:d={seconds},hue=h={}", seed * 37 % 360);
    let sound = format!("sine=f={}:r=48000:d={seconds}", 220 + seed * 55 % 880);
    let mut command = MediaCommand::ffmpeg(tools, &MediaLimits::default());
    command.args(ffmpeg_args()).args(["-y", "-f", "lavfi", "-i"]).arg(picture);
    command.args(["-f", "lavfi", "-i"]).arg(sound);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
    command.args(["-threads", "1", "-c:a", "aac", "-movflags", "+faststart", "-f", "mp4"]);
    let mut name = std::ffi::OsString::from("file:");
    name.push(path);
    command.arg(name);
    command.start(cancel)?.wait()?.check(ErrorCode::RenderFailed)
}
