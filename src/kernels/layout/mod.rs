//! How a layout divides a frame, and which windows of the source its cells show.
//!
//! Sizes are even widths and heights in pixels. Planning (how much a layout enlarges), reframing (which
//! window moves) and rendering (where everything lies) share these functions.

#[cfg(test)]
mod tests;

use crate::model::edit::{Anchor, Layout, SafeZone};

/// Enlargement of a close-up relative to the cell beside it.
const CLOSER: f64 = 1.8;
/// Smallest share of the frame for the whole picture beside a close-up.
const LEAST_WHOLE: f64 = 0.2;
/// Smallest share of the frame for the close-up.
const LEAST_CLOSE: f64 = 0.3;
/// Share of the frame from which a close-up has room for captions below a face.
///
/// A flatter one is placed above the whole picture, away from captions.
const ROOMY_CLOSE: f64 = 0.6;
/// Size of the windows of a grid relative to the largest: the close-up, and those elsewhere.
const GRID_CLOSE: f64 = 0.5;
const GRID_ELSEWHERE: f64 = 0.6;

/// Gap around a small picture in a corner, as a share of the frame's width.
const CORNER_GAP: f64 = 0.03;
/// Height of captions, and their bottom in a tall frame, as shares of the frame's height.
const CAPTIONS: f64 = 0.13;
const TALL_CAPTIONS_FROM: f64 = 0.22;
/// How far a face is above the salient point, as a share of the frame.
const FACE_ABOVE: f64 = 0.12;
/// Offset of the subject from the frame's middle, as a share, when the window is at the edge.
const LEANS: f64 = 0.2;
/// Advantage in distance from the face that a bottom corner needs over a top one.
///
/// As a share of the frame's width.
const TOP_FIRST: f64 = 0.1;

/// Position of the middle of a cell's window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellView {
    /// Along the path of the edit; centred without one.
    Follow,
    /// Fixed, as shares of the picture, moved inside it.
    Fixed(f64, f64),
}

/// A part of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Its top left corner.
    pub at: (u32, u32),
    /// Its size.
    pub size: (u32, u32),
    /// Size of the source window that it shows, with the same aspect ratio.
    pub window: (u32, u32),
    /// Position of that window.
    pub place: CellView,
}

impl Cell {
    /// Scale factor from the source to the cell.
    pub fn enlarges(&self) -> f64 {
        f64::from(self.size.0) / f64::from(self.window.0.max(1))
    }
}

/// The largest source window with the aspect ratio of `size`, scaled by `share`.
pub fn largest(source: (u32, u32), size: (u32, u32), share: f64) -> (u32, u32) {
    let (wide, high) = (f64::from(source.0), f64::from(source.1));
    let shape = ratio(size);
    let (w, h) = if wide / high > shape { (high * shape, high) } else { (wide, wide / shape) };
    let side = |side: f64, most: u32| even((side * share).round() as u32).min(most);
    (side(w, source.0), side(h, source.1))
}

/// Two cells: the whole picture, and a close-up that follows the salient point.
///
/// They are stacked, or side by side in a frame that is wider than the picture. If the whole picture
/// would leave no room, a window takes its place.
pub fn split(source: (u32, u32), frame: (u32, u32)) -> [Cell; 2] {
    let shape = ratio(source);
    let side = |length: f64| even(length.round() as u32);
    let (high, wide) = (side(f64::from(frame.0) / shape), side(f64::from(frame.1) * shape));
    let shares = |part: u32, all: u32| {
        let share = f64::from(part) / f64::from(all);
        (LEAST_WHOLE..=1.0 - LEAST_CLOSE).contains(&share)
    };
    let (first, window, above) = if shares(high, frame.1) {
        ((frame.0, high), source, true)
    } else if shares(wide, frame.0) {
        ((wide, frame.1), source, false)
    } else {
        // Halves whose aspect ratio is as near to the picture's as possible.
        let (upper, left) = ((frame.0, even(frame.1 / 2)), (even(frame.0 / 2), frame.1));
        let off = |half: (u32, u32)| (ratio(half) / shape).ln().abs();
        let above =
            if frame.1 >= frame.0 { off(upper) <= off(left) } else { off(upper) < off(left) };
        let half = if above { upper } else { left };
        (half, largest(source, half, 1.0), above)
    };
    let second = if above { (frame.0, frame.1 - first.1) } else { (frame.0 - first.0, frame.1) };
    let roomy = f64::from(second.1) >= ROOMY_CLOSE * f64::from(frame.1);
    let (one_at, at) = match (above, roomy) {
        (true, true) => ((0, 0), (0, first.1)),
        (true, false) => ((0, second.1), (0, 0)),
        (false, _) => ((0, 0), (first.0, 0)),
    };
    let one = Cell { at: one_at, size: first, window, place: CellView::Follow };
    let base = largest(source, second, 1.0);
    let large = f64::from(second.0) / f64::from(base.0);
    let share = (large / (CLOSER * one.enlarges())).min(1.0);
    let window = largest(source, second, share);
    [one, Cell { at, size: second, window, place: CellView::Follow }]
}

