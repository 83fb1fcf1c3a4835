//! Words that a variant skips between what it shows are not in its captions.

use std::borrow::Cow;

use crate::kernels::timemap::TimeMap;
use crate::model::{Cue, CueWord};

/// A word of which less is shown than this share of its time is skipped.
const HEARD: f64 = 0.5;
/// Longest that a word is said, in seconds: so much, and so much more for each of its characters.
const LONGEST: (f64, f64) = (0.3, 0.08);

/// `cue` without the words that are said in what `map` leaves out between two segments, such as filler words. Those
/// before and after all that is shown stay: a line is not cut where the variant begins or ends.
pub(super) fn without_skipped_words<'a>(cue: &'a Cue, map: &TimeMap) -> Cow<'a, Cue> {
    let Some(words) = cue.words.as_ref().filter(|_| map.skips()) else { return Cow::Borrowed(cue) };
    // What the time of a word holds beyond its own length is a pause, which may be skipped without the word.
    let longest =
        |word: &CueWord| word.start + LONGEST.0 + LONGEST.1 * word.text.chars().count() as f64;
    let next = words.iter().skip(1).map(|word| word.start).chain([cue.end]);
    let ends = words.iter().zip(next).map(|(word, next)| next.min(longest(word)));
    let skipped: Vec<bool> =
        words.iter().zip(ends).map(|(word, end)| is_skipped(map, word.start, end)).collect();
    if !skipped.contains(&true) {
        return Cow::Borrowed(cue);
    }
    let mut left = LeftText { cue: &cue.text, text: String::new(), words: vec![], begins: false };
    for (word, skipped) in words.iter().zip(skipped) {
        left.take(word, skipped);
    }
    left.text.push_str(left.cue);
    let text = left.text.trim().to_owned();
    Cow::Owned(Cue { text, words: Some(left.words), ..cue.clone() })
}

/// Whether a word that is said from `start` to `end` is skipped between two segments.
fn is_skipped(map: &TimeMap, start: f64, end: f64) -> bool {
    if end <= start || !map.is_within(0.5 * (start + end)) {
        return false;
    }
    let shown = map.spans(start, end);
    let sources = shown.iter().flat_map(|(from, to)| map.sources(*from, *to));
    sources.map(|(from, to)| to - from).sum::<f64>() < HEARD * (end - start)
}

/// The text of a cue as its words are taken or skipped.
struct LeftText<'a> {
    /// What is not looked at yet.
    cue: &'a str,
    text: String,
    words: Vec<CueWord>,
    /// Whether what was skipped had the capital of a sentence, which the next word takes over.
    begins: bool,
}

impl LeftText<'_> {
    fn take(&mut self, word: &CueWord, is_skipped: bool) {
        // A word that is not in the text, as some subtitles have them, is as it were said without being shown.
        let Some(at) = self.cue.find(&word.text) else { return };
        let (before, from) = self.cue.split_at(at);
        self.cue = &from[word.text.len()..];
        self.text.push_str(before);
        if is_skipped {
            let is_capital = word.text.chars().find(|c| c.is_alphabetic());
            self.begins |= is_capital.is_some_and(char::is_uppercase);
            if self.text.is_empty() || self.text.ends_with(char::is_whitespace) {
                self.cue = self.cue.trim_start_matches(' ');
            }
            return;
        }
        let shown =
            if std::mem::take(&mut self.begins) { capital(&word.text) } else { word.text.clone() };
        self.text.push_str(&shown);
        self.words.push(CueWord { text: shown, ..word.clone() });
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
