//! Fades: a run of plain frames between two pictures.

use super::Boundary;
use super::picture::NEAR;
use super::picture::Picture;
use super::window::{Frame, FrameWindow};
use crate::model::Transition;

/// Contrast in levels below which a nearly black frame is plain.
const PLAIN: f32 = 6.0;
/// Share of the preceding contrast below which a nearly black frame is plain too.
///
/// Up to [`MOST_PLAIN`] levels: black with a small logo or caption that stays on.
const PLAIN_SHARE: f32 = 0.2;
const MOST_PLAIN: f32 = 9.0;
/// Mean luma, in levels, below which a frame is nearly black.
const DARK: f32 = 30.0;
/// Contrast in levels below which a frame is empty.
///
/// A run with more contrast and hard cuts at both ends is a dim or misty shot.
const EMPTY: f32 = 1.5;
/// Share of the preceding contrast below which a frame is empty, up to [`MOST_EMPTY`].
///
/// The fade may reverse between two frames.
const EMPTY_SHARE: f32 = 0.05;
const MOST_EMPTY: f32 = 2.5;
/// Smallest ratio of the contrast on both sides to that of the plainest frame.
const DEPTH: f32 = 5.0;
/// Seconds before and after the run that are searched for the full pictures.
const REACH: f64 = 1.2;
/// Share of the full contrast from which a picture counts as fully visible.
const THERE: f32 = 0.8;
/// Factor, within a time in seconds, by which a rising contrast must grow.
const RISE: f32 = 1.02;
const RISEN: f64 = 0.13;
/// Shared structure below which neighbouring frames do not belong to one fade.
const BROKEN: f32 = 0.3;
/// Change, as a share of the contrast, from which two frames are a jump.
const JUMP: f32 = 0.4;
/// Smallest ratio of a jump to the change beside it.
const ALONE: f32 = 3.0;
/// Seconds within which a returning picture means a flash, a blink or a dropped frame.
const FLASH: f64 = 0.5;
/// The same if the plain frames start abruptly: an explosion takes longer to die down.
const GLOW: f64 = 1.2;
/// Difference, as a share of the contrast, below which two pictures are the same.
const SAME: f32 = 0.15;

/// A run of plain frames.
struct PlainRun {
    /// The full picture before the run, and its time.
    before: Option<(Box<Picture>, f64)>,
    /// Contrast of that picture; 0 without one.
    full: f32,
    /// Lowest contrast in the run.
    plainest: f32,
    /// Whether the full picture was visible just before the run.
    straight_out: bool,
    /// First frame and last frame of the run: number and time.
    first: (i64, f64),
    last: (i64, f64),
}

/// Tracks runs of plain frames through the stream.
#[derive(Default)]
pub(super) struct FadeTracker {
    run: Option<PlainRun>,
    /// Number and time of the frames of the run, up to [`MOST_TIMES`], to find its middle.
    times: Vec<(i64, f64)>,
    found: Vec<Boundary>,
    flashes: Vec<(f64, f64)>,
}

/// Largest number of plain frames whose times are kept.
const MOST_TIMES: usize = 4096;

impl FadeTracker {
    /// Examines frame `number` of the window.
    pub fn examine(&mut self, window: &FrameWindow, number: i64) {
        let Some(frame) = window.get(number) else {
            return;
        };
        let contrast = frame.picture.contrast;
        if is_plain(&frame.picture, self.full(window, number)) {
            match &mut self.run {
                Some(run) => {
                    run.plainest = run.plainest.min(contrast);
                    run.last = (number, frame.at);
                }
                None => {
                    let before =
                        fullest(window.before(number, REACH)).map(|f| (f.picture.clone(), f.at));
                    let at = (number, frame.at);
                    let straight_out = window.get(number - 1).is_some_and(|last| {
                        frame.change > JUMP * last.picture.contrast
                            && frame.change > ALONE * last.change
                    });
                    let full = before.as_ref().map_or(0.0, |b| b.0.contrast);
                    self.run = Some(PlainRun {
                        before,
                        straight_out,
                        full,
                        plainest: contrast,
                        first: at,
                        last: at,
                    });
                    self.times.clear();
                }
            }
            if self.times.len() < MOST_TIMES {
                self.times.push((number, frame.at));
            }
        } else if let Some(run) = self.run.take() {
            let boundary = self.end_of(&run, window, number, frame);
            self.found.extend(boundary);
        }
    }

