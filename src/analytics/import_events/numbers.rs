//! Numbers as platforms write them.
//!
//! A sign before three digits can be a decimal sign or separate thousands. Counts have no decimals, so
//! that it separates thousands there; other numbers go by what the rest of the file shows, and are an error
//! if it shows nothing.

/// Whether a cell says that there is no figure, which is not 0.
pub(super) fn is_missing(text: &str) -> bool {
    matches!(text.trim(), "" | "-" | "--" | "–" | "—")
        || ["n/a", "na", "null", "none"].iter().any(|t| text.trim().eq_ignore_ascii_case(t))
}

/// What stands before decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalSign {
    /// As in 1,234.5.
    Point,
    /// As in 1.234,5.
    Comma,
}

impl DecimalSign {
    /// The sign of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim() {
            "point" | "." => Some(Self::Point),
            "comma" | "," => Some(Self::Comma),
            _ => None,
        }
    }

    fn of(sign: char) -> Self {
        if sign == ',' { Self::Comma } else { Self::Point }
    }

    fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }
}

/// What a number shows of its decimal sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// It has no sign that could be one.
    Nothing,
    /// It is this one.
    Sign(DecimalSign),
    /// This sign is before three digits: before decimals or between thousands.
    Either(DecimalSign),
}

fn shown(text: &str) -> Shown {
    let signs: Vec<(usize, char)> =
        text.char_indices().filter(|(_, c)| matches!(c, ',' | '.')).collect();
    let Some((at, last)) = signs.last().copied() else { return Shown::Nothing };
    let sign = DecimalSign::of(last);
    if signs.iter().any(|(_, c)| *c != last) {
        return Shown::Sign(sign);
    }
    if signs.len() > 1 {
        return Shown::Sign(sign.other());
    }
    let (whole, rest) =
        (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
    // Thousands do not begin with 0, and have no four digits before them.
    let could_be_thousands =
        rest.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    if could_be_thousands { Shown::Either(sign) } else { Shown::Sign(sign) }
}

/// What the numbers of a file show of its decimal sign.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    decimals: Option<DecimalSign>,
    counts: Option<DecimalSign>,
}

impl Signs {
    /// Where the sign is stated.
    pub(super) fn stated(sign: DecimalSign) -> Self {
        Self { decimals: Some(sign), counts: None }
    }

    /// Look at a cell.
    pub(super) fn note(&mut self, text: &str, is_count: bool) {
        match shown(&digits(text)) {
            // Counts have no decimals: the sign is the other one.
            Shown::Sign(sign) if !is_count => self.decimals = self.decimals.or(Some(sign)),
            Shown::Either(sign) if is_count => self.counts = self.counts.or(Some(sign.other())),
            _ => {}
        }
    }

    fn known(self) -> Option<DecimalSign> {
        self.decimals.or(self.counts)
    }
}

/// Why a cell is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoNumber {
    /// It is something else.
    Other,
    /// It could be two.
    Ambiguous,
    /// It is a count of more digits than are kept exactly.
    TooLarge,
}

impl NoNumber {
    /// The setting that the sentence names.
    pub(super) fn setting(self) -> Option<&'static str> {
        (self == Self::Ambiguous).then_some("decimal_sign")
    }

    /// The end of a sentence about the cell.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Other => "no number",
            Self::TooLarge => "more than a count can be (2^53); correct it",
            Self::Ambiguous => {
                "two numbers, with thousands or with decimals; set decimal_sign to the sign before decimals, point or comma"
            }
        }
    }
}

/// Whole numbers up to here are exact as floats.
const MOST: f64 = 9_007_199_254_740_992.0;

/// A whole number; a point, a comma or an apostrophe before three digits separates thousands.
pub(super) fn count(text: &str) -> Result<f64, NoNumber> {
    let text = bare(text);
    let groups: Vec<&str> = text.split([',', '.', '\'', '’']).collect();
    let value = match groups.split_first() {
        Some((first, rest)) if !rest.is_empty() && rest.iter().all(|g| g.len() == 3) => {
            if !(1..=3).contains(&first.len()) || first.starts_with('0') {
                return Err(NoNumber::Other);
            }
            plain(&groups.concat())?
        }
        // Thousands separated by one sign, decimals by another.
        _ => number(&text, Signs::default())?,
    };
    match value {
        value if value > MOST => Err(NoNumber::TooLarge),
        value if value.fract() == 0.0 => Ok(value),
        _ => Err(NoNumber::Other),
    }
}

