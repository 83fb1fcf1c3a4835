//! How clips are encoded, and what that may cost.

use serde::{Deserialize, Serialize};

use super::ffmpeg::encoding::Encoding;
use crate::error::{Error, ErrorCode, Result};
use crate::media::sniff::Demuxer;
use crate::media::tools::MediaLimits;

/// x264's trade of CPU time against size at one quality.
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
    /// x264's name for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Medium => "medium",
        }
    }

    /// Memory of one encoder in pictures, with one thread.
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

/// How clips are encoded and what that may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderSettings {
    /// x264's preset. Default: `veryfast`.
    pub preset: Preset,
    /// x264's constant rate factor, 0 (lossless) to 51. Default: 20, hard to tell from the source.
    pub crf: u8,
    /// Most pixels of a picture; larger ones are made smaller in the same shape. Default:
    /// 9,437,184 (4096 × 2304), the most of H.264 level 5.2, above which few players go on.
    pub max_pixels: u32,
    /// AAC bit rate in bits a second. Default: 160,000.
    pub audio_bitrate: u32,
    /// Threads of each encoder. They change the file's bytes, so they do not follow the machine;
    /// with more than one the bytes may differ from run to run. The decoder, the filters and the
    /// other clips' encoders run beside it in any case. Default: 1.
    pub encoder_threads: u32,
    /// Most outputs of one ffmpeg process. Default: 8.
    pub max_outputs: usize,
    /// Resident memory that all ffmpeg processes that render at one time should stay below
    /// together, in bytes, as long as one output fits. Default: 640 MiB.
    pub memory_bytes: u64,
    /// Format, codec and quality of the files. Default: what `preset` and `crf` say, in MP4.
    #[serde(default, skip_serializing_if = "Encoding::is_default")]
    pub encoding: Encoding,
    /// Write a still of each file with a picture beside it, as JPEG. Default: no.
    #[serde(default)]
    pub thumbnails: bool,
    /// Copy whole groups of pictures of an H.264 source where an output changes nothing but the span,
    /// and encode only the edges before and after them. Default: no.
    #[serde(default)]
    pub smart_cut: bool,
    /// Hard limits of each process.
    pub limits: MediaLimits,
}

impl RenderSettings {
    /// What reads the files beside which stills are written; `None` where none are: not asked for, or of a
    /// format without a picture, or of one that cannot be read back.
    pub(crate) fn stills(&self) -> Option<Demuxer> {
        let wanted = self.thumbnails && self.encoding.has_picture();
        self.encoding.format.demuxer().filter(|_| wanted)
    }

    /// Whether the numbers are ones that encoders take.
    ///
    /// # Errors
    /// `config.invalid` names the first that is not.
    pub fn check(&self) -> Result<()> {
        self.encoding.check()?;
        let wrong = |what: &str, value: u32, from: u32, to: u32| {
            let message = format!("{what} is {value}; give a number from {from} to {to}");
            Err(Error::new(ErrorCode::Config, message))
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
