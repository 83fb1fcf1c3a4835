//! Reads the decoder's pipes.

use std::io::{BufRead, BufReader, PipeReader, Read};

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::audio::{Audio, AudioAnalyzer};
use crate::kernels::visual::{FRAME_BYTES, Visual, VisualAnalyzer};
use crate::media::probe::AudioStream;

/// Longest source in seconds: 100 hours. Larger time stamps are broken.
pub(super) const MAX_SECONDS: f64 = 360_000.0;
/// Bytes per read of pictures and samples.
const CHUNK: usize = 256 << 10;
/// Longest `framecrc` line that is read.
const LINE_BYTES: u64 = 1024;

/// The visual analysis and the end of the last picture.
pub(super) struct DecodedPictures {
    pub visual: Visual,
    /// End of the last picture, in seconds.
    pub end: f64,
    /// Number of pictures decoded, including those that repeat an earlier time stamp.
    pub decoded: u64,
}

/// Reads and analyses pictures and their time stamps to the end.
pub(super) fn read_pictures(
    pictures: PipeReader,
    stamps: PipeReader,
    buckets_per_second: f64,
    progress: &dyn Fn(f64),
) -> Result<DecodedPictures> {
    let mut pictures = BufReader::with_capacity(CHUNK, pictures);
    let mut stamps = StampReader::new(stamps);
    let mut analyzer = VisualAnalyzer::new(buckets_per_second);
    let mut frame = vec![0_u8; FRAME_BYTES];
    let (mut last, mut gap, mut reported) = (FrameStamp::default(), 0.0, 0.0);
    let mut frames = 0_u64;
    while read_whole(&mut pictures, &mut frame)? {
        // A process that was stopped may leave a picture without its time stamp.
        let Some(stamp) = stamps.next()? else { break };
        if stamp.at > MAX_SECONDS {
            return Err(too_long());
        }
        analyzer.push(stamp.at, &frame);
        if frames > 0 && stamp.at > last.at {
            gap = stamp.at - last.at;
        }
        last = stamp;
        frames += 1;
        if stamp.at >= reported + 1.0 {
            reported = stamp.at;
            progress(stamp.at);
        }
    }
    // If the container does not state the duration of the last picture, it lasts as long as the one
    // before.
    let length = if last.duration > 0.0 { last.duration } else { gap };
    let end = last.at + length;
    Ok(DecodedPictures { visual: analyzer.finish(end), end, decoded: frames })
}

/// Reads and analyses samples to the end; `None` if there are none.
pub(super) fn read_audio(
    mut pipe: PipeReader,
    stream: &AudioStream,
    buckets_per_second: f64,
) -> Result<Option<Audio>> {
    let layout = stream.layout.as_deref();
    let made = AudioAnalyzer::new(stream.sample_rate, stream.channels, layout, buckets_per_second);
    let Some(mut analyzer) = made else {
        // Unsupported rates and channel counts are not measured; the loudness stays unknown.
        std::io::copy(&mut pipe, &mut std::io::sink()).map_err(unreadable)?;
        return Ok(None);
    };
    let most = MAX_SECONDS * f64::from(stream.sample_rate) * f64::from(stream.channels);
    let mut bytes = vec![0_u8; CHUNK];
    let mut samples: Vec<f32> = Vec::with_capacity(CHUNK / 4);
    let (mut kept, mut total) = (0, 0_u64);
    loop {
        let free = bytes.get_mut(kept..).unwrap_or_default();
        let read = match pipe.read(free) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        let filled = kept + read;
        let (words, rest) = bytes.get(..filled).unwrap_or_default().as_chunks::<4>();
        samples.clear();
        samples.extend(words.iter().map(|word| f32::from_le_bytes(*word)));
        kept = rest.len();
        bytes.copy_within(filled - kept..filled, 0);
        analyzer.push(&samples);
        total += samples.len() as u64;
        if total as f64 > most {
            return Err(too_long());
        }
    }
    Ok((total > 0).then(|| analyzer.finish()))
}

