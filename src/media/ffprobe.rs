//! Asking ffprobe about a file, and the shape of what it prints.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::input::{ffprobe_args, input_args};
use super::process::MediaCommand;
use super::sniff::Demuxer;
use super::tools::{MediaLimits, MediaTools};
use crate::cancel::CancelToken;
use crate::error::{ErrorCode, Result};
use crate::kernels::text::to_iso639_3;

/// How ffprobe is run, and the bounds on what it prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FfprobeRun<'a> {
    pub(crate) tools: &'a MediaTools,
    pub(crate) limits: &'a MediaLimits,
    pub(crate) cancel: &'a CancelToken,
    /// Largest output in bytes.
    pub(crate) max_bytes: usize,
    /// Code of a failure that is not recognised.
    pub(crate) otherwise: ErrorCode,
}

impl FfprobeRun<'_> {
    /// Returns the JSON that ffprobe prints about the file, run with `options`.
    ///
    /// It parses as [`ProbeOutput`].
    ///
    /// # Errors
    /// Those of [`MediaCommand::capture`] and of a failed process.
    pub(crate) fn json(
        &self,
        (demuxer, path): (Demuxer, &Path),
        options: &[&str],
    ) -> Result<Vec<u8>> {
        let mut command = MediaCommand::ffprobe(self.tools, self.limits);
        command.args(ffprobe_args()).args(["-of", "json=compact=1"]).args(options);
        command.args(input_args(demuxer, path, self.limits, &[]));
        let (json, finished) = command.capture(self.cancel, self.max_bytes)?;
        finished.check(self.otherwise)?;
        Ok(json)
    }
}

/// The sections of ffprobe's JSON that are used; those not asked for are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProbeOutput {
    pub(crate) program_version: ProgramVersion,
    pub(crate) packets: Vec<ProbePacket>,
    pub(crate) frames: Vec<ProbeFrame>,
    pub(crate) streams: Vec<ProbeStream>,
    pub(crate) chapters: Vec<ProbeChapter>,
    pub(crate) format: ProbeFormat,
}

/// The version of ffmpeg.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ProgramVersion {
    pub(crate) version: String,
}

/// What the container states about itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProbeFormat {
    pub(crate) start_time: Option<String>,
    pub(crate) duration: Option<String>,
}

/// One chapter.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ProbeChapter {
    /// When it begins, in seconds on the container's own clock.
    pub(crate) start_time: Option<String>,
    /// When it ends.
    pub(crate) end_time: Option<String>,
    /// Its metadata, the title among them.
    pub(crate) tags: BTreeMap<String, String>,
}

/// One decoded frame.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProbeFrame {
    pub(crate) side_data_list: Vec<BTreeMap<String, serde_json::Value>>,
}

/// One packet, in the order of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProbePacket {
    pub(crate) stream_index: usize,
    /// In units of the stream's time base.
    pub(crate) pts: Option<i64>,
    pub(crate) size: Option<String>,
    /// Byte offset in the file.
    pub(crate) pos: Option<String>,
    /// `K` for a keyframe, `D` for a packet that an edit list discards.
    pub(crate) flags: String,
}

/// One stream of the container.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProbeStream {
    pub(crate) index: usize,
    pub(crate) codec_name: Option<String>,
    pub(crate) codec_type: Option<String>,
    pub(crate) width: i64,
    pub(crate) height: i64,
    pub(crate) sample_aspect_ratio: Option<String>,
    pub(crate) pix_fmt: Option<String>,
    pub(crate) color_transfer: Option<String>,
    pub(crate) color_primaries: Option<String>,
    pub(crate) color_space: Option<String>,
    pub(crate) r_frame_rate: Option<String>,
    pub(crate) avg_frame_rate: Option<String>,
    pub(crate) time_base: Option<String>,
    pub(crate) start_time: Option<String>,
    pub(crate) duration: Option<String>,
    pub(crate) sample_rate: Option<String>,
    pub(crate) channels: u32,
    pub(crate) channel_layout: Option<String>,
    /// Hexadecimal dump of the codec's configuration.
    pub(crate) extradata: String,
    pub(crate) disposition: Disposition,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) side_data_list: Vec<SideData>,
}

/// Flags of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Disposition {
    pub(crate) default: u8,
    pub(crate) attached_pic: u8,
    pub(crate) timed_thumbnails: u8,
    pub(crate) still_image: u8,
    pub(crate) comment: u8,
    pub(crate) visual_impaired: u8,
}

/// Side data of a stream: how its picture is turned.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SideData {
    pub(crate) displaymatrix: Option<String>,
    pub(crate) rotation: Option<f64>,
}

