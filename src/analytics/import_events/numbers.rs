//! Numbers as platforms write them.

/// Whether a cell says that there is no figure, which is not 0.
pub(super) fn is_missing(text: &str) -> bool {
    matches!(text.trim(), "" | "-" | "--" | "–" | "—")
        || ["n/a", "na", "null", "none"].iter().any(|t| text.trim().eq_ignore_ascii_case(t))
}

/// A whole number; a point or comma before three digits separates thousands.
pub(super) fn count(text: &str) -> Option<f64> {
    let text = bare(text);
    let groups: Vec<&str> = text.split([',', '.', '\'']).collect();
    let value = match groups.split_first() {
        Some((first, rest)) if !rest.is_empty() && rest.iter().all(|g| g.len() == 3) => {
            (1..=3).contains(&first.len()).then(|| groups.concat())?.parse().ok()?
        }
        _ => number(&text)?,
    };
    (f64::fract(value) == 0.0 && value >= 0.0).then_some(value)
}

/// Any number from 0: the last of points and commas is the decimal one, unless it is a comma that stands
/// before three digits or is there twice.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = bare(text);
    let last = text.rfind([',', '.']);
    let plain = match last {
        None => text.clone(),
        Some(at) => {
            let (whole, rest) = (text.get(..at)?, text.get(at + 1..)?);
            let sign = text.get(at..=at)?;
            let is_thousands = text.matches(sign).count() > 1
                || (sign == "," && rest.len() == 3 && !whole.contains('.'));
            let whole: String = whole.chars().filter(|c| !matches!(c, ',' | '.')).collect();
            if is_thousands { format!("{whole}{rest}") } else { format!("{whole}.{rest}") }
        }
    };
    let is_plain = plain.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.parse().ok().filter(|n: &f64| is_plain && n.is_finite())
}

/// A share in [0, 1], written in per cent.
pub(super) fn share(text: &str) -> Option<f64> {
    number(text.trim().trim_end_matches('%')).map(|n| n / 100.0)
}

/// Seconds, written as a number (`12.5`, `12.5s`) or as `1:02:03`.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches(['s', 'S']);
    text.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + number(part)?))
}

/// Without spaces of any kind.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        for (text, value) in [
            ("1234", 1234.0),
            ("1,234", 1234.0),
            ("1.234", 1234.0),
            ("1,234,567", 1_234_567.0),
            ("1 234", 1234.0),
            ("1\u{a0}234\u{202f}567", 1_234_567.0),
            ("1'234", 1234.0),
            ("0", 0.0),
            ("12.0", 12.0),
        ] {
            assert_eq!(count(text), Some(value), "{text}");
        }
        for text in ["1.5", "12,34", "-3", "1.2K", "abc", "1,2345", ""] {
            assert_eq!(count(text), None, "{text}");
        }
    }

    #[test]
    fn other_numbers() {
        assert_eq!(number("1,234.5"), Some(1234.5));
        assert_eq!(number("1.234,5"), Some(1234.5));
        assert_eq!(number("12,5"), Some(12.5));
        assert_eq!(number("1.234"), Some(1.234));
        assert_eq!(number("1e5"), None);
        assert_eq!(number("inf"), None);
        assert_eq!(share("12.5%"), Some(0.125));
        assert_eq!(share("12,5 %"), Some(0.125));
        assert_eq!(seconds("1:02:03"), Some(3723.0));
        assert_eq!(seconds("0:07"), Some(7.0));
        assert_eq!(seconds("7.5s"), Some(7.5));
        assert!(is_missing(" -- ") && is_missing("N/A") && !is_missing("0"));
    }
}
