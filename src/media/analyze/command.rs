//! The ffmpeg command of an analysis.

use std::io::PipeReader;
use std::path::Path;

use crate::error::Result;
use crate::kernels::visual::{DECODER_OPTIONS, HEIGHT, SCALE_FILTER, WIDTH};
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::mixed;
use crate::media::probe::{AudioStream, Probe, SubtitleStream, VideoStream};
use crate::media::process::MediaCommand;
use crate::media::shape::{padded, scaled, turned};
use crate::media::tools::{MediaLimits, MediaTools};

/// The process of an analysis, ready to start, with the reading ends of its pipes.
pub(super) struct AnalysisProcess<'a> {
    pub command: MediaCommand,
    /// Raw analysis pictures.
    pub pictures: PipeReader,
    /// `framecrc` lines: the time stamps of the pictures.
    pub stamps: PipeReader,
    /// Interleaved 32-bit float samples.
    pub audio: Option<PipeReader>,
    /// SubRip text of each text track.
    pub subtitles: Vec<(&'a SubtitleStream, PipeReader)>,
}

impl<'a> AnalysisProcess<'a> {
    pub fn new(
        tools: &MediaTools,
        path: &Path,
        probe: &'a Probe,
        limits: &MediaLimits,
    ) -> Result<Self> {
        let mut command = MediaCommand::ffmpeg(tools, limits);
        let (upright, filter) = picture_filter(&probe.video);
        let options: Vec<&str> = DECODER_OPTIONS.iter().chain(upright).copied().collect();
        command.args(ffmpeg_args()).args(["-filter_complex_threads", "1", "-filter_threads", "1"]);
        command.args(input_args(probe.demuxer, path, limits, &options));
        let graph = format!("[0:{}]{filter},split[pictures][stamps]", probe.video.index);
        command.args(["-filter_complex", &graph]);
        let (name, pictures) = command.output_pipe()?;
        command.args(["-map", "[pictures]", "-fps_mode", "passthrough"]);
        command.args(["-c:v", "rawvideo", "-f", "rawvideo", &name]);
        let (name, stamps) = command.output_pipe()?;
        command.args(["-map", "[stamps]", "-fps_mode", "passthrough", "-enc_time_base", "-1"]);
        // The checksum covers the frame's header only. Flushed line by line, because the reader waits for
        // the line of a picture before it reads the next one.
        command.args(["-c:v", "wrapped_avframe", "-flush_packets", "1", "-f", "framecrc", &name]);
        let audio = match &probe.audio {
            Some(stream) => Some(add_audio(&mut command, stream)?),
            None => None,
        };
        let mut subtitles = Vec::new();
        for stream in probe.subtitles.iter().filter(|stream| stream.text) {
            let (name, pipe) = command.output_pipe()?;
            let map = format!("0:{}", stream.index);
            // WebVTT is copied, because decoding would lose the times of words.
            let (codec, format) = match stream.codec.as_str() {
                "webvtt" => ("copy", "webvtt"),
                // With its karaoke, comments and drawings, which SubRip would have as text.
                "ass" | "ssa" => ("copy", "ass"),
                _ => ("subrip", "srt"),
            };
            command.args(["-map", &map, "-c:s", codec, "-f", format, &name]);
            subtitles.push((stream, pipe));
        }
        if let Some(index) = probe.anchor {
            let map = format!("0:{index}");
            command.args(["-map", &map, "-c", "copy", "-f", "null", "-"]);
        }
        Ok(Self { command, pictures, stamps, audio, subtitles })
    }
}

/// The filter that makes upright analysis pictures, and the input options it needs.
///
/// ffmpeg rotates a picture at full size before all filters; rotating the small one costs nothing. A picture that
/// changes its size in mid-stream reaches the scaler, which shows it in its shape. Mirrored pictures are rare and
/// left to ffmpeg.
fn picture_filter(video: &VideoStream) -> (&'static [&'static str], String) {
    if video.mirrored {
        return (&[], SCALE_FILTER.to_owned());
    }
    let (wide, high) = (WIDTH as u32, HEIGHT as u32);
    let size = if video.rotation % 180 == 90 { (high, wide) } else { (wide, high) };
    let scale = scaled(video.into(), size, "fast_bilinear");
    let turn = turned(video.rotation);
    let filter = format!("{scale},format=yuv420p,{}{turn}", padded(size));
    (&["-noautorotate", "-reinit_filter", "0"], filter)
}

fn add_audio(command: &mut MediaCommand, stream: &AudioStream) -> Result<PipeReader> {
    let (name, pipe) = command.output_pipe()?;
    // `async=1` fills gaps with silence and trims overlaps, `first_pts=0` does so for the start;
    // nothing is resampled. The format is pinned, because a stream may change it in mid-stream.
    let mut filter = String::from("aresample=async=1:min_hard_comp=0.02:first_pts=0,");
    filter += &format!("aformat=sample_fmts=flt:sample_rates={}", stream.sample_rate);
    if let Some(layout) = stream.layout.as_deref().filter(|name| is_plain(name)) {
        filter += &format!(":channel_layouts={layout}");
    }
    if stream.mixed.is_empty() {
        let map = format!("0:{}", stream.index);
        command.args(["-map", &map, "-af", &filter]);
    } else {
        let (mix, label) = mixed::of_stream(stream, "mix");
        command.args(["-filter_complex", &format!("{mix}[{label}]{filter}[sound]")]);
        command.args(["-map", "[sound]"]);
    }
    command.args(["-c:a", "pcm_f32le", "-f", "f32le", &name]);
    Ok(pipe)
}

/// Whether a layout name can be used in a filter without escaping.
fn is_plain(layout: &str) -> bool {
    layout.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '(' | ')'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_pictures_are_made_upright_after_scaling() {
        let mut video = VideoStream {
            index: 0,
            codec: String::new(),
            width: 1,
            height: 1,
            stored_width: 1,
            stored_height: 1,
            sample_aspect: 1.0,
            rotation: 0,
            mirrored: false,
            average_fps: None,
            nominal_fps: None,
            time_base: 1.0,
            pixel_format: String::new(),
            hdr: None,
            range: None,
            start_time: 0.0,
            duration: None,
        };
        let (_, filter) = picture_filter(&video);
        assert!(filter.contains(&format!("pad=w={WIDTH}:h={HEIGHT}:")), "{filter}");
        video.rotation = 90;
        let (options, filter) = picture_filter(&video);
        assert!(options.contains(&"-noautorotate"));
        let swapped = format!("pad=w={HEIGHT}:h={WIDTH}:");
        assert!(filter.contains(&swapped) && filter.ends_with(",transpose=clock"), "{filter}");
        video.mirrored = true;
        assert_eq!(picture_filter(&video), (&[][..], SCALE_FILTER.to_owned()));
    }
}
