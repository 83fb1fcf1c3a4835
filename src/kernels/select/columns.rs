//! What the selection reads: the columns of one source, borrowed.

use arrow::buffer::NullBuffer;

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
    /// `signals.motion`.
    pub motion: &'a [f64],
    /// `signals.luma`.
    pub luma: &'a [f64],
    /// `signals.chroma`.
    pub chroma: &'a [f64],
    /// `signals.caption_density`, in characters a second.
    pub caption_density: &'a [f64],
    /// `signals.loudness`, in LUFS.
    pub loudness: Nullable<'a>,
    /// `signals.onset`.
    pub onset: Nullable<'a>,
    /// `signals.speech`.
    pub speech: Nullable<'a>,
    /// `signals.silence`.
    pub silence: Nullable<'a>,
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
}

/// The columns made from typed rows; for tests and for callers without Arrow.
#[derive(Debug, Clone)]
pub struct OwnedColumns {
    signals: [Vec<f64>; 5],
    sound: [(Vec<f64>, NullBuffer); 4],
    shots: [Vec<f64>; 3],
    frames: [Vec<i64>; 2],
    cues: [Vec<f64>; 2],
    ends_sentence: Vec<bool>,
}

impl OwnedColumns {
    /// The columns of `signals`, `shots` and `cues`.
    pub fn new(signals: &[Signal], shots: &[Shot], cues: &[Cue]) -> Self {
        let signal = |get: fn(&Signal) -> f64| -> Vec<f64> { signals.iter().map(get).collect() };
        let shot = |get: fn(&Shot) -> f64| -> Vec<f64> { shots.iter().map(get).collect() };
        let sound = |get: fn(&Signal) -> Option<f64>| {
            let values = signals.iter().map(|s| get(s).unwrap_or_default()).collect();
            (values, signals.iter().map(|s| get(s).is_some()).collect())
        };
        Self {
            signals: [
                signal(|s| s.t),
                signal(|s| s.motion),
                signal(|s| s.luma),
                signal(|s| s.chroma),
                signal(|s| s.caption_density),
            ],
            sound: [
                sound(|s| s.loudness),
                sound(|s| s.onset),
                sound(|s| s.speech),
                sound(|s| s.silence),
            ],
            shots: [shot(|s| s.start), shot(|s| s.end), shot(|s| s.score)],
            frames: [
                shots.iter().map(|s| s.first_frame).collect(),
                shots.iter().map(|s| s.last_frame).collect(),
            ],
            cues: [cues.iter().map(|c| c.start).collect(), cues.iter().map(|c| c.end).collect()],
            ends_sentence: cues.iter().map(|c| ends_sentence(&c.text)).collect(),
        }
    }

    /// The columns, borrowed.
    pub fn columns(&self) -> SourceColumns<'_> {
        let [t, motion, luma, chroma, caption_density] = &self.signals;
        let [loudness, onset, speech, silence] =
            self.sound.each_ref().map(|(values, nulls)| Nullable { values, nulls: Some(nulls) });
        let [shot_start, shot_end, shot_score] = &self.shots;
        let [cue_start, cue_end] = &self.cues;
        SourceColumns {
            t,
            motion,
            luma,
            chroma,
            caption_density,
            loudness,
            onset,
            speech,
            silence,
            shot_start,
            shot_end,
            shot_score,
            shot_frames: Some((&self.frames[0], &self.frames[1])),
            cue_start,
            cue_end,
            cue_ends_sentence: &self.ends_sentence,
        }
    }
}
