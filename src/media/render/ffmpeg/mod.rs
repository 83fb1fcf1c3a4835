//! ffmpeg commands that render: inputs, filtergraphs, encoders, captions and loudness.

pub(crate) mod captions;
pub(crate) mod command;
pub(crate) mod encoding;
pub(crate) mod graph;
pub(crate) mod inputs;
pub(crate) mod loudness;
