//! The query engine: a DataFusion session with the kernels as functions and media work as an operator.

pub(crate) mod additive;
mod aggregates;
mod arguments;
pub(crate) mod conform;
mod context;
mod documentation;
mod errors;
#[doc(hidden)]
pub mod events;
pub(crate) mod files;
mod functions;
pub(crate) mod intake;
mod json_files;
pub(crate) mod media_exec;
pub(crate) mod media_node;
mod options;
pub(crate) mod output;
pub(crate) mod own_tables;
pub(crate) mod plain_files;
mod query_pool;
pub mod results;
pub(crate) mod rollup;
mod routines;
pub(crate) mod rows;
mod scoring;
mod session;
mod settings;
pub(crate) mod side_by_side;
mod source_lists;
#[doc(hidden)]
pub mod sql;
pub(crate) mod statements;
pub(crate) mod table_functions;
pub(crate) mod user_files;

#[cfg(feature = "polars")]
pub mod polars;

pub use context::register_functions;
pub use documentation::{FunctionDescription, FunctionKind, sql_functions};
pub use errors::query_error;
pub use media_exec::MediaExec;
pub use options::SessionOptions;
pub use own_tables::{NamedTable, register_tables};
pub(crate) use session::register;
pub use session::{register_media_relation, register_media_relations, session, session_with};
pub use settings::SessionSettings;
pub use user_files::{EventNotes, StrayTimes};
