//! Captions of words with times: a sentence each, or as much of one as can be read at once.

use super::{HeardWord, Passage, dialects};
use crate::kernels::text::{RawCue, ends_sentence};
use crate::model::CueWord;

/// A pause in seconds after which another caption begins.
const PAUSE: f64 = 0.7;
/// Longest caption in seconds and characters: two lines of 42 (the style guides of broadcasters).
const MOST_SECONDS: f64 = 7.0;
const MOST_CHARS: usize = 84;
/// Shortest caption in seconds: a word without length is shown as long.
const LEAST_SECONDS: f64 = 0.1;
/// A pause in seconds at which a long sentence may be cut.
const BREATH: f64 = 0.25;

/// The captions of `passages`, in order of time.
pub(super) fn cues(passages: &[Passage]) -> Vec<RawCue> {
    let mut cues = vec![];
    let mut words: Vec<HeardWord> = vec![];
    for passage in passages {
        if !passage.words.is_empty() {
            words.extend(passage.words.iter().cloned());
            continue;
        }
        cut(&mut words, &mut cues);
        let (start, end) = (passage.start, passage.end);
        cues.push(RawCue { start, end, text: passage.text.clone(), words: None });
    }
    cut(&mut words, &mut cues);
    cues
}

/// Cuts `words` into captions and takes them away.
fn cut(words: &mut Vec<HeardWord>, cues: &mut Vec<RawCue>) {
    let mut rest = words.as_slice();
    while !rest.is_empty() {
        let (sentence, after) = rest.split_at(sentence_length(rest));
        let mut part = sentence;
        while !part.is_empty() {
            let (one, more) = part.split_at(readable_length(part));
            let next = more.first().or(after.first()).map(|word| word.start);
            cues.push(cue(one, next));
            part = more;
        }
        rest = after;
    }
    words.clear();
}

/// The number of words up to the end of the sentence or the next pause.
fn sentence_length(words: &[HeardWord]) -> usize {
    let ends = |pair: &[HeardWord]| {
        let [word, next] = pair else { return true };
        next.start - word.end > PAUSE || (ends_sentence(&word.text) && !next.is_joined)
    };
    words.windows(2).position(ends).map_or(words.len(), |last| last + 1)
}

/// The number of words that can be read at once: all, or up to the best place to cut.
fn readable_length(words: &[HeardWord]) -> usize {
    let Some(first) = words.first() else { return 0 };
    let mut chars = 0;
    let fits = words.iter().take_while(|word| {
        chars += word.text.chars().count() + usize::from(!word.is_joined);
        chars <= MOST_CHARS && word.end - first.start <= MOST_SECONDS
    });
    let fits = fits.count().max(1);
    if fits == words.len() {
        return fits;
    }
    let is_place = |at: &usize| {
        let (Some(word), Some(next)) = (words.get(at - 1), words.get(*at)) else { return false };
        let is_clause = word.text.ends_with([',', ';', ':', '–', '—', '、', '，', '；']);
        !next.is_joined && (is_clause || next.start - word.end >= BREATH)
    };
    let is_word = |at: &usize| words.get(*at).is_some_and(|next| !next.is_joined);
    // Not so early that what is left of the sentence needs a further caption.
    let places = fits.div_ceil(2)..=fits;
    let best = places.clone().rev().find(is_place).or_else(|| places.rev().find(is_word));
    best.unwrap_or(fits).max(1)
}

fn cue(words: &[HeardWord], next: Option<f64>) -> RawCue {
    let start = words.first().map_or(0.0, |word| word.start);
    let said = words.iter().map(|word| word.end).fold(start, f64::max);
    let end = said.max(start + LEAST_SECONDS);
    let end = next.filter(|next| *next > start).map_or(end, |next| end.min(next));
    // Words that are joined have one time.
    let mut timed: Vec<CueWord> = vec![];
    for word in words {
        match timed.last_mut().filter(|_| word.is_joined) {
            Some(last) => last.text.push_str(&word.text),
            None => {
                timed.push(CueWord { start: word.start.clamp(start, end), text: word.text.clone() })
            }
        }
    }
    RawCue { start, end, text: dialects::joined(words), words: Some(timed) }
}
