//! What is said held against where a voice is heard.

use super::Transcript;

/// Likelihood below which there is no voice at all; words are left out only there.
const NONE: f32 = 0.2;
/// Seconds around a word in which a voice counts for it: transcribers are not that exact.
const AROUND: f64 = 0.3;
/// A pause in seconds before a word, after which its start is that of the voice.
const AFTER_PAUSE: f64 = 0.3;
/// Shortest pause in seconds that sound is cut at.
const CUT: f64 = 0.4;

/// Where a voice is heard: its likelihood frame by frame.
#[derive(Debug, Clone, PartialEq)]
pub struct VoiceTimes {
    likelihoods: Vec<f32>,
    /// Seconds of a frame.
    frame: f64,
    /// Likelihood from which a frame counts as voice.
    voice: f32,
}

/// What was left out of a transcript.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OmittedWords {
    /// Words where no voice is heard.
    pub without_voice: usize,
    /// Words of passages that the transcriber itself takes for invented.
    pub doubtful: usize,
}

impl VoiceTimes {
    /// Of likelihoods in frames of `frame` seconds, of which those from `voice` on count.
    pub fn new(likelihoods: Vec<f32>, frame: f64, voice: f32) -> Self {
        Self { likelihoods, frame, voice }
    }

    /// Seconds that were heard.
    pub fn seconds(&self) -> f64 {
        self.likelihoods.len() as f64 * self.frame
    }

    /// Seconds of voice.
    pub fn voiced_seconds(&self) -> f64 {
        self.likelihoods.iter().filter(|one| **one >= self.voice).count() as f64 * self.frame
    }

    fn frames(&self, start: f64, end: f64) -> &[f32] {
        let at = |seconds: f64| (seconds.max(0.0) / self.frame) as usize;
        let last = self.likelihoods.len();
        self.likelihoods.get(at(start).min(last)..(at(end) + 1).min(last)).unwrap_or_default()
    }

    /// The spans of at most `most` seconds that the sound is to be cut into: in the longest pause of the last third of
    /// each, so that no word is cut where that is possible.
    pub fn pieces(&self, most: f64) -> Vec<(f64, f64)> {
        let (mut pieces, mut start, all) = (vec![], 0.0, self.seconds());
        while all - start > most {
            let end = self.pause_in(start + most * 2.0 / 3.0, start + most).unwrap_or(start + most);
            pieces.push((start, end));
            start = end;
        }
        pieces.push((start, all));
        pieces
    }

    /// The middle of the longest pause in a span.
    fn pause_in(&self, from: f64, to: f64) -> Option<f64> {
        let first = (from / self.frame) as usize;
        let (mut best, mut run) = ((0, 0), 0);
        for (n, one) in self.frames(from, to).iter().enumerate() {
            run = if *one < self.voice { run + 1 } else { 0 };
            if run > best.0 {
                best = (run, n + 1 - run / 2);
            }
        }
        let is_pause = best.0 as f64 * self.frame >= CUT;
        is_pause.then(|| ((first + best.1) as f64 * self.frame).min(to))
    }

    /// Where the voice begins within a span; none if it does not, or had begun before.
    fn begins_in(&self, start: f64, end: f64) -> Option<f64> {
        let first = (start / self.frame) as usize;
        let found = self.frames(start, end).iter().position(|one| *one >= self.voice)?;
        (found > 0).then(|| (first + found) as f64 * self.frame)
    }
}

impl Transcript {
    /// Leaves out what no voice says and what the transcriber itself takes for invented, and moves words that begin in
    /// a pause to where the voice begins.
    pub fn hold_against(&mut self, voice: &VoiceTimes) -> OmittedWords {
        let mut left_out = OmittedWords::default();
        let is_said = |start: f64, end: f64| {
            voice.frames(start - AROUND, end + AROUND).iter().any(|one| *one >= NONE)
        };
        self.passages.retain_mut(|passage| {
            let count = passage.text.split_whitespace().count();
            if passage.is_doubtful {
                left_out.doubtful += count;
                return false;
            }
            if passage.words.is_empty() {
                let is_said = is_said(passage.start, passage.end);
                left_out.without_voice += if is_said { 0 } else { count };
                return is_said;
            }
            let words = passage.words.len();
            passage.words.retain(|word| is_said(word.start, word.end));
            left_out.without_voice += words - passage.words.len();
            if passage.words.len() < words {
                passage.text = super::dialects::joined(&passage.words);
            }
            !passage.words.is_empty()
        });
        let mut before = f64::NEG_INFINITY;
        for word in self.passages.iter_mut().flat_map(|passage| &mut passage.words) {
            if word.start - before >= AFTER_PAUSE
                && let Some(begins) = voice.begins_in(word.start, word.end)
            {
                word.start = begins.min(word.end);
            }
            before = word.end;
        }
        for passage in &mut self.passages {
            if let Some(first) = passage.words.first() {
                passage.start = first.start;
            }
        }
        left_out
    }
}
