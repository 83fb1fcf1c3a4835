//! Hard cuts: a change between two frames that stands out from the changes around it.

use super::Boundary;
use super::picture::{FAR, NEAR, Picture};
use super::window::FrameWindow;
use crate::model::Transition;

/// Frames on each side that a cut is compared with, and their largest distance in seconds.
const NEIGHBOURS: usize = 7;
const NEIGHBOURHOOD: f64 = 0.6;
/// Change in levels below which a frame repeats the last one (telecine, animation on twos).
///
/// Repeated frames say nothing about the motion in the shot.
const REPEATED: f32 = 0.12;
/// Change in levels below which it is noise or coding, whatever surrounds it.
const LEAST_CHANGE: f32 = 2.0;
/// Smallest ratio of the change at a cut to its neighbours.
///
/// A ramp, a pan or a shake changes by similar amounts from frame to frame; hard cuts give 5 and more.
const LEAST_RATIO: f32 = 2.2;
/// The same for unrelated pictures, as in a cut between shots that move fast.
///
/// These share less than [`UNRELATED_STRUCTURE`] and differ by more than [`CLEAR_SHARE`].
const UNRELATED_RATIO: f32 = 1.7;
const UNRELATED_WIDE_RATIO: f32 = 1.35;
const UNRELATED_STRUCTURE: f32 = 0.2;
/// Smallest change as a share of the two pictures' contrast.
///
/// Unrelated pictures give 0.5–1.2, an object that crosses half the picture 0.1–0.2.
const LEAST_SHARE: f32 = 0.2;
/// Seconds within which a returning picture means a flash: up to 5 frames at 24 fps.
const FLASH: f64 = 0.23;
/// The same for a flash that lights up the scene and dies down, such as an explosion.
const GLOW: f64 = 1.0;
/// Largest number of frames of a flash, also at low frame rates.
const FLASH_FRAMES: usize = 5;
/// Change, as a share of the first one, from which it is a jump.
const JUMP: f32 = 0.5;
/// Ratio from which the narrow search is conclusive, and that of the wide one.
const SURE_RATIO: f32 = 3.5;
const LEAST_WIDE_RATIO: f32 = 1.7;
/// Smallest number of frames in the neighbours' median; repeated frames fill it up.
const LEAST_NEIGHBOURS: usize = 5;
/// Smallest increase of brightness by such a flash, in levels.
const GLOW_LEVELS: f32 = 20.0;
/// Largest remaining share of the change when the picture has returned.
const RETURNED: f32 = 0.45;
/// Largest difference to the earlier picture, as a share of its contrast.
const SAME: f32 = 0.25;
/// Largest difference that film grain leaves, in levels.
const NOISE: f32 = 2.5;
/// Shared structure from which only the light or part of the picture changed.
const SAME_STRUCTURE: f32 = 0.5;
/// Change, as a share of the contrast, from which more structure must be shared.
///
/// A logo or caption that stays is structure too.
const CLEAR_SHARE: f32 = 0.6;
const CLEAR_STRUCTURE: f32 = 0.75;
/// The same if the picture became much brighter or darker: clipping removes structure.
const LIT_STRUCTURE: f32 = 0.65;
/// Smallest structure that a returned picture shares with the earlier one.
const BACK_STRUCTURE: f32 = 0.5;

/// The evidence for a cut just before a frame.
pub(super) struct CutExamination {
    /// Evidence in [0, 1], also without a cut.
    pub evidence: f64,
    pub boundary: Option<Boundary>,
}

/// Tests for a hard cut between frame `number − 1` and frame `number`.
pub(super) fn examine(window: &FrameWindow, number: i64) -> CutExamination {
    let none = CutExamination { evidence: 0.0, boundary: None };
    let (Some(before), Some(frame)) = (window.get(number - 1), window.get(number)) else {
        return none;
    };
    let contrast = 0.5 * (before.picture.contrast + frame.picture.contrast);
    let offset = (before.picture.mean - frame.picture.mean).abs();
    let share = frame.change / (contrast + 0.25 * offset + 3.0);
    let ratio = frame.change / (around(window, number) + 0.25);
    // 0.5 exactly where both conditions are just met.
    let unrelated =
        share > CLEAR_SHARE && before.picture.structure(&frame.picture) < UNRELATED_STRUCTURE;
    let least_ratio = if unrelated { UNRELATED_RATIO } else { LEAST_RATIO };
    let evidence = f64::from((share / LEAST_SHARE).min(ratio / least_ratio));
    let evidence = evidence / (1.0 + evidence);
    let stands_out = frame.change > LEAST_CHANGE && evidence > 0.5;
    let stands_out =
        stands_out && (ratio > SURE_RATIO || stands_out_wide(window, number, unrelated));
    if !stands_out || is_flash(window, number, share) {
        return CutExamination { evidence: evidence.min(0.5), boundary: None };
    }
    let boundary = Boundary {
        frame: number,
        at: frame.at,
        transition: Transition::Cut,
        score: evidence,
        span: (before.at, frame.at),
    };
    CutExamination { evidence, boundary: Some(boundary) }
}

