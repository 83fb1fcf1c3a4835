//! Wrong values as the sentences about them show them.

use std::fmt;

/// How many characters of a wrong value a message shows.
const SHOWN_CHARS: usize = 80;

/// Seconds as they are written in text; very large and small ones with an exponent.
pub(super) struct Seconds(pub(super) f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size != 0.0 && size.is_finite() && !(1e-3..1e9).contains(&size) {
            write!(f, "{:e} s", self.0)
        } else {
            write!(f, "{} s", self.0)
        }
    }
}

/// A value inside a sentence: quoted, escaped, and cut when it is long.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(SHOWN_CHARS).map_or(self.0.len(), |(i, _)| i);
        let cut = if end < self.0.len() { "…" } else { "" };
        write!(f, "\"{}{cut}\"", self.0[..end].escape_debug())
    }
}
