//! Probes a container and chooses the streams that are used.

mod range;
mod sound;
mod streams;

use std::path::Path;
use std::sync::Arc;

pub use range::KeptRange;
use sound::ChosenSound;
pub use sound::SoundChoice;

use super::ffprobe::{FfprobeRun, ProbeChapter, ProbeOutput, ProbeStream, number};
use super::sniff::{Demuxer, sniff};
use super::time_line::{MendedFile, mended};
use super::tools::{MediaLimits, MediaTools};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::audio::ChannelFault;
use crate::kernels::sound_wish::SoundWish;

/// Largest ffprobe output about one file, in bytes.
const ANSWER_BYTES: usize = 1 << 20;
/// The entries requested from ffprobe.
const ENTRIES: &str = "program_version=version:format=start_time,duration:stream=index,codec_name,codec_type,width,height,\
    sample_aspect_ratio,pix_fmt,color_transfer,color_primaries,color_space,r_frame_rate,avg_frame_rate,time_base,start_time,duration,nb_frames,\
    sample_rate,channels,channel_layout:stream_disposition=default,attached_pic,timed_thumbnails,\
    still_image,comment,visual_impaired:stream_tags=language,DURATION:chapter=start_time,end_time:chapter_tags=title:\
    stream_side_data=displaymatrix,rotation";

/// A container and its chosen streams. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Version of ffmpeg as it reports it (`5.1.9-0+deb12u1`).
    pub tool_version: String,
    /// The demuxer that opens it.
    pub demuxer: Demuxer,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Start time on the container's own clock; all other times are relative to it.
    pub start_time: f64,
    /// Duration stated by the container; `None` if it states none.
    pub duration_hint: Option<f64>,
    /// The video stream: the default one, else the largest.
    pub video: VideoStream,
    /// The audio stream that is heard.
    pub audio: Option<AudioStream>,
    /// How many audio streams there are.
    pub audio_tracks: usize,
    /// The number of [`audio`](Self::audio) among them, counted from 1; `None` where all are mixed.
    pub audio_track: Option<usize>,
    /// Why it is that one.
    pub audio_choice: Option<SoundChoice>,
    /// What a user should know about the choice, as a sentence without its end.
    pub audio_note: Option<String>,
    /// The chapters, on the container's own clock.
    pub(crate) chapters: Vec<ProbeChapter>,
    /// All subtitle streams.
    pub subtitles: Vec<SubtitleStream>,
    /// An otherwise unused stream that alone starts at `start_time`.
    ///
    /// ffmpeg counts some containers' clocks from the earliest stream *in use*, so this one must be
    /// kept in use.
    pub anchor: Option<usize>,
    /// A copy of the source with one clock, where its own jumps: what is read in its place.
    pub mended: Option<Arc<MendedFile>>,
}

impl Probe {
    /// The file that is read for the source at `path`.
    pub fn file<'a>(&'a self, path: &'a Path) -> &'a Path {
        self.mended.as_ref().map_or(path, |mended| mended.path())
    }
}

/// The chosen video stream.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoStream {
    /// Number of the stream in the container.
    pub index: usize,
    /// Codec (`h264`).
    pub codec: String,
    /// Display width in pixels, after pixel aspect and rotation.
    pub width: i64,
    /// Display height in pixels, after pixel aspect and rotation.
    pub height: i64,
    /// Stored width in pixels.
    pub stored_width: i64,
    /// Stored height in pixels.
    pub stored_height: i64,
    /// Pixel aspect ratio, width : height; 1 when unknown.
    pub sample_aspect: f64,
    /// Clockwise rotation in degrees that makes it upright: 0, 90, 180 or 270.
    ///
    /// Other angles count as 0, because the picture keeps its size.
    pub rotation: i64,
    /// Whether it is also mirrored.
    pub mirrored: bool,
    /// Mean frame rate stated by the container; `None` if it states none.
    pub average_fps: Option<f64>,
    /// Lowest frame rate that represents all time stamps; `None` when unknown.
    pub nominal_fps: Option<f64>,
    /// Seconds per tick of its time stamps.
    pub time_base: f64,
    /// Pixel format (`yuv420p`).
    pub pixel_format: String,
    /// Its transfer if it is of high dynamic range.
    pub hdr: Option<Hdr>,
    /// Its colours, if it is of high dynamic range.
    pub range: Option<KeptRange>,
    /// When it starts, counted from the container's start.
    pub start_time: f64,
    /// Duration stated by the container; `None` if it states none.
    pub duration: Option<f64>,
}

