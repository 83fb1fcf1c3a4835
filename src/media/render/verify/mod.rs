//! Measures written files and compares them with what was asked for.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod existing;
pub(crate) mod facts;
pub(crate) mod frame_log;
pub(crate) mod measure;
pub(crate) mod mp4_index;
pub(crate) mod webp;
