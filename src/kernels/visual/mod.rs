//! Shot boundaries and picture signals, from small frames in presentation order.
//!
//! [`VisualAnalyzer`] keeps about four seconds of pictures. It examines each frame together with the
//! frames up to 1.25 seconds around it, for dissolves up to 1.9 seconds:
//! * `cuts`: a change between two frames that motion does not explain and that stands out from
//!   the changes around it; a picture that returns at once was a flash;
//! * `fades`: a run of plain frames between two pictures: empty ones of any colour, or black ones
//!   with at most a caption;
//! * `dissolves`: frames that are a linear blend of an earlier and a later picture, which explains them
//!   better than motion or a change of light does, where the change stands out from those before and
//!   after it.
//!
//! Accuracy on footage that was not used to choose the thresholds (14 videos of 26
//! shots cut together from 10 clips and 10 panned or shaken photographs; shots of 0.8 to 8 s,
//! dissolves of 0.3 to 1.2 s, fades of 0.4 to 1.5 s through black or white): F1 0.987, with 225 of
//! 225 cuts, 59 of 59 fades, 61 of 66 dissolves and 4 false alarms. On harder footage it was
//! developed with (shots from 0.33 s, cuts within one scene, flashes, speed changes, 12.5 to 60
//! frames a second, CRF to 37): 0.96 to 0.98. Missed there are above all transitions between two
//! views of one scene, dissolves between shots that move fast, and cuts of little contrast. A
//! closing fade that leaves a large bright caption may be taken for a dissolve. In 24 clips that
//! were developed with, of pictures that keep changing without a transition (3.7 minutes of waves,
//! fractals, ripples, noise, cell automata, turning and zooming): 2 false dissolves, and 5 false
//! cuts where the whole picture turns by 7° a frame.
//!
//! All measures are in levels of the picture or ratios, all times in seconds: nothing depends on
//! the frame rate. Memory beyond the window grows with boundaries and buckets only.

mod around;
mod bars;
mod cuts;
mod dissolves;
mod fades;
mod intervals;
mod picture;
mod signals;
mod window;

#[cfg(test)]
mod tests;

use crate::model::{Shot, Signal, Transition};

pub use bars::Bars;
use picture::Picture;
use window::FrameWindow;

/// Width of an analysis frame in pixels.
pub const WIDTH: usize = 128;
/// Height of an analysis frame in pixels.
pub const HEIGHT: usize = 72;
/// Bytes of an analysis frame: planar yuv420p, rows without padding.
pub const FRAME_BYTES: usize = WIDTH * HEIGHT * 3 / 2;
/// The libavfilter chain that makes analysis frames from decoded ones.
///
/// `fast_bilinear` at twice the needed size, averaged down here, costs less than `area` at the needed
/// size, because the scaler then reads only the lines that it samples.
pub const SCALE_FILTER: &str = "scale=128:72:flags=fast_bilinear,format=yuv420p";
/// Decoder options for the analysis: no deblocking.
///
/// At this size deblocking is invisible. On 20 test videos (CRF 18 to 37, keyframes ten seconds apart) the
/// boundaries were equally accurate, in about 15 % less decoding time.
pub const DECODER_OPTIONS: &[&str] = &["-skip_loop_filter", "all"];

/// Seconds of frames after a frame that are seen before it is decided.
///
/// Half the longest dissolve, and the time in which a flash dies down.
pub(crate) const LOOKAHEAD: f64 = 1.25;

/// Seconds of frames before and after a frame that are seen when a dissolve is decided.
///
/// For dissolves of up to 1.3 seconds each side is as long as the dissolve.
const SURROUNDINGS: f64 = 1.9;

/// Shortest shot in seconds: nearer boundaries are one.
///
/// Frame-rate conversion and coding blend a cut over two or three frames, and edited shots are longer.
const MIN_SHOT: f64 = 0.2;

