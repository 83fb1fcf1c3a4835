//! Splits a text into runs of words between punctuation and function words, in any script.

use std::collections::{HashMap, HashSet};

use unicode_segmentation::UnicodeSegmentation;

use super::lexicon::Lexicon;
use super::writing::{Spacing, spacing};

/// A content word.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    /// Start in the text, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
    /// See [`Lexicon::stem`].
    pub(super) stem: String,
    /// Whether it starts a sentence.
    pub(super) opens: bool,
}

/// Longest piece of Chinese that counts as a word or name, in characters.
const LONGEST_HAN: usize = 6;
/// Longest phrase in scripts with spaces between clauses, in graphemes.
const LONGEST_CLAUSE: usize = 16;
/// Chinese words of one character that are seldom part of a longer one.
const HAN_PARTICLES: &[char] = &[
    '的', '了', '是', '在', '我', '你', '您', '他', '她', '它', '这', '那', '和', '与', '也', '都',
    '就', '很', '吗', '呢', '吧', '啊', '把', '被', '让', '们', '着', '并', '及', '或', '這',
];
/// Longest Chinese stop word that is searched for, in characters.
const LONGEST_HAN_STOP: usize = 4;

/// The runs of content words of `text`.
///
/// Two words of one run are separated by nothing, a space or a hyphen.
pub(super) fn runs(text: &str, lexicon: &Lexicon) -> Vec<Vec<Word>> {
    let is_kana = |c| matches!(spacing(c), Spacing::Hiragana | Spacing::Katakana);
    let has_kana = text.chars().any(is_kana);
    let repeated = if has_kana { HashSet::new() } else { repeated(text) };
    let mut runs =
        RunCollector { text, lexicon, repeated, done: vec![], run: vec![], end: 0, opens: true };
    let mut dense: Option<(usize, usize, Spacing)> = None;
    for (start, token) in text.split_word_bound_indices() {
        let kind = token.chars().next().map_or(Spacing::Spaced, spacing);
        match (&mut dense, kind) {
            (Some((_, end, open)), kind) if kind != Spacing::Spaced && kind == *open => {
                *end = start + token.len();
                continue;
            }
            (open, _) => {
                if let Some((start, end, kind)) = open.take() {
                    runs.dense(start, end, kind, has_kana);
                }
            }
        }
        match kind {
            Spacing::Spaced => runs.spaced(start, token),
            _ => dense = Some((start, start + token.len(), kind)),
        }
    }
    if let Some((start, end, kind)) = dense {
        runs.dense(start, end, kind, has_kana);
    }
    runs.stop();
    runs.done
}

struct RunCollector<'a> {
    text: &'a str,
    lexicon: &'a Lexicon,
    /// See [`repeated`].
    repeated: HashSet<&'a str>,
    done: Vec<Vec<Word>>,
    run: Vec<Word>,
    /// End of the run's last word.
    end: usize,
    opens: bool,
}

