//! Breaking a text into screens of few lines of even width.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use super::super::writing::{Spacing, spacing};
use super::CaptionRoom;

/// May not begin a line in Chinese, Japanese and Korean.
const NOT_FIRST: &str = "、。，．・：；？！゛゜ヽヾゝゞ々ー’”）〕］｝〉》」』】°′″℃ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ…‥,.!?:;)]}%";
/// May not end one, nor may the vowels that Thai and Lao write before their consonant.
const NOT_LAST: &str = "‘“（〔［｛〈《「『【([{$¥￥เแโใไເແໂໃໄ";

/// Whether a character takes the place of two Latin ones.
pub(in super::super) fn is_wide(c: char) -> bool {
    c.width().is_some_and(|columns| columns > 1)
}

/// The width of a text in one line, in em: an estimate on the wide side for bold sans serif faces.
pub(in super::super) fn width(text: &str) -> f64 {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> f64 {
    match c {
        _ if is_wide(c) => 1.0,
        _ if c.width() == Some(0) || c.is_control() => 0.0,
        'i' | 'l' | 'j' | 'I' | '.' | ',' | '\'' | '!' | ':' | ';' | '|' | ' ' => 0.33,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
        _ if c.is_uppercase() => 0.72,
        _ => 0.6,
    }
}

/// A piece that is not broken, and whether a space comes before it.
#[derive(Debug, Clone, Copy)]
struct WrapWord<'a> {
    text: &'a str,
    spaced: bool,
}

/// `text` in screens of at most `room.lines` lines, separated by `\n`, of even width. A word that is
/// wider than the room has a line of its own.
pub(in super::super) fn wrap(text: &str, room: CaptionRoom) -> Vec<String> {
    let words = words(text, room);
    let mut ends = vec![0.0];
    for word in &words {
        let space = if word.spaced { char_width(' ') } else { 0.0 };
        ends.push(ends[ends.len() - 1] + space + width(word.text));
    }
    let (mut screens, mut rest) = (Vec::new(), Words { words: &words, ends: &ends });
    while !rest.words.is_empty() {
        let (screen, after) = rest.split(rest.screen(room));
        screens.push(screen.balanced(room));
        rest = after;
    }
    screens
}

/// The pieces of a text that are not broken: what stands between spaces; in Chinese and Japanese each
/// character with its marks; and in scripts that put spaces between clauses each cluster of what is too
/// wide for a line.
fn words(text: &str, room: CaptionRoom) -> Vec<WrapWord<'_>> {
    let mut found = Vec::new();
    for part in text.split_whitespace() {
        let long = width(part) > room.width;
        let (mut start, mut spaced) = (0, true);
        let mut last: Option<&str> = None;
        for (at, cluster) in part.grapheme_indices(true) {
            let breaks = last.is_some_and(|last| breaks_between(last, cluster, long));
            if breaks {
                found.push(WrapWord { text: &part[start..at], spaced });
                (start, spaced) = (at, false);
            }
            last = Some(cluster);
        }
        found.push(WrapWord { text: &part[start..], spaced });
    }
    found
}

/// Whether a line may end between two clusters of a word that may be `long`er than a line.
fn breaks_between(before: &str, after: &str, long: bool) -> bool {
    let (Some(base), Some(end), Some(next)) =
        (before.chars().next(), before.chars().next_back(), after.chars().next())
    else {
        return false;
    };
    let clauses = |c| spacing(c) == Spacing::Clauses;
    let may = is_wide(base) || is_wide(next) || (long && clauses(base) && clauses(next));
    may && !NOT_FIRST.contains(next) && !NOT_LAST.contains(end)
}

/// Words that follow each other.
#[derive(Debug, Clone, Copy)]
struct Words<'w, 'a> {
    words: &'w [WrapWord<'a>],
    /// Where each begins with the space before it, in em from some point, and where the last one ends.
    ends: &'w [f64],
}

impl<'w, 'a> Words<'w, 'a> {
    fn split(self, count: usize) -> (Self, Self) {
        let (words, after) = self.words.split_at(count);
        let ends = (&self.ends[..=count], &self.ends[count..]);
        (Self { words, ends: ends.0 }, Self { words: after, ends: ends.1 })
    }

    /// Width of a line of the words from `from` to before `to`.
    fn width(self, from: usize, to: usize) -> f64 {
        let space = self.words.get(from).is_some_and(|word| word.spaced && from < to);
        self.ends[to] - self.ends[from] - if space { char_width(' ') } else { 0.0 }
    }

    /// How many of the words fit on a screen, its lines filled one after the other; at least one.
    fn most(self, room: CaptionRoom) -> usize {
        let (mut lines, mut from) = (1, 0);
        for i in 1..self.words.len() {
            if self.width(from, i + 1) > room.width {
                (lines, from) = (lines + 1, i);
            }
            if lines > room.lines {
                return i;
            }
        }
        self.words.len()
    }

    /// How many words the next screen gets, of screens with about the same amount of text; the first that
    /// fits into the fewest, ends of clauses preferred where they come late in a screen.
    fn screen(self, room: CaptionRoom) -> usize {
        let (most, all) = (self.most(room), self.words.len());
        if most == all {
            return most;
        }
        let left = self.width(0, all);
        let screens = (left / self.width(0, most).max(1e-9)).ceil().max(1.0);
        let even = left / screens;
        let near = (1..=most).min_by(|a, b| {
            let off = |n: usize| (self.width(0, n) - even).abs();
            off(*a).total_cmp(&off(*b))
        });
        let clause = (1..=most).rev().find(|n| {
            let ends = self.words[n - 1]
                .text
                .ends_with([',', '.', '!', '?', ';', ':', '，', '。', '、', '！', '？', '،', '؟']);
            ends && self.width(0, *n) > 0.6 * even
        });
        clause.or(near).unwrap_or(most)
    }

    /// One screen: one line if it fits the narrowest way, else broken where its lines are most even.
    fn balanced(self, room: CaptionRoom) -> String {
        let all = self.words.len();
        if room.lines < 2 || all < 2 || self.width(0, all) <= SHORT.min(room.width) {
            return self.line();
        }
        let longer = |n: usize| self.width(0, n).max(self.width(n, all));
        let best = (1..all).min_by(|a, b| longer(*a).total_cmp(&longer(*b))).unwrap_or(1);
        let (first, second) = self.split(best);
        format!("{}\n{}", first.line(), second.line())
    }

    /// The words as they stand in a line.
    fn line(self) -> String {
        let mut text = String::new();
        for word in self.words {
            if word.spaced && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word.text);
        }
        text
    }
}

/// Up to this width, in em, a text is not broken.
const SHORT: f64 = 9.0;
