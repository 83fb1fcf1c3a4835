//! How a layout divides a frame, and which windows of the source its parts show.
//!
//! Sizes are width and height in pixels, even. The planner asks how much a layout enlarges, the
//! reframing which window moves, the rendering where everything lies: one answer for all three.

#[cfg(test)]
mod tests;

use crate::model::edit::{Anchor, Layout, SafeZone};

/// A close-up is enlarged so many times as much as what it stands beside.
const CLOSER: f64 = 1.8;
/// Share of the frame that the whole picture takes beside a close-up at the least.
const LEAST_WHOLE: f64 = 0.2;
/// Share of the frame that is left for the close-up at the least.
const LEAST_CLOSE: f64 = 0.3;
/// A close-up of this share of the frame has room for captions below the face that it may show; a
/// flatter one stands above the whole picture, where there are none.
const ROOMY_CLOSE: f64 = 0.6;
/// Windows of a grid beside the largest: the close-up, and those that look elsewhere.
const GRID_CLOSE: f64 = 0.5;
const GRID_ELSEWHERE: f64 = 0.6;

/// Between a small picture in a corner and what it keeps clear of, as share of the frame's width.
const CORNER_GAP: f64 = 0.03;
/// What captions need above the safe zone, or above where they stand in a tall frame, as shares of the
/// height.
const CAPTIONS: f64 = 0.13;
const TALL_CAPTIONS_FROM: f64 = 0.22;
/// A face is so much higher, as share of the frame, than the middle of what draws the eye.
const FACE_ABOVE: f64 = 0.12;
/// So far from its middle, as share of it, a frame shows its subject when its window is at the edge.
const LEANS: f64 = 0.2;
/// A corner at the top is taken unless one above the captions is so much farther from the face, as share
/// of the frame's width.
const TOP_FIRST: f64 = 0.1;

/// Where the middle of a window lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellView {
    /// On the path of the edit; in the middle without one.
    Follow,
    /// There, as shares of the picture, pushed inside.
    Fixed(f64, f64),
}

/// A part of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Its left top corner.
    pub at: (u32, u32),
    /// Its size.
    pub size: (u32, u32),
    /// Size of the window of the source that it shows, of the same shape.
    pub window: (u32, u32),
    /// Where that lies.
    pub place: CellView,
}

impl Cell {
    /// How many times as large as in the source things are.
    pub fn enlarges(&self) -> f64 {
        f64::from(self.size.0) / f64::from(self.window.0.max(1))
    }
}

/// The largest window of the shape of `size` in the source, times `share`.
pub fn largest(source: (u32, u32), size: (u32, u32), share: f64) -> (u32, u32) {
    let (wide, high) = (f64::from(source.0), f64::from(source.1));
    let shape = ratio(size);
    let (w, h) = if wide / high > shape { (high * shape, high) } else { (wide, wide / shape) };
    let side = |side: f64, most: u32| even((side * share).round() as u32).min(most);
    (side(w, source.0), side(h, source.1))
}

/// Two parts: the whole picture, then a close-up that follows what draws the eye, one above the other
/// (side by side in a frame that is wider than the picture). Where the whole would leave no room, a
/// window takes its place.
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
        // Halves that are as little narrower, or flatter, than the picture as can be.
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

/// Four parts, two by two, that show something else each: what draws the eye (which is around `gaze`,
/// as shares of the picture) left above, a close-up of it right below, and beside them the two windows
/// that have least in common with these and with each other.
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
            // Across the way in which the picture is larger.
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

/// The smallest window of a layout that follows the path, as shares of the picture's width and height:
/// the one that the path must be made for.
pub fn moving_window(layout: Layout, source: (u32, u32), frame: (u32, u32)) -> (f64, f64) {
    let (wide, high) = match layout {
        Layout::Split => split(source, frame)[1].window,
        Layout::Grid => grid_close(source, frame).window,
        Layout::Crop | Layout::Fit | Layout::PictureInPicture => largest(source, frame, 1.0),
    };
    (f64::from(wide) / f64::from(source.0), f64::from(high) / f64::from(source.1))
}

/// How many times as large as in the source a layout makes things, where it does most.
pub fn enlarges(layout: Layout, source: (u32, u32), frame: (u32, u32)) -> f64 {
    let (wide, high) = (f64::from(frame.0), f64::from(frame.1));
    let (source_wide, source_high) = (f64::from(source.0), f64::from(source.1));
    match layout {
        Layout::Crop | Layout::PictureInPicture => (wide / source_wide).max(high / source_high),
        Layout::Fit => (wide / source_wide).min(high / source_high),
        // The close-ups, always.
        Layout::Split => split(source, frame)[1].enlarges(),
        Layout::Grid => grid_close(source, frame).enlarges(),
    }
}

/// Where a small picture of size `small` lies over a window that fills the frame: in the corner that is
/// farthest from the face of what draws the eye, inside the safe zone and above captions. `gaze` is where
/// the window's path is on the whole and, the way in which it cannot move, where the eye is drawn.
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

/// Where a path is on the whole.
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

/// What a window shows, as shares of the picture.
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

    /// Share of what two show that both show (intersection over union).
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

/// The nearest even length that is not larger, at least 2: pictures have colour for every other pixel.
pub(crate) fn even(length: u32) -> u32 {
    (length & !1).max(2)
}