/// Four cells, two by two, that each show a different window.
///
/// Top left follows the salient point (around `gaze`, as shares of the picture), bottom right is a
/// close-up of it, and the others are the two windows that overlap least with these and each other.
pub fn grid(source: (u32, u32), frame: (u32, u32), gaze: (f64, f64)) -> [Cell; 4] {
    let close = grid_close(source, frame);
    let ((left, top), (right, bottom)) = (close.at, close.size);
    let whole = largest(source, (left, top), 1.0);
    let seen = |(share, place): (f64, CellView)| {
        let middle = match place {
            CellView::Follow => gaze,
            CellView::Fixed(x, y) => (x, y),
        };
        Region::new(source, whole, share, middle)
    };
    let elsewhere = [1.0, GRID_ELSEWHERE].into_iter().flat_map(|share| {
        [1.0, 0.0, 0.5].map(|end| {
            // Along the axis on which the picture is larger.
            let wide = ratio(source) >= ratio(frame);
            let place =
                if wide { CellView::Fixed(end, gaze.1) } else { CellView::Fixed(gaze.0, end) };
            (share, place)
        })
    });
    let elsewhere: Vec<(f64, CellView)> = elsewhere.collect();
    let mut taken = vec![(1.0, CellView::Follow), (GRID_CLOSE, CellView::Follow)];
    while taken.len() < 4 {
        let in_common = |window: &(f64, CellView)| {
            let shared = taken.iter().map(|other| seen(*window).in_common(seen(*other)));
            shared.fold(0.0, f64::max)
        };
        // The first of equals.
        let best = elsewhere.iter().min_by(|a, b| in_common(a).total_cmp(&in_common(b)));
        taken.extend(best.copied());
    }
    let cell = |at, size, (share, place): (f64, CellView)| Cell {
        at,
        size,
        window: largest(source, size, share),
        place,
    };
    [
        cell((0, 0), (left, top), taken[0]),
        cell((left, 0), (right, top), taken[2]),
        cell((0, top), (left, bottom), taken[3]),
        close,
    ]
}

/// The close-up of a grid.
fn grid_close(source: (u32, u32), frame: (u32, u32)) -> Cell {
    let at = (even(frame.0 / 2), even(frame.1 / 2));
    let size = (frame.0 - at.0, frame.1 - at.1);
    Cell { at, size, window: largest(source, size, GRID_CLOSE), place: CellView::Follow }
}

/// The smallest window of a layout that follows the path, as shares of the picture.
///
/// The path must be computed for this window.
pub fn moving_window(layout: Layout, source: (u32, u32), frame: (u32, u32)) -> (f64, f64) {
    let (wide, high) = match layout {
        Layout::Split => split(source, frame)[1].window,
        Layout::Grid => grid_close(source, frame).window,
        Layout::Crop | Layout::Fit | Layout::PictureInPicture => largest(source, frame, 1.0),
    };
    (f64::from(wide) / f64::from(source.0), f64::from(high) / f64::from(source.1))
}

/// Largest scale factor of a layout.
pub fn enlarges(layout: Layout, source: (u32, u32), frame: (u32, u32)) -> f64 {
    let (wide, high) = (f64::from(frame.0), f64::from(frame.1));
    let (source_wide, source_high) = (f64::from(source.0), f64::from(source.1));
    match layout {
        Layout::Crop | Layout::PictureInPicture => (wide / source_wide).max(high / source_high),
        Layout::Fit => (wide / source_wide).min(high / source_high),
        // The close-up is always the largest.
        Layout::Split => split(source, frame)[1].enlarges(),
        Layout::Grid => grid_close(source, frame).enlarges(),
    }
}

