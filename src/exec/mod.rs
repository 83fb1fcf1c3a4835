//! Slow work on the rows of a table, independent of the query engine.
//!
//! * A [`Work`] takes rows and returns its output columns, or one typed error.
//! * A [`backend::Backend`] runs work, at most as many tasks at a time as it has workers.
//! * A [`MediaRuntime`] holds what all rows share (programs, sources, cache, counters) and takes a row
//!   from its source to its outcome.
//! * [`run_batches()`] runs work that needs no source on a stream of batches.

mod analyze;
pub mod backend;
pub(crate) mod batches;
pub(crate) mod inputs;
mod outcome;
mod prefetch;
mod registry;
mod render;
mod row;
mod runtime;
mod select;
mod track_faces;
mod transcribe;
mod validate;
mod work;
mod work_cache;

pub use analyze::AnalyzeWork;
pub(crate) use analyze::source_identity;
pub use batches::{BatchOptions, run_batches};
pub use inputs::{InputColumn, column, columns_of_rows, rows_of_columns};
pub use registry::register_work;
pub use render::{RenderWork, media_file_name};
pub use runtime::{MediaRuntime, MediaRuntimeConfig, RowFigures};
pub use select::SelectWork;
pub use track_faces::TrackFacesWork;
pub use transcribe::TranscribeWork;
pub use validate::ValidateWork;
pub use work::{
    Cacheable, NoProgress, OUTCOME_COLUMNS, PATH_COLUMN, Progress, VALIDATOR_COLUMN, Work, WorkEnv,
    WorkKind, WorkSpec, outcome_fields,
};
pub use work_cache::{WorkCache, sidecar_state};
