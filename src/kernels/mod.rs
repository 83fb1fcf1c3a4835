//! Pure computation over plain slices and Arrow arrays: no I/O, no clock, no global state.

pub(crate) mod audio;
pub mod cells;
pub(crate) mod cues;
#[cfg(feature = "statistics")]
pub mod experiment;
pub(crate) mod faces;
#[cfg(feature = "statistics")]
pub mod fit;
pub mod frame_timecode;
pub mod ids;
pub mod layout;
pub mod metrics;
pub mod reframe;
pub mod score;
pub mod select;
pub(crate) mod sketch;
pub mod sound_wish;
pub mod span;
pub(crate) mod tally;
pub mod text;
pub mod timecode;
pub mod timemap;
pub mod validate;
pub mod variants;
pub mod visual;
