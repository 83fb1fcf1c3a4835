//! Settings of a batch: one table for the command, the library and SQL.
//!
//! The table in `parallel.rs` declares each setting once. Its documentation, default and range
//! generate the struct, the builder, the flags, the environment variables, the keys of files and the
//! session settings of SQL.

mod backend;
mod dynamic_range;
#[cfg(feature = "cli")]
mod load;
mod parallel;
mod scheduler;
mod setting;

pub use backend::BackendType;
pub use dynamic_range::DynamicRange;
#[cfg(feature = "cli")]
pub use load::{ConfigLoader, LoadedConfig, Origin};
pub use parallel::{ParallelConfig, ParallelConfigBuilder, SETTINGS};
pub use scheduler::SchedulerAddress;
pub use setting::{Setting, SettingKind, SettingRange, SettingText};
