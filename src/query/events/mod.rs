//! The user's `events` as tables of a session: raw events or daily aggregates, in any file format.

mod columns;
mod options;
mod spans;
mod views;

pub use options::{BadRows, EventOptions, column_names, name_pairs};
pub(crate) use views::quote;
pub use views::{EventTable, Events, register, register_with};
