//! How many rows a step of the statement makes one of.

use super::choice::{Choice, Figure};
use crate::query::events::{EventTable, Events};

/// Whether the rows that a step puts together are one each, which need no aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// Each row stays as it is.
    Single,
    /// Any number of rows become one.
    Many,
}

impl Rows {
    /// Of the steps by variant and by group. The roll-up of raw events has one row a variant and what else
    /// is grouped by; a join with variants may repeat them.
    pub(super) fn of(choice: &Choice, events: &EventTable) -> (Self, Self) {
        let is_mean = |(_, figure): &(String, Figure)| matches!(figure, Figure::Mean(_));
        if events.form != Events::Raw || choice.reads_variants() {
            return (Self::Many, Self::Many);
        }
        match choice.by_variant() && !choice.figures.iter().any(is_mean) {
            true => (Self::Single, Self::Single),
            false => (Self::Single, Self::Many),
        }
    }

    /// The sum of a value.
    pub(super) fn sum(self, value: &str) -> String {
        match self {
            Self::Single => value.to_owned(),
            Self::Many => format!("sum({value})"),
        }
    }

    /// The greatest value.
    pub(super) fn max(self, value: &str) -> String {
        match self {
            Self::Single => value.to_owned(),
            Self::Many => format!("max({value})"),
        }
    }

    /// A value that is not to be added up: missing if there are several.
    pub(super) fn only(self, value: &str) -> String {
        match self {
            Self::Single => value.to_owned(),
            Self::Many => format!("CASE WHEN count(*) = 1 THEN max({value}) END"),
        }
    }

    /// The number of variants.
    pub(super) fn count_variants(self) -> &'static str {
        match self {
            Self::Single => "CASE WHEN variant_id IS NULL THEN 0 ELSE 1 END",
            Self::Many => "count(variant_id)",
        }
    }

    /// The clause that puts rows together; `names` may be empty.
    pub(super) fn group_by(self, names: &str) -> String {
        match self {
            Self::Many if !names.is_empty() => format!("GROUP BY {names}"),
            _ => String::new(),
        }
    }
}
