//! Wraps a text into screens of few lines of even width.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use super::super::writing::{Spacing, spacing};
use super::CaptionRoom;

/// Characters that may not start a line in Chinese, Japanese and Korean.
const NOT_FIRST: &str = "、。，．・：；？！゛゜ヽヾゝゞ々ー’”）〕］｝〉》」』】°′″℃ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ…‥,.!?:;)]}%";
/// Characters that may not end a line, with Thai and Lao vowels written before a consonant.
const NOT_LAST: &str = "‘“（〔［｛〈《「『【([{$¥￥เแโใไເແໂໃໄ";

/// Whether a character is as wide as two Latin ones.
pub(in super::super) fn is_wide(c: char) -> bool {
    c.width().is_some_and(|columns| columns > 1)
}

/// Estimated width of a text in one line, in em: an upper estimate for bold sans serif faces.
pub(in super::super) fn width(text: &str) -> f64 {
    text.chars().map(char_width).sum()
}

/// Width of a text that is never exceeded, in em: that of bold DejaVu Sans, the widest usual face.
///
/// [`width`], by which texts are broken, is nearer to most faces.
pub(in super::super) fn drawn_width(text: &str) -> f64 {
    let wide = |c: char| match c {
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '&' => 1.06,
        'i' | 'l' | 'j' | 'I' | '.' | ',' | '\'' | '!' | ':' | ';' | '|' | ' ' => 0.44,
        c if c.is_uppercase() => 0.82,
        c if c.is_alphanumeric() && !is_wide(c) => char_width(c).max(0.69),
        c => char_width(c),
    };
    text.chars().map(wide).sum()
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

/// A unit that is not broken, and whether a space precedes it.
#[derive(Debug, Clone, Copy)]
struct WrapWord<'a> {
    text: &'a str,
    spaced: bool,
}

/// Wraps `text` into screens of at most `room.lines` lines of even width, separated by `\n`.
///
/// A word that is wider than the room has its own line; one that is too wide even when drawn as small as may be
/// is broken.
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

/// The units of a text that are not broken.
///
/// These are the words between spaces; in Chinese and Japanese each character with its marks; in scripts
/// with spaces between clauses each cluster of a clause that is too wide for a line.
fn words(text: &str, room: CaptionRoom) -> Vec<WrapWord<'_>> {
    let mut found = Vec::new();
    for part in text.split_whitespace() {
        let long = width(part) > room.width;
        let first = found.len();
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
        if width(part) > room.widest() {
            let whole: Vec<WrapWord<'_>> = found.drain(first..).collect();
            found.extend(whole.into_iter().flat_map(|word| broken(word, room)));
        }
    }
    found
}

/// A word in parts of about equal width that fit the room, broken after a mark where there is one near.
fn broken(word: WrapWord<'_>, room: CaptionRoom) -> Vec<WrapWord<'_>> {
    let all = width(word.text);
    if all <= room.widest() {
        return vec![word];
    }
    let even = all / (all / room.width).ceil();
    let (mut parts, mut start, mut spaced) = (Vec::new(), 0, word.spaced);
    let (mut at_mark, mut wide, mut passed) = (None, 0.0, 0.0);
    for (at, cluster) in word.text.grapheme_indices(true) {
        let next = width(cluster);
        let full = wide + next > even + 1e-9 && all - passed > 0.2 * even;
        if at > start && (full || wide + next > room.widest()) {
            // A mark in the second half of the part is a better place.
            let near = |mark: &usize| *mark > start && width(&word.text[start..*mark]) > 0.4 * even;
            let end = at_mark.filter(near).unwrap_or(at);
            parts.push(WrapWord { text: &word.text[start..end], spaced });
            (start, spaced, at_mark) = (end, false, None);
            wide = width(&word.text[end..at]);
        }
        wide += next;
        passed += next;
        if cluster.ends_with(['/', '.', '-', '_', '?', '&', '=', '#', ',', ':', ';', '|', '–', '—'])
        {
            at_mark = Some(at + cluster.len());
        }
    }
    parts.push(WrapWord { text: &word.text[start..], spaced });
    parts
}

/// Whether a line may end between two clusters of a word; `long` if the word exceeds a line.
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

/// Consecutive words.
#[derive(Debug, Clone, Copy)]
struct Words<'w, 'a> {
    words: &'w [WrapWord<'a>],
    /// Start of each word with its space, and end of the last, in em from a common origin.
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

    /// Number of words that fit on a screen filled line by line; at least one.
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

    /// Number of words on the next screen, such that the fewest screens hold about equal text.
    ///
    /// A clause that ends late in a screen is preferred.
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

    /// The text of one screen: one short line, else broken where its lines are most even.
    fn balanced(self, room: CaptionRoom) -> String {
        let all = self.words.len();
        if room.lines < 2 || all < 2 || self.width(0, all) <= SHORT.min(room.width) {
            return self.line();
        }
        if room.lines > 2 && self.width(0, all) > 2.0 * room.width {
            return self.filled(room);
        }
        let longer = |n: usize| self.width(0, n).max(self.width(n, all));
        let best = (1..all).min_by(|a, b| longer(*a).total_cmp(&longer(*b))).unwrap_or(1);
        let (first, second) = self.split(best);
        format!("{}\n{}", first.line(), second.line())
    }

    /// The text of one screen of more than two lines, filled line by line.
    fn filled(self, room: CaptionRoom) -> String {
        let (mut lines, mut rest) = (Vec::new(), self);
        while !rest.words.is_empty() {
            let (line, after) = rest.split(rest.most(CaptionRoom { lines: 1, ..room }));
            lines.push(line.line());
            rest = after;
        }
        lines.join("\n")
    }

    /// The words joined in a line.
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

/// Width in em up to which a text is not broken.
const SHORT: f64 = 9.0;
