//! Baked-in bars: rows and columns at the edges that stay black for a whole shot, beside a picture with a straight
//! edge.

use super::{HEIGHT, WIDTH};
use crate::model::Shot;

/// Luma up to which a pixel may be that of a bar: black with coding noise.
const BLACK: u8 = 36;
/// Seconds that are measured together.
const STEP: f64 = 0.5;
/// Share of a line beside a bar that is no longer black, at some time: a picture ends there, not a dark corner.
const STRAIGHT: f64 = 0.5;
/// Share of the picture that bars on both sides take at least, and one on one side alone.
const LEAST: f64 = 0.025;
const LEAST_ALONE: f64 = 0.08;
/// Share of the picture that is left between bars at least.
const LEAST_PICTURE: f64 = 0.3;
/// Longest stretch that is measured, in steps: time stamps beyond it are broken.
const MOST_STEPS: usize = 800_000;

/// Bars of a picture as lines of an analysis frame: above, below, left and right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bars {
    /// Rows above the picture, of [`HEIGHT`].
    pub top: usize,
    /// Rows below it.
    pub bottom: usize,
    /// Columns left of it, of [`WIDTH`].
    pub left: usize,
    /// Columns right of it.
    pub right: usize,
}

impl Bars {
    /// Whether there are none.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Those that both have.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self {
            top: self.top.min(other.top),
            bottom: self.bottom.min(other.bottom),
            left: self.left.min(other.left),
            right: self.right.min(other.right),
        }
    }

    /// Whether they are the same, to a line of what the scaler mixes.
    pub fn is_near(self, other: Self) -> bool {
        self.top.abs_diff(other.top) <= 1
            && self.bottom.abs_diff(other.bottom) <= 1
            && self.left.abs_diff(other.left) <= 1
            && self.right.abs_diff(other.right) <= 1
    }
}

/// How many pixels of each line were not black in a frame, at the most.
#[derive(Clone)]
struct Lines {
    rows: [u8; HEIGHT],
    columns: [u8; WIDTH],
}

impl Default for Lines {
    fn default() -> Self {
        Self { rows: [0; HEIGHT], columns: [0; WIDTH] }
    }
}

impl Lines {
    fn add(&mut self, other: &Self) {
        let raise = |into: &mut [u8], from: &[u8]| {
            into.iter_mut().zip(from).for_each(|(a, b)| *a = (*a).max(*b));
        };
        raise(&mut self.rows, &other.rows);
        raise(&mut self.columns, &other.columns);
    }
}

/// Measures the lines of a source's frames.
#[derive(Default)]
pub(super) struct BarTracker {
    steps: Vec<Lines>,
    first: Option<f64>,
}

impl BarTracker {
    /// Adds an analysis frame.
    pub(super) fn add(&mut self, at: f64, frame: &[u8]) {
        let first = *self.first.get_or_insert(at);
        let step = ((at - first) / STEP) as usize;
        if step >= MOST_STEPS {
            return;
        }
        let mut lines = Lines::default();
        for (row, pixels) in frame.chunks_exact(WIDTH).take(HEIGHT).enumerate() {
            for (column, luma) in lines.columns.iter_mut().zip(pixels) {
                let lit = u8::from(*luma > BLACK);
                *column += lit;
                lines.rows[row] += lit;
            }
        }
        // A gap is filled with nothing, which is no picture.
        self.steps.resize(self.steps.len().max(step + 1), Lines::default());
        if let Some(open) = self.steps.get_mut(step) {
            open.add(&lines);
        }
    }

    /// The bars of each shot; `None` for one in which nothing is seen.
    pub(super) fn finish(self, shots: &[Shot]) -> Vec<Option<Bars>> {
        let first = self.first.unwrap_or(0.0);
        let of = |shot: &Shot| {
            // A step across a cut mixes two shots.
            let from = ((shot.start - first) / STEP - 1e-6).ceil().max(0.0) as usize;
            let until = ((shot.end - first) / STEP + 1e-6).floor().max(0.0) as usize;
            let until = if shot.end - first >= (self.steps.len() as f64 - 1.0) * STEP {
                self.steps.len()
            } else {
                until.min(self.steps.len())
            };
            let mut lines = Lines::default();
            self.steps.get(from..until)?.iter().for_each(|step| lines.add(step));
            bars(&lines)
        };
        shots.iter().map(of).collect()
    }
}

/// The bars that the lines of a shot show; `None` if nothing is seen.
fn bars(lines: &Lines) -> Option<Bars> {
    let [top, bottom] = dark_ends(&lines.rows)?;
    let [left, right] = dark_ends(&lines.columns)?;
    let (high, wide) = (HEIGHT - top - bottom, WIDTH - left - right);
    let (top, bottom) = straight(&lines.rows, (top, bottom), wide);
    let (left, right) = straight(&lines.columns, (left, right), high);
    Some(Bars { top, bottom, left, right })
}

