//! The times at which a window may start or end to the frame.

use super::columns::SourceColumns;

/// Nearer than this to a frame, in seconds, is that frame: more than rounding makes of it.
const NEAR: f64 = 1e-6;

/// Where the frames of each shot are, taken as evenly spread over the shot. With a constant frame
/// rate these are the PTS; with a variable one they are near them, and a clip that starts between two
/// frames begins by holding the first.
#[derive(Debug, Clone, Default)]
pub(in crate::kernels) struct FrameGrid {
    /// Start, end and time between frames of each shot, by start.
    shots: Vec<(f64, f64, f64)>,
}

impl FrameGrid {
    /// The grid of the source; without frame numbers none, and every time stays what it is.
    pub(super) fn new(columns: &SourceColumns<'_>) -> Self {
        let Some((first, last)) = columns.shot_frames else { return Self::default() };
        let spans = columns.shot_start.iter().zip(columns.shot_end);
        let mut shots: Vec<_> = spans
            .zip(first.iter().zip(last))
            .filter(|((start, end), (first, last))| start < end && first <= last)
            .map(|((start, end), (first, last))| {
                (*start, *end, (end - start) / (last - first + 1) as f64)
            })
            .collect();
        shots.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { shots }
    }

    /// The frame nearest to `t`.
    pub(super) fn nearest(&self, t: f64) -> f64 {
        self.at(t, |frames, _| frames.round())
    }

    /// The last frame that is not after `t`.
    pub(super) fn before(&self, t: f64) -> f64 {
        self.at(t, |frames, near| (frames + near).floor())
    }

    /// The first frame that is not before `t`.
    pub(super) fn after(&self, t: f64) -> f64 {
        self.at(t, |frames, near| (frames - near).ceil())
    }

    /// `whole` makes a whole number of frames from `t` and [`NEAR`] in frames of its shot.
    fn at(&self, t: f64, whole: impl Fn(f64, f64) -> f64) -> f64 {
        let shot = self.shots.partition_point(|s| s.0 <= t).checked_sub(1);
        let Some((start, end, interval)) = shot.map(|i| self.shots[i]) else { return t };
        if t >= end {
            return t;
        }
        let time = start + whole((t - start) / interval, NEAR / interval) * interval;
        // The frame after a shot's last is the next shot's first, whose exact time is known.
        if time > end - NEAR { end } else { time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::select::{OwnedColumns, tests};
    use crate::model::Shot;

    fn shot(start: f64, end: f64, first_frame: i64, last_frame: i64) -> Shot {
        Shot { first_frame, last_frame, ..tests::shot(start, end) }
    }

    #[test]
    fn every_time_goes_to_a_frame_and_frames_stay() {
        let shots = [shot(0.5, 2.5, 0, 49), shot(2.5, 3.5, 50, 79)];
        let owned = OwnedColumns::new(&[], &shots, &[]);
        let grid = FrameGrid::new(&owned.columns());
        let frames: Vec<f64> = (0..50)
            .map(|i| 0.5 + f64::from(i) * 0.04)
            .chain((0..=30).map(|i| 2.5 + f64::from(i) / 30.0))
            .collect();
        for step in 0..3000 {
            let t = 0.5 + f64::from(step) / 1000.0;
            let nearest = frames
                .iter()
                .copied()
                .min_by(|a, b| (a - t).abs().total_cmp(&(b - t).abs()))
                .unwrap_or(t);
            assert!((grid.nearest(t) - t).abs() <= (nearest - t).abs() + 1e-9, "{t}");
            for found in [grid.nearest(t), grid.before(t), grid.after(t)] {
                assert!(frames.iter().any(|f| (f - found).abs() < 1e-9), "{t} went to {found}");
            }
            assert!(grid.before(t) <= t + 2.0 * NEAR && grid.after(t) >= t - 2.0 * NEAR, "{t}");
        }
        for frame in &frames {
            assert!((grid.nearest(*frame) - frame).abs() < 1e-9);
            assert!((grid.before(*frame) - frame).abs() < 1e-9);
            assert!((grid.after(*frame) - frame).abs() < 1e-9);
        }
        assert_eq!(grid.nearest(0.2), 0.2);
        assert_eq!(FrameGrid::default().nearest(1.01), 1.01);
    }
}
