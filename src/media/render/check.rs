//! A written clip against what was asked for.

use std::fs::File;
use std::path::Path;

use serde::Deserialize;
use tempfile::TempPath;

use super::encoding::arguments::size;
use super::encoding::{Format, Kind};
use super::formats::{Wanted, measure_webp};
use super::frame_log::FrameLog;
use super::source::{Source, TOLERANCE};
use super::{Output, RenderSettings};
use crate::error::{Error, ErrorCode, Result};
use crate::media::cancel::CancelToken;
use crate::media::input::{ffmpeg_args, ffprobe_args, input_args};
use crate::media::process::MediaCommand;
use crate::media::tools::MediaTools;
use crate::model::Rendition;

/// Most that ffprobe may say about a clip: some 150 bytes a packet, 80 packets a second, an hour.
const MAX_ANSWER: usize = 64 << 20;
/// Samples in an AAC frame.
const AAC_FRAME: f64 = 1024.0;

/// Measures written files and gives them their names.
#[derive(Clone, Copy)]
pub(super) struct Checker<'a> {
    pub(super) tools: &'a MediaTools,
    pub(super) path: &'a Path,
    pub(super) source: &'a Source,
    pub(super) settings: &'a RenderSettings,
    pub(super) cancel: &'a CancelToken,
}

impl Checker<'_> {
    /// Measures `file`, compares it with what the source holds in `span`, and moves it to the
    /// span's path. The file is removed when it does not pass, and when a whole one stands at the
    /// path by now: then the facts are of that one.
    pub(super) fn accept(
        &self,
        span: &Output,
        file: TempPath,
        log: &FrameLog,
    ) -> Result<Rendition> {
        let shape = span.shape()?;
        let (start, end) = span.read(shape.as_ref());
        let (from, until) = (self.source.first_tick(start), self.source.first_tick(end));
        let frames = log.within(from, until);
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
            return Err(mismatch("the source has no frame between the clip's start and end"));
        };
        self.reaches_end(end, frames, *last, until, log)?;
        let found = self.measure(&file)?;
        let size = size(self.source, span);
        let wanted = match &shape {
            Some(shape) => {
                let step = shape.clock.step();
                let frames = (0..shape.frames).map(|n| n * step).collect();
                Wanted { frames, ticks: shape.clock.ticks, size, length: shape.seconds() }
            }
            None => {
                let near = *first - self.source.tick(span.start) <= self.source.tolerance();
                let zero = if near { *first } else { self.source.tick(span.start) };
                // The first frame is time 0 in any case.
                let later = frames.iter().skip(1).map(|pts| pts - zero);
                let frames = std::iter::once(0).chain(later).collect();
                Wanted { frames, ticks: self.source.ticks, size, length: span.end - span.start }
            }
        };
        if self.settings.encoding.format == Format::Mp4 {
            compare_frames(wanted.frames.iter().copied(), &found.frames)?;
            self.compare(&found, wanted.size, wanted.ticks, wanted.length)?;
        } else {
            self.compare_format(&found, &wanted)?;
        }
        self.named(span, file, found)
    }

    /// Puts a file that passed in its place; its facts.
    fn named(&self, span: &Output, file: TempPath, found: Found) -> Result<Rendition> {
        let (bytes, blake3) = seal(&file)?;
        let other = self.publish(file, span)?;
        Ok(other.unwrap_or_else(|| found.facts(span, bytes, blake3)))
    }

    /// Gives the file its name, for good, unless another whole file has it: then that one's facts.
    fn publish(&self, file: TempPath, span: &Output) -> Result<Option<Rendition>> {
        let path = std::path::absolute(&span.path).map_err(not_written)?;
        let folder = File::open(path.parent().unwrap_or(Path::new("/"))).map_err(not_written)?;
        if let Err(taken) = file.persist_noclobber(&path) {
            if taken.error.kind() != std::io::ErrorKind::AlreadyExists {
                return Err(not_written(taken.error));
            }
            // Of two processes that find the same damage, the second must find the first's file.
            // File systems that cannot lock folders leave only a moment in which it may not.
            let _ = folder.lock();
            if let Some(facts) = self.kept(span)? {
                return Ok(Some(facts));
            }
            taken.path.persist(&path).map_err(|error| not_written(error.error))?;
        }
        folder.sync_all().map_err(not_written)?;
        Ok(None)
    }

    /// Whether the last frame stands until the span's end, or the source broke off before it.
    fn reaches_end(
        &self,
        end: f64,
        frames: &[i64],
        last: i64,
        until: i64,
        log: &FrameLog,
    ) -> Result<()> {
        let nominal = 1.5 * self.source.ticks as f64 / self.source.fps;
        let widest = frames.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let later = log.frames.last().is_some_and(|pts| *pts >= until);
        if later || (until - last) as f64 <= nominal.max(widest as f64) {
            return Ok(());
        }
        // A still picture may stand for long; then there is a frame after it.
        if self.frame_from(end, until)? {
            return Ok(());
        }
        Err(mismatch("the source ends before the clip does; it may be cut short: fetch it again"))
    }

    /// Whether the source has a frame at `tick`, which is at `seconds`, or later.
    fn frame_from(&self, seconds: f64, tick: i64) -> Result<bool> {
        let limits = &self.settings.limits;
        let mut command = MediaCommand::new(&self.tools.ffmpeg, limits);
        let target = self.source.seek(seconds, 0).map(|target| format!("{target:.6}"));
        let mut extra = Vec::new();
        if let Some(target) = &target {
            extra.extend(["-noaccurate_seek", "-ss", target]);
        }
        let graph = format!(
            "[0:{}]settb=1/{},trim=start_pts={tick}[log]",
            self.source.video, self.source.ticks
        );
        command.args(ffmpeg_args()).arg("-copyts");
        command.args(input_args(self.source.demuxer, self.path, limits, &extra));
        command.args(["-filter_complex", &graph, "-map", "[log]", "-frames:v", "1"]);
        command.args(["-c:v", "wrapped_avframe", "-f", "framecrc", "pipe:1"]);
        let (answer, finished) = command.capture(self.cancel, 64 << 10)?;
        finished.check(ErrorCode::RenderFailed)?;
        Ok(!FrameLog::read(answer.as_slice(), self.source.ticks, |_| true).frames.is_empty())
    }

    /// What ffprobe says of the file.
    pub(super) fn measure(&self, file: &Path) -> Result<Found> {
        let (limits, format) = (&self.settings.limits, self.settings.encoding.format);
        let Some(demuxer) = format.demuxer() else { return measure_webp(file) };
        let mut command = MediaCommand::new(&self.tools.ffprobe, limits);
        command.args(ffprobe_args());
        command.args(["-of", "json", "-show_entries"]);
        command.arg(
            "packet=stream_index,pts:stream_tags=DURATION:\
             stream=index,codec_type,codec_name,width,height,time_base,start_time,duration",
        );
        command.args(input_args(demuxer, file, limits, &[]));
        let (answer, finished) = command.capture(self.cancel, MAX_ANSWER)?;
        finished.check(ErrorCode::RenderMismatch)?;
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|cause| mismatch("the written clip cannot be measured").with_source(cause))?;
        let missing = || mismatch("the written clip has not the streams it was to have");
        Found::new(answer, format).ok_or_else(missing)
    }

    /// Size, streams and lengths.
    fn compare(&self, found: &Found, size: (i64, i64), ticks: i64, length: f64) -> Result<()> {
        if (found.width, found.height) != size {
            return Err(mismatch("the written clip has another picture size than was asked for"));
        }
        if found.time_base != format!("1/{ticks}") {
            return Err(mismatch("the written clip counts time in other units than was asked for"));
        }
        if (found.duration - length).abs() > 2.0 * TOLERANCE {
            return Err(mismatch(&format!(
                "the written clip is {:.4} s long instead of {length:.4} s",
                found.duration
            )));
        }
        match (&found.audio, self.source.audio) {
            (None, None) => Ok(()),
            (Some(sound), Some(audio)) => {
                let frame = AAC_FRAME / f64::from(audio.out_rate());
                if (sound.start - found.start).abs() > frame {
                    return Err(mismatch(
                        "sound and picture of the written clip do not start together",
                    ));
                }
                if (sound.duration - length).abs() > frame {
                    return Err(mismatch(&format!(
                        "the sound of the written clip is {:.4} s long instead of {length:.4} s",
                        sound.duration
                    )));
                }
                Ok(())
            }
            _ => Err(mismatch("the written clip has other streams than the source")),
        }
    }
}

