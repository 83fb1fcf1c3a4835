//! Formats, codecs and quality levels of written files.
//!
//! | format | file | picture | sound | clock |
//! |---|---|---|---|---|
//! | mp4 | `.mp4` | h264, hevc, av1 | AAC | the source's ticks |
//! | webm | `.webm` | vp9, av1 | Opus | milliseconds |
//! | gif | `.gif` | at most 480 wide or high, 20 frames a second | none | 1/100 s |
//! | webp | `.webp` | as gif | none | milliseconds |
//! | mp3 | `.mp3` | none | MP3 | frames of 24 ms |
//! | aac | `.m4a` | none | AAC | samples |
//! | opus | `.opus` | none | Opus | frames of 20 ms |
//!
//! | quality | h264 `-crf` | hevc `-crf` | av1 `-crf` | vp9 `-crf` | webp `-quality` | animation | sound, kbit/s |
//! |---|---|---|---|---|---|---|---|
//! | low | 28 | 32 | 45 | 40 | 50 | 320, 10 a second | 96 |
//! | medium | 24 | 28 | 38 | 36 | 65 | 400, 12.5 a second | 128 |
//! | high | 20 | 24 | 30 | 31 | 80 | 480, 20 a second | 160 |
//! | best | 16 | 20 | 24 | 24 | 90 | 640, 25 a second | 256 |
//! | lossless | `-qp 0` | lossless | rejected | lossless | lossless | as best, webp only | 256 |
//!
//! H.264 and sound follow the settings `crf` and `audio_bitrate`, which are the values of `high`. Lossless
//! applies to the picture only, and few players support lossless H.264.

pub(crate) mod arguments;
mod choices;
pub(crate) mod hardware;

use serde::{Deserialize, Serialize};

use crate::error::Result;

use choices::refused;

pub use crate::config::DynamicRange;
pub(crate) use choices::FormatKind;
pub use choices::{Format, Hardware, Quality, VideoCodec};

/// How files are encoded; by default H.264 and AAC in MP4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Encoding {
    /// The kind of file. Default: `mp4`.
    pub format: Format,
    /// Picture codec. Default: that of the format, `h264` in MP4 and `vp9` in WebM.
    pub codec: Option<VideoCodec>,
    /// Quality against file size. Default: `high`.
    pub quality: Quality,
    /// The hardware that encodes the picture. Default: `off`, software.
    pub hardware: Hardware,
    /// What becomes of high dynamic range. Default: `sdr`.
    #[serde(skip_serializing_if = "DynamicRange::is_sdr")]
    pub hdr: DynamicRange,
}

impl Encoding {
    /// The picture codec of a video format; `None` for animations and sound.
    pub fn video_codec(&self) -> Option<VideoCodec> {
        self.codec.or_else(|| self.format.codecs().first().copied())
    }

    /// The encoding of a source whose high dynamic range is kept: HEVC, unless another codec is named.
    pub(crate) fn of_hdr(self) -> Self {
        Self { codec: self.codec.or(Some(VideoCodec::Hevc)), ..self }
    }

    /// Whether its files have a picture, moving or animated.
    pub(crate) fn has_picture(&self) -> bool {
        self.format.has_picture()
    }

    /// Whether it is the default encoding.
    ///
    /// The default is left out of ids and serialised settings, so that files rendered before there was a
    /// choice keep their ids.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Checks that format, codec, quality and hardware can be combined.
    ///
    /// # Errors
    /// `config.invalid`, with what to choose instead.
    pub fn check(&self) -> Result<()> {
        let Self { format, quality, hardware, .. } = *self;
        let codecs = format.codecs();
        if let Some(codec) = self.codec.filter(|codec| !codecs.contains(codec)) {
            let names: Vec<_> = codecs.iter().map(|codec| codec.as_str()).collect();
            return Err(refused(match names.as_slice() {
                [] => format!("{format} has one encoding; leave out codec ({codec})"),
                names => {
                    format!("{format} cannot hold {codec}; set codec to {}", names.join(" or "))
                }
            })
            .about("codec"));
        }
        self.check_range()?;
        if quality == Quality::Lossless {
            let sound = format.kind() == FormatKind::Sound;
            if sound || format == Format::Gif || self.video_codec() == Some(VideoCodec::Av1) {
                let what = self.video_codec().map_or(format.as_str(), VideoCodec::as_str);
                let message = format!("{what} is not lossless here; set quality to best");
                return Err(refused(message).about("quality"));
            }
        }
        if hardware == Hardware::Off {
            return Ok(());
        }
        let possible = self.video_codec().is_some_and(|codec| hardware.encodes(codec));
        if !possible && hardware != Hardware::Auto {
            let what = self.video_codec().map_or(format.as_str(), VideoCodec::as_str);
            let message = format!("{hardware} cannot encode {what}; set hardware to off");
            return Err(refused(message).about("hardware"));
        }
        if quality == Quality::Lossless {
            let message = "lossless video is encoded in software; set hardware to off";
            return Err(refused(message).about("hardware"));
        }
        Ok(())
    }

