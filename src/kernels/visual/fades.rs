//! Fades: a run of plain frames between two pictures.

use super::Boundary;
use super::picture::NEAR;
use super::picture::Picture;
use super::window::{Frame, FrameWindow};
use crate::model::Transition;

/// A nearly black frame of less contrast than this, in levels, is plain …
const PLAIN: f32 = 6.0;
/// … and so is one with less than this share of the contrast shortly before it, up to
/// [`MOST_PLAIN`] levels: black with a small logo or caption that stays on.
const PLAIN_SHARE: f32 = 0.2;
const MOST_PLAIN: f32 = 9.0;
/// Mean luma, in levels, below which a frame is nearly black.
const DARK: f32 = 30.0;
/// Frames of less contrast are empty; a run with more that is cut in and out hard is a shot of
/// something dim or misty.
const EMPTY: f32 = 1.5;
/// So is a frame with less than this share of the contrast shortly before it, up to
/// [`MOST_EMPTY`] levels: the fade may turn between two frames.
const EMPTY_SHARE: f32 = 0.05;
const MOST_EMPTY: f32 = 2.5;
/// The pictures on both sides have at least this many times the contrast of the plainest frame.
const DEPTH: f32 = 5.0;
/// Seconds before and after the run in which the full pictures are looked for.
const REACH: f64 = 1.2;
/// Share of the full contrast from which a picture counts as there.
const THERE: f32 = 0.8;
/// The contrast rises as long as it does so by this factor within this time.
const RISE: f32 = 1.02;
const RISEN: f64 = 0.13;
/// Neighbouring frames of a fade share more of their structure than this.
const BROKEN: f32 = 0.3;
/// They differ by less than this share of their contrast, or not all at once.
const JUMP: f32 = 0.4;
/// A jump is this much larger than the change beside it.
const ALONE: f32 = 3.0;
/// The same picture back within this time, in seconds: a flash, a blink, a dropped frame.
const FLASH: f64 = 0.5;
/// The same if the plain frames come at once: an explosion takes longer to die down.
const GLOW: f64 = 1.2;
/// Share of the pictures' contrast below which their difference means the same picture.
const SAME: f32 = 0.15;

struct PlainRun {
    /// The full picture before the run, when it was seen and its contrast.
    before: Option<(Box<Picture>, f64)>,
    /// Contrast of the full picture before; 0 if there was none.
    full: f32,
    /// The plainest frame's contrast.
    plainest: f32,
    /// Whether the full picture stood just before the run.
    straight_out: bool,
    /// First frame and last frame of the run: number and time.
    first: (i64, f64),
    last: (i64, f64),
}

/// Follows runs of plain frames through the stream.
#[derive(Default)]
pub(super) struct FadeTracker {
    run: Option<PlainRun>,
    /// Starts of the frames of the present run: to find its middle. Only while the run lasts no
    /// longer than the cap, then the last frame is taken.
    times: Vec<(i64, f64)>,
    found: Vec<Boundary>,
    flashes: Vec<(f64, f64)>,
}

/// Plain frames of which the times are kept.
const MOST_TIMES: usize = 4096;

impl FadeTracker {
    /// Takes frame `number` of the window.
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

    /// The fades that were found, and from when to when the same picture was only interrupted by
    /// plain frames. A run that goes on to the end is the end of the video.
    pub fn finish(self) -> (Vec<Boundary>, Vec<(f64, f64)>) {
        (self.found, self.flashes)
    }

    /// Contrast of the full picture beside which frame `number` is plain or not.
    fn full(&self, window: &FrameWindow, number: i64) -> f32 {
        if let Some(run) = &self.run {
            return run.full;
        }
        window.before(number, REACH).map(|f| f.picture.contrast).fold(0.0, f32::max)
    }

    /// Is the run that ended just before `number` a fade, and where is its boundary?
    fn end_of(
        &mut self,
        run: &PlainRun,
        window: &FrameWindow,
        number: i64,
        frame: &Frame,
    ) -> Option<Boundary> {
        let (before, before_at) = run.before.as_ref()?;
        // The picture that comes: not beyond the next plain frame.
        let coming = std::iter::once(frame)
            .chain(window.after(number, REACH))
            .take_while(|f| !is_plain(&f.picture, run.full));
        let after = fullest(coming)?;
        let low = before.contrast.min(after.picture.contrast);
        if run.plainest * DEPTH > low {
            return None;
        }
        // Straight in: the new shot begins with its first frame. Straight out, then a fade in: it
        // begins with the plain frames. Else in the middle of the run.
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

/// Is this a plain frame beside a picture of `full` contrast? Nearly black ones may show something;
/// of any other colour only an empty one is plain: a road, a wall or the sky is a picture.
fn is_plain(picture: &Picture, full: f32) -> bool {
    let most = if picture.mean < DARK {
        (PLAIN_SHARE * full).clamp(PLAIN, MOST_PLAIN)
    } else {
        (EMPTY_SHARE * full).clamp(EMPTY, MOST_EMPTY)
    };
    picture.contrast < most
}

/// The full picture of a fade: walking away from the plain frames, the frame after which the
/// contrast rises no more, or after which comes another shot.
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