/// The time stamp of a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct FrameStamp {
    /// PTS in seconds.
    at: f64,
    /// In seconds; 0 when unknown.
    duration: f64,
}

/// Reads time stamps from ffmpeg's `framecrc` format.
struct StampReader<R> {
    lines: BufReader<R>,
    line: String,
    /// Time base: seconds = ticks × numerator / denominator.
    base: (f64, f64),
}

impl<R: Read> StampReader<R> {
    fn new(pipe: R) -> Self {
        Self { lines: BufReader::new(pipe), line: String::new(), base: (0.0, 1.0) }
    }

    fn next(&mut self) -> Result<Option<FrameStamp>> {
        loop {
            self.line.clear();
            let mut limited = (&mut self.lines).take(LINE_BYTES);
            let read = limited.read_line(&mut self.line).map_err(unreadable)?;
            if read == 0 {
                return Ok(None);
            }
            let line = self.line.trim();
            if let Some(base) = line.strip_prefix("#tb 0:") {
                self.base = time_base(base).ok_or_else(not_understood)?;
            } else if !line.starts_with('#') {
                return stamp(line, self.base).ok_or_else(not_understood).map(Some);
            }
        }
    }
}

fn time_base(text: &str) -> Option<(f64, f64)> {
    let (over, under) = text.trim().split_once('/')?;
    let base: (f64, f64) = (over.parse().ok()?, under.parse().ok()?);
    (base.0 > 0.0 && base.1 > 0.0).then_some(base)
}

/// `stream, dts, pts, duration, size, checksum`, each padded with blanks.
fn stamp(line: &str, base: (f64, f64)) -> Option<FrameStamp> {
    let mut fields = line.split(',').map(str::trim).skip(2);
    let pts: i64 = fields.next()?.parse().ok()?;
    let duration: i64 = fields.next()?.parse().ok()?;
    // Multiplied before the division, so that 1001 ticks of 1/30000 s are exact.
    let seconds = |ticks: i64| ticks as f64 * base.0 / base.1;
    Some(FrameStamp { at: seconds(pts), duration: seconds(duration).max(0.0) })
}

/// Fills `frame`; `false` at the end of the stream, also if it ends within a frame.
fn read_whole(pipe: &mut impl Read, frame: &mut [u8]) -> Result<bool> {
    match pipe.read_exact(frame) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(unreadable(error)),
    }
}

fn too_long() -> Error {
    Error::new(
        ErrorCode::MediaLimits,
        "the source lasts longer than 100 hours, or its time stamps are broken; cut or export it anew",
    )
}

fn not_understood() -> Error {
    Error::new(ErrorCode::Internal, "ffmpeg's time stamps cannot be read; use ffmpeg 5.1 or later")
}

fn unreadable(cause: std::io::Error) -> Error {
    Error::new(ErrorCode::Internal, "the decoder's output could not be read; report this")
        .with_source(cause)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn stamps_are_exact_in_the_streams_time_base() {
        let text = "#software: Lavf59.27.100\n#tb 0: 1/30000\n#media_type 0: video\n\
            0,          0,          0,     1001,      472, 0x1\n\
            0,     118118,     119119,        0,      472, 0x2\n";
        let mut stamps = StampReader::new(text.as_bytes());
        assert_eq!(
            stamps.next().unwrap(),
            Some(FrameStamp { at: 0.0, duration: 1001.0 / 30000.0 })
        );
        let second = FrameStamp { at: 119_119.0 / 30000.0, duration: 0.0 };
        assert_eq!(stamps.next().unwrap(), Some(second));
        assert_eq!(stamps.next().unwrap(), None);
    }

    #[test]
    fn what_is_no_stamp_is_an_error() {
        for text in ["#tb 0: 1/0\n", "0, 1\n", "hello\n", "0, x, y, 1\n"] {
            assert_eq!(
                StampReader::new(text.as_bytes()).next().unwrap_err().code(),
                ErrorCode::Internal
            );
        }
    }
}
