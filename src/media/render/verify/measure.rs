//! Measures the streams of a written file.

use std::fs::File;
use std::path::Path;

use super::facts::{MeasuredFile, MeasuredTrack, TrackKind, mismatch};
use super::{mp4_index, webp};
use crate::error::{ErrorCode, Result};
use crate::media::ffprobe::{FfprobeRun, ProbeOutput, ProbeStream, clock, number};
use crate::media::render::context::RenderContext;
use crate::media::sniff::Demuxer;

/// Largest ffprobe output: about 150 bytes per packet, 80 packets per second, one hour.
const MAX_ANSWER: usize = 64 << 20;

impl RenderContext<'_> {
    /// Measures the streams of the file.
    ///
    /// MP4 is measured by reading its index directly: starting ffprobe takes 60 ms of CPU, as much as
    /// encoding half a second. ffprobe measures other formats, and MP4 files with an index of another kind
    /// than is written today.
    pub(crate) fn measure(&self, file: &Path) -> Result<MeasuredFile> {
        let format = self.settings.encoding.format;
        let missing = || mismatch("the written clip lacks a stream that it must have");
        if format.has_index() {
            let unread = |cause: mp4_atom::Error| {
                mismatch("the written clip is not a complete MP4 file").with_source(cause)
            };
            let tracks = File::open(file).map_err(mp4_atom::Error::from).and_then(mp4_index::read);
            if let Some(tracks) = tracks.map_err(unread)? {
                return MeasuredFile::new(tracks, format).ok_or_else(missing);
            }
        }
        let Some(demuxer) = format.demuxer() else { return measure_webp(file) };
        let entries = "packet=stream_index,pts:stream_tags=DURATION:\
                       stream=index,codec_type,codec_name,width,height,time_base,start_time,duration";
        let output = self.ask((demuxer, file), &["-show_entries", entries])?;
        MeasuredFile::new(tracks(&output), format).ok_or_else(missing)
    }

    /// What ffprobe prints about a file, run with `options`.
    pub(crate) fn ask(&self, input: (Demuxer, &Path), options: &[&str]) -> Result<ProbeOutput> {
        let run = FfprobeRun {
            tools: self.tools,
            limits: &self.settings.limits,
            cancel: self.cancel,
            max_bytes: MAX_ANSWER,
            otherwise: ErrorCode::RenderMismatch,
        };
        let json = run.json(input, options)?;
        serde_json::from_slice(&json)
            .map_err(|cause| mismatch("the clip cannot be measured").with_source(cause))
    }
}

/// The measured streams of a file.
fn tracks(output: &ProbeOutput) -> Vec<MeasuredTrack> {
    output.streams.iter().filter_map(|stream| track(output, stream)).collect()
}

fn track(output: &ProbeOutput, stream: &ProbeStream) -> Option<MeasuredTrack> {
    let kind = match stream.codec_type.as_deref() {
        Some("video") => TrackKind::Picture(stream.width, stream.height),
        Some("audio") => TrackKind::Sound,
        _ => return None,
    };
    let own = output.packets.iter().filter(|packet| packet.stream_index == stream.index);
    let mut pts: Vec<i64> = own.filter_map(|packet| packet.pts).collect();
    pts.sort_unstable();
    let start = number(stream.start_time.as_deref())?;
    // Matroska states the length in a tag.
    let tag = || clock(stream.tags.get("DURATION")?);
    let duration = number(stream.duration.as_deref()).or_else(tag)?;
    let (codec, time_base) = (stream.codec_name.clone()?, stream.tick()?);
    Some(MeasuredTrack { kind, codec, time_base, pts, start, duration })
}

/// Measures an animated WebP.
fn measure_webp(file: &Path) -> Result<MeasuredFile> {
    let failed = |cause: std::io::Error| {
        mismatch("the written animation cannot be measured").with_source(cause)
    };
    let found = std::fs::File::open(file).and_then(webp::read).map_err(failed)?;
    let found = found.ok_or_else(|| mismatch("the written animation has no frames"))?;
    Ok(MeasuredFile::animation(
        "webp",
        (found.width, found.height),
        found.frames,
        found.milliseconds,
    ))
}
