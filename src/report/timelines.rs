//! The timeline of each source: signals, shots and captions.

use std::collections::HashMap;

use super::data::Timeline;
use super::rows::{CueLine, ShotLine, SignalBucket, SourceLine, rounded};

/// A timeline a source, in their order.
pub(super) fn timelines(
    sources: &[SourceLine],
    signals: Vec<SignalBucket>,
    shots: Vec<ShotLine>,
    cues: Vec<CueLine>,
) -> Vec<Timeline> {
    let places: HashMap<&str, usize> =
        sources.iter().enumerate().map(|(i, source)| (source.id.as_str(), i)).collect();
    let empty = |source: &SourceLine| Timeline { source: source.id.clone(), ..Timeline::default() };
    let mut all: Vec<Timeline> = sources.iter().map(empty).collect();
    for bucket in signals {
        if let Some(place) = places.get(bucket.source.as_str()) {
            all[*place].add(&bucket);
        }
    }
    for shot in shots {
        if let Some(place) = places.get(shot.source.as_str()) {
            all[*place].shots.push((rounded(shot.start), rounded(shot.end), shot.transition));
        }
    }
    for cue in cues {
        if let Some(place) = places.get(cue.source.as_str()) {
            all[*place].cues.push((rounded(cue.start), rounded(cue.end), cue.text));
        }
    }
    all
}

impl Timeline {
    fn add(&mut self, bucket: &SignalBucket) {
        self.step = bucket.step;
        // A bucket without a row is a gap in the lines.
        while (self.motion.len() as i64) < bucket.bucket {
            self.push(None, None, None, None);
        }
        let (motion, onset, speech) = (Some(bucket.motion), bucket.onset, bucket.speech);
        self.push(motion, bucket.loudness, onset, speech);
    }

    fn push(
        &mut self,
        motion: Option<f64>,
        loudness: Option<f64>,
        onset: Option<f64>,
        speech: Option<f64>,
    ) {
        let scaled = |value: Option<f64>, by: f64| value.map(|value| (value * by).round() as i32);
        self.motion.push(scaled(motion, 1000.0));
        self.loudness.push(scaled(loudness, 10.0));
        self.onset.push(scaled(onset, 1000.0));
        self.speech.push(scaled(speech, 1000.0));
    }
}
