//! What the selection reads: the columns of one source, borrowed.

use arrow::buffer::NullBuffer;

use super::track::Track;
use super::words::WordTimes;
use crate::kernels::text::ends_sentence;
use crate::model::{Cue, Shot, Signal};

/// A column of numbers in which some may be missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nullable<'a> {
    /// The numbers; those that are missing have any value.
    pub values: &'a [f64],
    /// Which are missing; `None` when none is.
    pub nulls: Option<&'a NullBuffer>,
}

impl Nullable<'_> {
    /// The number at `i`, if it is there and finite.
    pub fn get(&self, i: usize) -> Option<f64> {
        let value = *self.values.get(i)?;
        (value.is_finite() && self.nulls.is_none_or(|n| i >= n.len() || n.is_valid(i)))
            .then_some(value)
    }
}

/// The signals, shots and cues of one source as columns, as Arrow holds them. Columns of one table
/// have one length; what is beyond the shortest is not read. Rows may come in any order.
#[derive(Debug, Clone, Copy, Default)]
pub struct SourceColumns<'a> {
    /// `signals.t`, in seconds.
    pub t: &'a [f64],
    /// The columns of `signals` behind the tracks, by [`Track`].
    pub(super) tracks: [Nullable<'a>; Track::COUNT],
    /// `shots.start`, in seconds.
    pub shot_start: &'a [f64],
    /// `shots.end`, in seconds.
    pub shot_end: &'a [f64],
    /// `shots.score`, the confidence of the boundary that the shot starts with.
    pub shot_score: &'a [f64],
    /// `shots.first_frame` and `shots.last_frame`; without them bounds are not moved onto frames.
    pub shot_frames: Option<(&'a [i64], &'a [i64])>,
    /// `cues.start`, in seconds, of the cues in the request's language.
    pub cue_start: &'a [f64],
    /// `cues.end`, in seconds.
    pub cue_end: &'a [f64],
    /// Whether the text of each cue ends a sentence, by [`ends_sentence`].
    pub cue_ends_sentence: &'a [bool],
    /// Start and end of each word that is said, in seconds, as far as the cues tell.
    pub words: &'a [(f64, f64)],
}

/// When a caption line is on screen.
pub(in crate::kernels) struct CueSpan {
    pub start: f64,
    pub end: f64,
    pub ends_sentence: bool,
}

impl From<&Cue> for CueSpan {
    fn from(cue: &Cue) -> Self {
        Self { start: cue.start, end: cue.end, ends_sentence: ends_sentence(&cue.text) }
    }
}

impl SourceColumns<'_> {
    /// The cues that are seen between `from` and `to`, by start, then end.
    pub(super) fn cue_spans(&self, (from, to): (f64, f64)) -> Vec<CueSpan> {
        let mut cues: Vec<_> = self
            .cue_start
            .iter()
            .zip(self.cue_end)
            .zip(self.cue_ends_sentence)
            .filter(|((start, end), _)| start < end && **end > from && **start < to)
            .map(|((start, end), ends)| CueSpan { start: *start, end: *end, ends_sentence: *ends })
            .collect();
        cues.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.end.total_cmp(&b.end)));
        cues
    }

    /// The column of `signals` behind a track.
    pub(super) fn track(&self, track: Track) -> &Nullable<'_> {
        &self.tracks[track as usize]
    }
}

/// The columns made from typed rows; for tests and for callers without Arrow.
#[derive(Debug, Clone)]
pub struct OwnedColumns {
    t: Vec<f64>,
    tracks: [(Vec<f64>, NullBuffer); Track::COUNT],
    shot_start: Vec<f64>,
    shot_end: Vec<f64>,
    shot_score: Vec<f64>,
    first_frame: Vec<i64>,
    last_frame: Vec<i64>,
    cue_start: Vec<f64>,
    cue_end: Vec<f64>,
    cue_ends_sentence: Vec<bool>,
    words: Vec<(f64, f64)>,
}

impl OwnedColumns {
    /// The columns of `signals`, `shots` and `cues`.
    pub fn new(signals: &[Signal], shots: &[Shot], cues: &[Cue]) -> Self {
        let track = |track: Track| {
            let cells = || signals.iter().map(|signal| track.cell(signal));
            let values = cells().map(Option::unwrap_or_default).collect();
            (values, cells().map(|cell| cell.is_some()).collect())
        };
        Self {
            t: signals.iter().map(|s| s.t).collect(),
            tracks: Track::ALL.map(track),
            shot_start: shots.iter().map(|s| s.start).collect(),
            shot_end: shots.iter().map(|s| s.end).collect(),
            shot_score: shots.iter().map(|s| s.score).collect(),
            first_frame: shots.iter().map(|s| s.first_frame).collect(),
            last_frame: shots.iter().map(|s| s.last_frame).collect(),
            cue_start: cues.iter().map(|c| c.start).collect(),
            cue_end: cues.iter().map(|c| c.end).collect(),
            cue_ends_sentence: cues.iter().map(|c| ends_sentence(&c.text)).collect(),
            words: WordTimes::of_cues(cues),
        }
    }

    /// The columns, borrowed.
    pub fn columns(&self) -> SourceColumns<'_> {
        SourceColumns {
            t: &self.t,
            tracks: self
                .tracks
                .each_ref()
                .map(|(values, nulls)| Nullable { values, nulls: Some(nulls) }),
            shot_start: &self.shot_start,
            shot_end: &self.shot_end,
            shot_score: &self.shot_score,
            shot_frames: Some((&self.first_frame, &self.last_frame)),
            cue_start: &self.cue_start,
            cue_end: &self.cue_end,
            cue_ends_sentence: &self.cue_ends_sentence,
            words: &self.words,
        }
    }
}
