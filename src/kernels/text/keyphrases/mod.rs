//! Extracts the keyphrases of a text.
//!
//! Words are segmented by Unicode's rules ([UAX 29](https://www.unicode.org/reports/tr29/)), stop words are
//! removed by the lists of the crate `stop-words`, forms of one word are grouped by Snowball stems, and the
//! remaining phrases are scored by RAKE (Rose et al., *Automatic Keyword Extraction from Individual
//! Documents*, 2010) and by their frequency.

use std::collections::HashMap;

use rake::{Rake, StopWords};

use super::lexicon::Lexicon;
use super::words::{Word, runs};
use super::writing::{join, spoken};
use crate::model::Keyphrase;

/// Largest number of words in a phrase.
const LONGEST: usize = 3;
/// Factor for names (capitals within a sentence).
const NAME: f64 = 1.25;

/// The keyphrases of `text`, strongest first, at most `most`.
///
/// `language` is any language tag; without one the language is detected. The result is deterministic. No
/// two phrases are forms of the same words, and none is a number or a stop word.
///
/// No dictionaries are used: Japanese gives its runs of Chinese characters and katakana, Chinese the pieces
/// between function words, Thai and related scripts short clauses.
///
/// ```
/// use clipflow::kernels::text::keyphrases;
///
/// let text = "Solar panels are cheap now. A solar panel pays for itself in six years.";
/// let found = keyphrases(text, Some("en"), 2);
/// assert_eq!(found[0].text, "solar panel");
/// assert_eq!(found[0].weight, 1.0);
/// ```
pub fn keyphrases(text: &str, language: Option<&str>, most: usize) -> Vec<Keyphrase> {
    let mut said = String::new();
    text.lines().map(spoken).filter(|l| !l.is_empty()).for_each(|line| join(&mut said, &line));
    let lexicon = Lexicon::of(language, &said);
    let runs = runs(&said, &lexicon);
    let mut candidates = candidates(&said, &phrases(&runs), &lexicon);
    candidates.sort_by(|a, b| {
        let by_place = || a.first.cmp(&b.first).then(b.stems.len().cmp(&a.stems.len()));
        b.weight.total_cmp(&a.weight).then_with(by_place)
    });
    let strongest = candidates.first().map_or(1.0, |c| c.weight);
    let mut chosen: Vec<PhraseCandidate> = vec![];
    for candidate in candidates {
        if chosen.len() == most {
            break;
        }
        if !chosen.iter().any(|c| c.covers(&candidate)) {
            chosen.push(candidate);
        }
    }
    chosen.into_iter().map(|c| c.into_keyphrase(strongest)).collect()
}

/// Divides runs into phrases of at most [`LONGEST`] words and about equal length.
fn phrases(runs: &[Vec<Word>]) -> Vec<&[Word]> {
    let cut = |run: &'_ Vec<Word>| run.len().div_ceil(run.len().div_ceil(LONGEST).max(1)).max(1);
    runs.iter().flat_map(|run| run.chunks(cut(run))).collect()
}

/// A phrase with all its forms.
struct PhraseCandidate {
    stems: Vec<String>,
    text: String,
    weight: f64,
    /// Position of its first occurrence, in bytes.
    first: usize,
}

impl PhraseCandidate {
    /// Whether one of the two phrases contains all words of the other.
    fn covers(&self, other: &Self) -> bool {
        let all_of = |a: &Self, b: &Self| b.stems.iter().all(|stem| a.stems.contains(stem));
        all_of(self, other) || all_of(other, self)
    }

    fn into_keyphrase(self, strongest: f64) -> Keyphrase {
        // Rounded, so that the same text has the same weights on every machine.
        let weight = (self.weight / strongest * 1e4).round() / 1e4;
        Keyphrase { text: self.text, weight: weight.clamp(1e-4, 1.0) }
    }
}

