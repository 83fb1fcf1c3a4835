//! A part of a tally: some of the groups (or of their viewers), with all that is counted of them.

mod aside;

use std::collections::HashMap;
use std::io;

use super::counts::{ANONYMOUS_COMPLETIONS, ANONYMOUS_VIEWS, COUNTS, Counts, REACH, UNPAIRED};
use super::keys::class;
use super::pairs::{MAX_GROUPS, PairSet};
use super::record::{Record, marks};
use super::{ViewerScope, mix};
use crate::model::event::EventKind;

/// See the module.
#[derive(Debug, Default)]
pub struct Part {
    /// First key's code and class, number of the others.
    groups: Vec<(u64, u8, u32)>,
    /// Group and 1; 0 where there is none.
    table: Vec<u32>,
    counts: Vec<u32>,
    /// What no longer fits into 32 bits.
    carried: HashMap<(u32, u8), u64>,
    seconds: Vec<f64>,
    pairs: PairSet,
}

impl Part {
    /// Count `records` and the viewers of `scope`; `seconds` are the values of those of kind
    /// `watch_seconds`, in order.
    ///
    /// # Errors
    /// If there are more groups than a part can number.
    pub fn add(
        &mut self,
        records: &[Record],
        seconds: &[f64],
        scope: ViewerScope,
    ) -> io::Result<()> {
        let mut seconds = seconds.iter();
        for record in records {
            let group = self.group(record.key, record.key_class(), record.rest)?;
            self.bump(group, record.kind(), 1);
            if record.kind() == EventKind::WatchSeconds as usize
                && let (Some(value), Some(sum)) =
                    (seconds.next(), self.seconds.get_mut(group as usize))
            {
                *sum += value;
            }
            if record.viewer_class() != class::NULL {
                match (marks(record.kind()), scope) {
                    (0, ViewerScope::Marked) => self.bump(group, UNPAIRED, 1),
                    (marks, _) => self.meet(group, record.viewer_class(), record.viewer, marks),
                }
            } else if record.kind() == EventKind::View as usize {
                self.bump(group, ANONYMOUS_VIEWS, 1);
            } else if record.kind() == EventKind::View100 as usize {
                self.bump(group, ANONYMOUS_COMPLETIONS, 1);
            }
        }
        Ok(())
    }

    #[inline]
    fn meet(&mut self, group: u32, class: u8, viewer: u64, marks: u32) {
        let change = self.pairs.insert(group, class, viewer, marks);
        if change.is_new {
            self.bump(group, REACH, 1);
        }
        for (mark, grows) in change.grown().into_iter().enumerate() {
            if grows {
                self.bump(group, REACH + 1 + mark, 1);
            }
        }
    }

    #[inline]
    fn bump(&mut self, group: u32, index: usize, by: u32) {
        if let Some(count) = self.counts.get_mut(group as usize * COUNTS + index) {
            let (sum, wrapped) = count.overflowing_add(by);
            *count = sum;
            if wrapped {
                *self.carried.entry((group, index as u8)).or_default() += 1 << 32;
            }
        }
    }

    #[inline]
    fn group(&mut self, key: u64, class: u8, rest: u32) -> io::Result<u32> {
        if self.groups.len() * 2 >= self.table.len() {
            self.grow();
        }
        let mask = self.table.len().wrapping_sub(1);
        let mut at = slot_of(key, rest) & mask;
        loop {
            match self.table.get(at) {
                Some(0) | None => break,
                Some(n) => {
                    let group = n - 1;
                    if self.groups.get(group as usize) == Some(&(key, class, rest)) {
                        return Ok(group);
                    }
                }
            }
            at = (at + 1) & mask;
        }
        let group = self.groups.len();
        if group >= MAX_GROUPS {
            return Err(io::Error::other("there are more groups than can be counted"));
        }
        self.groups.push((key, class, rest));
        self.counts.resize(self.counts.len() + COUNTS, 0);
        self.seconds.push(0.0);
        if let Some(slot) = self.table.get_mut(at) {
            *slot = group as u32 + 1;
        }
        Ok(group as u32)
    }

    #[cold]
    fn grow(&mut self) {
        let room = (self.table.len() * 2).max(16);
        self.table = vec![0; room];
        for (group, (key, _, rest)) in self.groups.iter().enumerate() {
            let mut at = slot_of(*key, *rest) & (room - 1);
            while self.table.get(at).is_some_and(|n| *n != 0) {
                at = (at + 1) & (room - 1);
            }
            if let Some(slot) = self.table.get_mut(at) {
                *slot = group as u32 + 1;
            }
        }
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Each group: code and class of its first key, number of the others, and its counts.
    pub fn iter(&self) -> impl Iterator<Item = ((u64, u8, u32), Counts<'_>)> {
        let counts = self.counts.chunks_exact(COUNTS).zip(&self.seconds);
        self.groups.iter().zip(counts).enumerate().map(|(group, (key, (counts, seconds)))| {
            let group = group as u32;
            (*key, Counts { counts, carried: &self.carried, group, seconds: *seconds })
        })
    }

    /// Take in the counts of a part that shares no viewer with this one.
    ///
    /// # Errors
    /// As [`Part::add`].
    pub fn absorb(&mut self, other: &Part) -> io::Result<()> {
        for ((key, class, rest), counts) in other.iter() {
            let group = self.group(key, class, rest)?;
            self.add_counts(group, counts, COUNTS);
        }
        Ok(())
    }

    fn add_counts(&mut self, group: u32, counts: Counts<'_>, first: usize) {
        for (index, count) in counts.counts.iter().take(first).enumerate() {
            self.bump(group, index, *count);
            if let Some(carried) = counts.carried.get(&(counts.group, index as u8)) {
                *self.carried.entry((group, index as u8)).or_default() += carried;
            }
        }
        if let Some(sum) = self.seconds.get_mut(group as usize) {
            *sum += counts.seconds;
        }
    }

    /// Bytes of memory.
    pub fn size(&self) -> usize {
        self.pairs.size()
            + self.table.capacity() * 4
            + self.counts.capacity() * 4
            + self.groups.capacity() * size_of::<(u64, u8, u32)>()
            + self.seconds.capacity() * 8
            + self.carried.capacity() * 32
    }
}

#[inline]
fn slot_of(key: u64, rest: u32) -> usize {
    mix(key ^ (u64::from(rest) << 17)) as usize
}

#[cfg(test)]
mod tests;