/// The frames' times must be those of the source, to the tick or its rounding.
pub(super) fn compare_frames(wanted: impl Iterator<Item = i64>, found: &[i64]) -> Result<()> {
    let wanted: Vec<i64> = wanted.collect();
    if wanted.len() != found.len() {
        let message = format!(
            "the written clip has {} frames, {} were to be in it",
            found.len(),
            wanted.len()
        );
        return Err(Error::new(ErrorCode::RenderMismatch, message));
    }
    if wanted.iter().zip(found).any(|(wanted, found)| (wanted - found).abs() > 1) {
        return Err(mismatch("a frame of the written clip is not at its time"));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    packets: Vec<Packet>,
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Packet {
    stream_index: u32,
    pts: Option<i64>,
}

#[derive(Deserialize)]
struct Stream {
    index: u32,
    codec_type: String,
    codec_name: String,
    #[serde(default)]
    width: i64,
    #[serde(default)]
    height: i64,
    #[serde(default)]
    time_base: String,
    start_time: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Deserialize, Default)]
struct Tags {
    #[serde(rename = "DURATION")]
    duration: Option<String>,
}

impl Stream {
    /// Start and length in seconds; Matroska says the length as text.
    fn times(&self) -> Option<(f64, f64)> {
        let number = |text: &String| text.parse::<f64>().ok();
        let tag = || clock(self.tags.duration.as_deref()?);
        let duration = self.duration.as_ref().and_then(number).or_else(tag)?;
        Some((self.start_time.as_ref().and_then(number)?, duration))
    }

    /// Seconds of a tick.
    fn unit(&self) -> f64 {
        let part = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
        let mut parts = self.time_base.split('/');
        part(parts.next()).zip(part(parts.next())).map_or(0.0, |(num, den)| num / den)
    }
}

/// Seconds of `HH:MM:SS.fraction`.
fn clock(text: &str) -> Option<f64> {
    let mut parts = text.split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some((hours * 60.0 + minutes) * 60.0 + seconds)
}

/// A file's measures.
pub(super) struct Found {
    container: &'static str,
    /// Empty without a picture; then there are no frames and no size.
    video_codec: String,
    pub(super) width: i64,
    pub(super) height: i64,
    time_base: String,
    /// PTS in ticks, sorted; of an animated WebP only their number is known.
    pub(super) frames: Vec<i64>,
    pub(super) count: usize,
    pub(super) start: f64,
    /// Of the picture, or of the sound where there is none.
    pub(super) duration: f64,
    pub(super) audio: Option<FoundAudio>,
}

pub(super) struct FoundAudio {
    codec: String,
    pub(super) start: f64,
    pub(super) duration: f64,
    /// The last packet's PTS, in seconds.
    pub(super) last: f64,
}

impl Found {
    fn new(answer: Answer, format: Format) -> Option<Self> {
        let of_kind = |kind: &str| answer.streams.iter().find(|stream| stream.codec_type == kind);
        let times = |stream: &Stream| {
            let packets =
                answer.packets.iter().filter(|packet| packet.stream_index == stream.index);
            let mut times: Vec<i64> = packets.filter_map(|packet| packet.pts).collect();
            times.sort_unstable();
            times
        };
        let audio = of_kind("audio").and_then(|audio| {
            let (start, duration) = audio.times()?;
            let last = times(audio).last().map_or(0.0, |pts| *pts as f64 * audio.unit());
            Some(FoundAudio { codec: audio.codec_name.clone(), start, duration, last })
        });
        let container = format.extension();
        if format.kind() == Kind::Sound {
            let duration = audio.as_ref()?.duration;
            return Some(Self { container, duration, audio, ..Self::animation("", (0, 0), 0, 0) });
        }
        let video = of_kind("video")?;
        let frames = times(video);
        let (start, duration) = video.times()?;
        Some(Self {
            container,
            video_codec: video.codec_name.clone(),
            width: video.width,
            height: video.height,
            time_base: video.time_base.clone(),
            count: frames.len(),
            frames,
            start,
            duration,
            audio,
        })
    }

    /// An animation of which no more than this is known.
    pub(super) fn animation(
        codec: &'static str,
        (width, height): (i64, i64),
        frames: i64,
        milliseconds: i64,
    ) -> Self {
        Self {
            container: codec,
            video_codec: codec.to_owned(),
            width,
            height,
            time_base: String::new(),
            frames: Vec::new(),
            count: usize::try_from(frames).unwrap_or(0),
            start: 0.0,
            duration: milliseconds as f64 / 1000.0,
            audio: None,
        }
    }

    /// The row of `span`'s file, which has this size and hash.
    pub(super) fn facts(self, span: &Output, bytes: i64, blake3: String) -> Rendition {
        let picture = !self.video_codec.is_empty();
        Rendition {
            rendition_id: span.rendition_id.clone(),
            container: self.container.into(),
            video_codec: self.video_codec,
            audio_codec: self.audio.as_ref().map(|audio| audio.codec.clone()),
            width: self.width,
            height: self.height,
            fps: if self.duration > 0.0 { self.count as f64 / self.duration } else { 0.0 },
            frames: i64::try_from(self.count).unwrap_or(i64::MAX),
            duration: self.duration,
            bytes,
            blake3,
            av_offset: self.audio.filter(|_| picture).map(|audio| audio.start - self.start),
            sidecar: false,
            thumbnail: false,
        }
    }
}

/// Puts the file's data on the disk; its size and BLAKE3.
pub(super) fn seal(file: &Path) -> Result<(i64, String)> {
    let read = || -> std::io::Result<(u64, String)> {
        let mut open = File::open(file)?;
        open.sync_all()?;
        let mut hasher = blake3::Hasher::new();
        let bytes = std::io::copy(&mut open, &mut hasher)?;
        Ok((bytes, hasher.finalize().to_hex().to_string()))
    };
    let (bytes, hash) = read().map_err(not_written)?;
    Ok((i64::try_from(bytes).unwrap_or(i64::MAX), hash))
}

fn not_written(cause: std::io::Error) -> Error {
    let message = format!("a clip's file cannot be put in its place: {cause}");
    Error::new(ErrorCode::StoreWrite, message).with_source(cause)
}

pub(super) fn mismatch(message: &str) -> Error {
    Error::new(ErrorCode::RenderMismatch, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn frames_must_agree_in_number_and_time() {
        assert!(compare_frames([0, 512, 1024].into_iter(), &[0, 512, 1025]).is_ok());
        for found in [&[0, 512][..], &[0, 512, 1026], &[0, 512, 1024, 1536]] {
            let error = compare_frames([0, 512, 1024].into_iter(), found).unwrap_err();
            assert_eq!(error.code(), ErrorCode::RenderMismatch);
        }
    }
}
