//! The set of (group, viewer) pairs that were met, 12 bytes a slot, with three marks for each pair.

use super::mix;

/// Pairs of a group of this part and a viewer, and what the viewer was seen to do there.
#[derive(Debug, Default)]
pub(super) struct PairSet {
    /// Viewer, low and high half; then occupied (1 bit), marks (3), class of the viewer (2), group (26).
    slots: Vec<[u32; 3]>,
    len: usize,
}

const OCCUPIED: u32 = 1 << 31;
const MARKS_AT: u32 = 28;
const MARKS: u32 = 0b111 << MARKS_AT;
const CLASS_AT: u32 = 26;
/// Groups that a part can hold.
pub(super) const MAX_GROUPS: usize = 1 << CLASS_AT;

/// What an insertion has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// The pair was not there.
    pub is_new: bool,
    /// The marks that it did not have.
    pub marks: u32,
    /// All marks that it has now.
    pub all: u32,
}

impl Change {
    /// Which of the counts of distinct viewers grow by one: those who began, those of them who saw the
    /// end, those who came by referral.
    #[inline]
    pub(super) fn grown(&self) -> [bool; 3] {
        const BOTH: u32 = 0b011;
        let began = self.marks & 0b001 != 0;
        let ended = self.all & BOTH == BOTH && self.marks & BOTH != 0;
        [began, ended, self.marks & 0b100 != 0]
    }
}

impl PairSet {
    /// Note that `viewer` was met in `group`, with `marks` (3 bits).
    #[inline]
    pub(super) fn insert(&mut self, group: u32, class: u8, viewer: u64, marks: u32) -> Change {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let identity = OCCUPIED | (u32::from(class) << CLASS_AT) | group;
        let halves = [viewer as u32, (viewer >> 32) as u32];
        let (at, found) = find(&self.slots, identity, halves);
        let Some(slot) = self.slots.get_mut(at) else {
            return Change { is_new: false, marks: 0, all: 0 };
        };
        let wanted = marks << MARKS_AT;
        if found {
            let added = wanted & !slot[2];
            slot[2] |= added;
            let all = (slot[2] & MARKS) >> MARKS_AT;
            return Change { is_new: false, marks: added >> MARKS_AT, all };
        }
        *slot = [halves[0], halves[1], identity | wanted];
        self.len += 1;
        Change { is_new: true, marks, all: marks }
    }

    /// Twice as much: a set is one of many, so that little is there twice over.
    #[cold]
    fn grow(&mut self) {
        let room = (self.slots.len() * 2).max(64);
        let mut larger = vec![[0; 3]; room];
        for slot in self.slots.iter().filter(|s| s[2] != 0) {
            let (at, _) = find(&larger, slot[2] & !MARKS, [slot[0], slot[1]]);
            if let Some(empty) = larger.get_mut(at) {
                *empty = *slot;
            }
        }
        self.slots = larger;
    }

    /// Every pair: group, class, viewer, marks.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u8, u64, u32)> + '_ {
        self.slots.iter().filter(|s| s[2] != 0).map(|[low, high, meta]| {
            let class = (meta >> CLASS_AT) as u8 & 0b11;
            let viewer = u64::from(*low) | (u64::from(*high) << 32);
            (meta & (MAX_GROUPS as u32 - 1), class, viewer, (meta & MARKS) >> MARKS_AT)
        })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        self.slots.len() * size_of::<[u32; 3]>()
    }
}

/// Where a pair is, or where it would be put, and whether it is there. There is always an empty slot.
#[inline]
fn find(slots: &[[u32; 3]], identity: u32, viewer: [u32; 2]) -> (usize, bool) {
    let wide = u64::from(viewer[0]) | (u64::from(viewer[1]) << 32);
    let hash = mix(wide ^ (u64::from(identity) << 32).rotate_left(7));
    // The part was chosen by other bits of another hash.
    let mut at = ((u64::from(hash as u32) * slots.len() as u64) >> 32) as usize;
    while let Some(slot) = slots.get(at) {
        if slot[2] == 0 {
            return (at, false);
        }
        if slot[0] == viewer[0] && slot[1] == viewer[1] && slot[2] & !MARKS == identity {
            return (at, true);
        }
        at = if at + 1 == slots.len() { 0 } else { at + 1 };
    }
    (0, false)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_the_set_that_std_keeps(
            rows in proptest::collection::vec((0..9_u32, 0..4_u8, 0..40_u64, 0..8_u32), 0..2000)
        ) {
            let mut set = PairSet::default();
            let mut expected: HashMap<(u32, u8, u64), u32> = HashMap::new();
            for (group, class, viewer, marks) in rows {
                // Viewers that differ in their high half only, too.
                let viewer = viewer % 8 + ((viewer / 8) << 32);
                let before = expected.get(&(group, class, viewer)).copied();
                let change = set.insert(group, class, viewer, marks);
                prop_assert_eq!(change.is_new, before.is_none());
                prop_assert_eq!(change.marks, marks & !before.unwrap_or(0));
                prop_assert_eq!(change.all, marks | before.unwrap_or(0));
                *expected.entry((group, class, viewer)).or_default() |= marks;
            }
            prop_assert_eq!(set.len(), expected.len());
            let found: HashMap<_, _> = set.iter().map(|(g, c, v, m)| ((g, c, v), m)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
