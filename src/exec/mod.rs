//! Media work as rows: what an engine-independent operator needs to run slow work on a table.
//!
//! A [`Work`] takes one row and gives its output columns back, or one typed error; a
//! [`MediaRuntime`] holds what all rows share (programs, limits, sources, counters) and runs rows on
//! blocking threads, never more at a time than `workers`.

mod analyze;
mod render;
mod runtime;
mod work;

pub use analyze::AnalyzeWork;
pub use render::{RenderWork, media_file_name};
pub use runtime::{MediaRuntime, MediaRuntimeConfig};
pub use work::{OUTCOME_COLUMNS, Work, WorkSpec, outcome_fields};
