//! Detects the end of a sentence.

/// Marks that end a sentence, in the scripts of the larger languages.
const TERMINATORS: &[char] = &[
    '!', '?', '…', '‼', '⁇', '⁈', '⁉', '‽', // Latin, Greek, Cyrillic
    '。', '｡', '．', '！', '？', // Chinese, Japanese, Korean
    '।', '॥', '؟', '۔', // Devanagari and its kin; Arabic, Urdu
    '։', '።', '፧', '။', '។', '\u{037E}', // Armenian, Ethiopic, Burmese, Khmer, Greek
];

/// Characters that may follow the mark and still belong to the sentence.
const CLOSERS: &[char] = &[
    '"', '\'', '”', '’', '“', '‘', '»', '«', '›', '‹', ')', ']', '}', '」', '』', '】', '）', '］',
    '〉', '》', '♪', '♫', '*', '_', '\u{200E}', '\u{200F}', '\u{FE0F}',
];

/// Abbreviations before a name or number, in lower case and without their last point.
///
/// The sentence continues after them. Those that often end one (`etc`, `inc`, `no`) are not listed.
const ABBREVIATIONS: &[&str] = &[
    "adm", "capt", "cmdr", "col", "cpl", "dr", "e.g", "fig", "gen", "gov", "hon", "hr", "i.e",
    "jr", "lt", "m", "maj", "messrs", "mlle", "mme", "mr", "mrs", "ms", "mt", "mx", "prof", "rep",
    "rev", "sen", "sgt", "sr", "sra", "srta", "st", "supt", "vol", "vs",
];

/// Whether `text` ends with the end of a sentence.
///
/// * `.`, `!`, `?` and their equivalents in other scripts end a sentence, also before closing quotes,
///   brackets and notes.
/// * An ellipsis (`…`, `...`) ends one: the speaker trails off.
/// * A point after a title (`Mr.`, `Dr.`, `vs.`) or after a single capital letter (`J.`, `U.S.`)
///   does not: missing an end there costs less than splitting a name.
/// * A comma, a dash or no mark at all does not.
pub fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || CLOSERS.contains(&c));
    if text.ends_with(TERMINATORS) {
        return true;
    }
    let Some(before) = text.strip_suffix('.') else {
        return false;
    };
    if before.ends_with('.') {
        return true;
    }
    let start = before.rfind(|c: char| c.is_whitespace() || "([{\"'“‘«-–—".contains(c));
    let word =
        start.map_or(before, |i| before[i..].trim_start_matches(|c: char| !c.is_alphanumeric()));
    !is_initials(word) && !is_abbreviation(word)
}

/// Whether a word consists of single capitals between points, such as `J` and `U.S`.
fn is_initials(word: &str) -> bool {
    !word.is_empty()
        && word.split('.').all(|part| {
            let mut chars = part.chars();
            chars.next().is_some_and(char::is_uppercase) && chars.next().is_none()
        })
}

fn is_abbreviation(word: &str) -> bool {
    // The longest entry has six letters; longer words need not be lowered.
    word.len() <= 8 && ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends() {
        for text in [
            "Done.",
            "Really?",
            "No!",
            "She said “stop.”",
            "(It works.)",
            "Well…",
            "Well...",
            "終わり。",
            "何？",
            "「はい。」",
            "समाप्त।",
            "ماذا؟",
            "In 1984.",
            "Oh no.  \n",
            "It was so, etc.",
            "\"Go!\" ♪",
            "One. Two.",
            ".",
            "He said no.",
        ] {
            assert!(ends_sentence(text), "{text:?}");
        }
    }

    #[test]
    fn does_not_end() {
        for text in [
            "",
            " ",
            "and then",
            "and then,",
            "Thank you, Mr.",
            "Dr.",
            "see J.",
            "the U.S.",
            "Smith vs.",
            "wait —",
            "so:",
            "♪",
            "(Prof.",
            "an e.g.",
        ] {
            assert!(!ends_sentence(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_a_question_mark_always_ends(text in any::<String>()) {
            let _ = ends_sentence(&text);
            let question = format!("{text}?”");
            prop_assert!(ends_sentence(&question));
            let comma = format!("{text},");
            prop_assert!(!ends_sentence(&comma));
        }
    }
}
