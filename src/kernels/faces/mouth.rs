//! How much a mouth moves from one picture to the next.

use super::FaceDetection;
use crate::model::FacePoint;

/// Points of a patch across and down.
const ACROSS: usize = 14;
const DOWN: usize = 10;
/// Least distance between the eyes, in pixels, at which a mouth can be told.
const LEAST_EYES: f64 = 5.0;
/// Noise of a picture, in levels, which no movement is told from.
const NOISE: f64 = 1.5;

/// A picture in levels of grey, row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrayPicture<'a> {
    /// Its pixels.
    pub(crate) pixels: &'a [u8],
    /// Pixels in a row.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
}

/// How much the mouth of a face changes between two pictures of one size, by how much its eyes and nose do; 1 is as much.
///
/// Both are measured in the frame of the face's own points, so that a face which moves, turns or comes nearer changes
/// little. `None` if the face is too small, or reaches out of the picture.
pub(crate) fn mouth_movement(
    before: (GrayPicture<'_>, &FaceDetection),
    after: (GrayPicture<'_>, &FaceDetection),
) -> Option<f64> {
    let patches = |(picture, face): (GrayPicture<'_>, &FaceDetection)| {
        let frame = FaceFrame::of(picture, face)?;
        Some([frame.patch(picture, (-0.75, 0.75), (-0.35, 0.75))?, {
            frame.patch(picture, (-0.8, 0.8), (-1.35, -0.55))?
        }])
    };
    let ([mouth_before, rest_before], [mouth_after, rest_after]) =
        (patches(before)?, patches(after)?);
    let mouth = change(&mouth_before, &mouth_after);
    let rest = change(&rest_before, &rest_after);
    Some((mouth + NOISE) / (rest + NOISE))
}

type Patch = [f64; ACROSS * DOWN];

/// Mean absolute difference of two patches, in levels, after the difference of their means.
fn change(a: &Patch, b: &Patch) -> f64 {
    let count = a.len() as f64;
    let brighter = a.iter().zip(b).map(|(a, b)| b - a).sum::<f64>() / count;
    a.iter().zip(b).map(|(a, b)| (b - a - brighter).abs()).sum::<f64>() / count
}

/// The coordinates of a face: from the middle of its mouth, across along its eyes, down along its nose.
#[derive(Debug, Clone, Copy)]
struct FaceFrame {
    origin: (f64, f64),
    across: (f64, f64),
    down: (f64, f64),
}

impl FaceFrame {
    fn of(picture: GrayPicture<'_>, face: &FaceDetection) -> Option<Self> {
        let at = |p: FacePoint| (p.x * picture.width as f64, p.y * picture.height as f64);
        let [left, right, _, mouth_left, mouth_right] = face.points.map(at);
        let middle = |a: (f64, f64), b: (f64, f64)| (0.5 * (a.0 + b.0), 0.5 * (a.1 + b.1));
        let (eyes, origin) = (middle(left, right), middle(mouth_left, mouth_right));
        let across = (right.0 - left.0, right.1 - left.1);
        let down = (origin.0 - eyes.0, origin.1 - eyes.1);
        let is_usable = across.0.hypot(across.1) >= LEAST_EYES && down.0.hypot(down.1) >= 2.0;
        is_usable.then_some(Self { origin, across, down })
    }

    /// Samples a part of the face; `None` if it reaches out of the picture.
    fn patch(
        &self,
        picture: GrayPicture<'_>,
        across: (f64, f64),
        down: (f64, f64),
    ) -> Option<Patch> {
        let mut patch = [0.0; ACROSS * DOWN];
        let share = |i: usize, of: usize, (from, to): (f64, f64)| {
            from + (to - from) * (i as f64 + 0.5) / of as f64
        };
        for (i, value) in patch.iter_mut().enumerate() {
            let (a, d) = (share(i % ACROSS, ACROSS, across), share(i / ACROSS, DOWN, down));
            let x = self.origin.0 + a * self.across.0 + d * self.down.0;
            let y = self.origin.1 + a * self.across.1 + d * self.down.1;
            *value = sample(picture, x - 0.5, y - 0.5)?;
        }
        Some(patch)
    }
}

/// The level between four pixels; `None` outside of the picture.
fn sample(picture: GrayPicture<'_>, x: f64, y: f64) -> Option<f64> {
    if !(x >= 0.0 && y >= 0.0) {
        return None;
    }
    let (column, row) = (x as usize, y as usize);
    if column + 1 >= picture.width || row + 1 >= picture.height {
        return None;
    }
    let at = |c: usize, r: usize| picture.pixels.get(r * picture.width + c).map(|v| f64::from(*v));
    let (right, below) = (x - column as f64, y - row as f64);
    let upper = at(column, row)? * (1.0 - right) + at(column + 1, row)? * right;
    let lower = at(column, row + 1)? * (1.0 - right) + at(column + 1, row + 1)? * right;
    Some(upper * (1.0 - below) + lower * below)
}
