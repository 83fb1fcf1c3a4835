//! The flags of the files that are written.

use std::str::FromStr;

use clap::Args;

use crate::media::{Encoding, Format as Encoded, Hardware, Quality, RenderSettings, VideoCodec};

/// What the files are; see docs/user/formats.md.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub(in crate::cli) struct EncodingArgs {
    /// mp4, webm, gif, webp, or sound alone: mp3, aac, opus.
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = encoding_value::<Encoded>)]
    pub format: Encoded,
    /// h264, hevc or av1 in mp4, vp9 or av1 in webm; else the first of them.
    #[arg(long, value_name = "CODEC", value_parser = encoding_value::<VideoCodec>)]
    pub codec: Option<VideoCodec>,
    /// low, medium, high, best or lossless.
    #[arg(long, value_name = "QUALITY", default_value_t, value_parser = encoding_value::<Quality>)]
    pub quality: Quality,
    /// off, auto, nvenc, qsv or videotoolbox; other bytes on each machine.
    #[arg(long, value_name = "NAME", default_value_t, value_parser = encoding_value::<Hardware>)]
    pub hardware: Hardware,
    /// Copy whole groups of pictures where a clip changes nothing but the span of an H.264 MP4, and
    /// encode only its edges; each file is decoded and compared, and encoded as ever if need be.
    #[arg(long)]
    pub smart_cut: bool,
}

impl EncodingArgs {
    /// The render settings of these flags and of `--thumbnails`.
    pub(in crate::cli) fn settings(self, thumbnails: bool) -> RenderSettings {
        let Self { format, codec, quality, hardware, smart_cut } = self;
        let encoding = Encoding { format, codec, quality, hardware, ..Encoding::default() };
        RenderSettings { thumbnails, smart_cut, encoding, ..RenderSettings::default() }
    }

    /// Sentences about flags that have no effect on files of this format.
    pub(in crate::cli) fn idle(&self, thumbnails: bool) -> Vec<String> {
        let Self { format, codec, .. } = self;
        let mut idle = vec![];
        if self.smart_cut
            && (*format != Encoded::Mp4 || codec.is_some_and(|c| c != VideoCodec::H264))
        {
            idle.push("--smart-cut does nothing here: only H.264 in mp4 is copied".to_owned());
        }
        let is_sound = matches!(format, Encoded::Mp3 | Encoded::Aac | Encoded::Opus);
        if thumbnails && is_sound {
            idle.push(format!("--thumbnails does nothing here: {format} has no picture"));
        }
        idle
    }
}

fn encoding_value<T: FromStr<Err = crate::error::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: crate::error::Error| e.message().to_owned())
}
