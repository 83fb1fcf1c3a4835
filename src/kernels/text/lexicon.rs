//! Lexical data of a language: stop words and stems.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

use super::language::{alpha2, detect_language, to_iso639_3};

/// English words in the stop word list that can be the topic of a clip.
const TOPICS: &[&str] = &[
    "area",
    "billion",
    "click",
    "computer",
    "face",
    "faces",
    "fire",
    "goods",
    "hell",
    "home",
    "homepage",
    "hundred",
    "information",
    "invention",
    "member",
    "members",
    "microsoft",
    "million",
    "mine",
    "netscape",
    "novel",
    "problem",
    "problems",
    "research",
    "ring",
    "room",
    "rooms",
    "shell",
    "site",
    "state",
    "states",
    "system",
    "test",
    "text",
    "thousand",
    "trillion",
    "website",
    "words",
    "work",
    "world",
];

/// Words of speech by ISO 639-1 code that say nothing of a topic, beside the lists of written language.
const SPOKEN: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "yeah",
            "gonna",
            "wanna",
            "gotta",
            "kinda",
            "sorta",
            "uh",
            "uhm",
            "huh",
            "hmm",
            "wow",
            "guys",
            "thing",
            "things",
            "stuff",
            "lot",
            "bit",
            "really",
            "actually",
            "basically",
            "literally",
            "maybe",
            "pretty",
            "people",
            "time",
            "today",
            "talk",
            "talking",
            "told",
            "start",
            "started",
            "coming",
            "big",
            "mr",
            "mrs",
        ],
    ),
    ("de", &["äh", "ähm", "halt", "eben", "genau", "okay", "ok", "mal", "ding", "sache", "heute"]),
    ("es", &["eh", "bueno", "pues", "vale", "cosa", "cosas", "hoy", "oye", "mira"]),
    (
        "fr",
        &["euh", "ben", "bah", "bon", "voilà", "truc", "trucs", "chose", "choses", "aujourd'hui"],
    ),
    ("it", &["ehm", "allora", "cosa", "cose", "oggi"]),
    ("pt", &["né", "então", "coisa", "coisas", "hoje"]),
];

/// Elided articles and prepositions that French, Italian and Catalan attach to the next word.
const ELISIONS: &[&str] = &[
    "l", "d", "j", "m", "t", "s", "c", "n", "qu", "lorsqu", "puisqu", "jusqu", "quelqu", "dell",
    "nell", "sull", "all", "dall", "un", "quell", "quest",
];

static STOP_WORDS: LazyLock<HashMap<&'static str, HashSet<&'static str>>> = LazyLock::new(|| {
    let spoken = |code: &'static str| SPOKEN.iter().filter(move |f| f.0 == code).flat_map(|f| f.1);
    let of = |code: &&'static str| {
        let listed = stop_words::lookup(*code).unwrap_or_default();
        let mut words: HashSet<&str> = listed.iter().chain(spoken(code)).copied().collect();
        if *code == "en" {
            TOPICS.iter().for_each(|word| {
                words.remove(word);
            });
        }
        (*code, words)
    };
    stop_words::available_languages().iter().map(of).collect()
});

/// The stop words and the stemmer of one language.
pub(super) struct Lexicon {
    /// ISO 639-1 code; empty when the language is unknown or has none.
    code: &'static str,
    stop_words: Option<&'static HashSet<&'static str>>,
    stemmer: Option<Stemmer>,
}

impl Lexicon {
    /// The lexicon of a language tag or, without one, of the detected language of `text`.
    ///
    /// ASCII text in an undetected language counts as English.
    pub(super) fn of(language: Option<&str>, text: &str) -> Self {
        let tagged = language.and_then(to_iso639_3);
        let code = tagged.or_else(|| detect_language(text));
        let code = match code {
            Some(code) => alpha2(&code).unwrap_or(""),
            None if text.is_ascii() => "en",
            None => "",
        };
        let stemmer = algorithm(code).map(Stemmer::create);
        Self { code, stop_words: STOP_WORDS.get(code), stemmer }
    }

