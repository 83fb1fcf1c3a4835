//! The frames around the one that is being decided.

use std::collections::VecDeque;

use super::SURROUNDINGS;
use super::picture::{NEAR, Picture};

/// Largest number of frames kept: about 6 MB.
///
/// Above 120 frames per second the window is shorter than [`SURROUNDINGS`] asks for.
const MOST: usize = 480;

/// A frame in the window.
pub(super) struct Frame {
    /// PTS in seconds.
    pub at: f64,
    pub picture: Box<Picture>,
    /// Difference to the previous frame that motion does not explain, in levels.
    pub change: f32,
    /// Difference to the previous frame, pixel by pixel, in levels of luma.
    pub motion: f32,
}

/// Consecutive frames, addressed by their number in the stream.
#[derive(Default)]
pub(super) struct FrameWindow {
    frames: VecDeque<Frame>,
    /// Number of the oldest frame that is kept.
    begin: i64,
    first_at: Option<f64>,
}

impl FrameWindow {
    pub fn push(&mut self, at: f64, picture: Box<Picture>) {
        self.first_at.get_or_insert(at);
        let (motion, change) = self.frames.back().map_or((0.0, 0.0), |before| {
            let motion = picture.luma_difference(&before.picture);
            (motion, picture.moved_difference(&before.picture, NEAR))
        });
        self.frames.push_back(Frame { at, picture, change, motion });
    }

    /// PTS of the first frame of the stream.
    pub fn first_at(&self) -> Option<f64> {
        self.first_at
    }

    pub fn is_full(&self) -> bool {
        self.frames.len() >= MOST
    }

    /// Number of frames that are kept.
    #[cfg(test)]
    pub fn kept(&self) -> usize {
        self.frames.len()
    }

    /// Number of the next frame, which is the number of frames so far.
    pub fn end(&self) -> i64 {
        self.begin + self.frames.len() as i64
    }

    pub fn get(&self, number: i64) -> Option<&Frame> {
        usize::try_from(number - self.begin).ok().and_then(|at| self.frames.get(at))
    }

    pub fn last(&self) -> Option<&Frame> {
        self.frames.back()
    }

    /// The frame shown at a time (the last one that does not start later), if kept.
    pub fn shown_at(&self, at: f64) -> Option<i64> {
        let after = self.frames.partition_point(|f| f.at <= at + 1e-6);
        if after == 0 || self.last()?.at + 1e-6 < at {
            return None;
        }
        Some(self.begin + after as i64 - 1)
    }

    /// The frames before `number`, nearest first, not more than `seconds` away.
    pub fn before(&self, number: i64, seconds: f64) -> impl Iterator<Item = &Frame> {
        let from = self.get(number).map_or(0.0, |f| f.at) - seconds - 1e-6;
        (self.begin..number).rev().map_while(|n| self.get(n)).take_while(move |f| f.at >= from)
    }

    /// The frames after `number`, nearest first, not more than `seconds` away.
    pub fn after(&self, number: i64, seconds: f64) -> impl Iterator<Item = &Frame> {
        let to = self.get(number).map_or(0.0, |f| f.at) + seconds + 1e-6;
        (number + 1..self.end()).map_while(|n| self.get(n)).take_while(move |f| f.at <= to)
    }

    /// Drops the frames that are too old for deciding the frame after `number`.
    pub fn forget_before(&mut self, number: i64) {
        let Some(at) = self.get(number).map(|f| f.at) else {
            return;
        };
        let too_long = self.frames.len() >= MOST;
        while self.begin < number
            && (self.frames.front().is_some_and(|f| f.at < at - SURROUNDINGS - 0.1)
                || too_long && self.frames.len() > MOST * 3 / 4)
        {
            self.frames.pop_front();
            self.begin += 1;
        }
    }
}
