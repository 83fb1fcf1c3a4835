//! The choices that an encoding is made of, each with its name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::media::sniff::Demuxer;

/// Defines an enum with one name per value in configuration, JSON and on the command line.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $what:literal, $($(#[$own:meta])* $value:ident = $text:literal),+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$own])* $value),+ }

        impl $name {
            /// All values.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The name of the value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::ALL.iter().copied().find(|v| text.eq_ignore_ascii_case(v.as_str())).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|v| v.as_str()).collect();
                    refused(format!("unknown {} {text}; choose one of {}", $what, names.join(", ")))
                })
            }
        }
    };
}

named!(
    /// The kind of file.
    Format, "format",
    /// MPEG-4 with the index first.
    #[default]
    Mp4 = "mp4",
    /// WebM.
    Webm = "webm",
    /// Animated GIF, without sound.
    Gif = "gif",
    /// Animated WebP, without sound.
    Webp = "webp",
    /// MP3, without picture.
    Mp3 = "mp3",
    /// AAC in MPEG-4 (`.m4a`), without picture.
    Aac = "aac",
    /// Opus in Ogg, without picture.
    Opus = "opus"
);

named!(
    /// A picture codec.
    VideoCodec, "codec",
    /// H.264, supported by all players.
    #[default]
    H264 = "h264",
    /// H.265.
    Hevc = "hevc",
    /// AV1.
    Av1 = "av1",
    /// VP9.
    Vp9 = "vp9"
);

named!(
    /// Quality of picture and sound against file size.
    Quality, "quality",
    /// For previews.
    Low = "low",
    /// Smaller than `high`, with visible loss on a large screen.
    Medium = "medium",
    /// Hard to tell from the source.
    #[default]
    High = "high",
    /// For further editing.
    Best = "best",
    /// Without loss in the picture, after its conversion to 8-bit 4:2:0.
    Lossless = "lossless"
);

named!(
    /// The hardware that encodes the picture; its bytes differ between machines.
    Hardware, "hardware",
    /// Software: the same bytes everywhere.
    #[default]
    Off = "off",
    /// The first hardware encoder that passes a trial, else software.
    Auto = "auto",
    /// NVIDIA.
    Nvenc = "nvenc",
    /// Intel Quick Sync.
    Qsv = "qsv",
    /// Apple.
    Videotoolbox = "videotoolbox"
);

/// The kind of content of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormatKind {
    /// Picture, and sound if the source has any.
    Video,
    /// Picture with its own frame rate and size.
    Animation,
    /// Sound only.
    Sound,
}

impl Format {
    /// The file name extension, which is also the `container` of the rendition.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Aac => "m4a",
            other => other.as_str(),
        }
    }

    /// Whether it can hold captions as a text track.
    pub const fn has_text_track(self) -> bool {
        matches!(self, Self::Mp4 | Self::Webm)
    }

    /// Whether its files have a picture, moving or animated.
    pub(crate) const fn has_picture(self) -> bool {
        !matches!(self.kind(), FormatKind::Sound)
    }

    pub(crate) const fn kind(self) -> FormatKind {
        match self {
            Self::Mp4 | Self::Webm => FormatKind::Video,
            Self::Gif | Self::Webp => FormatKind::Animation,
            Self::Mp3 | Self::Aac | Self::Opus => FormatKind::Sound,
        }
    }

    /// Samples per packet of its sound.
    pub(crate) const fn sound_frame(self) -> f64 {
        match self {
            Self::Mp3 => 1152.0,
            Self::Webm | Self::Opus => 960.0,
            _ => 1024.0,
        }
    }

    /// Whether it is MP4, whose index lists all frames.
    pub(crate) const fn has_index(self) -> bool {
        matches!(self, Self::Mp4 | Self::Aac)
    }

    /// The demuxer of its files; `None` if ffprobe cannot read them.
    pub(crate) const fn demuxer(self) -> Option<Demuxer> {
        match self {
            Self::Mp4 | Self::Aac => Some(Demuxer::Mov),
            Self::Webm => Some(Demuxer::Matroska),
            Self::Gif => Some(Demuxer::Gif),
            Self::Webp => None,
            Self::Mp3 => Some(Demuxer::Mp3),
            Self::Opus => Some(Demuxer::Ogg),
        }
    }

    pub(super) const fn codecs(self) -> &'static [VideoCodec] {
        match self {
            Self::Mp4 => &[VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1],
            Self::Webm => &[VideoCodec::Vp9, VideoCodec::Av1],
            _ => &[],
        }
    }
}

pub(super) fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::ConfigInvalid, message.into())
}
