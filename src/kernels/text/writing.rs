//! Writing systems: which scripts use spaces, and how caption lines are cleaned and joined.

/// How a script separates words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spacing {
    /// Spaces between words.
    Spaced,
    /// Chinese characters, also in Japanese: words are not separated.
    Han,
    /// Katakana: a run is a word.
    Katakana,
    /// Hiragana: mostly the endings and particles between words.
    Hiragana,
    /// Thai, Lao, Khmer, Burmese: spaces between clauses.
    Clauses,
}

/// The spacing of `c`, by Unicode block.
pub(super) fn spacing(c: char) -> Spacing {
    match c {
        '\u{3041}'..='\u{309F}' => Spacing::Hiragana,
        '\u{30A1}'..='\u{30FA}'
        | '\u{30FC}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}'
        | '\u{FF66}'..='\u{FF9F}' => Spacing::Katakana,
        '々'
        | '〆'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}' => Spacing::Han,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' => {
            Spacing::Clauses
        }
        _ => Spacing::Spaced,
    }
}

/// Whether lines are joined without a space between these two characters.
pub(super) fn joins_without_space(before: char, after: char) -> bool {
    let is_dense = |c| spacing(c) != Spacing::Spaced || matches!(c, '、'..='〕' | '！'..='～');
    // Thai has spaces between clauses.
    is_dense(before) && is_dense(after) && spacing(before) != Spacing::Clauses
}

/// A caption line as it is spoken.
///
/// Removes `[music]`, notes, dashes before speakers and control characters, and collapses white space.
pub(super) fn spoken(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut depth = 0_usize;
    let mut is_start = true;
    for c in line.chars() {
        match c {
            '[' | '【' => depth += 1,
            ']' | '】' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            '♪' | '♫' | '♩' | '♬' | '#' => {}
            '-' | '–' | '—' | '>' if is_start => {}
            '\n' | '\r' => {
                is_start = true;
                push_space(&mut out);
            }
            _ if c.is_whitespace() || c.is_control() => push_space(&mut out),
            _ => {
                is_start = false;
                out.push(c);
            }
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn push_space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// Appends a line to a text, with a space between them if their script uses spaces.
pub(super) fn join(text: &mut String, line: &str) {
    if let (Some(before), Some(after)) = (text.chars().next_back(), line.chars().next())
        && !joins_without_space(before, after)
    {
        text.push(' ');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspoken_parts_are_removed() {
        assert_eq!(spoken("- [door opens] Come in.\n- Thank  you! ♪"), "Come in. Thank you!");
        assert_eq!(spoken(">> Well-known [x"), "Well-known");
        assert_eq!(spoken("]a\u{0}b"), "a b");
        assert_eq!(spoken(" \n "), "");
    }

    #[test]
    fn lines_are_joined_as_their_script_requires() {
        let joined = |lines: &[&str]| {
            let mut text = String::new();
            lines.iter().for_each(|line| join(&mut text, line));
            text
        };
        assert_eq!(joined(&["one", "two"]), "one two");
        assert_eq!(joined(&["今日は、", "東京です"]), "今日は、東京です");
        assert_eq!(joined(&["สวัสดี", "ครับ"]), "สวัสดี ครับ");
        assert_eq!(joined(&["東京", "Tower"]), "東京 Tower");
    }
}
