//! What a row of events is.

/// The form of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// One row per event.
    Raw,
    /// One row per day and variant, with figures.
    Daily,
}
