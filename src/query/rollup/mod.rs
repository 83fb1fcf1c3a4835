//! `rollup_events((query))`: raw events as counts, in one pass.
//!
//! The relation takes a query with a column `event` and, where known, `viewer_id` and `value`; every
//! other column is a key. It gives one row a key, with the columns of
//! [`rolled_fields`](crate::model::event::rolled_fields). Distinct viewers are exact. It runs on all
//! partitions of its input at once and puts parts of its tables aside on disk when memory is short.

mod deal;
mod emit;
mod exec;
mod node;
mod tally;

pub(in crate::query) use deal::checked_seconds;
pub use exec::COUNTED;
pub use node::RollupRelationPlanner;
pub use tally::UnknownEvents;
