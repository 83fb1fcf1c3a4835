//! Faces in pictures: what a detector answers, tracks, mouths, and who speaks.

mod centerface;
mod mouth;
mod speaking;
#[cfg(test)]
mod tests;
mod tracks;

pub(crate) use centerface::{CENTERFACE_STRIDE, CenterFaceMaps, detections};
pub(crate) use mouth::{GrayPicture, mouth_movement};
pub(crate) use speaking::mark_speaking;
pub(crate) use tracks::FaceTracker;

use crate::model::{Face, FacePoint};

/// A face that a detector found in a picture, in shares of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaceDetection {
    /// Left edge of the box.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// The eyes, the nose, and the corners of the mouth, left before right as in the picture.
    pub points: [FacePoint; 5],
    /// Confidence in [0, 1].
    pub score: f64,
}

impl FaceDetection {
    /// The middle of the box.
    pub fn middle(&self) -> (f64, f64) {
        (self.x + 0.5 * self.width, self.y + 0.5 * self.height)
    }

    /// Intersection over union with another box.
    pub fn overlap(&self, other: &Self) -> f64 {
        let side = |a: f64, length: f64, b: f64, other: f64| {
            ((a + length).min(b + other) - a.max(b)).max(0.0)
        };
        let both = side(self.x, self.width, other.x, other.width)
            * side(self.y, self.height, other.y, other.height);
        let all = self.width * self.height + other.width * other.height - both;
        if all > 0.0 { both / all } else { 0.0 }
    }

    /// The face on the way from this picture to a later one with the face at `to`; `share` of the way is done.
    #[must_use]
    pub fn towards(&self, to: &Self, share: f64) -> Self {
        let mix = |a: f64, b: f64| a + (b - a) * share;
        let point = |a: FacePoint, b: FacePoint| FacePoint { x: mix(a.x, b.x), y: mix(a.y, b.y) };
        let mut points = self.points;
        for (at, end) in points.iter_mut().zip(to.points) {
            *at = point(*at, end);
        }
        Self {
            x: mix(self.x, to.x),
            y: mix(self.y, to.y),
            width: mix(self.width, to.width),
            height: mix(self.height, to.height),
            points,
            score: self.score.min(to.score),
        }
    }

    /// The row of a picture at `t` seconds.
    pub fn row(&self, t: f64, track: i64) -> Face {
        let [left_eye, right_eye, nose, mouth_left, mouth_right] = self.points;
        Face {
            t,
            track,
            x: self.x,
            y: self.y,
            width: self.width,
            height: self.height,
            left_eye,
            right_eye,
            nose,
            mouth_left,
            mouth_right,
            score: self.score,
            detected: true,
            mouth: None,
            speaking: None,
        }
    }
}
