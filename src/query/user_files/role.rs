//! What a column is for.

/// What a column is for, and so how its cells are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Who or what: text or whole numbers, exactly.
    Id,
    /// A count.
    Count,
    /// Seconds.
    Seconds,
    /// A number, which is of seconds where the column `event` says `watch_seconds`.
    Value,
    /// A day.
    Day,
    /// A time.
    Time,
    /// The user's own.
    Own,
    /// As the files have it, lists and structs too.
    Plain,
}
