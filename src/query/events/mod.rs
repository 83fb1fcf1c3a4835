//! The user's `events` as tables of a session: raw events or daily aggregates, in any file format.

mod files;
mod views;

pub(crate) use views::quote;
pub use views::{EventTable, Events, register};