/// The forms of one phrase.
#[derive(Default)]
struct PhraseForms<'t> {
    /// Each form, its number of occurrences, and whether it only starts sentences.
    spelled: Vec<(&'t str, usize, bool)>,
    stems: Vec<&'t str>,
    count: usize,
    first: usize,
    named: usize,
    /// Whether it fills the text between two breaks somewhere.
    is_whole: bool,
}

impl<'t> PhraseForms<'t> {
    fn add(&mut self, text: &'t str, words: &'t [Word], is_whole: bool) {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let form = &text[first.start..last.end];
        if self.count == 0 {
            self.first = first.start;
            self.stems = words.iter().map(|w| w.stem.as_str()).collect();
        }
        self.count += 1;
        self.is_whole |= is_whole;
        self.named += usize::from(words.iter().all(|w| is_name(&text[w.start..w.end], w.opens)));
        match self.spelled.iter_mut().find(|(f, ..)| *f == form) {
            Some((_, count, opens)) => {
                *count += 1;
                *opens &= first.opens;
            }
            None => self.spelled.push((form, 1, first.opens)),
        }
    }

    /// The most frequent spelling; among equals one within a sentence, else the first.
    fn usual(&self) -> String {
        let mut best: Option<&(&str, usize, bool)> = None;
        for form in &self.spelled {
            if best.is_none_or(|b| (form.1, !form.2) > (b.1, !b.2)) {
                best = Some(form);
            }
        }
        best.map(|(form, ..)| form.split_whitespace().collect::<Vec<_>>().join(" "))
            .unwrap_or_default()
    }
}

/// Whether a word has a capital within a sentence, or only capitals at the start of one.
fn is_name(word: &str, opens: bool) -> bool {
    match opens {
        true => word.chars().all(char::is_uppercase),
        false => word.starts_with(char::is_uppercase),
    }
}

fn candidates(text: &str, phrases: &[&[Word]], lexicon: &Lexicon) -> Vec<PhraseCandidate> {
    let keys: Vec<String> = phrases.iter().map(|words| key(words)).collect();
    let rake = Rake::new(StopWords::new()).run_fragments(keys.iter().map(String::as_str));
    let scores: HashMap<String, f64> = rake.into_iter().map(|k| (k.keyword, k.score)).collect();
    // Words that occur more often than any longer phrase with them are a topic themselves.
    let mut forms: HashMap<String, PhraseForms<'_>> = HashMap::new();
    for words in phrases {
        for length in 1..=words.len() {
            for part in words.windows(length) {
                forms.entry(key(part)).or_default().add(text, part, length == words.len());
            }
        }
    }
    // The number of occurrences of the most frequent longer phrase that contains a phrase.
    let mut held: HashMap<&[&str], usize> = HashMap::new();
    for whole in forms.values() {
        for length in 1..whole.stems.len() {
            for part in whole.stems.windows(length) {
                let count = held.entry(part).or_default();
                *count = whole.count.max(*count);
            }
        }
    }
    let within =
        |part: &PhraseForms<'_>| held.get(&*part.stems).is_some_and(|most| *most >= part.count);
    let is_topic = |(_, f): &(&String, &PhraseForms<'_>)| (f.is_whole || f.count > 1) && !within(f);
    let candidate = |(key, forms): (&String, &PhraseForms<'_>)| {
        let words = forms.stems.len().max(1) as f64;
        // A word that occurs only in phrases has at least their words as neighbours.
        let linked = scores.get(key).map_or(words, |score| score / words).max(1.0);
        let is_name = !lexicon.capitalises_nouns() && forms.named * 2 > forms.count;
        let name = if is_name { NAME } else { 1.0 };
        PhraseCandidate {
            text: forms.usual(),
            weight: linked.sqrt() * (1.0 + (forms.count as f64).ln()) * name,
            first: forms.first,
            stems: forms.stems.iter().map(|s| (*s).to_owned()).collect(),
        }
    };
    forms.iter().filter(is_topic).map(candidate).filter(|c| !c.text.is_empty()).collect()
}

fn key(words: &[Word]) -> String {
    words.iter().map(|w| w.stem.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub(super) mod tests;
