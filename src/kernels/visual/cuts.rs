//! Hard cuts: a change between two frames that stands out from the changes around it.

use super::Boundary;
use super::picture::{FAR, NEAR, Picture};
use super::window::FrameWindow;
use crate::model::Transition;

/// Frames on each side whose changes a cut is measured against, and how far away they may be.
const NEIGHBOURS: usize = 7;
const NEIGHBOURHOOD: f64 = 0.6;
/// A change below this, in levels, is a repeated frame (telecine, animation on twos): it says
/// nothing about how much the shot moves.
const REPEATED: f32 = 0.12;
/// A change below this, in levels, is noise or coding whatever stands around it.
const LEAST_CHANGE: f32 = 2.0;
/// How many times larger than its neighbours the change at a cut is. A ramp, a pan or a shake
/// changes by like amounts from frame to frame; footage cut hard gives 5 and more.
const LEAST_RATIO: f32 = 2.2;
/// The same between pictures that share less than [`UNRELATED_STRUCTURE`] and are further apart
/// than [`CLEAR_SHARE`]: a cut between shots that move fast.
const UNRELATED_RATIO: f32 = 1.7;
const UNRELATED_WIDE_RATIO: f32 = 1.35;
const UNRELATED_STRUCTURE: f32 = 0.2;
/// The change as a share of the two pictures' contrast. Unrelated pictures give 0.5–1.2, an
/// object that crosses half the picture 0.1–0.2.
const LEAST_SHARE: f32 = 0.2;
/// A picture that is back within this time was interrupted by a flash: up to 5 frames at 24 fps.
const FLASH: f64 = 0.23;
/// A flash that lights up the scene and dies down (an explosion) may take longer.
const GLOW: f64 = 1.0;
/// Frames that a flash lasts at most, also at few frames a second.
const FLASH_FRAMES: usize = 5;
/// A change of this share of the first one is a jump.
const JUMP: f32 = 0.5;
/// From this ratio on the narrow search is enough; below it the wide one must give this much.
const SURE_RATIO: f32 = 3.5;
const LEAST_WIDE_RATIO: f32 = 1.7;
/// Frames of which the neighbours' median is taken at least: where most frames are repeated,
/// the repeated ones fill up.
const LEAST_NEIGHBOURS: usize = 5;
/// How much brighter, in levels, such a flash makes the picture.
const GLOW_LEVELS: f32 = 20.0;
/// The share of the change that may be left when the picture is back.
const RETURNED: f32 = 0.45;
/// And the difference to the picture before, as a share of its contrast.
const SAME: f32 = 0.25;
/// … and what film grain at its worst leaves, in levels.
const NOISE: f32 = 2.5;
/// Structure shared from which only the light was switched or a part of the picture moved …
const SAME_STRUCTURE: f32 = 0.5;
/// … unless the change is at least this share of the contrast: then more must be shared, as a
/// logo or caption that stays is structure, too.
const CLEAR_SHARE: f32 = 0.6;
const CLEAR_STRUCTURE: f32 = 0.75;
/// The same when the picture got much brighter or darker: clipping takes structure away.
const LIT_STRUCTURE: f32 = 0.65;
/// A picture that is back shares at least this much structure with the one before.
const BACK_STRUCTURE: f32 = 0.5;

/// What the frames around a frame say about a cut just before it.
pub(super) struct CutExamination {
    /// Evidence in [0, 1], also where there is no cut.
    pub evidence: f64,
    pub boundary: Option<Boundary>,
}

/// Is there a hard cut between frame `number − 1` and frame `number`?
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

/// How much the picture changes around frame `number`: the larger of both sides' medians, so
/// that one more cut nearby does not count but the onset of fast motion does.
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

/// Does the picture before `number` come back, or is the picture at `number` an earlier one that
/// came back, so soon that what lies between was a flash? Or did only the light change?
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
    // The light goes up at once, stays above the start, and the scene appears again below it; or
    // the light goes down to a scene that was there before it went up.
    if new.mean > old.mean + GLOW_LEVELS {
        window
            .after(number, GLOW)
            .enumerate()
            .take_while(|(n, f)| {
                // Beyond a few frames only dying down counts: a jump back is another cut.
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

/// At few frames a second or in fast motion a block moves further than the usual search goes:
/// does the change stand out also against changes searched wide?
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