/// The typical change around frame `number`: the larger of both sides' medians.
///
/// One more cut nearby does not count, but the onset of fast motion does.
fn around(window: &FrameWindow, number: i64) -> f32 {
    let before = window.before(number, NEIGHBOURHOOD).map(|f| f.change);
    let after = window.after(number, NEIGHBOURHOOD).map(|f| f.change);
    median(before).max(median(after))
}

fn median(changes: impl Iterator<Item = f32>) -> f32 {
    let mut buffer = [0.0; NEIGHBOURS];
    let (mut moving, mut all) = (0, 0);
    for change in changes {
        all += 1;
        if change > REPEATED {
            buffer[moving] = change;
            moving += 1;
        }
        if moving == NEIGHBOURS {
            break;
        }
    }
    let count = moving.max(all.min(LEAST_NEIGHBOURS));
    let found = &mut buffer[..count];
    found.sort_by(f32::total_cmp);
    found.get(count / 2).copied().unwrap_or(0.0)
}

/// Whether the change at `number` is part of a flash, or only a change of light.
///
/// It is a flash if the earlier picture returns soon, or if the new one is an earlier one that returned.
fn is_flash(window: &FrameWindow, number: i64, share: f32) -> bool {
    let (Some(before), Some(frame)) = (window.get(number - 1), window.get(number)) else {
        return false;
    };
    let (old, new) = (&before.picture, &frame.picture);
    let lit = (old.mean - new.mean).abs() > GLOW_LEVELS;
    let limit = if lit {
        LIT_STRUCTURE
    } else if share < CLEAR_SHARE {
        SAME_STRUCTURE
    } else {
        CLEAR_STRUCTURE
    };
    if old.structure(new) > limit {
        return true;
    }
    let back = |now: &Picture, then: &Picture, range| {
        let left = (frame.change * RETURNED).min(SAME * then.contrast + NOISE);
        now.moved_difference(then, range) < left && now.shared_structure(then) > BACK_STRUCTURE
    };
    if window.after(number, FLASH).any(|f| back(&f.picture, old, NEAR))
        || window.before(number - 1, FLASH).any(|f| back(&f.picture, new, NEAR))
    {
        return true;
    }
    // The light rises at once, stays above its start, and the scene reappears as it falls; or the light
    // falls to a scene that was visible before it rose.
    if new.mean > old.mean + GLOW_LEVELS {
        window
            .after(number, GLOW)
            .enumerate()
            .take_while(|(n, f)| {
                // After a few frames only a gradual decay counts: a jump back is another cut.
                f.picture.mean > old.mean - 2.0
                    && (*n < FLASH_FRAMES || f.change < JUMP * frame.change)
            })
            .any(|(_, f)| back(&f.picture, old, FAR))
    } else if old.mean > new.mean + GLOW_LEVELS {
        window
            .before(number - 1, GLOW)
            .take(FLASH_FRAMES)
            .take_while(|f| f.picture.mean > new.mean - 2.0)
            .any(|f| back(&f.picture, new, FAR))
    } else {
        false
    }
}

/// Whether the change also stands out from changes measured with the wide search.
///
/// At low frame rates or in fast motion a block moves further than the narrow search reaches.
fn stands_out_wide(window: &FrameWindow, number: i64, unrelated: bool) -> bool {
    let wide = |n: i64| match (window.get(n - 1), window.get(n)) {
        (Some(a), Some(b)) => b.picture.moved_difference(&a.picture, FAR),
        _ => 0.0,
    };
    let near = |n: i64| window.get(n).map_or(0.0, |f| f.change);
    let side = |numbers: [i64; 5]| {
        let busy = numbers.iter().filter(|&&n| near(n) > REPEATED);
        median(busy.map(|&n| wide(n)))
    };
    let [before, after] = [-1, 1].map(|s| side([1, 2, 3, 4, 5].map(|k| number + s * k)));
    let least = if unrelated { UNRELATED_WIDE_RATIO } else { LEAST_WIDE_RATIO };
    wide(number) > least * (before.max(after) + 0.25)
}
