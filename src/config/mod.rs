//! How work is spread, limited and repeated: one set of settings for the command, the library and
//! SQL.

mod backend;
mod parallel;

pub use backend::BackendType;
pub use parallel::ParallelConfig;