/// Transfers of high dynamic range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hdr {
    /// Hybrid log-gamma (ARIB STD-B67), as phones and broadcasters record.
    Hlg,
    /// Perceptual quantizer (SMPTE ST 2084): HDR10, and the base layer of Dolby Vision.
    Pq,
}

impl Hdr {
    /// By ffmpeg's name of a transfer.
    pub(in crate::media) fn of_transfer(name: &str) -> Option<Self> {
        match name {
            "arib-std-b67" => Some(Self::Hlg),
            "smpte2084" => Some(Self::Pq),
            _ => None,
        }
    }

    /// Its name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hlg => "hlg",
            Self::Pq => "pq",
        }
    }
}

/// The chosen audio stream.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioStream {
    /// Number of the stream in the container.
    pub index: usize,
    /// The numbers of all audio streams, where they are mixed; else empty.
    pub mixed: Vec<usize>,
    /// Codec (`aac`).
    pub codec: String,
    /// Sample rate in Hz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// Channel layout by ffmpeg's name (`5.1`); `None` when unknown.
    pub layout: Option<String>,
    /// ISO 639-3 code; `None` when the container does not say.
    pub language: Option<String>,
    /// When it starts, counted from the container's start.
    pub start_time: f64,
    /// What is wrong with its channels, as far as an analysis has found out.
    pub fault: Option<ChannelFault>,
}

/// One subtitle stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtitleStream {
    /// Number of the stream in the container.
    pub index: usize,
    /// Codec (`mov_text`).
    pub codec: String,
    /// ISO 639-3 code; `None` when the container does not say.
    pub language: Option<String>,
    /// Whether it is text; subtitles that are pictures are not read.
    pub text: bool,
}

/// Sniffs and probes the file at `path`.
///
/// # Errors
/// Those of [`sniff`]; [`ErrorCode::MediaNoVideo`] for audio, cover art included;
/// [`ErrorCode::MediaCorrupt`], [`ErrorCode::SourceTruncated`], [`ErrorCode::SourceUnsupported`]
/// and [`ErrorCode::MediaLimits`] for files that cannot or may not be opened.
pub fn probe(
    tools: &MediaTools,
    path: &Path,
    limits: &MediaLimits,
    cancel: &CancelToken,
) -> Result<Probe> {
    probe_for(tools, path, limits, &SoundWish::Any, cancel)
}

/// As [`probe`], with the sound track that is wanted.
///
/// # Errors
/// Those of [`probe`]; [`ErrorCode::InvalidRequestBadValue`] for the number of a track that is not there.
pub fn probe_for(
    tools: &MediaTools,
    path: &Path,
    limits: &MediaLimits,
    wish: &SoundWish,
    cancel: &CancelToken,
) -> Result<Probe> {
    let (demuxer, bytes) = sniff(path)?;
    let mended = mended(demuxer, path, cancel)?.map(Arc::new);
    let path = mended.as_ref().map_or(path, |mended| mended.path());
    let run = FfprobeRun {
        tools,
        limits,
        cancel,
        max_bytes: ANSWER_BYTES,
        otherwise: ErrorCode::MediaCorrupt,
    };
    let json = run.json((demuxer, path), &["-show_entries", ENTRIES])?;
    let output: ProbeOutput = serde_json::from_slice(&json).map_err(|cause| {
        Error::new(ErrorCode::Internal, "ffprobe's answer cannot be read; use ffmpeg 5.1 or later")
            .with_source(cause)
    })?;
    let mut is_heard = |stream| sound::is_heard((tools, limits), (demuxer, path), stream, cancel);
    let sound = sound::choose(&output, wish, &mut is_heard)?;
    let mut probe = choose(demuxer, bytes, output, sound)?;
    if let Some(range) = &mut probe.video.range {
        range.add_mastering(&run, (demuxer, path), probe.video.index)?;
    }
    Ok(Probe { mended, ..probe })
}

