//! Chooses which packets are copied and which frames are encoded.

use std::ops::Range;

/// Smallest share of copied frames; below it, encoding all of them costs little more.
const LEAST: f64 = 0.5;
/// Largest number of frames encoded at the edges.
const MOST_ENCODED: usize = 3000;

/// A span, divided into head, copied packets and tail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SmartCutPlan {
    /// The copied packets, by their position in decoding order.
    pub(super) copied: Range<usize>,
    /// Tick of the first copied frame, and the first tick after the last.
    pub(super) from: i64,
    pub(super) until: i64,
    /// Number of frames before and after the copied ones.
    pub(super) head: usize,
    pub(super) tail: usize,
}

impl SmartCutPlan {
    /// Number of encoded frames.
    pub(super) fn encoded(&self) -> usize {
        self.head + self.tail
    }
}

/// Chooses the longest run of whole groups of pictures within the ticks `[from, until)`.
///
/// `packets` lists, in decoding order, the presentation tick of each frame and whether decoding can start
/// there; what is decoded from such a packet on is shown after everything before it. `None` if too little
/// could be copied.
pub(super) fn choose(packets: &[(i64, bool)], from: i64, until: i64) -> Option<SmartCutPlan> {
    let first = packets.iter().position(|(tick, closed)| *closed && *tick >= from)?;
    // From there on, only packets that are all shown before the end.
    let beyond = packets[first..].iter().position(|(tick, _)| *tick >= until);
    let last = match beyond {
        Some(beyond) => (first + 1..=first + beyond).rev().find(|place| packets[*place].1)?,
        // The source ends with the span.
        None => packets.len(),
    };
    let start = packets[first].0;
    let end = packets.get(last).map_or(until, |(tick, _)| until.min(*tick));
    let within =
        |range: Range<i64>| packets.iter().filter(|(tick, _)| range.contains(tick)).count();
    let (head, tail) = (within(from..start), within(end..until));
    let cut = SmartCutPlan { copied: first..last, from: start, until: end, head, tail };
    let copied = cut.copied.len();
    let all = copied + cut.encoded();
    let fits = copied as f64 >= LEAST * all as f64 && cut.encoded() <= MOST_ENCODED;
    let whole = packets[first..last].iter().all(|(tick, _)| (start..end).contains(tick));
    (fits && whole).then_some(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closed groups of 10 frames, one tick each, with one frame of three out of order.
    fn groups(count: i64) -> Vec<(i64, bool)> {
        let group = |number: i64| {
            [0, 3, 1, 2, 6, 4, 5, 9, 7, 8].map(|tick| (number * 10 + tick, tick == 0))
        };
        (0..count).flat_map(group).collect()
    }

    #[test]
    fn whole_groups_are_copied_and_the_edges_are_not() {
        let cut = choose(&groups(6), 7, 43);
        let wanted = SmartCutPlan { copied: 10..40, from: 10, until: 40, head: 3, tail: 3 };
        assert_eq!(cut, Some(wanted));
    }

    #[test]
    fn a_span_of_whole_groups_has_no_edges() {
        let cut = choose(&groups(6), 10, 40);
        assert_eq!(
            cut,
            Some(SmartCutPlan { copied: 10..40, from: 10, until: 40, head: 0, tail: 0 })
        );
        let to_the_end = choose(&groups(6), 20, 60);
        let wanted = SmartCutPlan { copied: 20..60, from: 20, until: 60, head: 0, tail: 0 };
        assert_eq!(to_the_end, Some(wanted));
        // The end is between the last frame and the next group's first.
        let mut late = groups(6);
        late.iter_mut().for_each(|(tick, _)| *tick *= 10);
        let between = choose(&late, 100, 395);
        assert_eq!(
            between,
            Some(SmartCutPlan { copied: 10..40, from: 100, until: 395, head: 0, tail: 0 })
        );
    }

    #[test]
    fn too_little_is_not_copied() {
        assert_eq!(choose(&groups(6), 11, 19), None);
        assert_eq!(choose(&groups(6), 2, 27), None);
        assert!(choose(&groups(6), 6, 25).is_some());
        assert_eq!(choose(&groups(6), 70, 90), None);
        assert_eq!(choose(&[], 0, 9), None);
        assert_eq!(choose(&groups(6), 30, 10), None);
    }

    #[test]
    fn an_open_group_does_not_end_a_copy() {
        let mut open = groups(6);
        open.iter_mut().filter(|(tick, _)| *tick > 10).for_each(|(_, closed)| *closed = false);
        assert_eq!(choose(&open, 5, 45), None);
        assert_eq!(choose(&open, 5, 60).map(|cut| cut.copied), Some(10..60));
    }
}
