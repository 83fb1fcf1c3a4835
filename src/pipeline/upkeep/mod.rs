//! Looking after results: whether they are whole, what is obsolete, small files in large ones.

mod check_rows;
mod compact;
mod finding;
mod fsck;
mod garbage;

pub use compact::{Compacted, compact};
pub use finding::{CheckedResults, Finding, FsckOptions};
pub use fsck::fsck;
pub use garbage::{Collected, Garbage, GarbageKind, collect_garbage};
