//! How work is spread, limited and repeated: one set of settings for the command, the library and
//! SQL.
//!
//! The table in `parallel.rs` is all there is to a setting: its documentation, default and range
//! make the struct, the builder, the flags, the environment variables, the keys of files and the
//! session settings of SQL.

mod backend;
#[cfg(feature = "cli")]
mod load;
mod parallel;
mod setting;

pub use backend::BackendType;
#[cfg(feature = "cli")]
pub use load::{ConfigLoader, LoadedConfig, Origin};
pub use parallel::{ParallelConfig, ParallelConfigBuilder, SETTINGS};
pub use setting::{Kind, Range, Setting, Text};