/// Chooses the streams of a container, whose sound is chosen.
fn choose(demuxer: Demuxer, bytes: u64, output: ProbeOutput, sound: ChosenSound) -> Result<Probe> {
    let start = number(output.format.start_time.as_deref()).unwrap_or(0.0);
    let video = output
        .streams
        .iter()
        .filter(|s| s.is("video") && !s.is_picture())
        // Reversed, so that `max_by_key` returns the first of equals.
        .rev()
        .max_by_key(|s| (s.disposition.default, s.width.saturating_mul(s.height)))
        .ok_or_else(|| no_video(&output.streams))?;
    let ChosenSound { streams: heard, choice, note, tracks } = sound;
    let audio = output.streams.iter().find(|s| heard.first() == Some(&s.index));
    let subtitles: Vec<_> =
        output.streams.iter().filter(|s| s.is("subtitle")).map(streams::subtitle).collect();
    let used = |s: &ProbeStream| {
        s.index == video.index
            || heard.contains(&s.index)
            || subtitles.iter().any(|t| t.text && t.index == s.index)
    };
    let at_start =
        |s: &&ProbeStream| number(s.start_time.as_deref()).is_some_and(|t| t <= start + 1e-6);
    let anchor = match demuxer {
        Demuxer::MpegTs | Demuxer::Mpeg | Demuxer::Ogg => {
            let first: Vec<_> = output.streams.iter().filter(at_start).collect();
            if first.iter().any(|s| used(s)) { None } else { first.first().map(|s| s.index) }
        }
        _ => None,
    };
    Ok(Probe {
        tool_version: output.program_version.version,
        demuxer,
        bytes,
        start_time: start,
        duration_hint: number(output.format.duration.as_deref()).filter(|d| *d > 0.0),
        video: streams::video(video, start)?,
        audio: audio.map(|s| match heard.as_slice() {
            [_] => streams::audio(s, start),
            _ => streams::mixed(&output.streams, &heard, start),
        }),
        audio_tracks: tracks.len(),
        audio_track: match heard.as_slice() {
            [one] => tracks.iter().position(|track| track == one).map(|at| at + 1),
            _ => None,
        },
        audio_choice: choice,
        audio_note: note,
        chapters: output.chapters,
        subtitles,
        anchor,
        mended: None,
    })
}

