//! The query engine: a DataFusion session with the kernels as functions and media work as an operator.

pub(crate) mod additive;
pub(crate) mod aggregates;
pub(crate) mod conform;
mod errors;
#[doc(hidden)]
pub mod events;
pub(crate) mod files;
pub(crate) mod functions;
pub(crate) mod intake;
mod json_files;
pub(crate) mod media_exec;
pub(crate) mod media_node;
mod memory;
pub(crate) mod output;
pub mod results;
pub(crate) mod rollup;
pub(crate) mod rows;
pub mod session;
mod settings;
mod source_lists;
#[doc(hidden)]
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