    /// The detected fades, and the spans in which plain frames only interrupted one picture.
    ///
    /// A run that lasts until the end is the end of the video and no fade.
    pub fn finish(self) -> (Vec<Boundary>, Vec<(f64, f64)>) {
        (self.found, self.flashes)
    }

    /// Contrast of the full picture that frame `number` is compared with.
    fn full(&self, window: &FrameWindow, number: i64) -> f32 {
        if let Some(run) = &self.run {
            return run.full;
        }
        window.before(number, REACH).map(|f| f.picture.contrast).fold(0.0, f32::max)
    }

    /// The boundary of the run that ended just before `number`, if it is a fade.
    fn end_of(
        &mut self,
        run: &PlainRun,
        window: &FrameWindow,
        number: i64,
        frame: &Frame,
    ) -> Option<Boundary> {
        let (before, before_at) = run.before.as_ref()?;
        // The picture that follows, up to the next plain frame.
        let coming = std::iter::once(frame)
            .chain(window.after(number, REACH))
            .take_while(|f| !is_plain(&f.picture, run.full));
        let after = fullest(coming)?;
        let low = before.contrast.min(after.picture.contrast);
        if run.plainest * DEPTH > low {
            return None;
        }
        // Abrupt start: the new shot begins with its first frame. Abrupt end, then a fade in: it begins
        // with the plain frames. Else in the middle of the run.
        let straight_in = frame.picture.contrast > THERE * after.picture.contrast;
        let straight_out = run.straight_out;
        if straight_in && straight_out && run.plainest > EMPTY {
            return None;
        }
        let soon = if straight_out { GLOW } else { FLASH };
        let back = std::iter::once(frame)
            .chain(window.after(number, GLOW))
            .take_while(|f| f.at - before_at < soon)
            .find(|f| {
                f.picture.moved_difference(before, NEAR)
                    < SAME * (before.contrast + f.picture.contrast)
            });
        if let Some(back) = back {
            self.flashes.push((*before_at, back.at));
            return None;
        }
        let middle = 0.5 * (run.first.1 + run.last.1);
        let (begins, at) = if straight_in {
            (number, frame.at)
        } else if straight_out {
            run.first
        } else {
            *self.times.iter().find(|t| t.1 >= middle - 1e-6).unwrap_or(&run.last)
        };
        Some(Boundary {
            frame: begins,
            at,
            transition: Transition::Fade,
            score: f64::from(1.0 - run.plainest / low),
            span: (*before_at, after.at),
        })
    }
}

/// Whether a frame is plain compared with a picture of `full` contrast.
///
/// Nearly black frames may show a little; of any other colour only an empty frame is plain, because a
/// road, a wall or the sky is a picture.
fn is_plain(picture: &Picture, full: f32) -> bool {
    let most = if picture.mean < DARK {
        (PLAIN_SHARE * full).clamp(PLAIN, MOST_PLAIN)
    } else {
        (EMPTY_SHARE * full).clamp(EMPTY, MOST_EMPTY)
    };
    picture.contrast < most
}

/// The full picture of a fade, going away from the plain frames.
///
/// It is the frame after which the contrast no longer rises, or after which another shot follows.
fn fullest<'a>(frames: impl Iterator<Item = &'a Frame>) -> Option<&'a Frame> {
    let mut best: Option<&Frame> = None;
    let mut last: Option<&Frame> = None;
    for frame in frames {
        let jump = last.is_some_and(|l| {
            let low = l.picture.contrast.min(frame.picture.contrast);
            let later = if l.at > frame.at { l } else { frame };
            let other = if l.at > frame.at { frame } else { l };
            low > MOST_PLAIN
                && (l.picture.structure(&frame.picture) < BROKEN
                    || later.change > JUMP * low && later.change > ALONE * other.change)
        });
        let full = best.is_some_and(|b| {
            frame.picture.contrast < THERE * b.picture.contrast || (frame.at - b.at).abs() > RISEN
        });
        if jump || full {
            break;
        }
        if best.is_none_or(|b| frame.picture.contrast > RISE * b.picture.contrast) {
            best = Some(frame);
        }
        last = Some(frame);
    }
    best
}
