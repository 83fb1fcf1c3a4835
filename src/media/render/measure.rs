//! What is in a written file.

use std::fs::File;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Output;
use super::check::{Checker, mismatch};
use super::encoding::{Format, Kind};
use super::formats::measure_webp;
use super::index;
use crate::error::{ErrorCode, Result};
use crate::media::input::{ffprobe_args, input_args};
use crate::media::process::MediaCommand;
use crate::media::sniff::Demuxer;
use crate::model::Rendition;

/// Most that ffprobe may say: some 150 bytes a packet, 80 packets a second, an hour.
const MAX_ANSWER: usize = 64 << 20;

impl Checker<'_> {
    /// What is in the file.
    ///
    /// Of MP4 its index says all, which is read here: starting ffprobe takes 60 ms of CPU, as
    /// much as encoding half a second. It reads the other formats, and an index of another kind
    /// than is written today.
    pub(super) fn measure(&self, file: &Path) -> Result<Found> {
        let format = self.settings.encoding.format;
        let missing = || mismatch("the written clip has not the streams it was to have");
        if format.has_index() {
            let unread = |cause: mp4_atom::Error| {
                mismatch("the written clip is not a whole MP4 file").with_source(cause)
            };
            let tracks = File::open(file).map_err(mp4_atom::Error::from).and_then(index::read);
            if let Some(tracks) = tracks.map_err(unread)? {
                return Found::new(tracks, format).ok_or_else(missing);
            }
        }
        let Some(demuxer) = format.demuxer() else { return measure_webp(file) };
        let entries = "packet=stream_index,pts:stream_tags=DURATION:\
                       stream=index,codec_type,codec_name,width,height,time_base,start_time,duration";
        let answer: Answer = self.ask((demuxer, file), &["-show_entries", entries])?;
        Found::new(answer.tracks(), format).ok_or_else(missing)
    }

    /// What ffprobe says of a file, asked with the options `what`.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        (demuxer, file): (Demuxer, &Path),
        what: &[&str],
    ) -> Result<T> {
        let limits = &self.settings.limits;
        let mut command = MediaCommand::new(&self.tools.ffprobe, limits);
        command.args(ffprobe_args()).args(["-of", "json=compact=1"]).args(what);
        command.args(input_args(demuxer, file, limits, &[]));
        let (answer, finished) = command.capture(self.cancel, MAX_ANSWER)?;
        finished.check(ErrorCode::RenderMismatch)?;
        serde_json::from_slice(&answer)
            .map_err(|cause| mismatch("the clip cannot be measured").with_source(cause))
    }
}

/// A stream of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    pub(super) kind: Stream,
    /// ffmpeg's name of it.
    pub(super) codec: String,
    /// Ticks of its clock are so many seconds: numerator and denominator.
    pub(super) time_base: (u32, u32),
    /// PTS of its packets in ticks, sorted.
    pub(super) pts: Vec<i64>,
    /// In seconds.
    pub(super) start: f64,
    /// In seconds.
    pub(super) duration: f64,
}

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// With its size.
    Picture(i64, i64),
    Sound,
}

impl Track {
    /// When its last packet is due, in seconds.
    fn last(&self) -> f64 {
        let unit = f64::from(self.time_base.0) / f64::from(self.time_base.1.max(1));
        self.pts.last().map_or(0.0, |pts| *pts as f64 * unit)
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    packets: Vec<AnswerPacket>,
    #[serde(default)]
    streams: Vec<AnswerStream>,
}

#[derive(Deserialize)]
struct AnswerPacket {
    stream_index: u32,
    pts: Option<i64>,
}

#[derive(Deserialize)]
struct AnswerStream {
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
    tags: AnswerTags,
}

#[derive(Deserialize, Default)]
struct AnswerTags {
    #[serde(rename = "DURATION")]
    duration: Option<String>,
}

impl Answer {
    fn tracks(&self) -> Vec<Track> {
        self.streams.iter().filter_map(|stream| self.track(stream)).collect()
    }

    fn track(&self, stream: &AnswerStream) -> Option<Track> {
        let kind = match stream.codec_type.as_str() {
            "video" => Stream::Picture(stream.width, stream.height),
            "audio" => Stream::Sound,
            _ => return None,
        };
        let own = self.packets.iter().filter(|packet| packet.stream_index == stream.index);
        let mut pts: Vec<i64> = own.filter_map(|packet| packet.pts).collect();
        pts.sort_unstable();
        let (start, duration) = stream.times()?;
        let (codec, time_base) = (stream.codec_name.clone(), stream.time_base()?);
        Some(Track { kind, codec, time_base, pts, start, duration })
    }
}

impl AnswerStream {
    /// Start and length in seconds; Matroska says the length as text.
    fn times(&self) -> Option<(f64, f64)> {
        let number = |text: &String| text.parse::<f64>().ok();
        let tag = || clock(self.tags.duration.as_deref()?);
        let duration = self.duration.as_ref().and_then(number).or_else(tag)?;
        Some((self.start_time.as_ref().and_then(number)?, duration))
    }

    fn time_base(&self) -> Option<(u32, u32)> {
        let (num, den) = self.time_base.split_once('/')?;
        Some((num.parse().ok()?, den.parse().ok()?))
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
    pub(super) time_base: (u32, u32),
    /// PTS in ticks, sorted; of an animated WebP only their number is known.
    pub(super) frames: Vec<i64>,
    pub(super) count: usize,
    pub(super) start: f64,
    /// Of the picture, or of the sound where there is none.
    pub(super) duration: f64,
    pub(super) audio: Option<FoundAudio>,
}

#[derive(Clone)]
pub(super) struct FoundAudio {
    codec: String,
    pub(super) start: f64,
    pub(super) duration: f64,
    /// The last packet's PTS, in seconds.
    pub(super) last: f64,
}

impl Found {
    fn new(tracks: Vec<Track>, format: Format) -> Option<Self> {
        let sound = tracks.iter().find(|track| track.kind == Stream::Sound);
        let audio = sound.map(|track| FoundAudio {
            codec: track.codec.clone(),
            start: track.start,
            duration: track.duration,
            last: track.last(),
        });
        let container = format.extension();
        if format.kind() == Kind::Sound {
            let duration = audio.as_ref()?.duration;
            return Some(Self { container, duration, audio, ..Self::animation("", (0, 0), 0, 0) });
        }
        tracks.into_iter().find_map(|track| match track.kind {
            Stream::Picture(width, height) => Some(Self {
                container,
                video_codec: track.codec,
                width,
                height,
                time_base: track.time_base,
                count: track.pts.len(),
                frames: track.pts,
                start: track.start,
                duration: track.duration,
                audio: audio.clone(),
            }),
            Stream::Sound => None,
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
            time_base: (0, 1),
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
            copied_frames: None,
            sidecar: false,
            thumbnail: false,
        }
    }
}