fn no_video(streams: &[ProbeStream]) -> Error {
    if streams.is_empty() {
        return Error::new(
            ErrorCode::MediaCorrupt,
            "the source's container holds no streams; export it again",
        );
    }
    let sentence = if streams.iter().any(|s| s.is("audio")) {
        "the source has sound but no moving picture (cover art does not count); name a video"
    } else {
        "the source has no moving picture; name a video"
    };
    Error::new(ErrorCode::MediaNoVideo, sentence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn chosen(demuxer: Demuxer, json: &str) -> Result<Probe> {
        let output = serde_json::from_str(json).unwrap();
        let sound = sound::choose(&output, &SoundWish::Any, &mut |_| Ok(true))?;
        choose(demuxer, 1, output, sound)
    }

    #[test]
    fn the_default_then_the_largest_picture_is_taken_and_never_cover_art() {
        let streams = r#"{"streams":[
            {"index":0,"codec_type":"video","codec_name":"mjpeg","width":3000,"height":3000,
             "disposition":{"attached_pic":1,"default":1}},
            {"index":1,"codec_type":"video","codec_name":"h264","width":320,"height":180},
            {"index":2,"codec_type":"video","codec_name":"h264","width":640,"height":360,
             "start_time":"1.5"},
            {"index":3,"codec_type":"video","codec_name":"h264","width":640,"height":360},
            {"index":4,"codec_type":"audio","codec_name":"aac","sample_rate":"48000","channels":2,
             "tags":{"language":"en"}},
            {"index":5,"codec_type":"audio","codec_name":"none","sample_rate":"48000","channels":8},
            {"index":6,"codec_type":"subtitle","codec_name":"dvd_subtitle"},
            {"index":7,"codec_type":"subtitle","codec_name":"subrip","tags":{"language":"ger"}}],
            "format":{"start_time":"1.0","duration":"N/A"}}"#;
        let probe = chosen(Demuxer::Matroska, streams).unwrap();
        assert_eq!((probe.video.index, probe.video.start_time), (2, 0.5));
        assert_eq!(probe.audio.map(|a| (a.index, a.language)), Some((4, Some("eng".into()))));
        assert_eq!(probe.duration_hint, None);
        let text: Vec<_> = probe.subtitles.iter().map(|s| (s.index, s.text)).collect();
        assert_eq!(text, [(6, false), (7, true)]);
        assert_eq!(probe.subtitles[1].language.as_deref(), Some("deu"));
    }

    #[test]
    fn without_a_moving_picture_it_is_an_error() {
        let art = r#"{"streams":[{"codec_type":"audio"},
            {"codec_type":"video","disposition":{"attached_pic":1}}]}"#;
        assert_eq!(chosen(Demuxer::Mp3, art).unwrap_err().code(), ErrorCode::MediaNoVideo);
        assert_eq!(chosen(Demuxer::Mov, "{}").unwrap_err().code(), ErrorCode::MediaCorrupt);
        let sizeless = r#"{"streams":[{"codec_type":"video","codec_name":"h264"}]}"#;
        assert_eq!(chosen(Demuxer::Mov, sizeless).unwrap_err().code(), ErrorCode::MediaCorrupt);
        let huge = r#"{"streams":[{"codec_type":"video","codec_name":"h264",
            "width":16000,"height":9000}]}"#;
        assert_eq!(chosen(Demuxer::Mov, huge).unwrap_err().code(), ErrorCode::MediaLimits);
    }

    #[test]
    fn rotation_turns_the_displayed_size() {
        let json = r#"{"streams":[{"codec_type":"video","codec_name":"h264","width":720,"height":576,
            "sample_aspect_ratio":"64:45","side_data_list":[{"x":1},{"rotation":-90}]}]}"#;
        let video = chosen(Demuxer::Mov, json).unwrap().video;
        assert_eq!((video.width, video.height, video.rotation), (576, 1024, 90));
    }

    #[test]
    fn an_unused_stream_that_starts_the_clock_is_named() {
        let json = r#"{"streams":[
            {"index":0,"codec_type":"video","codec_name":"h264","width":32,"height":18,"start_time":"2.0"},
            {"index":1,"codec_type":"subtitle","codec_name":"dvb_teletext","start_time":"1.4"}],
            "format":{"start_time":"1.4"}}"#;
        let probe = chosen(Demuxer::MpegTs, json).unwrap();
        assert_eq!(probe.anchor, Some(1));
        assert!((probe.video.start_time - 0.6).abs() < 1e-9);
        assert_eq!(chosen(Demuxer::Mov, json).unwrap().anchor, None);
    }

    #[test]
    fn a_duration_tag_is_the_time_stamp_of_the_end() {
        let lasts = |fields: &str| {
            let json = format!(
                r#"{{"streams":[{{"codec_type":"video","codec_name":"h264","width":32,"height":18,
                "tags":{{"DURATION":"00:00:13.000000000"}},{fields}}}]}}"#
            );
            chosen(Demuxer::Matroska, &json).unwrap().video.duration
        };
        assert_eq!(lasts(r#""start_time":"3.000""#), Some(10.0));
        assert_eq!(lasts(r#""start_time":"N/A""#), Some(13.0));
        assert_eq!(lasts(r#""start_time":"13.5""#), None);
        assert_eq!(lasts(r#""start_time":"3.000","duration":"12.5""#), Some(12.5));
    }
}
