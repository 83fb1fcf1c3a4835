//! The pictures of a span of a source, at regular times.

use std::io::{BufReader, ErrorKind, PipeReader, Read};
use std::path::Path;

use super::CLOSE_RATE;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::visual::DECODER_OPTIONS;
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::probe::{Probe, VideoStream};
use crate::media::process::{MediaChild, MediaCommand};
use crate::media::shape::{padded, scaled, turned};
use crate::media::tools::{MediaLimits, MediaTools};

/// Pixels of the pictures that the detector sees: 284 × 160 of a picture of 16:9, in which a face a twelfth of the picture
/// high is found.
const PIXELS: f64 = 45_440.0;
/// Longest side of them.
const LONGEST: f64 = 960.0;
/// Times by which the decoded pictures are larger, so that mouths have pixels enough.
pub(super) const CLOSER: usize = 2;

/// The size of the pictures that the detector sees, upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PictureSize {
    pub(super) width: usize,
    pub(super) height: usize,
}

impl PictureSize {
    /// The size for the pictures of a stream, in their shape.
    pub(super) fn of(video: &VideoStream) -> Self {
        let (wide, high) = (video.width.max(1) as f64, video.height.max(1) as f64);
        let share = (PIXELS / (wide * high)).sqrt().min(LONGEST / wide.max(high));
        let side = |length: f64| ((0.5 * share * length).round() as usize).max(8) * 2;
        Self { width: side(wide), height: side(high) }
    }

    /// The size of the decoded pictures.
    pub(super) fn decoded(self) -> (usize, usize) {
        (self.width * CLOSER, self.height * CLOSER)
    }
}

/// Decodes the pictures of a span, one after the other.
pub(super) struct SpanPictures {
    child: MediaChild,
    pipe: BufReader<PipeReader>,
    picture: Vec<u8>,
    start: f64,
    count: u64,
}

impl SpanPictures {
    /// Starts the decoder for the pictures from `span.0` to `span.1`, in seconds.
    pub(super) fn start(
        (tools, path, limits): (&MediaTools, &Path, &MediaLimits),
        probe: &Probe,
        size: PictureSize,
        (start, end): (f64, f64),
        cancel: &CancelToken,
    ) -> Result<Self> {
        let mut command = MediaCommand::ffmpeg(tools, limits);
        let (upright, filter) = filter(&probe.video, size);
        let seek = format!("{start:.3}");
        let mut options: Vec<&str> = DECODER_OPTIONS.to_vec();
        options.extend(["-an", "-sn", "-dn"].iter().chain(upright));
        if start > 0.0 {
            options.extend(["-ss", &seek]);
        }
        command.args(ffmpeg_args()).args(["-filter_threads", "1"]);
        command.args(input_args(probe.demuxer, path, limits, &options));
        command.args(["-map", &format!("0:{}", probe.video.index), "-vf", &filter]);
        if end.is_finite() {
            let frames = ((end - start) * CLOSE_RATE).ceil().max(1.0);
            command.args(["-frames:v", &format!("{frames:.0}")]);
        }
        let (name, pipe) = command.output_pipe()?;
        command.args(["-c:v", "rawvideo", "-f", "rawvideo", &name]);
        let (wide, high) = size.decoded();
        let child = command.start(cancel)?;
        let picture = vec![0; 3 * wide * high];
        let pipe = BufReader::with_capacity(256 << 10, pipe);
        Ok(Self { child, pipe, picture, start, count: 0 })
    }

    /// The next picture and its time in seconds.
    pub(super) fn next(&mut self) -> Result<Option<(f64, &[u8])>> {
        match self.pipe.read_exact(&mut self.picture) {
            Ok(()) => {
                let t = self.start + self.count as f64 / CLOSE_RATE;
                self.count += 1;
                Ok(Some((t, &self.picture)))
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(cause) => {
                let sentence = "the decoder's pictures cannot be read; report this";
                Err(Error::new(ErrorCode::Internal, sentence).with_source(cause))
            }
        }
    }

    /// Waits for the end of the decoder.
    pub(super) fn finish(self) -> Result<()> {
        drop(self.pipe);
        self.child.wait()?.check(ErrorCode::MediaCorrupt)
    }
}

/// The filter that makes upright pictures at the rate, and the input options that it needs.
fn filter(video: &VideoStream, size: PictureSize) -> (&'static [&'static str], String) {
    // From the first second on: a late first picture counts as shown before.
    let rate = format!("fps={CLOSE_RATE}:start_time=0");
    let (wide, high) = size.decoded();
    let (wide, high) = (wide as u32, high as u32);
    if video.mirrored {
        let filter = format!("{rate},scale={wide}:{high}:flags=fast_bilinear,format=rgb24");
        return (&[], filter);
    }
    let stored = if video.rotation % 180 == 90 { (high, wide) } else { (wide, high) };
    let scale = scaled(video.into(), stored, "fast_bilinear");
    let turn = turned(video.rotation);
    let filter = format!("{rate},{scale},format=rgb24,{}{turn}", padded(stored));
    (&["-noautorotate"], filter)
}
