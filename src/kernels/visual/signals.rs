//! Picture signals per time bucket.

use super::picture::{H, PIXELS, Picture, W};
use super::window::FrameWindow;
use crate::model::Signal;

/// Video levels: luma from 16 (black) to 235 (white) in the frames, 0 to 1 in the signals.
const BLACK: f64 = 16.0;
const LUMA_RANGE: f64 = 219.0;
/// Largest |U−128| + |V−128| of a limited-range picture.
const CHROMA_RANGE: f64 = 224.0;
/// Luma changes up to this many levels are noise, not a moving subject.
const NOISE: f32 = 5.0;
/// Motion, in weighted levels per pixel, from which motion alone locates the subject.
const ENOUGH_MOTION: f64 = 0.05;
/// Longest gap between frames that is filled with buckets, in seconds.
///
/// About a day, the span of a 33-bit 90 kHz clock. Time stamps with larger gaps are broken.
const LONGEST_GAP: f64 = 100_000.0;

/// Sums over the frames of a bucket.
#[derive(Default)]
struct BucketSums {
    frames: f64,
    shot_score: f64,
    motion: f64,
    moving_frames: f64,
    luma: f64,
    chroma: f64,
    moving: Centre,
    still: Centre,
}

/// A weighted centre.
#[derive(Clone, Copy, Default)]
struct Centre {
    weight: f64,
    x: f64,
    y: f64,
}

impl Centre {
    fn add(&mut self, other: Self, by: f64) {
        self.weight += by * other.weight;
        self.x += by * other.x;
        self.y += by * other.y;
    }

    fn position(self) -> Option<(f64, f64)> {
        (self.weight > 0.0).then(|| (self.x / self.weight, self.y / self.weight))
    }
}

/// Collects frames into buckets.
pub(super) struct SignalTracker {
    per_second: f64,
    bucket: Option<i64>,
    sums: BucketSums,
    /// Position of the last motion in this shot.
    held: Option<(f64, f64)>,
    done: Vec<Signal>,
}

impl SignalTracker {
    pub fn new(buckets_per_second: f64) -> Self {
        let usable = buckets_per_second.is_finite() && buckets_per_second > 0.0;
        Self {
            per_second: if usable { buckets_per_second } else { 1.0 },
            bucket: None,
            sums: BucketSums::default(),
            held: None,
            done: Vec::new(),
        }
    }

    /// Adds frame `number`: `evidence` of a boundary before it, and whether there is one.
    pub fn add(&mut self, window: &FrameWindow, number: i64, evidence: f64, begins_shot: bool) {
        let Some(frame) = window.get(number) else {
            return;
        };
        // The small amount keeps a PTS on the grid from falling into the bucket before.
        let bucket = (frame.at * self.per_second + 1e-6).floor() as i64;
        match self.bucket {
            Some(open) if bucket > open => self.close(bucket),
            Some(_) => {}
            None => self.bucket = Some(bucket),
        }
        if begins_shot {
            self.held = None;
            self.sums.moving = Centre::default();
            self.sums.still = Centre::default();
        }
        let sums = &mut self.sums;
        sums.frames += 1.0;
        sums.shot_score = sums.shot_score.max(evidence);
        sums.luma += f64::from(frame.picture.mean);
        sums.chroma += f64::from(frame.picture.chroma);
        sums.still.add(contrast_centre(&frame.picture), 1.0);
        if let Some(before) = window.get(number - 1).filter(|_| !begins_shot) {
            sums.motion += f64::from(frame.motion);
            sums.moving_frames += 1.0;
            sums.moving.add(motion_centre(&frame.picture, &before.picture), 1.0);
        }
    }

    /// The buckets, without gaps.
    pub fn finish(mut self) -> Vec<Signal> {
        if let Some(open) = self.bucket {
            self.close(open + 1);
        }
        self.done
    }

    /// Closes the open bucket and fills up to `next` with the held picture.
    fn close(&mut self, next: i64) {
        let Some(open) = self.bucket else { return };
        let sums = std::mem::take(&mut self.sums);
        let frames = sums.frames.max(1.0);
        let moved = sums.moving.weight / (frames * PIXELS as f64) > ENOUGH_MOTION;
        let seen = if moved { sums.moving.position() } else { None };
        self.held = seen.or(self.held);
        let (x, y) = self.held.or(sums.still.position()).unwrap_or((0.5, 0.5));
        let mut bucket = Signal {
            t: open as f64 / self.per_second,
            shot_score: sums.shot_score,
            motion: sums.motion / sums.moving_frames.max(1.0) / LUMA_RANGE,
            luma: ((sums.luma / frames - BLACK) / LUMA_RANGE).clamp(0.0, 1.0),
            chroma: (sums.chroma / frames / CHROMA_RANGE).clamp(0.0, 1.0),
            saliency_x: x,
            saliency_y: y,
            ..Signal::default()
        };
        bucket.motion = bucket.motion.clamp(0.0, 1.0);
        self.done.push(bucket.clone());
        if (next - open) as f64 <= LONGEST_GAP * self.per_second {
            bucket.shot_score = 0.0;
            bucket.motion = 0.0;
            for at in open + 1..next {
                bucket.t = at as f64 / self.per_second;
                self.done.push(bucket.clone());
            }
        }
        self.bucket = Some(next);
    }
}

/// Centre of local motion: changes above noise and above the typical change of the frame.
///
/// A moving camera changes the whole frame and thus does not count.
fn motion_centre(picture: &Picture, before: &Picture) -> Centre {
    let mut counts = [0_u32; 256];
    for (&a, &b) in picture.luma.iter().zip(&before.luma) {
        counts[usize::from(a.abs_diff(b))] += 1;
    }
    let mut left = PIXELS as u32 / 2;
    let mut typical = 0;
    for (level, &count) in counts.iter().enumerate() {
        if count > left {
            typical = level;
            break;
        }
        left -= count;
    }
    let floor = NOISE + 2.0 * typical as f32;
    weigh(|at| (f32::from(picture.luma[at].abs_diff(before.luma[at])) - floor).max(0.0))
}

/// Centre of what differs in brightness and colour from the mean of the picture.
fn contrast_centre(picture: &Picture) -> Centre {
    let mean = |plane: &[u8; PIXELS]| {
        plane.iter().map(|&v| u32::from(v)).sum::<u32>() as f32 / PIXELS as f32
    };
    let (luma, u, v) = (picture.mean, mean(&picture.u), mean(&picture.v));
    weigh(|at| {
        let d = (f32::from(picture.luma[at]) - luma).abs()
            + 2.0 * (f32::from(picture.u[at]) - u).abs()
            + 2.0 * (f32::from(picture.v[at]) - v).abs();
        // Squared: a small vivid subject weighs more than a large dull background.
        d * d * 1e-3
    })
}

fn weigh(weight: impl Fn(usize) -> f32) -> Centre {
    let mut centre = Centre::default();
    for y in 0..H {
        let (mut row, mut across) = (0.0, 0.0);
        for x in 0..W {
            let w = weight(y * W + x);
            row += w;
            across += w * (x as f32 + 0.5);
        }
        centre.weight += f64::from(row);
        centre.x += f64::from(across) / W as f64;
        centre.y += f64::from(row) * (y as f64 + 0.5) / H as f64;
    }
    centre
}
