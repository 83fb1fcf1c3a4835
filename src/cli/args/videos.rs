//! Flags of a run over videos instead of a request table.

use clap::Args;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::frame_timecode::FrameTimecode;
use crate::kernels::timecode;
use crate::kernels::variants::VariantSize;
use crate::model::request::{DEFAULT_MAX_CLIP_LENGTH, DEFAULT_MIN_CLIP_LENGTH};

#[derive(Debug, Args)]
#[command(next_help_heading = "A video instead of a table")]
pub(in crate::cli) struct VideoRequestArgs {
    /// Shortest clip, in seconds or as 1:05 [default: 15, or half of --max if that is less].
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub min: Option<f64>,
    /// Longest clip, in seconds or as 1:05 [default: 60, or twice --min if that is more].
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub max: Option<f64>,
    /// Start of the clip, in seconds, as 1:05 or, with frames, 00:01:05:12: with --end this very span is the one clip.
    #[arg(long, value_name = "TIME", value_parser = time_in_video, requires = "end")]
    pub start: Option<TimeInVideo>,
    /// End of the clip.
    #[arg(long, value_name = "TIME", value_parser = time_in_video, requires = "start", conflicts_with_all = ["min", "max"])]
    pub end: Option<TimeInVideo>,
    /// Choose clips from here on.
    #[arg(long, value_name = "TIME", value_parser = time_in_video, conflicts_with = "start")]
    pub within_start: Option<TimeInVideo>,
    /// Choose clips up to here.
    #[arg(long, value_name = "TIME", value_parser = time_in_video, conflicts_with = "start")]
    pub within_end: Option<TimeInVideo>,
    /// Size of the variants: full (each platform's largest) or such as 1080x1920, the source enlarged if need be
    /// [default: the platform's largest that the source is sharp enough for].
    #[arg(long, value_name = "WxH|full", help_heading = "Variants", value_parser = size)]
    pub size: Option<VariantSize>,
    /// Language of captions and texts, as en, pt-BR or jpn.
    #[arg(long, value_name = "TAG")]
    pub language: Option<String>,
    /// What the video is about, in a few words.
    #[arg(long, value_name = "WORDS")]
    pub topic: Option<String>,
}

/// A time in a video: seconds, or as it was given where it counts frames.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct TimeInVideo(String);

impl TimeInVideo {
    /// As a cell of a request.
    pub(in crate::cli) fn as_str(&self) -> &str {
        &self.0
    }
}

impl VideoRequestArgs {
    /// The shortest and longest clip that are asked for. One that is given alone moves the other's default.
    pub(in crate::cli) fn lengths(&self) -> (Option<f64>, Option<f64>) {
        match (self.min, self.max) {
            (None, Some(max)) if max < DEFAULT_MIN_CLIP_LENGTH => (Some(max / 2.0), Some(max)),
            (Some(min), None) if min > DEFAULT_MAX_CLIP_LENGTH => (Some(min), Some(min * 2.0)),
            given => given,
        }
    }

    /// # Errors
    /// `config.invalid` if any of the flags is given.
    pub(in crate::cli) fn check_unused(&self) -> Result<()> {
        let given = [
            ("--min", "min_clip_length", self.min.is_some()),
            ("--max", "max_clip_length", self.max.is_some()),
            ("--start", "start", self.start.is_some()),
            ("--within-start", "within_start", self.within_start.is_some()),
            ("--within-end", "within_end", self.within_end.is_some()),
            ("--language", "language", self.language.is_some()),
            ("--topic", "topic", self.topic.is_some()),
        ];
        match given.iter().find(|(_, _, is_given)| *is_given) {
            None => Ok(()),
            Some((flag, column, _)) => Err(Error::new(
                ErrorCode::ConfigInvalid,
                format!("{flag} is for a video; a request table says it in its column {column}"),
            )),
        }
    }
}

fn size(text: &str) -> std::result::Result<VariantSize, String> {
    text.parse().map_err(|e: Error| e.message().to_owned())
}

fn time(text: &str) -> std::result::Result<f64, String> {
    timecode::seconds(text).ok_or_else(|| {
        format!("{text:?} is no time; give seconds such as 8.5, or 1:05 or 1:02:03.5")
    })
}

fn time_in_video(text: &str) -> std::result::Result<TimeInVideo, String> {
    if FrameTimecode::parse(text).is_some() {
        return Ok(TimeInVideo(text.trim().to_owned()));
    }
    let seconds = timecode::seconds(text).ok_or_else(|| {
        format!("{text:?} is no time; give seconds such as 8.5, or 1:05, 1:02:03.5 or, with frames, 01:02:03:04")
    })?;
    Ok(TimeInVideo(seconds.to_string()))
}
