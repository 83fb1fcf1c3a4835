//! The streams of a source, from what ffprobe prints about them.

use super::{AudioStream, Hdr, KeptRange, SubtitleStream, VideoStream};
use crate::error::{Error, ErrorCode, Result};
use crate::media::ffprobe::{ProbeStream, SideData, ratio};
use crate::media::input::MAX_PIXELS;

/// Subtitle codecs that are text; the others are pictures of text.
const TEXT_SUBTITLES: [&str; 6] = ["mov_text", "subrip", "ass", "ssa", "webvtt", "text"];

/// The stream as the chosen video.
///
/// # Errors
/// [`ErrorCode::SourceUnsupported`] for an unknown codec, [`ErrorCode::MediaCorrupt`] without a
/// picture size, [`ErrorCode::MediaLimits`] for pictures larger than 8K.
pub(super) fn video(stream: &ProbeStream, container: f64) -> Result<VideoStream> {
    if !stream.is_known() {
        return Err(Error::new(
            ErrorCode::SourceUnsupported,
            "the source's video codec is not known; convert it to H.264",
        ));
    }
    if stream.width <= 0 || stream.height <= 0 {
        return Err(Error::new(
            ErrorCode::MediaCorrupt,
            "the source's picture size cannot be found: it holds no picture that decodes",
        ));
    }
    let pixels = stream.width.unsigned_abs().saturating_mul(stream.height.unsigned_abs());
    if pixels > MAX_PIXELS {
        let message = format!(
            "the source's picture ({}×{}) is larger than 8K; make it smaller first",
            stream.width, stream.height
        );
        return Err(Error::new(ErrorCode::MediaLimits, message));
    }
    let sample_aspect = ratio(stream.sample_aspect_ratio.as_deref(), ':').unwrap_or(1.0);
    let turned = stream.side_data_list.iter().find_map(SideData::turn);
    let (rotation, mirrored) = turned.unwrap_or((0, false));
    let shown = ((stream.width as f64 * sample_aspect).round() as i64, stream.height);
    let (width, height) = if rotation % 180 == 90 { (shown.1, shown.0) } else { shown };
    Ok(VideoStream {
        index: stream.index,
        codec: stream.codec(),
        width,
        height,
        stored_width: stream.width,
        stored_height: stream.height,
        sample_aspect,
        rotation,
        mirrored,
        average_fps: ratio(stream.avg_frame_rate.as_deref(), '/'),
        nominal_fps: ratio(stream.r_frame_rate.as_deref(), '/'),
        time_base: ratio(stream.time_base.as_deref(), '/').unwrap_or(1e-6),
        pixel_format: stream.pix_fmt.clone().unwrap_or_default(),
        hdr: stream.color_transfer.as_deref().and_then(Hdr::of_transfer),
        range: KeptRange::of(stream),
        start_time: stream.starts(container),
        duration: stream.lasts(),
    })
}

/// The stream as the chosen audio.
pub(super) fn audio(stream: &ProbeStream, container: f64) -> AudioStream {
    AudioStream {
        index: stream.index,
        mixed: vec![],
        codec: stream.codec(),
        sample_rate: stream.rate(),
        channels: stream.channels,
        layout: stream.channel_layout.clone().filter(|name| name != "unknown"),
        language: stream.language(),
        start_time: stream.starts(container),
        fault: None,
    }
}

/// The streams of these numbers together: stereo, at the highest of their rates.
pub(super) fn mixed(streams: &[ProbeStream], heard: &[usize], container: f64) -> AudioStream {
    let each: Vec<AudioStream> = streams
        .iter()
        .filter(|stream| heard.contains(&stream.index))
        .map(|stream| audio(stream, container))
        .collect();
    let rate = each.iter().map(|stream| stream.sample_rate).max().unwrap_or(48_000);
    let start = each.iter().map(|stream| stream.start_time).fold(f64::INFINITY, f64::min);
    let first = each.into_iter().next();
    AudioStream {
        index: heard.first().copied().unwrap_or_default(),
        mixed: heard.to_vec(),
        codec: first.map(|stream| stream.codec).unwrap_or_default(),
        sample_rate: rate,
        channels: 2,
        layout: Some("stereo".to_owned()),
        language: None,
        start_time: if start.is_finite() { start } else { 0.0 },
        fault: None,
    }
}

/// The stream as one of the subtitle streams.
pub(super) fn subtitle(stream: &ProbeStream) -> SubtitleStream {
    let codec = stream.codec();
    let text = TEXT_SUBTITLES.contains(&codec.as_str());
    SubtitleStream { index: stream.index, language: stream.language(), codec, text }
}