    /// Whether all nouns have capitals, so that capitals do not indicate names.
    pub(super) fn capitalises_nouns(&self) -> bool {
        matches!(self.code, "de" | "lb")
    }

    /// Whether words in titles are capitalised.
    pub(super) fn capitalises_titles(&self) -> bool {
        self.code == "en"
    }

    /// Opening and closing quotation marks.
    pub(super) fn quotes(&self) -> (&'static str, &'static str) {
        match self.code {
            "de" | "cs" | "sk" | "bg" | "sl" | "hr" | "is" | "lt" => ("„", "“"),
            "fr" => ("«\u{202F}", "\u{202F}»"),
            "es" | "it" | "pt" | "ru" | "uk" | "el" | "no" | "ar" | "fa" => ("«", "»"),
            "pl" | "hu" | "ro" => ("„", "”"),
            "sv" | "fi" => ("”", "”"),
            "ja" | "zh" => ("「", "」"),
            _ => ("“", "”"),
        }
    }

    /// The word without an elided article and without an English `'s`.
    pub(super) fn core<'t>(&self, word: &'t str) -> &'t str {
        let Some((at, mark)) = word.char_indices().find(|(_, c)| matches!(c, '\'' | '’')) else {
            return word;
        };
        let (before, after) = (&word[..at], &word[at + mark.len_utf8()..]);
        match self.code {
            "fr" | "it" | "ca" if ELISIONS.contains(&before.to_lowercase().as_str()) => after,
            "en" if matches!(after, "s" | "S") => before,
            _ => word,
        }
    }

    /// Whether a lower case word is a stop word.
    pub(super) fn is_stop_word(&self, lower: &str) -> bool {
        let plain: Cow<'_, str> = match lower.contains('’') {
            true => lower.replace('’', "'").into(),
            false => lower.into(),
        };
        self.stop_words.is_some_and(|words| words.contains(plain.as_ref()))
    }

    /// The stem that a word shares with its plural and other forms.
    pub(super) fn stem(&self, word: &str) -> String {
        let lower = word.to_lowercase();
        match &self.stemmer {
            // Below that, endings are part of the word.
            Some(stemmer) if lower.chars().take(4).count() > 3 => stemmer.stem(&lower).into_owned(),
            _ => lower,
        }
    }
}

fn algorithm(code: &str) -> Option<Algorithm> {
    Some(match code {
        "ar" => Algorithm::Arabic,
        "da" => Algorithm::Danish,
        "de" => Algorithm::German,
        "el" => Algorithm::Greek,
        "en" => Algorithm::English,
        "es" => Algorithm::Spanish,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "hu" => Algorithm::Hungarian,
        "it" => Algorithm::Italian,
        "nl" => Algorithm::Dutch,
        "no" | "nb" | "nn" => Algorithm::Norwegian,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "sv" => Algorithm::Swedish,
        "ta" => Algorithm::Tamil,
        "tr" => Algorithm::Turkish,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_language() {
        let english = Lexicon::of(Some("en-GB"), "");
        assert!(english.is_stop_word("the") && english.is_stop_word("don’t"));
        assert!(english.is_stop_word("gonna") && !english.is_stop_word("world"));
        assert_eq!(english.stem("Panels"), english.stem("panel"));
        assert_eq!(english.core("NASA's"), "NASA");
        let french = Lexicon::of(Some("fra"), "");
        assert!(french.is_stop_word("cette") && !french.is_stop_word("fusée"));
        assert_eq!(french.core("l’énergie"), "énergie");
        assert_eq!(french.core("aujourd'hui"), "aujourd'hui");
        let unknown = Lexicon::of(None, "żółć 12");
        assert!(!unknown.is_stop_word("the"));
        assert_eq!(unknown.stem("Panels"), "panels");
    }

    #[test]
    fn a_word_that_is_listed_as_a_topic_is_otherwise_a_stop_word() {
        let listed = stop_words::lookup("en").unwrap_or_default();
        for word in TOPICS {
            assert!(listed.contains(word), "{word}");
        }
    }
}
