//! A part of a tally: some of the groups (or of their viewers), with all that is counted of them.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use super::keys::class;
use super::mix;
use super::pairs::{MAX_GROUPS, PairSet};
use super::viewers::MARKS;
use crate::model::event::EventKind;

const KINDS: usize = EventKind::ALL.len();
/// Index of the count of events of unknown kinds.
const OTHER: usize = KINDS;
const REACH: usize = KINDS + 1;
/// The count of mark `m` is at `REACH + 1 + m`.
const COUNTS: usize = REACH + 1 + MARKS;

/// One event, brought to fixed size.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    /// Code of the group's first key.
    pub key: u64,
    /// Code of the viewer.
    pub viewer: u64,
    /// Number of the group's other keys.
    pub rest: u32,
    /// Kind, class of `key`, class of `viewer`.
    meta: u32,
}

impl Record {
    /// An event of the kind with that number ([`EventKind`]; any other number: an unknown kind).
    #[inline]
    pub fn new(key: (u8, u64), rest: u32, viewer: (u8, u64), kind: u8) -> Self {
        let kind = u32::from(kind).min(OTHER as u32);
        let meta = kind | (u32::from(key.0) << 8) | (u32::from(viewer.0) << 10);
        Self { key: key.1, viewer: viewer.1, rest, meta }
    }

    #[inline]
    fn kind(&self) -> usize {
        (self.meta & 0xff) as usize
    }

    #[inline]
    fn key_class(&self) -> u8 {
        (self.meta >> 8) as u8 & 0b11
    }

    #[inline]
    fn viewer_class(&self) -> u8 {
        (self.meta >> 10) as u8 & 0b11
    }
}

/// What was counted of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts<'a> {
    counts: &'a [u32],
    carried: &'a HashMap<(u32, u8), u64>,
    group: u32,
    /// Seconds watched.
    pub seconds: f64,
}

