//! Characters: which scripts are written without spaces, and what a spoken text is rid of.

/// How a script puts words beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spacing {
    /// Words stand between spaces.
    Spaced,
    /// Chinese characters, also in Japanese: words are not told apart.
    Han,
    /// Katakana: a run of it is a word.
    Katakana,
    /// Hiragana: mostly the endings and particles between words.
    Hiragana,
    /// Thai, Lao, Khmer, Burmese: spaces stand between clauses.
    Clauses,
}

/// What `c` is, by Unicode block.
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

/// Whether no space belongs between two characters of a text whose lines are joined.
pub(super) fn joins_without_space(before: char, after: char) -> bool {
    let is_dense = |c| spacing(c) != Spacing::Spaced || matches!(c, '、'..='〕' | '！'..='～');
    // Between clauses of Thai there is one.
    is_dense(before) && is_dense(after) && spacing(before) != Spacing::Clauses
}

/// One line of captions as it is spoken: without `[music]`, notes, dashes before speakers and control
/// characters, white space put together.
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

/// Lines as one text: with a space between them where their script has one.
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
    fn what_is_not_said_is_left_out() {
        assert_eq!(spoken("- [door opens] Come in.\n- Thank  you! ♪"), "Come in. Thank you!");
        assert_eq!(spoken(">> Well-known [x"), "Well-known");
        assert_eq!(spoken("]a\u{0}b"), "a b");
        assert_eq!(spoken(" \n "), "");
    }

    #[test]
    fn lines_are_joined_as_their_script_wants() {
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
