//! What is in a written file.

use std::fs::File;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::facts::{Found, Stream, Track, mismatch};
use super::{mp4_index, webp};
use crate::error::{ErrorCode, Result};
use crate::media::input::{ffprobe_args, input_args};
use crate::media::process::MediaCommand;
use crate::media::render::context::RenderContext;
use crate::media::sniff::Demuxer;

/// Most that ffprobe may say: some 150 bytes a packet, 80 packets a second, an hour.
const MAX_ANSWER: usize = 64 << 20;

impl RenderContext<'_> {
    /// What is in the file.
    ///
    /// Of MP4 its index says all, which is read here: starting ffprobe takes 60 ms of CPU, as
    /// much as encoding half a second. It reads the other formats, and an index of another kind
    /// than is written today.
    pub(crate) fn measure(&self, file: &Path) -> Result<Found> {
        let format = self.settings.encoding.format;
        let missing = || mismatch("the written clip has not the streams it was to have");
        if format.has_index() {
            let unread = |cause: mp4_atom::Error| {
                mismatch("the written clip is not a whole MP4 file").with_source(cause)
            };
            let tracks = File::open(file).map_err(mp4_atom::Error::from).and_then(mp4_index::read);
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
    pub(crate) fn ask<T: DeserializeOwned>(
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

/// What stands in an animated WebP.
fn measure_webp(file: &Path) -> Result<Found> {
    let failed = |cause: std::io::Error| {
        mismatch("the written animation cannot be measured").with_source(cause)
    };
    let found = std::fs::File::open(file).and_then(webp::read).map_err(failed)?;
    let found = found.ok_or_else(|| mismatch("the written animation has no frames"))?;
    Ok(Found::animation("webp", (found.width, found.height), found.frames, found.milliseconds))
}