impl Counts<'_> {
    fn at(&self, index: usize) -> u64 {
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

    /// Distinct viewers.
    pub fn reach(&self) -> u64 {
        self.at(REACH)
    }

    /// Distinct viewers with a `view`.
    pub fn first_views(&self) -> u64 {
        self.at(REACH + 1)
    }

    /// Distinct viewers with a `view_100`.
    pub fn first_completions(&self) -> u64 {
        self.at(REACH + 2)
    }

    /// Distinct viewers with a `referral_view`.
    pub fn new_viewers(&self) -> u64 {
        self.at(REACH + 3)
    }
}

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
    /// Count `records`; `seconds` are the values of those of kind `watch_seconds`, in order.
    ///
    /// # Errors
    /// If there are more groups than a part can number.
    pub fn add(&mut self, records: &[Record], seconds: &[f64]) -> io::Result<()> {
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
                self.meet(group, record.viewer_class(), record.viewer, marks(record.kind()));
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
        for mark in 0..MARKS {
            if change.marks & (1 << mark) != 0 {
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

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.groups.len()
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

    /// Write all of it.
    ///
    /// # Errors
    /// The writer's.
    pub fn put_aside(&self, sink: &mut impl Write) -> io::Result<()> {
        let long = |sink: &mut dyn Write, n: u64| sink.write_all(&n.to_le_bytes());
        long(sink, self.groups.len() as u64)?;
        for ((key, class, rest), counts) in self.iter() {
            long(sink, key)?;
            long(sink, u64::from(class) | (u64::from(rest) << 8))?;
            long(sink, counts.seconds.to_bits())?;
            for index in 0..REACH {
                long(sink, counts.at(index))?;
            }
        }
        long(sink, self.pairs.len() as u64)?;
        for (group, class, viewer, marks) in self.pairs.iter() {
            long(sink, viewer)?;
            long(sink, u64::from(group) | (u64::from(class) << 32) | (u64::from(marks) << 40))?;
        }
        Ok(())
    }

    /// Add what [`Part::put_aside`] has written.
    ///
    /// # Errors
    /// The reader's.
    pub fn take_back(&mut self, source: &mut impl Read) -> io::Result<()> {
        let mut word = [0; 8];
        let mut long = |source: &mut dyn Read| {
            source.read_exact(&mut word)?;
            io::Result::Ok(u64::from_le_bytes(word))
        };
        let mut numbers = vec![];
        for _ in 0..long(source)? {
            let (key, rest) = (long(source)?, long(source)?);
            let seconds = f64::from_bits(long(source)?);
            let group = self.group(key, rest as u8, (rest >> 8) as u32)?;
            numbers.push(group);
            if let Some(sum) = self.seconds.get_mut(group as usize) {
                *sum += seconds;
            }
            for index in 0..REACH {
                let count = long(source)?;
                self.bump(group, index, count as u32);
                if count >> 32 > 0 {
                    let high = count >> 32 << 32;
                    *self.carried.entry((group, index as u8)).or_default() += high;
                }
            }
        }
        for _ in 0..long(source)? {
            let (viewer, pair) = (long(source)?, long(source)?);
            if let Some(group) = numbers.get(pair as u32 as usize) {
                self.meet(*group, (pair >> 32) as u8, viewer, (pair >> 40) as u32);
            }
        }
        Ok(())
    }
}

/// The mark that an event of the kind with that number leaves on its viewer: viewed, completed, came by
/// referral.
#[inline]
pub fn marks(kind: usize) -> u32 {
    const VIEW: usize = EventKind::View as usize;
    const COMPLETION: usize = EventKind::View100 as usize;
    const REFERRAL: usize = EventKind::ReferralView as usize;
    match kind {
        VIEW => 0b001,
        COMPLETION => 0b010,
        REFERRAL => 0b100,
        _ => 0,
    }
}

#[inline]
fn slot_of(key: u64, rest: u32) -> usize {
    mix(key ^ (u64::from(rest) << 17)) as usize
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::{BTreeMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    type Row = (u8, u8, Option<u8>, u8);
    /// Events of each kind, unknown ones, reach and the three distinct counts, seconds.
    type Answer = BTreeMap<(u64, u32), (Vec<u64>, f64)>;

    fn brute_force(rows: &[Row]) -> Answer {
        let mut seen = HashSet::new();
        let mut answer = Answer::new();
        for (i, (key, rest, viewer, kind)) in rows.iter().enumerate() {
            let (counts, seconds) = answer
                .entry((u64::from(*key), u32::from(*rest)))
                .or_insert_with(|| (vec![0; COUNTS], 0.0));
            counts[usize::from(*kind).min(OTHER)] += 1;
            if *kind == EventKind::WatchSeconds as u8 {
                *seconds += i as f64;
            }
            let mut distinct = |what: usize| {
                if viewer.is_some() && seen.insert((*key, *rest, *viewer, what)) {
                    counts[what] += 1;
                }
            };
            distinct(REACH);
            match usize::from(*kind) {
                1 => distinct(REACH + 1),
                9 => distinct(REACH + 2),
                17 => distinct(REACH + 3),
                _ => {}
            }
        }
        answer
    }

    fn records(rows: &[Row]) -> (Vec<Record>, Vec<f64>) {
        let record = |(key, rest, viewer, kind): &Row| {
            let viewer = viewer.map_or((class::NULL, 7), |v| (class::NUMBER, u64::from(v)));
            Record::new((class::NUMBER, u64::from(*key)), u32::from(*rest), viewer, *kind)
        };
        let watched = rows.iter().enumerate().filter(|(_, r)| r.3 == EventKind::WatchSeconds as u8);
        (rows.iter().map(record).collect(), watched.map(|(i, _)| i as f64).collect())
    }

    fn answer(part: &Part) -> Answer {
        let counts = |c: Counts<'_>| ((0..COUNTS).map(|i| c.at(i)).collect(), c.seconds);
        part.iter().map(|((key, _, rest), c)| ((key, rest), counts(c))).collect()
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let row = (0..30_u8, 0..3_u8, proptest::option::of(0..9_u8), 0..22_u8);
        proptest::collection::vec(row, 0..600)
    }

    proptest! {
        #[test]
        fn counts_what_brute_force_counts(rows in rows()) {
            let (records, seconds) = records(&rows);
            let mut part = Part::default();
            part.add(&records, &seconds).unwrap();
            prop_assert_eq!(answer(&part), brute_force(&rows));
        }

        #[test]
        fn what_was_put_aside_adds_up(first in rows(), second in rows()) {
            let mut aside = vec![];
            let mut part = Part::default();
            let (records, seconds) = records(&first);
            part.add(&records, &seconds).unwrap();
            part.put_aside(&mut aside).unwrap();
            let mut part = Part::default();
            let (records, _) = super::tests::records(&second);
            let all = [first.clone(), second.clone()].concat();
            // The seconds are numbered over both.
            let offset = first.len();
            let watched: Vec<f64> = second.iter().enumerate()
                .filter(|(_, r)| r.3 == EventKind::WatchSeconds as u8)
                .map(|(i, _)| (offset + i) as f64).collect();
            part.add(&records, &watched).unwrap();
            part.take_back(&mut aside.as_slice()).unwrap();
            prop_assert_eq!(answer(&part), brute_force(&all));
        }

        #[test]
        fn parts_without_a_common_viewer_add_up(rows in rows()) {
            let mut whole = Part::default();
            for half in [true, false] {
                let mut part = Part::default();
                let mut mine = vec![];
                let mut seconds = vec![];
                for (i, row) in rows.iter().enumerate() {
                    if row.2.unwrap_or(0).is_multiple_of(2) == half {
                        mine.extend(records(&[*row]).0);
                        if row.3 == EventKind::WatchSeconds as u8 {
                            seconds.push(i as f64);
                        }
                    }
                }
                part.add(&mine, &seconds).unwrap();
                whole.absorb(&part).unwrap();
            }
            prop_assert_eq!(answer(&whole), brute_force(&rows));
        }
    }

    #[test]
    fn counts_go_on_beyond_32_bits() {
        let mut part = Part::default();
        let record = Record::new((class::NUMBER, 1), 0, (class::NULL, 0), EventKind::View as u8);
        part.add(&[record], &[]).unwrap();
        part.bump(0, EventKind::View as usize, u32::MAX);
        part.bump(0, EventKind::View as usize, 5);
        let mut aside = vec![];
        part.put_aside(&mut aside).unwrap();
        part.take_back(&mut aside.as_slice()).unwrap();
        let (_, counts) = part.iter().next().unwrap();
        assert_eq!(counts.events(EventKind::View), 2 * ((1 << 32) + 5));
    }
}