/// The visual analysis of one video stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Visual {
    /// The shots: in time order, without gaps, from the first frame to the end.
    pub shots: Vec<Shot>,
    /// One entry per time bucket, without gaps, from the bucket of the first frame on.
    ///
    /// Only the picture fields are set; the others have their defaults.
    pub buckets: Vec<Signal>,
    /// Number of frames.
    pub frames: i64,
    /// Shortest time between two frames in seconds; 0 with fewer than two frames.
    pub min_frame_interval: f64,
    /// Longest time between two frames in seconds; 0 with fewer than two frames.
    pub max_frame_interval: f64,
    /// Time from frame to frame where they follow each other fastest, in seconds: that of moving parts; 0 with
    /// fewer than two frames.
    pub moving_interval: f64,
    /// Baked-in bars of each shot; `None` for one in which nothing is seen.
    pub bars: Vec<Option<Bars>>,
}

/// A detected shot boundary: the first frame of the new shot.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Boundary {
    frame: i64,
    at: f64,
    transition: Transition,
    score: f64,
    /// Start and end of the transition, in seconds.
    span: (f64, f64),
}

/// Finds shots and picture signals in a stream of frames.
///
/// ```
/// use clipflow::kernels::visual::{FRAME_BYTES, VisualAnalyzer};
/// let mut analyzer = VisualAnalyzer::new(4.0);
/// for frame in 0..50 {
///     let level = if frame < 25 { 40 } else { 200 };
///     analyzer.push(f64::from(frame) / 25.0, &[level; FRAME_BYTES]);
/// }
/// let seen = analyzer.finish(2.0);
/// assert_eq!(seen.frames, 50);
/// assert_eq!(seen.buckets.len(), 8);
/// ```
pub struct VisualAnalyzer {
    window: FrameWindow,
    /// Number of the next frame to decide on.
    undecided: i64,
    /// Number of the next frame to examine for a dissolve.
    unblended: i64,
    cuts: Vec<Boundary>,
    fades: fades::FadeTracker,
    dissolves: dissolves::DissolveTracker,
    signals: signals::SignalTracker,
    bars: bars::BarTracker,
    intervals: intervals::Intervals,
    min_interval: f64,
    max_interval: f64,
}

impl VisualAnalyzer {
    /// Creates an analyzer with that many signal buckets per second.
    ///
    /// A value that is not positive and finite counts as 1.
    pub fn new(buckets_per_second: f64) -> Self {
        Self {
            window: FrameWindow::default(),
            undecided: 0,
            unblended: 0,
            cuts: Vec::new(),
            fades: fades::FadeTracker::default(),
            dissolves: dissolves::DissolveTracker::default(),
            signals: signals::SignalTracker::new(buckets_per_second),
            bars: bars::BarTracker::default(),
            intervals: intervals::Intervals::default(),
            min_interval: f64::INFINITY,
            max_interval: 0.0,
        }
    }

    /// Adds the next frame: its PTS in seconds and [`FRAME_BYTES`] bytes of yuv420p.
    ///
    /// Frames must come in PTS order. A frame that is too short, has no finite PTS, or does not come after
    /// the previous one is skipped.
    pub fn push(&mut self, pts_seconds: f64, frame: &[u8]) {
        let previous = self.window.last().map(|f| f.at);
        if !pts_seconds.is_finite() || previous.is_some_and(|at| pts_seconds <= at) {
            return;
        }
        let Some(picture) = Picture::new(frame) else {
            return;
        };
        if let Some(at) = previous {
            self.min_interval = self.min_interval.min(pts_seconds - at);
            self.max_interval = self.max_interval.max(pts_seconds - at);
            self.intervals.add(pts_seconds - at);
        }
        self.bars.add(pts_seconds, frame);
        self.window.push(pts_seconds, picture);
        let seen =
            |frame: Option<&window::Frame>, time| frame.is_some_and(|f| pts_seconds - f.at > time);
        while seen(self.window.get(self.undecided), LOOKAHEAD) {
            self.decide();
        }
        while seen(self.window.get(self.unblended), SURROUNDINGS) || self.window.is_full() {
            self.blend();
        }
    }

