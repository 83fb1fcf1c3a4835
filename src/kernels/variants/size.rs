//! The size that is asked for, in place of the one that suits source and platform.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::{Error, ErrorCode};
use crate::model::Platform;

/// Shortest side of a variant that may be asked for, in pixels.
const SHORTEST_SIDE: i64 = 64;
/// Most pixels of a variant that may be asked for: 4096x2304, as encoders take it.
const MOST_PIXELS: i64 = 9_437_184;

/// A size that variants are to have, the source enlarged if need be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VariantSize {
    /// The platform's largest.
    Full,
    /// Width and height in pixels, whatever the platform.
    Exact(i64, i64),
}

impl VariantSize {
    /// Width and height on a platform.
    pub(super) fn on(self, platform: &Platform) -> (i64, i64) {
        match self {
            Self::Full => platform.sizes.first().copied().unwrap_or((540, 540)),
            Self::Exact(width, height) => (width, height),
        }
    }
}

impl fmt::Display for VariantSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Exact(width, height) => write!(f, "{width}x{height}"),
        }
    }
}

impl FromStr for VariantSize {
    type Err = Error;

    /// `full` or `WIDTHxHEIGHT`.
    ///
    /// # Errors
    /// `config.invalid`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim().to_lowercase();
        if text == "full" {
            return Ok(Self::Full);
        }
        let sides = text.split_once(['x', '×']);
        let sides = sides.and_then(|(w, h)| Some((w.trim().parse().ok()?, h.trim().parse().ok()?)));
        let fits = |(w, h): &(i64, i64)| {
            let is_side = |side: &i64| *side >= SHORTEST_SIDE && *side % 2 == 0;
            is_side(w) && is_side(h) && w.saturating_mul(*h) <= MOST_PIXELS
        };
        match sides.filter(fits) {
            Some((width, height)) => Ok(Self::Exact(width, height)),
            None => Err(Error::new(
                ErrorCode::ConfigInvalid,
                format!(
                    "size is {text:?}; give full, or WIDTHxHEIGHT such as 1080x1920, both even, from {SHORTEST_SIDE} up to 4096x2304"
                ),
            )
            .about("size")),
        }
    }
}

impl Serialize for VariantSize {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_are_read_and_others_refused() {
        for (text, want) in [
            ("full", VariantSize::Full),
            (" Full ", VariantSize::Full),
            ("1080x1920", VariantSize::Exact(1080, 1920)),
            ("720 X 1280", VariantSize::Exact(720, 1280)),
            ("4096x2304", VariantSize::Exact(4096, 2304)),
        ] {
            assert_eq!(text.parse::<VariantSize>().unwrap(), want, "{text}");
            assert_eq!(want.to_string().parse::<VariantSize>().unwrap(), want);
        }
        for text in ["", "1080", "1080x", "1081x1920", "32x64", "8192x4320", "-2x-2", "big"] {
            let error = text.parse::<VariantSize>().unwrap_err();
            assert!(error.message().contains("1080x1920"), "{error}");
        }
    }
}
