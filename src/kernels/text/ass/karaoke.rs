//! Karaoke: words that are highlighted as they are spoken.

use std::fmt::Write;

use super::escape;
use crate::kernels::text::captions::{CaptionLine, is_wide, seen, width};

/// The text with a karaoke tag per word, from `start` to at most `end`, in centiseconds.
///
/// Without word times in the cue, each word gets a share of the time by its width.
pub(super) fn karaoke(line: &CaptionLine, start: i64, end: i64) -> String {
    let said = (line.said_until * 100.0).round() as i64;
    let said = said.clamp(start + 1, end);
    let words = words(&line.text);
    let whole: f64 = words.iter().map(|word| width(word)).sum::<f64>().max(1e-9);
    let (all, mut sum, mut count) = (seen(&line.text), 0.0, 0);
    let mut until = |word: &str| {
        sum += width(word);
        count += seen(word);
        if line.spoken.is_known() {
            (line.spoken.moment(count, all, said as f64 / 100.0) * 100.0).round() as i64
        } else {
            start + ((said - start) as f64 * sum / whole).round() as i64
        }
    };
    let (mut at, mut out) = (start, String::new());
    let first = (line.spoken.moment(0, all, line.start) * 100.0).round() as i64;
    if first.min(said) > at {
        let _ = write!(out, "{{\\k{}}}", first.min(said) - at);
        at = first.min(said);
    }
    for word in words {
        let next = until(word).clamp(at, said);
        let _ = write!(out, "{{\\k{}}}{}", next - at, escape(word));
        at = next;
    }
    out
}

/// The highlighted units: words with the space after them, or single wide characters.
fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    for part in text.split_inclusive([' ', '\n']) {
        let mut start = 0;
        for (at, c) in part.char_indices() {
            if at > start && is_wide(c) && c.is_alphanumeric() {
                words.push(&part[start..at]);
                start = at;
            }
        }
        words.push(&part[start..]);
    }
    words
}