    /// Finishes the analysis; `end_seconds` is when the last frame's display ends.
    pub fn finish(mut self, end_seconds: f64) -> Visual {
        while self.undecided < self.window.end() {
            self.decide();
        }
        while self.unblended < self.window.end() {
            self.blend();
        }
        let frames = self.window.end();
        let last = self.window.last().map_or(0.0, |f| f.at);
        let end = if end_seconds.is_finite() { end_seconds.max(last) } else { last };
        let (fades, flashes) = self.fades.finish();
        let lit = |at: f64| flashes.iter().any(|f| f.0 < at && at <= f.1);
        let cuts = self.cuts.into_iter().filter(|c| !lit(c.at)).collect();
        let boundaries = resolve(cuts, fades, self.dissolves);
        let start = self.window.first_at();
        let shots = start.map_or_else(Vec::new, |start| shots(&boundaries, start, end, frames));
        Visual {
            bars: self.bars.finish(&shots),
            shots,
            moving_interval: self.intervals.moving(),
            buckets: self.signals.finish(),
            frames,
            min_frame_interval: if frames > 1 { self.min_interval } else { 0.0 },
            max_frame_interval: self.max_interval,
        }
    }

    /// Decides whether the next frame starts a shot, and adds its signals.
    fn decide(&mut self) {
        let number = self.undecided;
        let cut = cuts::examine(&self.window, number);
        self.fades.examine(&self.window, number);
        self.signals.add(&self.window, number, cut.evidence, cut.boundary.is_some());
        self.cuts.extend(cut.boundary);
        self.undecided += 1;
    }

    /// Examines the next frame for a dissolve, and drops frames that are no longer needed.
    fn blend(&mut self) {
        if self.undecided <= self.unblended {
            self.decide();
        }
        self.dissolves.examine(&self.window, self.unblended);
        self.window.forget_before(self.unblended);
        self.unblended += 1;
    }
}

/// Merges the detected boundaries into one list in time order.
///
/// A fade explains the jumps within it, and a cut a "blend" across it. Of two boundaries nearer than
/// [`MIN_SHOT`] the one with the higher score stays.
fn resolve(
    cuts: Vec<Boundary>,
    fades: Vec<Boundary>,
    dissolves: dissolves::DissolveTracker,
) -> Vec<Boundary> {
    let within = |b: &Boundary, at: f64| b.span.0 < at && at <= b.span.1;
    let cuts: Vec<_> =
        cuts.into_iter().filter(|c| !fades.iter().any(|f| within(f, c.at))).collect();
    let dissolves = dissolves.finish(|d| {
        let (span, pictures) = (d.boundary.span, d.pictures);
        let touched = |b: &Boundary| b.span.0 <= span.1 && span.0 <= b.span.1;
        let between = |b: &Boundary| pictures.0 < b.at && b.at <= pictures.1;
        !fades.iter().chain(&cuts).any(|b| touched(b) || between(b))
    });
    let mut all: Vec<_> = fades.into_iter().chain(cuts).chain(dissolves).collect();
    all.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut kept: Vec<Boundary> = Vec::with_capacity(all.len());
    for boundary in all {
        match kept.last_mut() {
            Some(before) if boundary.at - before.at < MIN_SHOT => {
                if boundary.score > before.score {
                    *before = boundary;
                }
            }
            _ => kept.push(boundary),
        }
    }
    kept
}

fn shots(boundaries: &[Boundary], start: f64, end: f64, frames: i64) -> Vec<Shot> {
    let first = Boundary {
        frame: 0,
        at: start,
        transition: Transition::Start,
        score: 1.0,
        span: (start, start),
    };
    let begins: Vec<_> = std::iter::once(first).chain(boundaries.iter().copied()).collect();
    let next = begins.iter().skip(1).map(|b| (b.at, b.frame)).chain([(end, frames)]);
    begins
        .iter()
        .zip(next)
        .enumerate()
        .map(|(id, (begin, (end, after)))| Shot {
            shot_id: id as i64,
            start: begin.at,
            end,
            transition: begin.transition,
            score: begin.score,
            first_frame: begin.frame,
            last_frame: after - 1,
            area: None,
        })
        .collect()
}