impl RunCollector<'_> {
    fn stop(&mut self) {
        if !self.run.is_empty() {
            self.done.push(std::mem::take(&mut self.run));
        }
    }

    /// Adds a word, or handles the separator between two.
    fn spaced(&mut self, start: usize, token: &str) {
        if !token.chars().any(char::is_alphanumeric) {
            if !token.chars().all(|c| c.is_whitespace() || matches!(c, '-' | '‐' | '\u{00AD}')) {
                self.stop();
                self.opens |= super::sentence::ends_sentence(token) || token == ".";
            }
            return;
        }
        let core = self.lexicon.core(token);
        let lower = core.to_lowercase();
        let says = core.chars().any(char::is_alphabetic)
            && core.graphemes(true).nth(1).is_some()
            && !self.lexicon.is_stop_word(&lower)
            && !self.lexicon.is_stop_word(&token.to_lowercase());
        // An elided article before the word, or the `'s` after it, ends a run.
        let from =
            start + token.len() - if token.ends_with(core) { core.len() } else { token.len() };
        if from != start {
            self.stop();
        }
        if says {
            self.word(from, from + core.len(), false);
        } else {
            self.stop();
        }
        if core.len() < token.len() && from == start {
            self.stop();
        }
        self.opens = false;
    }

    fn word(&mut self, start: usize, end: usize, opens: bool) {
        let stem = self.lexicon.stem(&self.text[start..end]);
        // Stems are joined with spaces, so they must not be empty.
        let stem = if stem.trim().is_empty() { self.text[start..end].to_lowercase() } else { stem };
        self.run.push(Word { start, end, stem, opens: opens || self.opens });
        self.end = end;
    }

    /// Adds a piece in a script without spaces between words.
    fn dense(&mut self, start: usize, end: usize, kind: Spacing, has_kana: bool) {
        let piece = &self.text[start..end];
        let is_apart = self.end < start;
        match kind {
            Spacing::Hiragana | Spacing::Spaced => self.stop(),
            Spacing::Clauses => {
                self.stop();
                if piece.graphemes(true).nth(LONGEST_CLAUSE).is_none() {
                    self.piece(start, end);
                }
                self.stop();
            }
            Spacing::Katakana | Spacing::Han if has_kana => {
                if is_apart {
                    self.stop();
                }
                self.piece(start, end);
            }
            Spacing::Katakana | Spacing::Han => {
                self.stop();
                for (from, to) in han_pieces(piece, self.lexicon) {
                    for (a, b) in known_words(&piece[from..to], &self.repeated) {
                        if piece[from + a..from + b].chars().nth(LONGEST_HAN).is_none() {
                            self.piece(start + from + a, start + from + b);
                        }
                        self.stop();
                    }
                }
            }
        }
    }

    fn piece(&mut self, start: usize, end: usize) {
        let piece = &self.text[start..end];
        let is_word = piece.chars().any(char::is_alphabetic) && piece.chars().nth(1).is_some();
        if is_word && !self.lexicon.is_stop_word(piece) {
            // Without capitals the start of a sentence does not matter.
            self.word(start, end, true);
        } else {
            self.stop();
        }
    }
}

/// The pieces of Chinese text between function words.
fn han_pieces(text: &str, lexicon: &Lexicon) -> Vec<(usize, usize)> {
    let bounds: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    let (mut pieces, mut from, mut at) = (vec![], 0, 0);
    while at + 1 < bounds.len() {
        let longest = LONGEST_HAN_STOP.min(bounds.len() - 1 - at);
        let stop = (2..=longest)
            .rev()
            .find(|n| lexicon.is_stop_word(&text[bounds[at]..bounds[at + n]]))
            .or_else(|| text[bounds[at]..].starts_with(HAN_PARTICLES).then_some(1));
        let Some(length) = stop else {
            at += 1;
            continue;
        };
        if from < bounds[at] {
            pieces.push((from, bounds[at]));
        }
        at += length;
        from = bounds[at];
    }
    if from < text.len() {
        pieces.push((from, text.len()));
    }
    pieces
}

/// Pieces of Chinese of two to [`LONGEST_HAN`] characters that occur more than once.
///
/// Without a dictionary, repetition is how words are recognised.
fn repeated(text: &str) -> HashSet<&str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for run in text.split(|c| spacing(c) != Spacing::Han) {
        let bounds: Vec<usize> = run.char_indices().map(|(i, _)| i).chain([run.len()]).collect();
        for from in 0..bounds.len() {
            for to in (from + 2..=from + LONGEST_HAN).take_while(|to| *to < bounds.len()) {
                let piece = &run[bounds[from]..bounds[to]];
                if !piece.contains(HAN_PARTICLES) {
                    *counts.entry(piece).or_default() += 1;
                }
            }
        }
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(piece, _)| piece).collect()
}

/// Splits a piece into [`repeated`] words, longest first, and the text between them.
fn known_words(piece: &str, repeated: &HashSet<&str>) -> Vec<(usize, usize)> {
    let bounds: Vec<usize> = piece.char_indices().map(|(i, _)| i).chain([piece.len()]).collect();
    let (mut words, mut from, mut at) = (vec![], 0, 0);
    while at + 1 < bounds.len() {
        let longest = LONGEST_HAN.min(bounds.len() - 1 - at);
        let known = |n: &usize| repeated.contains(&piece[bounds[at]..bounds[at + n]]);
        let Some(length) = (2..=longest).rev().find(known) else {
            at += 1;
            continue;
        };
        if from < at {
            words.push((bounds[from], bounds[at]));
        }
        words.push((bounds[at], bounds[at + length]));
        at += length;
        from = at;
    }
    if from + 1 < bounds.len() {
        words.push((bounds[from], piece.len()));
    }
    words
}
