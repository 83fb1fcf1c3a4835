//! How clips are encoded, and what that may cost.

use serde::{Deserialize, Serialize};

use super::ffmpeg::encoding::Encoding;
use crate::error::{Error, ErrorCode, Result};
use crate::media::sniff::Demuxer;
use crate::media::tools::MediaLimits;

/// x264 preset: CPU time against file size at the same quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// 0.8 × the CPU time of `Veryfast`, three times the size.
    Superfast,
    /// The default.
    #[default]
    Veryfast,
    /// 1.8 × the CPU time of `Veryfast`.
    Faster,
    /// 2.5 × the CPU time of `Veryfast`, two to three times its memory.
    Medium,
}

impl Preset {
    /// The name of the preset in x264.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Medium => "medium",
        }
    }

    /// Memory of one encoder with one thread, in pictures.
    ///
    /// Measured at 720p as growth of the resident memory for each output: `veryfast` 54 pictures,
    /// `medium` 123; the others from single outputs (148, 168, 200, 266 MB in all).
    pub(crate) const fn pictures(self) -> u64 {
        match self {
            Self::Superfast => 42,
            Self::Veryfast => 56,
            Self::Faster => 80,
            Self::Medium => 128,
        }
    }
}

/// How clips are encoded, and the resources that rendering may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderSettings {
    /// x264 preset. Default: `veryfast`.
    pub preset: Preset,
    /// x264 constant rate factor, 0 (lossless) to 51. Default: 20, hard to tell from the source.
    pub crf: u8,
    /// Largest picture in pixels; larger ones are scaled down at the same aspect ratio. Default:
    /// 9,437,184 (4096 × 2304), the limit of H.264 level 5.2, above which few players work.
    pub max_pixels: u32,
    /// AAC bit rate in bits per second. Default: 160,000.
    pub audio_bitrate: u32,
    /// Threads of each encoder. Default: 1.
    ///
    /// The number changes the file's bytes, so it does not follow the machine; with more than one
    /// the bytes may differ from run to run. The decoder, the filters and the encoders of other clips
    /// run in parallel in any case.
    pub encoder_threads: u32,
    /// Largest number of outputs of one ffmpeg process. Default: 8.
    pub max_outputs: usize,
    /// Resident memory in bytes that all concurrent ffmpeg processes should stay below together.
    /// Default: 640 MiB. A single output that needs more is rendered alone.
    pub memory_bytes: u64,
    /// Format, codec and quality of the files. Default: H.264 in MP4 with `preset` and `crf`.
    #[serde(default, skip_serializing_if = "Encoding::is_default")]
    pub encoding: Encoding,
    /// Whether a JPEG still is written beside each file that has a picture. Default: no.
    #[serde(default)]
    pub thumbnails: bool,
    /// Whether outputs that change only the span copy packets of an H.264 source. Default: no.
    ///
    /// Whole groups of pictures are copied; only the edges before and after them are encoded.
    #[serde(default)]
    pub smart_cut: bool,
    /// Hard limits of each media process.
    pub limits: MediaLimits,
}

impl RenderSettings {
    /// The demuxer for the files that get a still; `None` if no stills are written.
    ///
    /// That is the case if they are not requested, the format has no picture, or ffprobe cannot read it.
    pub(crate) fn stills(&self) -> Option<Demuxer> {
        let wanted = self.thumbnails && self.encoding.has_picture();
        self.encoding.format.demuxer().filter(|_| wanted)
    }

    /// Checks that the values are in the ranges that the encoders accept.
    ///
    /// # Errors
    /// `config.invalid` names the first value out of range.
    pub fn check(&self) -> Result<()> {
        self.encoding.check()?;
        let wrong = |what: &str, value: u32, from: u32, to: u32| {
            let message = format!("{what} is {value}; give a number from {from} to {to}");
            Err(Error::new(ErrorCode::ConfigInvalid, message))
        };
        match *self {
            Self { crf: 52.., .. } => wrong("crf", self.crf.into(), 0, 51),
            Self { encoder_threads: 0 | 65.., .. } => {
                wrong("encoder_threads", self.encoder_threads, 1, 64)
            }
            Self { audio_bitrate: ..16_000 | 320_001.., .. } => {
                wrong("audio_bitrate", self.audio_bitrate, 16_000, 320_000)
            }
            _ => Ok(()),
        }
    }
}

impl Default for RenderSettings {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            crf: 20,
            max_pixels: 9_437_184,
            audio_bitrate: 160_000,
            encoder_threads: 1,
            max_outputs: 8,
            memory_bytes: 640 << 20,
            encoding: Encoding::default(),
            thumbnails: false,
            smart_cut: false,
            limits: MediaLimits::default(),
        }
    }
}
