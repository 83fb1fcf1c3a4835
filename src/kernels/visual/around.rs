//! The pictures around a dissolve, from which it must stand out.

use super::picture::{FAR, Picture};
use super::window::{Frame, FrameWindow};

/// Largest change on the calmer side, after motion, as a share of that across the dissolve.
const MOST_CALM: f32 = 0.5;
/// The same on the other side, where another dissolve may follow.
const MOST_AROUND: f32 = 1.0;
/// Score from which these limits grow in proportion, because the blend itself is conclusive.
const SURE: f32 = 0.5;
/// Change between two frames, as a share of that across, that is a cut and ends the side.
const JUMP: f32 = 0.5;
/// Shortest side in seconds that is evaluated.
const LEAST_AROUND: f64 = 0.1;

/// The change on both sides of a dissolve, each as long as the dissolve itself.
///
/// Water, fire or a rotating pattern change steadily, and any span of such a change is nearly a blend of
/// its ends. A real dissolve stands out from its surroundings.
pub(super) struct Surroundings<'a> {
    /// The far and near picture of each side, and its length as a share of the dissolve's.
    ///
    /// `None` for a side that is too short.
    sides: [Option<(&'a Picture, &'a Picture, f32)>; 2],
}

impl<'a> Surroundings<'a> {
    /// The surroundings of the dissolve from `first` to `last`, which are `apart` levels apart.
    pub fn new(window: &'a FrameWindow, first: &'a Frame, last: &'a Frame, apart: f32) -> Self {
        let length = last.at - first.at;
        let numbers = (window.shown_at(first.at), window.shown_at(last.at));
        let side = |number: Option<i64>, near: &'a Frame, step: i64| {
            let mut far = near;
            let mut number = number?;
            while let Some(next) = window.get(number + step) {
                let later = if step > 0 { next } else { far };
                if (next.at - near.at).abs() > length + 1e-6 || later.change > JUMP * apart {
                    break;
                }
                far = next;
                number += step;
            }
            let seconds = (far.at - near.at).abs();
            let share = (seconds / length) as f32;
            (seconds >= LEAST_AROUND).then_some((&*far.picture, &*near.picture, share))
        };
        Self { sides: [side(numbers.0, first, -1), side(numbers.1, last, 1)] }
    }

    /// Whether the picture, motion included, changes as much on the calmer side as across.
    ///
    /// A quick test before [`Self::stands_out`]. `change` is measured between two pictures and `across` over
    /// the dissolve, in levels.
    pub fn drifts(&self, across: f32, change: impl Fn(&Picture, &Picture) -> f32) -> bool {
        self.changes(change).reduce(f32::min).is_some_and(|least| least > across)
    }

    /// Whether the change across clearly exceeds that of one side and at least equals the other.
    ///
    /// `apart` is the change across after motion, in levels; `score` that of the blend, in [0, 1].
    pub fn stands_out(&self, apart: f32, score: f32) -> bool {
        let apart = apart * (score / SURE).max(1.0);
        let (mut least, mut most) = (f32::INFINITY, 0.0_f32);
        for change in self.changes(|far, near| far.moved_difference(near, FAR)) {
            (least, most) = (least.min(change), most.max(change));
        }
        least == f32::INFINITY || least < MOST_CALM * apart && most < MOST_AROUND * apart
    }

    /// The change on each known side, extrapolated to the duration of the dissolve.
    fn changes(&self, change: impl Fn(&Picture, &Picture) -> f32) -> impl Iterator<Item = f32> {
        self.sides.iter().flatten().map(move |(far, near, share)| change(far, near) / share)
    }
}
