//! ffprobe's answer, and how its fields are read.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{AudioStream, SubtitleStream, VideoStream};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::to_iso639_3;
use crate::media::input::MAX_PIXELS;

/// Subtitle codecs that are text; the others are pictures of text.
const TEXT_SUBTITLES: [&str; 6] = ["mov_text", "subrip", "ass", "ssa", "webvtt", "text"];

#[derive(Debug, Default, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) program_version: ProgramVersion,
    #[serde(default)]
    pub(super) streams: Vec<Stream>,
    #[serde(default)]
    pub(super) format: Format,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ProgramVersion {
    pub(super) version: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Format {
    pub(super) start_time: Option<String>,
    pub(super) duration: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stream {
    pub(super) index: usize,
    pub(super) codec_name: Option<String>,
    pub(super) codec_type: Option<String>,
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) sample_aspect_ratio: Option<String>,
    pub(super) pix_fmt: Option<String>,
    pub(super) r_frame_rate: Option<String>,
    pub(super) avg_frame_rate: Option<String>,
    pub(super) time_base: Option<String>,
    pub(super) start_time: Option<String>,
    pub(super) duration: Option<String>,
    pub(super) sample_rate: Option<String>,
    pub(super) channels: u32,
    pub(super) channel_layout: Option<String>,
    pub(super) disposition: Disposition,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) side_data_list: Vec<SideData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Disposition {
    pub(super) default: u8,
    pub(super) attached_pic: u8,
    pub(super) timed_thumbnails: u8,
    pub(super) still_image: u8,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SideData {
    pub(super) displaymatrix: Option<String>,
    pub(super) rotation: Option<f64>,
}

impl Stream {
    pub(super) fn is(&self, kind: &str) -> bool {
        self.codec_type.as_deref() == Some(kind)
    }

    pub(super) fn is_known(&self) -> bool {
        self.codec_name.as_deref().is_some_and(|name| name != "none" && name != "unknown")
    }

    /// Cover art and the like: one picture, not a moving one.
    pub(super) fn is_picture(&self) -> bool {
        let Disposition { attached_pic, timed_thumbnails, still_image, .. } = self.disposition;
        attached_pic + timed_thumbnails + still_image > 0
    }

    pub(super) fn rate(&self) -> u32 {
        self.sample_rate.as_deref().and_then(|rate| rate.parse().ok()).unwrap_or(0)
    }

    pub(super) fn language(&self) -> Option<String> {
        let tag = self.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case("language"))?;
        to_iso639_3(tag.1).filter(|code| code != "und")
    }

    pub(super) fn starts(&self, container: f64) -> f64 {
        number(self.start_time.as_deref()).map_or(0.0, |start| start - container)
    }

    /// Of the stream, else from its tag as Matroska writers set it. ffmpeg's tag is not a length
    /// but the time stamp of the end, so that the stream's start comes off it. mkvmerge's is a
    /// length, which then comes out short by a late start: too little only makes the comparison
    /// with what decodes more lenient.
    pub(super) fn lasts(&self) -> Option<f64> {
        let from_tag = || {
            let end = clock(self.tags.get("DURATION")?)?;
            Some(end - number(self.start_time.as_deref()).unwrap_or(0.0)).filter(|d| *d > 0.0)
        };
        number(self.duration.as_deref()).or_else(from_tag)
    }

    pub(super) fn codec(&self) -> String {
        self.codec_name.clone().unwrap_or_default()
    }

    pub(super) fn video(&self, container: f64) -> Result<VideoStream> {
        if !self.is_known() {
            return Err(Error::new(
                ErrorCode::SourceUnsupported,
                "the source's video codec is not known; convert it to H.264",
            ));
        }
        if self.width <= 0 || self.height <= 0 {
            return Err(Error::new(
                ErrorCode::MediaCorrupt,
                "the source's picture size cannot be found: it holds no picture that decodes",
            ));
        }
        let pixels = self.width.unsigned_abs().saturating_mul(self.height.unsigned_abs());
        if pixels > MAX_PIXELS {
            let message = format!(
                "the source's picture ({}×{}) is larger than 8K; make it smaller first",
                self.width, self.height
            );
            return Err(Error::new(ErrorCode::MediaLimits, message));
        }
        let sample_aspect = ratio(self.sample_aspect_ratio.as_deref(), ':').unwrap_or(1.0);
        let turned = self.side_data_list.iter().find_map(SideData::turn);
        let (rotation, mirrored) = turned.unwrap_or((0, false));
        let shown = ((self.width as f64 * sample_aspect).round() as i64, self.height);
        let (width, height) = if rotation % 180 == 90 { (shown.1, shown.0) } else { shown };
        Ok(VideoStream {
            index: self.index,
            codec: self.codec(),
            width,
            height,
            stored_width: self.width,
            stored_height: self.height,
            sample_aspect,
            rotation,
            mirrored,
            average_fps: ratio(self.avg_frame_rate.as_deref(), '/'),
            nominal_fps: ratio(self.r_frame_rate.as_deref(), '/'),
            time_base: ratio(self.time_base.as_deref(), '/').unwrap_or(1e-6),
            pixel_format: self.pix_fmt.clone().unwrap_or_default(),
            start_time: self.starts(container),
            duration: self.lasts(),
        })
    }

    pub(super) fn audio(&self, container: f64) -> AudioStream {
        AudioStream {
            index: self.index,
            codec: self.codec(),
            sample_rate: self.rate(),
            channels: self.channels,
            layout: self.channel_layout.clone().filter(|name| name != "unknown"),
            language: self.language(),
            start_time: self.starts(container),
        }
    }

    pub(super) fn subtitle(&self) -> SubtitleStream {
        let codec = self.codec();
        let text = TEXT_SUBTITLES.contains(&codec.as_str());
        SubtitleStream { index: self.index, language: self.language(), codec, text }
    }
}

impl SideData {
    /// Clockwise quarter turns in degrees, and whether the matrix mirrors.
    pub(super) fn turn(&self) -> Option<(i64, bool)> {
        let counter_clockwise = self.rotation?;
        let degrees = (-counter_clockwise).rem_euclid(360.0);
        let nearest = (degrees / 90.0).round() * 90.0;
        let rotation = if (degrees - nearest).abs() <= 1.0 { nearest as i64 % 360 } else { 0 };
        Some((rotation, self.mirrors()))
    }

    /// Whether the determinant of the 2×2 part of the display matrix is negative.
    pub(super) fn mirrors(&self) -> bool {
        let rows = self.displaymatrix.as_deref().unwrap_or_default().lines();
        let cells: Vec<f64> = rows
            .filter_map(|row| row.split_once(':'))
            .flat_map(|(_, cells)| cells.split_whitespace().take(2).map(str::parse::<f64>))
            .filter_map(std::result::Result::ok)
            .collect();
        matches!(cells.as_slice(), [a, b, c, d, ..] if a * d - b * c < 0.0)
    }
}

pub(super) fn number(text: Option<&str>) -> Option<f64> {
    text?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// `30000/1001` or `4:3`; `None` unless positive and finite.
pub(super) fn ratio(text: Option<&str>, separator: char) -> Option<f64> {
    let (over, under) = text?.split_once(separator)?;
    let value = over.parse::<f64>().ok()? / under.parse::<f64>().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

/// `00:01:02.500000000` in seconds.
pub(super) fn clock(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.trim().parse::<f64>().ok()?))
}
