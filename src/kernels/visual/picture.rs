//! One small analysis picture and the differences between two of them.

use super::{FRAME_BYTES, HEIGHT, WIDTH};

/// Width of the planes that are compared: half the analysis frame, so that 4:2:0 chroma needs no
/// resampling and luma is averaged 2×2, which takes out the aliasing of the cheap scaler.
pub(super) const W: usize = WIDTH / 2;
/// Height of the planes that are compared.
pub(super) const H: usize = HEIGHT / 2;
/// Pixels of one plane.
pub(super) const PIXELS: usize = W * H;

const COARSE_W: usize = W / 2;
const COARSE_H: usize = H / 2;
/// Luma values of the coarse picture.
pub(super) const COARSE_LUMA: usize = COARSE_W * COARSE_H;
const COARSE_CHROMA: usize = (W / 4) * (H / 4);
/// Values of the coarse picture: luma at half, chroma at a quarter of the plane size.
pub(super) const COARSE: usize = COARSE_LUMA + 2 * COARSE_CHROMA;
/// Where luma, U and V lie in the coarse picture.
pub(super) const PLANES: [std::ops::Range<usize>; 3] =
    [0..COARSE_LUMA, COARSE_LUMA..COARSE_LUMA + COARSE_CHROMA, COARSE_LUMA + COARSE_CHROMA..COARSE];

const BLOCK_W: usize = 8;
const BLOCK_H: usize = 6;
const BLOCKS: usize = (W / BLOCK_W) * (H / BLOCK_H);
const BLOCK_PIXELS: u32 = (BLOCK_W * BLOCK_H) as u32;

/// Search range for a block between neighbouring frames, in plane pixels.
///
/// 4/64 of the width per frame is a pan across the picture in 0.6 s at 25 fps. Faster pans are
/// distinguished from cuts by lasting longer than a frame.
pub(super) const NEAR: (isize, isize) = (4, 3);
/// Search range for a block between pictures up to a second apart, in plane pixels.
pub(super) const FAR: (isize, isize) = (12, 6);

/// The planes of one frame and their measurements, in levels of 0–255.
#[derive(Clone)]
pub(super) struct Picture {
    pub luma: [u8; PIXELS],
    pub u: [u8; PIXELS],
    pub v: [u8; PIXELS],
    /// Luma, U and V averaged further down: the picture without detail and small motion.
    ///
    /// Chroma is doubled, because it has four times fewer values.
    pub coarse: [f32; COARSE],
    /// The part of the planes within black bars.
    pub area: Area,
    /// Mean luma in levels.
    pub mean: f32,
    /// Sum of the standard deviations of luma and chroma within the bars; 0 for a plain frame.
    pub contrast: f32,
    /// Mean distance of the colour from grey, in levels.
    pub chroma: f32,
}

impl Picture {
    /// Reads a yuv420p frame of [`WIDTH`]×[`HEIGHT`]; `None` if it is too short.
    pub fn new(frame: &[u8]) -> Option<Box<Self>> {
        if frame.len() < FRAME_BYTES {
            return None;
        }
        let mut picture = Box::new(Self {
            luma: [0; PIXELS],
            u: [0; PIXELS],
            v: [0; PIXELS],
            coarse: [0.0; COARSE],
            area: Area::WHOLE,
            mean: 0.0,
            contrast: 0.0,
            chroma: 0.0,
        });
        let (luma, rest) = frame.split_at(WIDTH * HEIGHT);
        let rows = luma.chunks_exact(2 * WIDTH);
        for (pair, out) in rows.zip(picture.luma.chunks_exact_mut(W)) {
            let (upper, lower) = pair.split_at(WIDTH);
            let columns = upper.chunks_exact(2).zip(lower.chunks_exact(2));
            for ((a, b), out) in columns.zip(out) {
                let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
                *out = ((sum + 2) >> 2) as u8;
            }
        }
        picture.u.copy_from_slice(&rest[..PIXELS]);
        picture.v.copy_from_slice(&rest[PIXELS..2 * PIXELS]);
        picture.measure();
        Some(picture)
    }

    fn measure(&mut self) {
        self.area = Area::of(&self.luma);
        let grey: u32 = self.u.iter().chain(&self.v).map(|&c| u32::from(c.abs_diff(128))).sum();
        self.chroma = grey as f32 / PIXELS as f32;
        let (luma, chroma) = self.coarse.split_at_mut(COARSE_LUMA);
        let (u, v) = chroma.split_at_mut(COARSE_CHROMA);
        average_down::<2>(&self.luma, luma, 1.0);
        average_down::<4>(&self.u, u, 2.0);
        average_down::<4>(&self.v, v, 2.0);
        // On the coarse planes: grain would raise the contrast of a plain frame.
        let (mean, luma_deviation) = mean_and_deviation(luma, &self.area, 2);
        self.mean = mean;
        self.contrast = luma_deviation
            + 0.5 * mean_and_deviation(u, &self.area, 4).1
            + 0.5 * mean_and_deviation(v, &self.area, 4).1;
    }

