//! Media work: the only module that starts ffmpeg and ffprobe.
//!
//! Everything here is synchronous (`std::process` and threads), so that thread pools, rayon,
//! worker processes and tokio's `spawn_blocking` can all run it; a
//! [`CancelToken`](crate::cancel::CancelToken) stops it.

#[doc(hidden)]
pub mod analyze;
pub mod faces;
pub(crate) mod failure;
mod ffprobe;
pub(crate) mod fonts;
pub(crate) mod input;
pub(crate) mod mixed;
#[doc(hidden)]
pub mod probe;
pub(crate) mod process;
#[doc(hidden)]
pub mod render;
pub(crate) mod shape;
mod sniff;
#[doc(hidden)]
pub mod thumbnail;
pub(crate) mod time_line;
pub(crate) mod tools;
pub mod transcribe;

pub use analyze::{Analysis, AnalysisProgress, AnalyzeSettings, analyze};
pub use faces::{FaceDetection, FaceDetector, FaceQuery, FaceSettings, RgbPicture, track_faces};
pub use failure::Finished;
pub use fonts::Fonts;
pub use input::input_args;
pub use probe::{
    AudioStream, Hdr, Probe, SoundChoice, SubtitleStream, VideoStream, probe, probe_for,
};
pub use process::{MediaChild, MediaCommand};
pub use render::{
    DynamicRange, Encoding, Format, Hardware, Output, Preset, Quality, RenderSettings, VideoCodec,
    render,
};
pub use sniff::{Demuxer, sniff};
pub use thumbnail::thumbnail;
pub use time_line::MendedFile;
pub use tools::{MediaLimits, MediaTools};
pub use transcribe::{
    TranscribeSettings, Transcriber, TranscriberSettings, Transcription, TranscriptionProgress,
    transcribe,
};