/// How many lines at either end are black all the time; `None` if all are.
fn dark_ends(lines: &[u8]) -> Option<[usize; 2]> {
    let first = lines.iter().position(|lit| *lit > 0)?;
    let last = lines.iter().rposition(|lit| *lit > 0)?;
    Some([first, lines.len() - 1 - last])
}

/// The dark lines at either end that are bars: thick enough, with a picture beside them that goes along all of them.
fn straight(lines: &[u8], (first, last): (usize, usize), across: usize) -> (usize, usize) {
    let all = lines.len();
    let edge = |near: std::ops::Range<usize>| {
        let lit = lines.get(near).unwrap_or_default().iter().max().copied().unwrap_or(0);
        f64::from(lit) >= STRAIGHT * across as f64
    };
    let first = if edge(first..first + 2) { first } else { 0 };
    let last = if edge((all - last).saturating_sub(2)..all - last) { last } else { 0 };
    let share = |lines: usize| lines as f64 / all as f64;
    let both = first > 0 && last > 0 && share(first + last) >= LEAST;
    let alone = share(first.max(last)) >= LEAST_ALONE;
    if (both || alone) && share(all - first - last) >= LEAST_PICTURE {
        (first, last)
    } else {
        (0, 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::FRAME_BYTES;
    use super::super::VisualAnalyzer;
    use super::*;

    /// The bars of each shot of a source whose frames `lit` draws: luma by row, column and number.
    fn found(frames: usize, lit: impl Fn(usize, usize, usize) -> u8) -> Vec<Option<Bars>> {
        let mut analyzer = VisualAnalyzer::new(4.0);
        for n in 0..frames {
            let mut frame = vec![128_u8; FRAME_BYTES];
            for (i, pixel) in frame.iter_mut().take(WIDTH * HEIGHT).enumerate() {
                *pixel = lit(i / WIDTH, i % WIDTH, n);
            }
            analyzer.push(n as f64 / 10.0, &frame);
        }
        analyzer.finish(frames as f64 / 10.0).bars
    }

    fn texture(row: usize, column: usize, n: usize) -> u8 {
        (60 + (row * 7 + column * 13 + n * 3) % 150) as u8
    }

    #[test]
    fn bars_above_and_beside_are_found_and_a_dark_scene_has_none() {
        let inside = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
            move |row, column, n| match rows.contains(&row) && columns.contains(&column) {
                true => texture(row, column, n),
                false => 17 + (column % 3) as u8,
            }
        };
        let letterbox = found(40, inside(9..63, 0..128));
        assert_eq!(letterbox, [Some(Bars { top: 9, bottom: 9, ..Bars::default() })]);
        let pillars = found(40, inside(0..72, 16..112));
        assert_eq!(pillars, [Some(Bars { left: 16, right: 16, ..Bars::default() })]);
        assert_eq!(found(40, inside(0..72, 0..128)), [Some(Bars::default())]);
        assert_eq!(found(40, |_, _, _| 16), [None]);
        // A thing on black ground: a disc, and a title.
        let disc = |row: usize, column: usize, n| {
            let (y, x) = (row as f64 - 36.0, (column as f64 - 64.0) * 0.9);
            if y.hypot(x) < 25.0 { texture(row, column, n) } else { 18 }
        };
        assert_eq!(found(40, disc), [Some(Bars::default())]);
        // A caption within a bar is seen: then it is none.
        let captioned = |row, column, n: usize| match (row, column) {
            (66..70, 40..90) if n > 20 => 220,
            _ => inside(9..63, 0..128)(row, column, n),
        };
        assert!(found(40, captioned)[0].unwrap().bottom < 9);
    }

    #[test]
    fn each_shot_has_its_own() {
        let mixed = |row: usize, column: usize, n: usize| {
            let inside = if n < 40 { (9..63).contains(&row) } else { (16..112).contains(&column) };
            let level = if n < 40 { 40 } else { 180 };
            // Still pictures: in what moves all over, the cut would be one change of many.
            if inside { texture(row, column, level.into()) / 4 + level } else { 16 }
        };
        let found = found(80, mixed);
        let [first, .., last] = found[..] else { unreachable!("{found:?}") };
        assert_eq!(first, Some(Bars { top: 9, bottom: 9, ..Bars::default() }));
        assert_eq!(last, Some(Bars { left: 16, right: 16, ..Bars::default() }));
        assert!(Bars::default().is_none() && first.unwrap().common(last.unwrap()).is_none());
    }
}
