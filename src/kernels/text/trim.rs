//! Shortens text to a number of grapheme clusters, at word boundaries.

use unicode_segmentation::UnicodeSegmentation;

const ELLIPSIS: &str = "…";

/// Number of grapheme clusters of `text`
/// ([UAX 29](https://www.unicode.org/reports/tr29/)).
pub fn graphemes(text: &str) -> usize {
    if text.is_ascii() && !text.contains('\r') { text.len() } else { text.graphemes(true).count() }
}

/// Shortens `text` to at most `most` grapheme clusters.
///
/// A longer text keeps as many whole words as fit, followed by an ellipsis; if the first word does not
/// fit, its beginning. White space at the ends is removed.
///
/// ```
/// use clipflow::kernels::text::trim_to;
/// assert_eq!(trim_to("Solar panels pay off.", 14), "Solar panels…");
/// assert_eq!(trim_to("Photovoltaik", 6), "Photo…");
/// ```
pub fn trim_to(text: &str, most: usize) -> String {
    let text = text.trim();
    if most == 0 {
        return String::new();
    }
    // There are never fewer bytes than graphemes.
    if text.len() <= most {
        return text.to_owned();
    }
    let Some((room, _)) = text.grapheme_indices(true).nth(most - 1) else { return text.to_owned() };
    if text[room..].graphemes(true).nth(1).is_none() {
        return text.to_owned();
    }
    let end = text.split_word_bound_indices().map(|(i, _)| i).take_while(|i| *i <= room).last();
    let mut kept = bare(&text[..end.unwrap_or(0)]);
    if kept.is_empty() {
        kept = text[..room].trim_end();
    }
    // A mark that joins the ellipsis forms one grapheme with it, so the result never gets longer.
    format!("{kept}{ELLIPSIS}")
}

/// Removes punctuation and spaces at the end.
fn bare(text: &str) -> &str {
    text.trim_end_matches(|c: char| c.is_whitespace() || "…,;:.-–—、，。؛،(«„“‘¿¡「『".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(trim_to(" whole ", 5), "whole");
        assert_eq!(trim_to("one two three", 8), "one two…");
        assert_eq!(trim_to("one, two", 6), "one…");
        assert_eq!(trim_to("anything", 1), "…");
        assert_eq!(trim_to("anything", 0), "");
        assert_eq!(trim_to("日本の天気は晴れです", 5), "日本の天…");
        assert_eq!(trim_to("👩‍👩‍👧 family", 8), "👩‍👩‍👧 family");
        assert_eq!(trim_to("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2), "👩‍👩‍👧…");
    }

    proptest! {
        #[test]
        fn never_longer_and_always_a_beginning(text in any::<String>(), most in 0_usize..40) {
            let cut = trim_to(&text, most);
            prop_assert!(graphemes(&cut) <= most, "{cut:?}");
            let kept = cut.strip_suffix(ELLIPSIS).unwrap_or(&cut);
            prop_assert!(text.trim().starts_with(kept));
            if graphemes(text.trim()) <= most {
                prop_assert_eq!(cut, text.trim());
            }
        }
    }
}