/// Position of a small picture of size `small` over a window that fills the frame.
///
/// It is in the corner farthest from the subject's face, inside the safe zone and above captions. `gaze` is
/// the mean of the window's path and, on the axis on which it cannot move, the mean salient position.
pub fn corner(
    (source, frame): ((u32, u32), (u32, u32)),
    small: (u32, u32),
    zone: SafeZone,
    gaze: (f64, f64),
) -> (u32, u32) {
    let (wide, high) = (f64::from(frame.0), f64::from(frame.1));
    let (w, h) = (f64::from(small.0), f64::from(small.1));
    let window = largest(source, frame, 1.0);
    let shown = |gaze: f64, part: u32, all: u32| match f64::from(part) / f64::from(all.max(1)) {
        share if share > 0.99 => gaze,
        share => 0.5 + LEANS * ((gaze - 0.5) / (0.5 - 0.5 * share)).clamp(-1.0, 1.0),
    };
    let face = (
        wide * shown(gaze.0, window.0, source.0),
        high * (shown(gaze.1, window.1, source.1) - FACE_ABOVE),
    );
    let gap = CORNER_GAP * wide;
    let captions =
        if high > 1.2 * wide { zone.bottom.max(TALL_CAPTIONS_FROM) } else { zone.bottom };
    let (left, right) = (wide * zone.left + gap, wide * (1.0 - zone.right) - gap - w);
    let (top, bottom) = (high * zone.top + gap, high * (1.0 - captions - CAPTIONS) - h);
    let inside = |at: f64, most: f64| at.clamp(0.0, most.max(0.0));
    let corner = |x: f64, y: f64, bonus: f64| {
        let (x, y) = (inside(x, wide - w), inside(y, high - h));
        let beside = |at: f64, length: f64, face: f64| (at - face).max(face - at - length).max(0.0);
        let clear = beside(x, w, face.0).hypot(beside(y, h, face.1));
        ((x as u32 & !1, y as u32 & !1), clear + bonus * wide)
    };
    let corners = [
        corner(right, top, TOP_FIRST),
        corner(left, top, TOP_FIRST),
        corner(right, bottom, 0.0),
        corner(left, bottom, 0.0),
    ];
    // The first of equals.
    let mut best = corners[0];
    for corner in corners {
        if corner.1 > best.1 + 1e-9 {
            best = corner;
        }
    }
    best.0
}

/// Mean position of a path.
pub fn gaze(path: &[Anchor]) -> (f64, f64) {
    let sound: Vec<&Anchor> =
        path.iter().filter(|anchor| anchor.x.is_finite() && anchor.y.is_finite()).collect();
    let count = sound.len() as f64;
    if sound.is_empty() {
        return (0.5, 0.5);
    }
    let mean = |of: fn(&Anchor) -> f64| sound.iter().map(|anchor| of(anchor)).sum::<f64>() / count;
    (mean(|anchor| anchor.x), mean(|anchor| anchor.y))
}

/// The region that a window shows, as shares of the picture.
#[derive(Debug, Clone, Copy)]
struct Region {
    from: (f64, f64),
    until: (f64, f64),
}

impl Region {
    fn new(source: (u32, u32), whole: (u32, u32), share: f64, middle: (f64, f64)) -> Self {
        let side = |part: u32, all: u32, middle: f64| {
            let length = share * f64::from(part) / f64::from(all);
            let from = (middle - 0.5 * length).clamp(0.0, (1.0 - length).max(0.0));
            (from, from + length)
        };
        let (x, y) = (side(whole.0, source.0, middle.0), side(whole.1, source.1, middle.1));
        Self { from: (x.0, y.0), until: (x.1, y.1) }
    }

    fn area(self) -> f64 {
        (self.until.0 - self.from.0).max(0.0) * (self.until.1 - self.from.1).max(0.0)
    }

    /// Intersection over union of two regions.
    fn in_common(self, other: Self) -> f64 {
        let both = Self {
            from: (self.from.0.max(other.from.0), self.from.1.max(other.from.1)),
            until: (self.until.0.min(other.until.0), self.until.1.min(other.until.1)),
        };
        both.area() / (self.area() + other.area() - both.area()).max(1e-12)
    }
}

fn ratio(size: (u32, u32)) -> f64 {
    f64::from(size.0.max(1)) / f64::from(size.1.max(1))
}

/// The largest even length not above `length`, at least 2: chroma has half the resolution.
pub(crate) fn even(length: u32) -> u32 {
    (length & !1).max(2)
}
