//! Breaking a text into screens of few lines of even width.

use unicode_width::UnicodeWidthChar;

use super::Room;

/// May not begin a line in Chinese, Japanese and Korean.
const NOT_FIRST: &str = "、。，．・：；？！゛゜ヽヾゝゞ々ー’”）〕］｝〉》」』】°′″℃ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ…‥,.!?:;)]}%";
/// May not end one.
const NOT_LAST: &str = "‘“（〔［｛〈《「『【([{$¥￥";

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
struct Word<'a> {
    text: &'a str,
    spaced: bool,
}

/// `text` in screens of at most `room.lines` lines, separated by `\n`, of even width. A word that is
/// wider than the room has a line of its own.
pub(in super::super) fn wrap(text: &str, room: Room) -> Vec<String> {
    let words = words(text);
    let screens = groups(&words, room);
    screens.iter().map(|screen| balance(screen, room)).collect()
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    for part in text.split_whitespace() {
        let mut start = 0;
        let mut spaced = true;
        let mut last: Option<char> = None;
        for (at, c) in part.char_indices() {
            let breaks = last.is_some_and(|last| {
                (is_wide(c) || is_wide(last)) && !NOT_FIRST.contains(c) && !NOT_LAST.contains(last)
            });
            if breaks {
                found.push(Word { text: &part[start..at], spaced });
                (start, spaced) = (at, false);
            }
            last = Some(c);
        }
        found.push(Word { text: &part[start..], spaced });
    }
    found
}

/// Words as they stand in a line.
fn line(words: &[Word<'_>]) -> String {
    let mut text = String::new();
    for word in words {
        if word.spaced && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word.text);
    }
    text
}

fn line_width(words: &[Word<'_>]) -> f64 {
    let spaces = words.iter().skip(1).filter(|word| word.spaced).count() as f64;
    words.iter().map(|word| width(word.text)).sum::<f64>() + spaces * char_width(' ')
}

/// How many lines of that width `words` take, filled one after the other.
fn lines_needed(words: &[Word<'_>], most: f64) -> usize {
    let (mut lines, mut from) = (usize::from(!words.is_empty()), 0);
    for i in 1..words.len() {
        if line_width(&words[from..=i]) > most {
            lines += 1;
            from = i;
        }
    }
    lines
}

/// Screens of about the same amount of text; the first that fits into the fewest, ends of clauses
/// preferred where they come late in a screen.
fn groups<'w, 'a>(words: &'w [Word<'a>], room: Room) -> Vec<&'w [Word<'a>]> {
    let mut found = Vec::new();
    let mut rest = words;
    while !rest.is_empty() {
        let fits = |count: &usize| lines_needed(&rest[..*count], room.width) <= room.lines;
        let most = (1..=rest.len()).take_while(fits).last().unwrap_or(1);
        let mut take = most;
        if most < rest.len() {
            let left = line_width(rest);
            let screens = (left / line_width(&rest[..most]).max(1e-9)).ceil().max(1.0);
            let even = left / screens;
            let near = (1..=most).min_by(|a, b| {
                let off = |n: usize| (line_width(&rest[..n]) - even).abs();
                off(*a).total_cmp(&off(*b))
            });
            let clause = (1..=most).rev().find(|n| {
                let ends = rest[n - 1].text.ends_with([
                    ',', '.', '!', '?', ';', ':', '，', '。', '、', '！', '？', '،', '؟',
                ]);
                ends && line_width(&rest[..*n]) > 0.6 * even
            });
            take = clause.or(near).unwrap_or(most);
        }
        found.push(&rest[..take]);
        rest = &rest[take..];
    }
    found
}

/// One screen: one line if it fits the narrowest way, else broken where its lines are most even.
fn balance(words: &[Word<'_>], room: Room) -> String {
    let whole = line_width(words);
    if room.lines < 2 || words.len() < 2 || whole <= SHORT.min(room.width) {
        return line(words);
    }
    let longer = |n: usize| line_width(&words[..n]).max(line_width(&words[n..]));
    let best = (1..words.len()).min_by(|a, b| longer(*a).total_cmp(&longer(*b))).unwrap_or(1);
    format!("{}\n{}", line(&words[..best]), line(&words[best..]))
}

/// Up to this width, in em, a text is not broken.
const SHORT: f64 = 9.0;
