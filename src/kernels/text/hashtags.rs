//! Makes hashtags from keyphrases.

use unicode_segmentation::UnicodeSegmentation;

use super::lexicon::Lexicon;
use super::writing::{Spacing, spacing};
use crate::model::Keyphrase;

/// Longest tag in graphemes, without the `#`.
const LONGEST: usize = 40;
/// Shortest interest that may match the beginning of a longer word.
const LEAST_STEM: usize = 4;

/// At most `most` hashtags of `keyphrases`: those that match an interest, then by weight.
///
/// No two differ only in case. An interest that no keyphrase mentions gives no hashtag.
pub fn hashtags(
    keyphrases: &[Keyphrase],
    interests: &[String],
    language: Option<&str>,
    most: usize,
) -> Vec<String> {
    hashtags_and_match(keyphrases, interests, language, most).0
}

/// The hashtags, and the share of the interests that keyphrases match, in [0, 1].
///
/// The share is `None` if no interest has a word.
pub fn hashtags_and_match(
    keyphrases: &[Keyphrase],
    interests: &[String],
    language: Option<&str>,
    most: usize,
) -> (Vec<String>, Option<f64>) {
    let sample = keyphrases.first().map_or("", |k| k.text.as_str());
    matched(keyphrases, interests, &Lexicon::of(language, sample), most)
}

/// [`hashtags`] with a loaded lexicon.
pub(super) fn hashtags_in(
    keyphrases: &[Keyphrase],
    interests: &[String],
    lexicon: &Lexicon,
    most: usize,
) -> Vec<String> {
    matched(keyphrases, interests, lexicon, most).0
}

fn matched(
    keyphrases: &[Keyphrase],
    interests: &[String],
    lexicon: &Lexicon,
    most: usize,
) -> (Vec<String>, Option<f64>) {
    let mut interests: Vec<Vec<String>> = interests.iter().map(|i| stems(i, lexicon)).collect();
    interests.retain(|interest| !interest.is_empty());
    let mut met = vec![false; interests.len()];
    let mut matches = |k: &&Keyphrase| {
        if interests.is_empty() {
            return false;
        }
        let (said, mut any) = (stems(&k.text, lexicon), false);
        for (interest, met) in interests.iter().zip(&mut met) {
            let about = is_about(&said, interest);
            (any, *met) = (any || about, *met || about);
        }
        any
    };
    let (wanted, others): (Vec<_>, Vec<_>) = keyphrases.iter().partition(&mut matches);
    let count = met.iter().filter(|met| **met).count();
    let share = (!met.is_empty()).then(|| count as f64 / met.len() as f64);
    let mut tags: Vec<String> = vec![];
    let mut seen: Vec<String> = vec![];
    for tag in wanted.into_iter().chain(others).filter_map(|k| hashtag(&k.text)) {
        let folded = tag.to_lowercase();
        if tags.len() < most && !seen.contains(&folded) {
            seen.push(folded);
            tags.push(tag);
        }
    }
    (tags, share)
}

/// The hashtag of a phrase; `None` without a letter, or if it is too long.
///
/// It keeps letters, digits and their marks, with words joined `#InCamelCase`, or `#with_underscores` in
/// scripts without capitals.
///
/// ```
/// use clipflow::kernels::text::hashtag;
/// assert_eq!(hashtag("solar panels").as_deref(), Some("#SolarPanels"));
/// assert_eq!(hashtag("الطاقة الشمسية").as_deref(), Some("#الطاقة_الشمسية"));
/// assert_eq!(hashtag("2024"), None);
/// ```
pub fn hashtag(phrase: &str) -> Option<String> {
    let words: Vec<String> = phrase
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | '‐' | '_' | '/'))
        .map(letters)
        .filter(|word| !word.is_empty())
        .collect();
    let mut tag = String::from("#");
    for (i, word) in words.iter().enumerate() {
        let mut chars = word.chars();
        let Some(first) = chars.next() else { continue };
        let has_case = first.is_lowercase() || first.is_uppercase();
        if i > 0 && !has_case && first.is_alphabetic() && spacing(first) == Spacing::Spaced {
            tag.push('_');
        }
        // A single word keeps its spelling: `iPhone`.
        if words.len() > 1 && first.is_lowercase() {
            tag.extend(first.to_uppercase());
            tag.push_str(chars.as_str());
        } else {
            tag.push_str(word);
        }
    }
    let is_readable = tag.graphemes(true).nth(LONGEST + 1).is_none();
    (is_readable && tag.chars().any(char::is_alphabetic)).then_some(tag)
}