/// Any number from 0.
pub(super) fn number(text: &str, signs: Signs) -> Result<f64, NoNumber> {
    let text = bare(text);
    let decimal = match shown(&text) {
        Shown::Nothing => return plain(&text.replace(['\'', '’'], "")),
        Shown::Sign(sign) => sign,
        Shown::Either(_) => signs.known().ok_or(NoNumber::Ambiguous)?,
    };
    let (decimal, thousands) = match decimal {
        DecimalSign::Point => ('.', ','),
        DecimalSign::Comma => (',', '.'),
    };
    let (whole, rest) = match text.rsplit_once(decimal) {
        Some((whole, rest)) => (whole, Some(rest)),
        None => (text.as_str(), None),
    };
    let groups: Vec<&str> = whole.split([thousands, '\'', '’']).collect();
    let is_grouped = groups.iter().skip(1).all(|g| g.len() == 3)
        && (groups.len() == 1 || groups.first().is_some_and(|g| (1..=3).contains(&g.len())));
    if !is_grouped {
        return Err(NoNumber::Other);
    }
    let whole = groups.concat();
    match rest {
        Some(rest) => plain(&format!("{whole}.{rest}")),
        None => plain(&whole),
    }
}

/// How the shares of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// From 0 to 1.
    Fractions,
    /// From 0 to 100.
    PerCent,
}

/// A share in [0, 1]. With a sign of per cent it says itself what it is.
pub(super) fn share(text: &str, scale: Scale, signs: Signs) -> Result<f64, NoNumber> {
    let text = text.trim();
    let share = match text.strip_suffix('%') {
        Some(text) => number(text, signs)? / 100.0,
        None if scale == Scale::PerCent => number(text, signs)? / 100.0,
        None => number(text, signs)?,
    };
    if share <= 1.0 { Ok(share) } else { Err(NoNumber::Other) }
}

/// Seconds, written as a number (`12.5`, `12.5s`) or as `1:02:03`.
pub(super) fn seconds(text: &str, signs: Signs) -> Result<f64, NoNumber> {
    let text = text.trim().trim_end_matches(['s', 'S']);
    text.split(':').try_fold(0.0, |sum, part| Ok(sum * 60.0 + number(part, signs)?))
}

/// Without spaces of any kind.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Without what may stand behind a number.
fn digits(text: &str) -> String {
    bare(text).trim_end_matches(['%', 's', 'S']).to_owned()
}

fn plain(text: &str) -> Result<f64, NoNumber> {
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number = text.parse().ok().filter(|n: &f64| is_plain && n.is_finite());
    number.ok_or(NoNumber::Other)
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
            ("1,234.0", 1234.0),
            ("0", 0.0),
            ("12.0", 12.0),
        ] {
            assert_eq!(count(text), Ok(value), "{text}");
        }
        for text in ["1.5", "12,34", "-3", "1.2K", "abc", "1,2345", "", "0.352", "1,23,456"] {
            assert_eq!(count(text), Err(NoNumber::Other), "{text}");
        }
        for text in ["9223372036854775808", "99,999,999,999,999,999,999"] {
            assert_eq!(count(text), Err(NoNumber::TooLarge), "{text}");
        }
    }

    #[test]
    fn the_file_tells_thousands_from_decimals() {
        let none = Signs::default();
        for (text, value) in [
            ("1,234.5", 1234.5),
            ("1.234,5", 1234.5),
            ("12,5", 12.5),
            ("0.352", 0.352),
            ("0,352", 0.352),
            ("1.234.567", 1_234_567.0),
            ("1234.567", 1234.567),
        ] {
            assert_eq!(number(text, none), Ok(value), "{text}");
        }
        for text in ["1.234", "1,234"] {
            assert_eq!(number(text, none), Err(NoNumber::Ambiguous), "{text}");
        }
        for text in ["1e5", "inf", "-1", "1.2.3", "1,23.5", ""] {
            assert_eq!(number(text, none), Err(NoNumber::Other), "{text}");
        }
        let (point, comma) = (Signs::stated(DecimalSign::Point), Signs::stated(DecimalSign::Comma));
        assert_eq!((number("1.234", point), number("1.234", comma)), (Ok(1.234), Ok(1234.0)));
        assert_eq!((number("1,234", point), number("1,234", comma)), (Ok(1234.0), Ok(1.234)));
        let mut seen = Signs::default();
        seen.note("2,000", true);
        assert_eq!(number("1.234", seen), Ok(1.234), "thousands of counts have the other sign");
        seen.note("5,5s", false);
        assert_eq!(number("1.234", seen), Ok(1234.0), "decimals say more");
    }

    #[test]
    fn shares_and_seconds() {
        let none = Signs::default();
        assert_eq!(share("12.5%", Scale::Fractions, none), Ok(0.125));
        assert_eq!(share("12,5 %", Scale::Fractions, none), Ok(0.125));
        assert_eq!(share("0.352", Scale::Fractions, none), Ok(0.352));
        let of_hundred = share("35.2", Scale::PerCent, none).unwrap_or(f64::NAN);
        assert!((of_hundred - 0.352).abs() < 1e-12, "{of_hundred}");
        assert_eq!(share("0.8%", Scale::PerCent, none), Ok(0.008));
        assert_eq!(share("120%", Scale::PerCent, none), Err(NoNumber::Other));
        assert_eq!(seconds("1:02:03", none), Ok(3723.0));
        assert_eq!(seconds("0:07", none), Ok(7.0));
        assert_eq!(seconds("7.5s", none), Ok(7.5));
        assert!(is_missing(" -- ") && is_missing("N/A") && !is_missing("0"));
    }
}
