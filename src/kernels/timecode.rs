//! Times as people write them: `8.5`, `1:05`, `1:02:03.5`.

/// The seconds of `text`: a number of seconds, `M:SS` or `H:MM:SS`, the last part with a fraction if need be,
/// whose point may be a comma as in subtitles. `None` if it is no such time; none is below 0.
///
/// ```
/// use clipflow::kernels::timecode::seconds;
/// assert_eq!(seconds("1:02:03.5"), Some(3723.5));
/// assert_eq!(seconds("00:00:08,250"), Some(8.25));
/// assert_eq!(seconds("1:75"), None);
/// ```
pub fn seconds(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.trim().split(':').collect();
    if parts.len() > 3 {
        return None;
    }
    let (last, is_timecode) = (parts.len() - 1, parts.len() > 1);
    let mut seconds = 0.0;
    for (i, part) in parts.iter().enumerate() {
        let decimal;
        let part = match is_timecode && i == last {
            true => {
                decimal = part.replace(',', ".");
                decimal.as_str()
            }
            false => part,
        };
        let is_number = match i == last {
            true => part.starts_with(|c: char| c.is_ascii_digit() || c == '.'),
            false => !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()),
        };
        let value: f64 = part.parse().ok().filter(|value: &f64| is_number && value.is_finite())?;
        if i > 0 && value >= 60.0 {
            return None;
        }
        seconds = seconds * 60.0 + value;
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_others_refused() {
        for (text, want) in [
            ("8", 8.0),
            (" 8.5 ", 8.5),
            (".5", 0.5),
            ("1e1", 10.0),
            ("1:05", 65.0),
            ("90:00", 5400.0),
            ("1:02:03.5", 3723.5),
            ("00:01:02,500", 62.5),
        ] {
            assert_eq!(seconds(text), Some(want), "{text}");
        }
        for text in [
            "", "x", "-1", "+1", "nan", "inf", "1:60", "1:60:00", "1:-5", "1.5:00", ":05", "1:",
            "0:0:0:1", "8,5",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