    /// Mean absolute luma difference, pixel by pixel, in levels.
    pub fn luma_difference(&self, other: &Self) -> f32 {
        let sum: u32 =
            self.luma.iter().zip(&other.luma).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
        sum as f32 / PIXELS as f32
    }

    /// Mean absolute difference of luma and chroma after motion compensation, in levels.
    ///
    /// Each block of `self` is searched for in `earlier` within `range`.
    pub fn moved_difference(&self, earlier: &Self, range: (isize, isize)) -> f32 {
        let (mut total, mut blocks) = (0, 0);
        for (x, y) in self.area.join(&earlier.area).blocks() {
            let still = y * W + x;
            let mut best_at = still;
            let mut best = block_difference(&self.luma, still, &earlier.luma, still);
            // Below one level per pixel a search gains nothing.
            if best > BLOCK_PIXELS {
                (best, best_at) = self.search(earlier, (x, y), best, range);
            }
            blocks += 1;
            total += best
                + block_difference(&self.u, still, &earlier.u, best_at)
                + block_difference(&self.v, still, &earlier.v, best_at);
        }
        total as f32 / (blocks.max(1) * BLOCK_PIXELS) as f32
    }

    /// Searches for the block at (x, y) in `earlier`; returns the least difference and where.
    ///
    /// First on a grid of every other position, then around the best one, starting from the difference in
    /// place.
    fn search(
        &self,
        earlier: &Self,
        at: (usize, usize),
        still: u32,
        range: (isize, isize),
    ) -> (u32, usize) {
        let here = at.1 * W + at.0;
        let (mut best, mut found) = (still, at);
        let try_at = |x: usize, y: usize, best: &mut u32, found: &mut (usize, usize)| {
            let difference = block_difference(&self.luma, here, &earlier.luma, y * W + x);
            if difference < *best {
                (*best, *found) = (difference, (x, y));
            }
        };
        for y in window(at.1, range.1, H - BLOCK_H).step_by(2) {
            for x in window(at.0, range.0, W - BLOCK_W).step_by(2) {
                try_at(x, y, &mut best, &mut found);
            }
        }
        let near = found;
        for y in window(near.1, 1, H - BLOCK_H) {
            for x in window(near.0, 1, W - BLOCK_W) {
                try_at(x, y, &mut best, &mut found);
            }
        }
        (best, found.1 * W + found.0)
    }

    /// Shared structure of two pictures in [−1, 1]: the correlation of luma within blocks.
    ///
    /// Neither the light nor its distribution counts.
    pub fn structure(&self, other: &Self) -> f32 {
        self.structure_at(other, (0, 0))
    }

    /// The largest shared structure over small shifts: a moving camera while the light changes.
    pub fn shared_structure(&self, other: &Self) -> f32 {
        let shifts = [-2, 0, 2].into_iter().flat_map(|y| [-4, -2, 0, 2, 4].map(|x| (x, y)));
        shifts.map(|shift| self.structure_at(other, shift)).fold(-1.0, f32::max)
    }

    /// [`Self::structure`] with `other` shifted by (x, y), over the blocks that stay inside.
    pub fn structure_at(&self, other: &Self, shift: (isize, isize)) -> f32 {
        let n = BLOCK_PIXELS as f32;
        let (mut shared, mut most) = (0.0, 0.0);
        for (x, y) in self.area.meet(&other.area).blocks() {
            let (from_x, from_y) = (x.checked_add_signed(shift.0), y.checked_add_signed(shift.1));
            let (Some(from_x), Some(from_y)) = (from_x, from_y) else {
                continue;
            };
            if from_x + BLOCK_W > W || from_y + BLOCK_H > H {
                continue;
            }
            let (at, from) = (y * W + x, from_y * W + from_x);
            let (mut a, mut b, mut aa, mut bb, mut ab) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
            for row in 0..BLOCK_H {
                let left = &self.luma[at + row * W..][..BLOCK_W];
                let right = &other.luma[from + row * W..][..BLOCK_W];
                for (&x, &y) in left.iter().zip(right) {
                    let (x, y) = (u32::from(x), u32::from(y));
                    a += x;
                    b += y;
                    aa += x * x;
                    bb += y * y;
                    ab += x * y;
                }
            }
            let (a, b) = (a as f32, b as f32);
            // Half a level of noise: flat blocks have no structure to share.
            let spread = (aa as f32 - a * a / n + 0.25 * n) * (bb as f32 - b * b / n + 0.25 * n);
            shared += ab as f32 - a * b / n;
            most += spread.max(0.0).sqrt();
        }
        if most > 0.0 { shared / most } else { 0.0 }
    }
}

