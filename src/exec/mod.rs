//! Work on rows: what an engine-independent operator needs to run slow work on a table.
//!
//! A [`Work`] takes rows and gives its output columns back, or one typed error; a
//! [`backend::Backend`] runs it, never more at a time than its workers; a [`MediaRuntime`] holds what
//! all rows share (programs, sources, counters) and takes a row from its source to its outcome.

mod analyze;
pub mod backend;
mod render;
mod runtime;
mod work;

pub use analyze::AnalyzeWork;
pub use render::{RenderWork, media_file_name};
pub use runtime::{MediaRuntime, MediaRuntimeConfig};
pub use work::{
    OUTCOME_COLUMNS, PATH_COLUMN, Progress, VALIDATOR_COLUMN, Work, WorkEnv, WorkKind, WorkSpec,
    outcome_fields,
};
