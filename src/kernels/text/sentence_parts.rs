//! Caption lines cut at the ends of sentences, with the time of each part.

use serde::{Deserialize, Serialize};

use super::captions::seen;
use super::sentence::ends_sentence;
use super::sentences::{LONGEST, parts};
use super::writing::{join, spoken};
use crate::model::Cue;

/// After so many seconds without a line, a sentence counts as ended even without a mark.
const SILENCE: f64 = 2.0;

/// What one caption line says of one sentence.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SentencePart {
    /// The words, without what is not spoken.
    pub text: String,
    /// When it is said, in seconds of the source.
    pub start: f64,
    /// When it ends, in seconds.
    pub end: f64,
    /// Whether the captions tell `start`, as the start of a line or of a word; else it is estimated from the
    /// length of the text.
    pub start_known: bool,
    /// Whether they tell `end`.
    pub end_known: bool,
    /// Whether a sentence ends with it.
    pub closes: bool,
}

/// The parts of `cues`, which are in order of time.
///
/// Captions without any end of a sentence, as recognisers of speech write them, have a sentence a line.
pub fn sentence_parts(cues: &[Cue]) -> Vec<SentencePart> {
    let (mut all, mut open): (Vec<SentencePart>, _) = (vec![], String::new());
    let mut marked = false;
    for cue in cues {
        if let Some(last) = all.last_mut().filter(|last| cue.start - last.end > SILENCE) {
            last.closes = true;
            open.clear();
        }
        let first = all.len();
        cut(cue, &mut open, &mut all);
        marked |= all.iter().skip(first).any(|part| part.closes);
        if let Some(last) = all.last_mut().filter(|_| open.len() > LONGEST) {
            last.closes = true;
            open.clear();
        }
    }
    for part in all.iter_mut().filter(|_| !marked) {
        part.closes = true;
    }
    if let Some(last) = all.last_mut() {
        last.closes = true;
    }
    all
}

/// Adds the parts of one line; `open` is the sentence that the lines before have begun.
fn cut(cue: &Cue, open: &mut String, all: &mut Vec<SentencePart>) {
    let line = spoken(&cue.text);
    let mut texts: Vec<(String, bool)> = vec![];
    let mut text = String::new();
    for part in parts(&line) {
        join(&mut text, part);
        join(open, part);
        if ends_sentence(open) {
            texts.push((std::mem::take(&mut text), true));
            open.clear();
        }
    }
    if !text.is_empty() {
        texts.push((text, false));
    }
    let (count, whole, mut passed) = (texts.len(), seen(&line), 0);
    let (mut start, mut start_known) = (cue.start, true);
    for (number, (text, closes)) in texts.into_iter().enumerate() {
        passed += seen(&text);
        let last = number + 1 == count;
        let (end, end_known) = if last { (cue.end, true) } else { moment(cue, passed, whole) };
        all.push(SentencePart { text, start, end, start_known, end_known, closes });
        (start, start_known) = (end, end_known);
    }
}

/// When the first `passed` of the `whole` visible characters of a line are said, and whether it tells.
fn moment(cue: &Cue, passed: usize, whole: usize) -> (f64, bool) {
    let mut before = 0;
    for word in cue.words.iter().flatten() {
        if before >= passed {
            return (word.start.clamp(cue.start, cue.end.max(cue.start)), before == passed);
        }
        before += seen(&word.text);
    }
    let share = passed as f64 / whole.max(1) as f64;
    (cue.start + (cue.end - cue.start) * share, false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::captions::tests::{cue, timed};
    use super::*;

    fn said(cues: &[Cue]) -> Vec<(String, f64, f64, bool)> {
        let short = |p: SentencePart| (p.text, p.start, p.end, p.closes);
        sentence_parts(cues).into_iter().map(short).collect()
    }

    #[test]
    fn lines_are_cut_where_a_sentence_ends_in_them() {
        let cues = [cue(1.0, 3.0, "So it ends. And"), cue(3.1, 4.0, "Mr. Fox [laughs] goes on.")];
        let parts = sentence_parts(&cues);
        let texts: Vec<_> = parts.iter().map(|p| (p.text.as_str(), p.closes)).collect();
        let wanted = [("So it ends.", true), ("And", false), ("Mr. Fox goes on.", true)];
        assert_eq!(texts, wanted);
        assert!((2.3..2.8).contains(&parts[0].end) && parts[1].start == parts[0].end);
        let known = |p: &SentencePart| (p.start_known, p.end_known);
        assert_eq!(known(&parts[0]), (true, false));
        assert_eq!(known(&parts[1]), (false, true));
        // The captions tell where the words do.
        let cue = timed(cue(1.0, 3.0, "It ends. And"), &[1.0, 1.2, 2.75]);
        assert_eq!(
            said(&[cue])[..],
            [("It ends.".into(), 1.0, 2.75, true), ("And".into(), 2.75, 3.0, true)]
        );
    }

    #[test]
    fn a_long_silence_ends_a_sentence_and_lines_without_marks_are_one_each() {
        let closes = |cues: &[Cue]| said(cues).into_iter().map(|p| p.3).collect::<Vec<_>>();
        let cues = [cue(0.0, 1.0, "well"), cue(5.0, 6.0, "so it"), cue(6.1, 7.0, "is. Yes.")];
        assert_eq!(closes(&cues), [true, false, true, true]);
        let bare = [cue(0.0, 1.0, "well"), cue(1.0, 2.0, "so it"), cue(2.0, 3.0, "is")];
        assert_eq!(closes(&bare), [true, true, true]);
        assert!(said(&[cue(0.0, 1.0, "[music]"), cue(1.0, 2.0, "♪")]).is_empty());
        let endless = vec![cue(0.0, 1.0, "and then some more of it"); 12];
        let ended = [&[cue(0.0, 1.0, "Yes.")][..], &endless].concat();
        assert!(closes(&ended).iter().filter(|c| **c).count() > 2);
    }
}
