//! Splits caption lines into sentences, which may span several lines.

use super::lines::Line;
use super::sentence::ends_sentence;
use super::writing::{Spacing, join, spacing, spoken};

/// Text without punctuation is cut at the first line end after this many bytes.
pub(super) const LONGEST: usize = 200;

/// The sentences of `lines`, in order, without parts that are not spoken.
pub(super) fn sentences(lines: &[Line<'_>]) -> Vec<String> {
    let (mut done, mut open) = (vec![], String::new());
    for line in lines {
        let line = spoken(line.text);
        for part in parts(&line) {
            join(&mut open, part);
            if ends_sentence(&open) {
                done.push(std::mem::take(&mut open));
            }
        }
        if open.len() > LONGEST {
            done.push(std::mem::take(&mut open));
        }
    }
    done.push(open);
    done.retain(|sentence| sentence.chars().any(char::is_alphabetic));
    done
}

/// Splits a line after spaces, and after full stops of scripts without spaces.
pub(super) fn parts(line: &str) -> Vec<&str> {
    let (mut parts, mut from) = (vec![], 0);
    let mut chars = line.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let is_full_stop = matches!(c, '。' | '！' | '？' | '｡')
            && next.is_some_and(|n| spacing(n) != Spacing::Spaced || n.is_alphanumeric());
        if c == ' ' || is_full_stop {
            let end = i + if c == ' ' { 0 } else { c.len_utf8() };
            parts.push(&line[from..end]);
            from = i + c.len_utf8();
        }
    }
    parts.push(&line[from..]);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Vec<String> {
        let lines: Vec<Line<'_>> =
            lines.iter().map(|text| Line { text, start: 0.0, end: 1.0 }).collect();
        sentences(&lines)
    }

    #[test]
    fn sentences_run_over_lines() {
        assert_eq!(
            of(&["So this is", "Dr. Who. And", "- you are? [music]", "♪"]),
            ["So this is Dr. Who.", "And you are?"]
        );
        assert_eq!(of(&["今日は晴れ。明日は", "雨です！"]), ["今日は晴れ。", "明日は雨です！"]);
        let long = "and so on ".repeat(30);
        assert_eq!(of(&[&long, "and more"]).len(), 2);
        assert!(of(&["...", "[music]"]).is_empty());
    }
}