    /// Checks that high dynamic range can be kept, if that is asked for.
    fn check_range(&self) -> Result<()> {
        if self.hdr == DynamicRange::Sdr {
            return Ok(());
        }
        if self.format != Format::Mp4 {
            let message =
                format!("{} does not keep HDR; set format to mp4, or hdr to sdr", self.format);
            return Err(refused(message).about("hdr"));
        }
        if let Some(codec @ (VideoCodec::H264 | VideoCodec::Vp9)) = self.codec {
            let message =
                format!("{codec} does not keep HDR; set codec to hevc or av1, or hdr to sdr");
            return Err(refused(message).about("hdr"));
        }
        if self.hardware != Hardware::Off {
            let message = "HDR is encoded in software; set hardware to off, or hdr to sdr";
            return Err(refused(message).about("hdr"));
        }
        Ok(())
    }

    /// Memory of the encoder with one thread, in encoded pictures; `None` for H.264.
    ///
    /// For H.264 it depends on the preset. Measured as growth of the resident memory for each output, for
    /// plain clips at 720p: HEVC 160 MB (`veryfast`), AV1 178, VP9 142; for edits at 1080 × 1920: HEVC 353,
    /// AV1 358, VP9 288. An animation is smaller than the clip: GIF 39, WebP 4.
    pub(crate) fn pictures(&self) -> Option<u64> {
        match self.format.kind() {
            FormatKind::Sound => Some(0),
            FormatKind::Animation if self.format == Format::Gif => Some(200),
            FormatKind::Animation => Some(40),
            FormatKind::Video => match self.video_codec() {
                None | Some(VideoCodec::H264) => None,
                Some(VideoCodec::Hevc) => Some(120),
                Some(VideoCodec::Av1) => Some(135),
                Some(VideoCodec::Vp9) => Some(105),
            },
        }
    }

    /// Largest longer side in pixels, and frames per second, of an animation.
    ///
    /// GIF counts time in hundredths of a second, so the rate divides 100.
    pub(crate) const fn animation(&self) -> (i64, f64) {
        match self.quality {
            Quality::Low => (320, 10.0),
            Quality::Medium => (400, 12.5),
            Quality::High => (480, 20.0),
            Quality::Best | Quality::Lossless => (640, 25.0),
        }
    }

    /// Size of an animation of a picture of this size: same aspect ratio, not larger, even.
    pub(crate) fn animated(&self, (width, height): (i64, i64)) -> (i64, i64) {
        let most = self.animation().0;
        let scale = (most as f64 / width.max(height).max(1) as f64).min(1.0);
        let side = |side: i64| ((side as f64 * scale).round() as i64 & !1).max(2);
        (side(width), side(height))
    }

    /// Size of the encoded pictures of a clip of this size.
    pub(crate) fn encoded(&self, size: (i64, i64)) -> (i64, i64) {
        if self.format.kind() == FormatKind::Animation { self.animated(size) } else { size }
    }

    /// Number of frames of an animation that plays for `seconds`.
    pub(crate) fn animated_frames(&self, seconds: f64) -> i64 {
        ((seconds * self.animation().1).round() as i64).max(1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn unsupported_combinations_are_rejected_with_an_alternative() {
        let refused = |encoding: Encoding| encoding.check().unwrap_err().message().to_owned();
        let base = Encoding::default();
        let vp9 = Encoding { codec: Some(VideoCodec::Vp9), ..base };
        assert_eq!(refused(vp9), "mp4 cannot hold vp9; set codec to h264 or hevc or av1");
        let gif = Encoding { format: Format::Gif, codec: Some(VideoCodec::H264), ..base };
        assert_eq!(refused(gif), "gif has one encoding; leave out codec (h264)");
        for format in [Format::Gif, Format::Mp3, Format::Aac, Format::Opus] {
            let lossless = Encoding { format, quality: Quality::Lossless, ..base };
            assert!(refused(lossless).contains("set quality to best"), "{format}");
        }
        let webm = Encoding { format: Format::Webm, hardware: Hardware::Nvenc, ..base };
        assert_eq!(refused(webm), "nvenc cannot encode vp9; set hardware to off");
        let keep = Encoding { hdr: DynamicRange::Keep, ..base };
        assert!(keep.check().is_ok());
        let gif = Encoding { format: Format::Gif, ..keep };
        assert_eq!(refused(gif), "gif does not keep HDR; set format to mp4, or hdr to sdr");
        let h264 = Encoding { codec: Some(VideoCodec::H264), ..keep };
        assert!(refused(h264).contains("set codec to hevc or av1"));
    }

    #[test]
    fn all_other_combinations_are_supported() {
        let mut fine = 0;
        for format in Format::ALL {
            for quality in Quality::ALL {
                let encoding =
                    Encoding { format: *format, quality: *quality, ..Encoding::default() };
                fine += usize::from(encoding.check().is_ok());
            }
        }
        assert_eq!(fine, 7 * 5 - 4);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        assert_eq!("WebM".parse::<Format>().unwrap(), Format::Webm);
        let error = "avi".parse::<Format>().unwrap_err();
        let message = "unknown format avi; choose one of mp4, webm, gif, webp, mp3, aac, opus";
        assert_eq!((error.code(), error.message()), (ErrorCode::ConfigInvalid, message));
    }

    #[test]
    fn animations_keep_their_shape() {
        let high = Encoding { format: Format::Gif, ..Encoding::default() };
        assert_eq!(high.animated((1920, 1080)), (480, 270));
        assert_eq!(high.animated((1080, 1920)), (270, 480));
        assert_eq!(high.animated((320, 180)), (320, 180));
        assert_eq!((high.animated_frames(3.0), high.animated_frames(0.01)), (60, 1));
    }
}
