//! Removes secrets from texts that leave the program: logs, spans, commands.

use crate::location::without_signature;

/// The text with every URL in it free of its user, its fragment and the secrets of its query.
///
/// ```
/// use clipflow::telemetry::scrub;
/// let line = "cannot fetch https://u:p@h/a.mp4?v=1&sig=5f3c (403)";
/// assert_eq!(scrub(line), "cannot fetch https://h/a.mp4?v=1&sig=… (403)");
/// ```
pub fn scrub(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let before = &rest[..at];
        let start = before.trim_end_matches(is_scheme).len();
        let end = rest[at..].find(is_end).map_or(rest.len(), |end| at + end);
        shown.push_str(&rest[..start]);
        let url = &rest[start..end];
        // Punctuation of the sentence is no part of the URL.
        let bare = url.trim_end_matches(['.', ',', ';', ':', '!', ')']);
        shown.push_str(&without_signature(bare));
        shown.push_str(&url[bare.len()..]);
        rest = &rest[end..];
    }
    shown.push_str(rest);
    shown
}

fn is_end(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\'' | '<' | '>' | '`' | '|' | '\\' | '{' | '}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_in_any_text_lose_their_secrets() {
        for (given, shown) in [
            ("nothing here", "nothing here"),
            ("a :// b", "a :// b"),
            ("see https://h/a?token=canary.", "see https://h/a?token=…."),
            (
                "{\"url\":\"https://h/a?X-Amz-Signature=canary&t=1\"}",
                "{\"url\":\"https://h/a?X-Amz-Signature=…&t=1\"}",
            ),
            ("https://u:canary@h/a, s3://b/k", "https://h/a, s3://b/k"),
            (
                "(https://h/a?sig=canary) https://h/b?key=canary",
                "(https://h/a?sig=…) https://h/b?key=…",
            ),
            ("url=https://h/a?v=1#access_token=canary", "url=https://h/a?v=1"),
        ] {
            assert_eq!(scrub(given), shown);
            assert!(!scrub(given).contains("canary"));
        }
    }
}
