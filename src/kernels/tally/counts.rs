//! What a tally counts of a group, and where each count stands.

use std::collections::HashMap;

use super::viewers::MARKS;
use crate::model::event::EventKind;

const KINDS: usize = EventKind::ALL.len();
/// Index of the count of events of unknown kinds.
pub(super) const OTHER: usize = KINDS;
/// Index of the count of views without a viewer.
pub(super) const ANONYMOUS_VIEWS: usize = KINDS + 1;
/// Index of the count of views to the end without a viewer.
pub(super) const ANONYMOUS_COMPLETIONS: usize = KINDS + 2;
/// Index of the count of events of viewers who are known and in no pair ([`ViewerScope::Marked`]).
///
/// [`ViewerScope::Marked`]: super::ViewerScope::Marked
pub(super) const UNPAIRED: usize = KINDS + 3;
/// Index of the count of distinct viewers. Those before it add up over parts that share viewers.
pub(super) const REACH: usize = KINDS + 4;
/// How many counts there are; that of mark `m` is at `REACH + 1 + m`.
pub(super) const COUNTS: usize = REACH + 1 + MARKS;

/// What was counted of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts<'a> {
    pub(super) counts: &'a [u32],
    /// What no longer fits into 32 bits, of all groups of the part.
    pub(super) carried: &'a HashMap<(u32, u8), u64>,
    pub(super) group: u32,
    /// Seconds watched.
    pub seconds: f64,
}

impl Counts<'_> {
    pub(super) fn at(&self, index: usize) -> u64 {
        let low = u64::from(self.counts.get(index).copied().unwrap_or(0));
        low + self.carried.get(&(self.group, index as u8)).copied().unwrap_or(0)
    }

    /// Events of a kind.
    pub fn events(&self, kind: EventKind) -> u64 {
        self.at(kind as usize)
    }

    /// Events of unknown kinds.
    pub fn other(&self) -> u64 {
        self.at(OTHER)
    }

    /// Distinct viewers; of [`ViewerScope::All`](super::ViewerScope::All) alone.
    pub fn reach(&self) -> u64 {
        self.at(REACH)
    }

    /// Whether any event names its viewer.
    pub fn knows_viewers(&self) -> bool {
        self.at(REACH) > 0 || self.at(UNPAIRED) > 0
    }

    /// Distinct viewers with a `view`.
    pub fn first_views(&self) -> u64 {
        self.at(REACH + 1)
    }

    /// Distinct viewers with a `view` and a `view_100`.
    pub fn first_completions(&self) -> u64 {
        self.at(REACH + 2)
    }

    /// Events `view` without a viewer.
    pub fn anonymous_views(&self) -> u64 {
        self.at(ANONYMOUS_VIEWS)
    }

    /// Events `view_100` without a viewer.
    pub fn anonymous_completions(&self) -> u64 {
        self.at(ANONYMOUS_COMPLETIONS)
    }

    /// Distinct viewers with a `referral_view`.
    pub fn new_viewers(&self) -> u64 {
        self.at(REACH + 3)
    }
}
