//! Looks at pictures in turn: some are seen by the detector, in all of them mouths are watched.

use super::pictures::{CLOSER, PictureSize};
use super::{CLOSE_EVERY, FaceDetector, RgbPicture};
use crate::error::Result;
use crate::kernels::faces::{FaceDetection, FaceTracker, GrayPicture, mouth_movement};
use crate::model::Face;

/// A picture in grey and its time.
struct SeenPicture {
    t: f64,
    gray: Vec<u8>,
}

/// Follows faces through consecutive pictures.
pub(super) struct CloseLook<'a> {
    detector: &'a dyn FaceDetector,
    size: PictureSize,
    tracker: &'a mut FaceTracker,
    /// The faces of the last picture that the detector saw, with their tracks.
    last: Vec<(i64, FaceDetection)>,
    /// The pictures from that one on.
    since: Vec<SeenPicture>,
}

impl<'a> CloseLook<'a> {
    pub(super) fn new(
        detector: &'a dyn FaceDetector,
        size: PictureSize,
        tracker: &'a mut FaceTracker,
    ) -> Self {
        Self { detector, size, tracker, last: Vec::new(), since: Vec::new() }
    }

    /// Looks at the next picture, in red, green and blue, and returns the faces that are known by now.
    pub(super) fn look(&mut self, t: f64, picture: &[u8]) -> Result<Vec<Face>> {
        let is_first = self.since.is_empty();
        self.since.push(SeenPicture { t, gray: gray(picture) });
        if !is_first && self.since.len() <= CLOSE_EVERY {
            return Ok(Vec::new());
        }
        let (small, PictureSize { width, height }) = (smaller(picture, self.size), self.size);
        let found = self.detector.detect(&RgbPicture { pixels: &small, width, height })?;
        let tracks = self.tracker.look(t, &found);
        let now: Vec<(i64, FaceDetection)> = tracks.into_iter().zip(found).collect();
        let mut rows = Vec::new();
        for (track, face) in &now {
            let before = self.last.iter().find(|(other, _)| other == track);
            match before {
                Some((_, before)) => rows.extend(self.between(*track, before, face)),
                None => rows.push(face.row(t, *track)),
            }
        }
        self.last = now;
        self.since.drain(..self.since.len() - 1);
        Ok(rows)
    }

    /// The rows of a face after the last picture that the detector saw, up to the present one.
    fn between(&self, track: i64, from: &FaceDetection, to: &FaceDetection) -> Vec<Face> {
        let steps = self.since.len() - 1;
        let (width, height) = self.size.decoded();
        let at = |k: usize| from.towards(to, k as f64 / steps as f64);
        let picture = |k: usize| {
            let pixels: &[u8] = self.since.get(k).map_or(&[], |seen| &seen.gray);
            GrayPicture { pixels, width, height }
        };
        let row = |k: usize| {
            let (before, face) = (at(k - 1), at(k));
            let mouth = mouth_movement((picture(k - 1), &before), (picture(k), &face));
            let t = self.since.get(k).map_or(0.0, |seen| seen.t);
            Face { mouth, detected: k == steps, ..face.row(t, track) }
        };
        (1..=steps).map(row).collect()
    }
}

/// The levels of grey of a picture, by the weights of BT.601 in 256ths.
fn gray(picture: &[u8]) -> Vec<u8> {
    let level = |[r, g, b]: &[u8; 3]| {
        ((77 * u32::from(*r) + 150 * u32::from(*g) + 29 * u32::from(*b)) >> 8) as u8
    };
    picture.as_chunks::<3>().0.iter().map(level).collect()
}

/// The picture for the detector: means of squares of [`CLOSER`] pixels.
fn smaller(picture: &[u8], size: PictureSize) -> Vec<u8> {
    let wide = 3 * size.width * CLOSER;
    let mut small = Vec::with_capacity(3 * size.width * size.height);
    let most = (CLOSER * CLOSER) as u16;
    for lines in picture.chunks_exact(wide * CLOSER) {
        for column in 0..size.width {
            for colour in 0..3 {
                let pixel = |k: usize| {
                    let (x, y) = (column * CLOSER + k % CLOSER, k / CLOSER);
                    lines.get(y * wide + 3 * x + colour).map_or(0, |value| u16::from(*value))
                };
                let sum: u16 = (0..CLOSER * CLOSER).map(pixel).sum();
                small.push(((sum + most / 2) / most) as u8);
            }
        }
    }
    small
}
