//! What is around a dissolve, against which it has to stand out.

use super::picture::{FAR, Picture};
use super::window::{Frame, FrameWindow};

/// As long before or after as the dissolve takes, after motion, the picture changes by less than
/// this share of the change across it on one side …
const MOST_CALM: f32 = 0.5;
/// … and by less than this on the other, where another dissolve may follow.
const MOST_AROUND: f32 = 1.0;
/// From this score on it may be more, in proportion: the blend itself says enough.
const SURE: f32 = 0.5;
/// A change between two frames of more than this share of the change across is a cut: nothing
/// beyond it counts …
const JUMP: f32 = 0.5;
/// … and if that leaves less than so many seconds, the side says nothing.
const LEAST_AROUND: f64 = 0.1;

/// What was shown as long before a dissolve, and is as long after it, as the dissolve takes.
/// Water, fire or a turning pattern always change as they do now, and a stretch of such a change
/// is nearly a blend of its ends: a dissolve stands out against what is around it.
pub(super) struct Surroundings<'a> {
    /// The far and the near picture of each side and its length as a share of the dissolve's, if
    /// it is long enough to say something.
    sides: [Option<(&'a Picture, &'a Picture, f32)>; 2],
}

impl<'a> Surroundings<'a> {
    /// For the dissolve from `first` to `last`, two pictures so many levels apart.
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

    /// Does the picture, motion included, change as much on the calmer side as across? A quick
    /// test, which leaves little to [`Self::stands_out`]. `change` between two pictures, and
    /// `across` the dissolve, in levels.
    pub fn drifts(&self, across: f32, change: impl Fn(&Picture, &Picture) -> f32) -> bool {
        self.changes(change).reduce(f32::min).is_some_and(|least| least > across)
    }

    /// Is the change across the dissolve, `apart` levels after motion, clearly more than that on
    /// one side and not less than that on the other? `score` of the blend in [0, 1].
    pub fn stands_out(&self, apart: f32, score: f32) -> bool {
        let apart = apart * (score / SURE).max(1.0);
        let (mut least, mut most) = (f32::INFINITY, 0.0_f32);
        for change in self.changes(|far, near| far.moved_difference(near, FAR)) {
            (least, most) = (least.min(change), most.max(change));
        }
        least == f32::INFINITY || least < MOST_CALM * apart && most < MOST_AROUND * apart
    }

    /// The change on each side that is known, in the time that the dissolve takes: change goes on
    /// as it begins.
    fn changes(&self, change: impl Fn(&Picture, &Picture) -> f32) -> impl Iterator<Item = f32> {
        self.sides.iter().flatten().map(move |(far, near, share)| change(far, near) / share)
    }
}
