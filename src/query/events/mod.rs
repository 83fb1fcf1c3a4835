//! The user's `events` as tables of a session: raw events or daily aggregates, in any file format.

mod columns;
mod form;
mod options;
mod spans;
mod views;

pub use form::Events;
pub use options::{BadRows, EventOptions, column_names, name_pairs};
pub(crate) use views::quote;
pub use views::{EventTable, register, register_with};
