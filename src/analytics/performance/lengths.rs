//! Where the lengths of variants come from, which the seconds that could be watched are counted by.
//!
//! A variant has one length. Raw events that have a column of lengths are not told apart by it: a viewer
//! who began in an event with a length and saw the end in one without would be two.

use super::choice::{Axis, Choice};
use crate::query::events::{EventTable, Events};

/// The parts of the statement that give a length.
pub(super) struct Lengths {
    /// A common table expression, behind which a comma stands; empty where none is needed.
    pub(super) table: String,
    /// Its join.
    pub(super) join: &'static str,
    /// The column that the join adds, behind a comma.
    pub(super) column: &'static str,
    /// The length of a row.
    pub(super) value: &'static str,
}

impl Lengths {
    pub(super) fn new(choice: &Choice, events: &EventTable) -> Self {
        let none = |value| Self { table: String::new(), join: "", column: "", value };
        if !choice.uses("playable_seconds") {
            return none("CAST(NULL AS DOUBLE)");
        }
        let value = match &choice.duration {
            Some(Axis::Event(_, value)) if events.form == Events::Raw => value,
            Some(_) => return none("TRY_CAST(duration AS DOUBLE)"),
            None => return none("CAST(NULL AS DOUBLE)"),
        };
        let length = format!("TRY_CAST({value} AS DOUBLE)");
        Self {
            // Of several lengths none is known to be the variant's.
            table: format!(
                "lengths AS (\n    SELECT variant_id, CASE WHEN min(length) = max(length) THEN max(length) END AS length\n    FROM (SELECT e.variant_id, {length} AS length FROM events e)\n    WHERE length > 0 AND length < 1e12\n    GROUP BY variant_id\n),"
            ),
            join: "LEFT JOIN lengths l ON l.variant_id = c.variant_id",
            column: ", l.length AS \"clipflow: length\"",
            value: "\"clipflow: length\"",
        }
    }
}
