//! Work on rows: what an engine-independent operator needs to run slow work on a table.
//!
//! A [`Work`] takes rows and gives its output columns back, or one typed error; a
//! [`backend::Backend`] runs it, never more at a time than its workers; a [`MediaRuntime`] holds what
//! all rows share (programs, sources, counters) and takes a row from its source to its outcome;
//! [`run_batches()`] takes a stream of batches through work that needs no source.

mod ahead;
mod analyze;
pub mod backend;
pub mod batches;
mod kept;
mod outcome;
mod registry;
mod render;
mod row;
mod runtime;
mod select;
mod validate;
mod work;

pub use analyze::AnalyzeWork;
pub use batches::{BatchOptions, run_batches};
pub use kept::{Keeper, beside};
pub use registry::register_work;
pub use render::{RenderWork, media_file_name};
pub use runtime::{MediaRuntime, MediaRuntimeConfig};
pub use select::SelectWork;
pub use validate::ValidateWork;
pub use work::{
    NoProgress, OUTCOME_COLUMNS, PATH_COLUMN, Progress, VALIDATOR_COLUMN, Work, WorkEnv, WorkKind,
    WorkSpec, outcome_fields,
};
