//! Maps the source's clock to a variant's, through segments, speeds and joins.

use crate::model::edit::{Edit, JOIN_SECONDS, Join, Segment};

/// Maps times of the source to times of a variant, and back.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeMap {
    pieces: Vec<MappedSegment>,
    duration: f64,
}

/// A segment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MappedSegment {
    /// Start and end in the source, in seconds.
    source: (f64, f64),
    speed: f64,
    /// Time of its first frame in the variant, in seconds.
    shown: f64,
    /// Start and end in the variant where it dominates: joins are split in the middle.
    owned: (f64, f64),
}

impl TimeMap {
    /// The map of `edit`. Segments without length or speed are skipped.
    pub fn new(edit: &Edit) -> Self {
        Self::of(&edit.segments, edit.join)
    }

    /// The map of segments that are joined by `join`.
    pub fn of(segments: &[Segment], join: Join) -> Self {
        let overlap = match join {
            Join::Cut => 0.0,
            Join::Dissolve | Join::Slide => JOIN_SECONDS,
        };
        let mut pieces: Vec<MappedSegment> = Vec::with_capacity(segments.len());
        let mut shown = 0.0;
        let usable = segments.iter().filter(|s| s.speed > 0.0 && s.seen() > 0.0);
        for segment in usable {
            if let Some(last) = pieces.last_mut() {
                shown = (shown - overlap).max(0.0);
                last.owned.1 = shown + 0.5 * overlap;
            }
            let from = if pieces.is_empty() { shown } else { shown + 0.5 * overlap };
            pieces.push(MappedSegment {
                source: (segment.start, segment.end),
                speed: segment.speed,
                shown,
                owned: (from, shown + segment.seen()),
            });
            shown += segment.seen();
        }
        Self { pieces, duration: shown }
    }

    /// Duration of the variant, in seconds.
    pub fn duration(&self) -> f64 {
        self.duration
    }

    /// Whether something of the source is left out between what is shown.
    pub fn skips(&self) -> bool {
        self.pieces.windows(2).any(|pair| pair[1].source.0 > pair[0].source.1)
    }

    /// Whether the source time `t` lies between the first and the last that is shown.
    pub fn is_within(&self, t: f64) -> bool {
        let sources = || self.pieces.iter().map(|piece| piece.source);
        sources().any(|(start, _)| start <= t) && sources().any(|(_, end)| t < end)
    }

    /// The spans of the variant that show `start` to `end` of the source, in order.
    ///
    /// A span over two adjacent segments is returned as one, a repeated one as two.
    pub fn spans(&self, start: f64, end: f64) -> Vec<(f64, f64)> {
        let mut found: Vec<(f64, f64)> = Vec::new();
        for piece in &self.pieces {
            let at = |t: f64| piece.shown + (t - piece.source.0) / piece.speed;
            let (source_from, source_to) = piece.source;
            let from = at(start.max(source_from)).max(piece.owned.0);
            let to = at(end.min(source_to)).min(piece.owned.1);
            if to <= from {
                continue;
            }
            match found.last_mut() {
                Some(last) if (from - last.1).abs() < 1e-6 => last.1 = to,
                _ => found.push((from, to)),
            }
        }
        found
    }

    /// The spans of the source shown from `from` to `to` of the variant, in the variant's order.
    pub fn sources(&self, from: f64, to: f64) -> Vec<(f64, f64)> {
        let seen = |piece: &MappedSegment| {
            let (from, to) = (from.max(piece.owned.0), to.min(piece.owned.1));
            let at = |t: f64| piece.source.0 + (t - piece.shown) * piece.speed;
            (to > from).then(|| (at(from), at(to)))
        };
        self.pieces.iter().filter_map(seen).collect()
    }

    /// The times of the variant that show the source time `t`.
    pub fn moments(&self, t: f64) -> Vec<f64> {
        let seen = |piece: &MappedSegment| {
            let at = piece.shown + (t - piece.source.0) / piece.speed;
            let inside = t >= piece.source.0 && t < piece.source.1;
            (inside && at >= piece.owned.0 && at < piece.owned.1).then_some(at)
        };
        self.pieces.iter().filter_map(seen).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn segment(start: f64, end: f64, speed: f64) -> Segment {
        Segment { start, end, speed }
    }

    #[test]
    fn a_teaser_is_shown_twice_and_speed_shortens() {
        let map = TimeMap::of(&[segment(7.0, 9.0, 1.0), segment(3.0, 13.0, 2.0)], Join::Cut);
        assert_eq!(map.spans(7.5, 8.5), vec![(0.5, 1.5), (4.25, 4.75)]);
        assert_eq!(map.moments(7.0), vec![0.0, 4.0]);
        assert_eq!(map.spans(0.0, 3.0), vec![]);
        assert_eq!(map.duration(), 7.0);
    }

    #[test]
    fn a_cue_over_a_change_of_speed_is_one() {
        let map = TimeMap::of(&[segment(0.0, 4.0, 1.0), segment(4.0, 8.0, 2.0)], Join::Cut);
        assert_eq!(map.spans(3.0, 6.0), vec![(3.0, 5.0)]);
    }

    #[test]
    fn quarters_of_a_variant_are_stretches_of_the_source() {
        let map = TimeMap::of(&[segment(7.0, 9.0, 1.0), segment(3.0, 13.0, 2.0)], Join::Cut);
        assert_eq!(map.sources(0.0, 1.75), vec![(7.0, 8.75)]);
        assert_eq!(map.sources(1.75, 3.5), vec![(8.75, 9.0), (3.0, 6.0)]);
        assert_eq!(map.sources(7.0, 9.0), vec![]);
    }

    proptest! {
        /// Against a walk through the variant in small steps.
        #[test]
        fn spans_are_where_the_source_is_seen(
            parts in prop::collection::vec((0.0..20.0f64, 1.0..6.0f64, 0.5..2.0f64), 1..5),
            join in prop::sample::select(Join::ALL),
            start in 0.0..25.0f64,
            length in 0.05..8.0f64,
        ) {
            let segments: Vec<_> =
                parts.iter().map(|(from, long, speed)| segment(*from, from + long * speed, *speed)).collect();
            let edit = Edit { join, ..Edit::plain((720, 1280), 30.0, segments.clone()) };
            let map = TimeMap::new(&edit);
            prop_assert!((map.duration() - edit.duration()).abs() < 1e-9);
            let spans = map.spans(start, start + length);
            let overlap = if join == Join::Cut { 0.0 } else { JOIN_SECONDS };
            let mut shown = 0.0;
            for (i, part) in segments.iter().enumerate() {
                let steps = (part.seen() / 0.01) as usize;
                for step in 0..steps {
                    let seen = step as f64 * 0.01;
                    let mine = (i == 0 || seen > 0.5 * overlap + 0.001)
                        && (i + 1 == segments.len() || seen < part.seen() - 0.5 * overlap - 0.001);
                    let at = part.start + seen * part.speed;
                    let (from, to) = (start, start + length);
                    if mine && ((at - from).abs() > 0.001 && (at - to).abs() > 0.001) {
                        let within = spans.iter().any(|s| s.0 <= shown + seen && shown + seen <= s.1);
                        prop_assert_eq!(within, at > from && at < to, "at {}", at);
                    }
                }
                shown += part.seen() - overlap;
            }
        }
    }
}
