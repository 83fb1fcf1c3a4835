//! Which outputs share an ffmpeg process, and when each process runs.

pub(crate) mod passes;
pub(crate) mod plan;
pub(crate) mod queue;
pub(crate) mod slots;
