//! What is known of a source beside its media: its chapters, and which parts of it are replayed most.

use super::bound::Bound;
use super::frames::FrameGrid;
use super::limits::FLASH;
use crate::model::{BoundKind, Chapter, Replay};

/// A chapter raises the place to cut that is no further from its beginning than this, in seconds: on the pages of
/// videos chapters begin at whole seconds.
const NEAR: f64 = 2.0;
/// Quality of a chapter's beginning where nothing else is near.
const CHAPTER_QUALITY: f64 = 0.75;
/// Added to the quality of the place near it.
const AGREEMENT: f64 = 0.15;

/// What is known of a source beside its media.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceMarks {
    /// When its chapters begin, in seconds, in order.
    chapters: Vec<f64>,
    /// Start, end and value of the parts of its heat map, by start.
    replays: Vec<(f64, f64, f64)>,
}

impl SourceMarks {
    /// From rows of `sources.chapters` and `sources.replays`. Times that are no numbers are passed over.
    pub fn new(chapters: &[Chapter], replays: &[Replay]) -> Self {
        let starts = chapters.iter().map(|chapter| chapter.start);
        Self::of(starts, replays.iter().map(|r| (r.start, r.end, r.value)))
    }

    pub(super) fn of(
        chapters: impl Iterator<Item = f64>,
        replays: impl Iterator<Item = (f64, f64, f64)>,
    ) -> Self {
        let mut chapters: Vec<f64> = chapters.filter(|t| t.is_finite()).collect();
        let is_part = |(start, end, value): &(f64, f64, f64)| {
            start.is_finite() && end.is_finite() && start < end && value.is_finite()
        };
        let mut replays: Vec<(f64, f64, f64)> = replays.filter(is_part).collect();
        chapters.sort_by(f64::total_cmp);
        replays.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { chapters, replays }
    }

    /// Mean value of the heat map from `start` to `end`, over the time that it covers; `None` where it covers none.
    pub(super) fn replayed(&self, start: f64, end: f64) -> Option<f64> {
        let after = self.replays.partition_point(|(from, ..)| *from < end);
        let (mut sum, mut covered) = (0.0, 0.0);
        for (from, to, value) in &self.replays[..after] {
            let shared = to.min(end) - from.max(start);
            if shared > 0.0 {
                sum += shared * value.clamp(0.0, 1.0);
                covered += shared;
            }
        }
        (covered > 0.0).then(|| sum / covered)
    }

    /// Raises the places at which chapters begin, and adds those where there is none near. `may_stand` says where
    /// a place may be.
    pub(super) fn mark(
        &self,
        places: &mut Vec<Bound>,
        frames: &FrameGrid,
        may_stand: impl Fn(f64) -> bool,
    ) {
        for chapter in &self.chapters {
            let distance = |place: &Bound| (place.t - chapter).abs();
            let near = places.iter_mut().filter(|place| distance(place) <= NEAR);
            // Of those as near as one can hear, the better.
            let rank = |place: &Bound| (place.quality, -distance(place));
            let best = near.max_by(|a, b| {
                let (a, b) = (rank(a), rank(b));
                a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
            });
            if let Some(place) = best {
                place.quality = (place.quality.max(CHAPTER_QUALITY) + AGREEMENT).min(1.0);
                continue;
            }
            let t = frames.nearest(*chapter);
            if may_stand(t) {
                let at = places.partition_point(|place| place.t < t);
                places.insert(at, Bound { t, quality: CHAPTER_QUALITY, kind: BoundKind::Chapter });
            }
        }
    }
}

/// Whether a place at `t` is far enough from the shot boundaries `cuts` to show no flash of another shot.
pub(super) fn is_clear(t: f64, cuts: &[f64]) -> bool {
    let after = cuts.partition_point(|cut| *cut < t);
    let before = after.checked_sub(1).and_then(|i| cuts.get(i));
    let is_near = |cut: Option<&f64>| cut.is_some_and(|cut| (cut - t).abs() < FLASH && *cut != t);
    !is_near(before) && !is_near(cuts.get(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(t: f64, quality: f64) -> Bound {
        Bound { t, quality, kind: BoundKind::Pause }
    }

    #[test]
    fn a_chapter_raises_the_place_near_it_or_is_one() {
        let page = SourceMarks::of([60.0, 10.0, f64::NAN].into_iter(), std::iter::empty());
        let mut places = vec![place(8.5, 0.6), place(11.0, 0.8), place(30.0, 0.9)];
        page.mark(&mut places, &FrameGrid::default(), |_| true);
        let found: Vec<(f64, f64)> = places.iter().map(|p| (p.t, p.quality)).collect();
        let raised = 0.8 + AGREEMENT;
        assert_eq!(found, [(8.5, 0.6), (11.0, raised), (30.0, 0.9), (60.0, CHAPTER_QUALITY)]);
        assert_eq!(places[3].kind, BoundKind::Chapter);
        let mut none = vec![place(30.0, 0.9)];
        page.mark(&mut none, &FrameGrid::default(), |t| t < 50.0);
        assert_eq!(none.iter().map(|p| p.t).collect::<Vec<_>>(), [10.0, 30.0]);
    }

    #[test]
    fn the_heat_of_a_window_is_its_mean_over_what_the_map_covers() {
        let parts = [(0.0, 10.0, 0.2), (10.0, 20.0, 1.0), (30.0, 40.0, 0.5)];
        let page = SourceMarks::of(std::iter::empty(), parts.into_iter());
        assert_eq!(page.replayed(5.0, 15.0), Some(0.6));
        assert_eq!(page.replayed(15.0, 35.0), Some(0.75));
        assert_eq!(page.replayed(20.0, 30.0), None);
        assert_eq!(SourceMarks::default().replayed(0.0, 9.0), None);
    }
}