/// The positions from `at − reach` to `at + reach` that lie within 0 to `last`.
fn window(at: usize, reach: isize, last: usize) -> std::ops::RangeInclusive<usize> {
    at.saturating_add_signed(-reach)..=at.saturating_add_signed(reach).min(last)
}

/// Sum of absolute differences of the block at `at` in `a` and the one at `from` in `b`.
#[inline(always)]
fn block_difference(a: &[u8; PIXELS], at: usize, b: &[u8; PIXELS], from: usize) -> u32 {
    let mut sum = 0;
    for row in 0..BLOCK_H {
        let left = &a[at + row * W..][..BLOCK_W];
        let right = &b[from + row * W..][..BLOCK_W];
        for (&x, &y) in left.iter().zip(right) {
            sum += u32::from(x.abs_diff(y));
        }
    }
    sum
}

/// Mean and deviation within `area` of a plane `scale` times smaller than [`W`]×[`H`].
fn mean_and_deviation(plane: &[f32], area: &Area, scale: usize) -> (f32, f32) {
    let (left, right) = (area.left.div_ceil(scale), area.right / scale);
    let (top, bottom) = (area.top.div_ceil(scale), area.bottom / scale);
    let (mut sum, mut squares) = (0.0, 0.0);
    for row in plane.chunks_exact(W / scale).take(bottom).skip(top) {
        for &value in &row[left..right] {
            sum += value;
            squares += value * value;
        }
    }
    let count = ((right - left) * (bottom - top)) as f32;
    let mean = sum / count;
    ((mean), (squares / count - mean * mean).max(0.0).sqrt())
}

/// The rectangle of a picture that is not black bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

impl Area {
    const WHOLE: Self = Self { left: 0, right: W, top: 0, bottom: H };
    /// Largest luma of a bar: black with coding noise.
    const BLACK: u8 = 26;

    /// Detects the bars: black, equal on both sides, and each less than a third of the picture.
    ///
    /// One more line is excluded, because the bar may end within it.
    fn of(luma: &[u8; PIXELS]) -> Self {
        let dark_row = |y: usize| luma[y * W..][..W].iter().all(|&v| v <= Self::BLACK);
        let dark_column = |x: usize| (0..H).all(|y| luma[y * W + x] <= Self::BLACK);
        let (top, bottom) = bars(H, dark_row);
        let (left, right) = bars(W, dark_column);
        Self { left, right, top, bottom }
    }

    fn join(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            right: self.right.max(other.right),
            top: self.top.min(other.top),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// The area that the bars of neither picture cover.
    fn meet(&self, other: &Self) -> Self {
        Self {
            left: self.left.max(other.left),
            right: self.right.min(other.right),
            top: self.top.max(other.top),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// The upper left corners of the blocks that lie within.
    fn blocks(self) -> impl Iterator<Item = (usize, usize)> {
        let inside = move |block: &usize| {
            let (x, y) = corner(*block);
            x >= self.left
                && x + BLOCK_W <= self.right
                && y >= self.top
                && y + BLOCK_H <= self.bottom
        };
        (0..BLOCKS).filter(inside).map(corner)
    }
}

fn corner(block: usize) -> (usize, usize) {
    ((block % (W / BLOCK_W)) * BLOCK_W, (block / (W / BLOCK_W)) * BLOCK_H)
}

/// First line and end of the area between two bars; all `lines` if there are none.
fn bars(lines: usize, dark: impl Fn(usize) -> bool) -> (usize, usize) {
    let most = lines / 3;
    let first = (0..most).take_while(|&line| dark(line)).count();
    if first == 0 || first == most {
        return (0, lines);
    }
    let last = (0..most).take_while(|&line| dark(lines - 1 - line)).count();
    if first.abs_diff(last) > 1 {
        return (0, lines);
    }
    (first + 1, lines - last - 1)
}

/// Averages a plane over `N`×`N` squares and multiplies by `gain`.
fn average_down<const N: usize>(plane: &[u8; PIXELS], out: &mut [f32], gain: f32) {
    let columns = W / N;
    for (at, out) in out.iter_mut().enumerate() {
        let corner = (at / columns) * N * W + (at % columns) * N;
        let mut sum = 0_u32;
        for row in 0..N {
            for &value in &plane[corner + row * W..][..N] {
                sum += u32::from(value);
            }
        }
        *out = sum as f32 * gain / (N * N) as f32;
    }
}
