//! The query engine: a DataFusion session with the kernels as functions and media work as an operator.

pub mod additive;
pub mod aggregates;
pub mod conform;
mod errors;
pub mod events;
pub(crate) mod files;
pub mod functions;
pub mod intake;
mod json_files;
pub mod media_exec;
pub mod media_node;
mod memory;
pub mod output;
pub mod results;
pub mod rollup;
pub(crate) mod rows;
pub mod session;
mod settings;
mod source_lists;
pub mod sql;
pub(crate) mod table_functions;

#[cfg(feature = "polars")]
pub mod polars;

pub use errors::query_error;
pub use media_exec::MediaExec;
pub(crate) use session::register;
pub use session::{
    SessionOptions, register_functions, register_media_relation, register_media_relations, session,
    session_with,
};
pub use settings::SessionSettings;