impl ProbeStream {
    /// Whether its type is `kind`: `video`, `audio` or `subtitle`.
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.codec_type.as_deref() == Some(kind)
    }

    /// Whether ffmpeg knows its codec.
    pub(crate) fn is_known(&self) -> bool {
        self.codec_name.as_deref().is_some_and(|name| name != "none" && name != "unknown")
    }

    /// Whether it is a single picture, such as cover art, and not a moving one.
    pub(crate) fn is_picture(&self) -> bool {
        let Disposition { attached_pic, timed_thumbnails, still_image, .. } = self.disposition;
        attached_pic + timed_thumbnails + still_image > 0
    }

    /// Sample rate in Hz; 0 when unknown.
    pub(crate) fn rate(&self) -> u32 {
        self.sample_rate.as_deref().and_then(|rate| rate.parse().ok()).unwrap_or(0)
    }

    /// ISO 639-3 code of its language tag.
    pub(crate) fn language(&self) -> Option<String> {
        let tag = self.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case("language"))?;
        to_iso639_3(tag.1).filter(|code| code != "und")
    }

    /// Codec name; empty when unknown.
    pub(crate) fn codec(&self) -> String {
        self.codec_name.clone().unwrap_or_default()
    }

    /// Start in seconds after the container's start, which is at `container` on its own clock.
    pub(crate) fn starts(&self, container: f64) -> f64 {
        number(self.start_time.as_deref()).map_or(0.0, |start| start - container)
    }

    /// Duration in seconds, from the stream or from the `DURATION` tag of Matroska writers.
    ///
    /// ffmpeg's tag is not a length but the time stamp of the end, so the stream's start is
    /// subtracted. mkvmerge's tag is a length, which then comes out short by a late start; that only
    /// makes the comparison with what decodes more lenient.
    pub(crate) fn lasts(&self) -> Option<f64> {
        let from_tag = || {
            let end = clock(self.tags.get("DURATION")?)?;
            Some(end - number(self.start_time.as_deref()).unwrap_or(0.0)).filter(|d| *d > 0.0)
        };
        number(self.duration.as_deref()).or_else(from_tag)
    }

    /// Seconds of one tick, as numerator and denominator.
    pub(crate) fn tick(&self) -> Option<(u32, u32)> {
        let (num, den) = self.time_base.as_deref()?.split_once('/')?;
        Some((num.parse().ok()?, den.parse().ok()?))
    }
}

impl SideData {
    /// Clockwise quarter turns in degrees, and whether the matrix mirrors.
    pub(crate) fn turn(&self) -> Option<(i64, bool)> {
        let counter_clockwise = self.rotation?;
        let degrees = (-counter_clockwise).rem_euclid(360.0);
        let nearest = (degrees / 90.0).round() * 90.0;
        let rotation = if (degrees - nearest).abs() <= 1.0 { nearest as i64 % 360 } else { 0 };
        Some((rotation, self.mirrors()))
    }

    /// Whether the determinant of the 2×2 part of the display matrix is negative.
    fn mirrors(&self) -> bool {
        let rows = self.displaymatrix.as_deref().unwrap_or_default().lines();
        let cells: Vec<f64> = rows
            .filter_map(|row| row.split_once(':'))
            .flat_map(|(_, cells)| cells.split_whitespace().take(2).map(str::parse::<f64>))
            .filter_map(std::result::Result::ok)
            .collect();
        matches!(cells.as_slice(), [a, b, c, d, ..] if a * d - b * c < 0.0)
    }
}

/// A finite decimal number.
pub(crate) fn number(text: Option<&str>) -> Option<f64> {
    text?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// The value of `30000/1001` or `4:3`; `None` unless positive and finite.
pub(crate) fn ratio(text: Option<&str>, separator: char) -> Option<f64> {
    let (over, under) = text?.split_once(separator)?;
    let value = over.parse::<f64>().ok()? / under.parse::<f64>().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

/// Seconds of `00:01:02.500000000`.
pub(crate) fn clock(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.trim().parse::<f64>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side_data(rotation: i32, matrix: [i64; 4]) -> SideData {
        let [a, b, c, d] = matrix;
        let text =
            format!("\n00000000: {a} {b} 0\n00000001: {c} {d} 0\n00000002: 0 0 1073741824\n");
        SideData { displaymatrix: Some(text), rotation: Some(f64::from(rotation)) }
    }

    #[test]
    fn rotation_is_clockwise() {
        // As ffmpeg 5.1 prints them: the matrix and its counter-clockwise angle.
        assert_eq!(side_data(-90, [0, 65536, -65536, 0]).turn(), Some((90, false)));
        assert_eq!(side_data(90, [0, -65536, 65536, 0]).turn(), Some((270, false)));
        assert_eq!(side_data(180, [-65536, 0, 0, -65536]).turn(), Some((180, false)));
        assert_eq!(side_data(180, [-65536, 0, 0, 65536]).turn(), Some((180, true)));
        assert_eq!(side_data(30, [1, 0, 0, 1]).turn(), Some((0, false)));
    }

    #[test]
    fn odd_numbers_are_unknown() {
        assert_eq!(ratio(Some("30000/1001"), '/'), Some(30000.0 / 1001.0));
        for text in ["0/0", "1/0", "0/1", "x", "-1/2", "/"] {
            assert_eq!(ratio(Some(text), '/'), None, "{text}");
        }
        assert_eq!(clock("00:01:02.5"), Some(62.5));
        assert_eq!(clock("N/A"), None);
    }
}