/// The graphemes of a word that start with a letter or digit, without emoji joiners.
fn letters(word: &str) -> String {
    let kept = word.graphemes(true).filter(|g| g.starts_with(char::is_alphanumeric));
    let plain = |c: &char| !matches!(*c, '\u{200C}'..='\u{200F}' | '\u{FE0F}') && !c.is_control();
    kept.flat_map(str::chars).filter(plain).collect()
}

fn stems(phrase: &str, lexicon: &Lexicon) -> Vec<String> {
    phrase.unicode_words().map(|word| lexicon.stem(lexicon.core(word))).collect()
}

/// Whether the stems `said` match all words of an interest, also as beginnings.
///
/// For example `tech` matches `technology`.
fn is_about(said: &[String], interest: &[String]) -> bool {
    let speaks_of = |wanted: &String| {
        let may_begin = wanted.chars().nth(LEAST_STEM - 1).is_some();
        said.iter().any(|word| word == wanted || (may_begin && word.starts_with(wanted.as_str())))
    };
    interest.iter().all(speaks_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn phrases(texts: &[&str]) -> Vec<Keyphrase> {
        let weight = |i: usize| 1.0 / (i + 1) as f64;
        let phrase =
            |(i, text): (usize, &&str)| Keyphrase { text: (*text).into(), weight: weight(i) };
        texts.iter().enumerate().map(phrase).collect()
    }

    fn tags(texts: &[&str], interests: &[&str], most: usize) -> Vec<String> {
        let interests: Vec<String> = interests.iter().map(|i| (*i).to_owned()).collect();
        hashtags(&phrases(texts), &interests, Some("en"), most)
    }

    #[test]
    fn mentioned_interests_come_first_and_others_never() {
        let said = ["solar panels", "new technology", "party", "robots"];
        assert_eq!(
            tags(&said, &["Tech", "art", "Robot", "money"], 3),
            ["#NewTechnology", "#robots", "#SolarPanels"]
        );
        assert_eq!(tags(&said, &[], 1), ["#SolarPanels"]);
        assert_eq!(tags(&["Mars", "mars", "12"], &[], 9), ["#Mars"]);
        assert!(tags(&said, &["Tech"], 0).is_empty());
    }

    #[test]
    fn interests_are_matched_as_tags_are() {
        let share = |said: &[&str], interests: &[&str]| {
            let interests: Vec<String> = interests.iter().map(|i| (*i).to_owned()).collect();
            hashtags_and_match(&phrases(said), &interests, Some("en"), 0).1
        };
        let said = ["birthday party", "robots"];
        assert_eq!(share(&said, &["art"]), Some(0.0));
        assert_eq!(share(&said, &["Robot "]), Some(1.0));
        assert_eq!(share(&said, &["", "robots", " ", "parties", "art", "cooking"]), Some(0.5));
        assert_eq!((share(&said, &[]), share(&said, &["", " "])), (None, None));
        assert_eq!(share(&[], &["robots"]), Some(0.0));
    }

    #[test]
    fn tags_are_letters_in_every_script() {
        for (phrase, tag) in [
            ("machine learning", Some("#MachineLearning")),
            ("iPhone", Some("#iPhone")),
            ("energía solar", Some("#EnergíaSolar")),
            ("état d'urgence", Some("#ÉtatDurgence")),
            ("hello 👩‍👩‍👧 world!", Some("#HelloWorld")),
            ("人工知能", Some("#人工知能")),
            ("सौर ऊर्जा", Some("#सौर_ऊर्जा")),
            ("covid-19", Some("#Covid19")),
            ("…", None),
        ] {
            assert_eq!(hashtag(phrase).as_deref(), tag, "{phrase}");
        }
    }

    proptest! {
        #[test]
        fn a_tag_is_one_word(phrase in any::<String>()) {
            if let Some(tag) = hashtag(&phrase) {
                let body = tag.strip_prefix('#').unwrap_or_default();
                prop_assert!(!body.contains(|c: char| c.is_whitespace() || c == '#' || c.is_control()));
                prop_assert!(body.graphemes(true).count() <= LONGEST);
                prop_assert!(body.chars().any(char::is_alphabetic));
            }
        }
    }
}
