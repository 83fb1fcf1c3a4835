//! Media work: the only module that starts ffmpeg and ffprobe.
//!
//! Everything here is synchronous (`std::process` and threads), so that thread pools, rayon,
//! worker processes and tokio's `spawn_blocking` can all run it; a
//! [`CancelToken`](crate::cancel::CancelToken) stops it.

pub mod analyze;
pub mod failure;
mod ffprobe;
pub mod fonts;
pub mod input;
pub mod probe;
pub mod process;
pub mod render;
pub mod sniff;
pub mod thumbnail;
pub mod tools;

pub use analyze::{Analysis, AnalyzeSettings, analyze};
pub use failure::Finished;
pub use fonts::Fonts;
pub use input::input_args;
pub use probe::{AudioStream, Probe, SubtitleStream, VideoStream, probe};
pub use process::{MediaChild, MediaCommand};
pub use render::{
    Encoding, Format, Hardware, Output, Preset, Quality, RenderSettings, VideoCodec, render,
};
pub use sniff::{Demuxer, sniff};
pub use thumbnail::thumbnail;
pub use tools::{MediaLimits, MediaTools};
