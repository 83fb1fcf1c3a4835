//! How much of what is said in a stretch of a source is about a topic.
//!
//! The measure is BM25 (Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009) with
//! the words of the topic as the query and the stretch as the document, divided by its upper limit, so that it lies
//! in [0, 1). A word counts the more the fewer caption lines have it. Forms of one word are the same by its Snowball
//! stem; stop words do not count.

use std::collections::HashMap;

use super::lexicon::Lexicon;
use super::words::runs;

/// How fast repetitions of a word stop to count; the usual value.
const K1: f64 = 1.2;
/// How much the length of a stretch matters; the usual value.
const B: f64 = 0.75;
/// Largest number of words of a topic that count.
const MAX_TERMS: usize = 16;

/// The words of a topic in the captions of a source, summed over time.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicTrack {
    /// The middle of each caption line, in seconds, in order.
    times: Vec<f64>,
    /// Before each line and after the last: how often each word of the topic, and how many words, were said.
    terms: Vec<Vec<f64>>,
    words: Vec<f64>,
    /// What each word of the topic counts.
    weights: Vec<f64>,
}

impl TopicTrack {
    /// Finds the words of `topic` in `lines`: start and end in seconds, and text, in `language` (any tag; without one
    /// it is detected). `None` where none of them is said, or the topic has no word that counts.
    pub fn new(lines: &[(f64, f64, &str)], topic: &str, language: Option<&str>) -> Option<Self> {
        let said: Vec<&str> = lines.iter().map(|(.., text)| *text).collect();
        let lexicon = Lexicon::of(language, &said.join("\n"));
        let stems = |text: &str| -> Vec<String> {
            runs(text, &lexicon).into_iter().flatten().map(|word| word.stem).collect()
        };
        let mut query: Vec<String> = vec![];
        for stem in stems(topic) {
            if query.len() < MAX_TERMS && !query.contains(&stem) {
                query.push(stem);
            }
        }
        let place: HashMap<&str, usize> =
            query.iter().enumerate().map(|(i, stem)| (stem.as_str(), i)).collect();
        let mut sorted: Vec<&(f64, f64, &str)> = lines.iter().collect();
        sorted.sort_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
        let (mut terms, mut words) = (vec![vec![0.0; query.len()]], vec![0.0]);
        let mut lines_with = vec![0.0; query.len()];
        let (mut counts, mut total) = (vec![0.0; query.len()], 0.0);
        for (.., text) in &sorted {
            let before = counts.clone();
            for stem in stems(text) {
                total += 1.0;
                if let Some(i) = place.get(stem.as_str()) {
                    counts[*i] += 1.0;
                }
            }
            for ((had, now), lines) in before.iter().zip(&counts).zip(&mut lines_with) {
                *lines += f64::from(now > had);
            }
            terms.push(counts.clone());
            words.push(total);
        }
        if counts.iter().all(|count| *count == 0.0) {
            return None;
        }
        let all = sorted.len() as f64;
        let rarity = |lines: &f64| (1.0 + (all - lines + 0.5) / (lines + 0.5)).ln();
        let times = sorted.iter().map(|(start, end, _)| (start + end) / 2.0).collect();
        Some(Self { times, terms, words, weights: lines_with.iter().map(rarity).collect() })
    }

    /// How much of what is said between `start` and `end` is about the topic, in [0, 1). `usual` is the length of
    /// a stretch that counts as neither long nor short, in seconds.
    pub fn of(&self, start: f64, end: f64, usual: f64) -> f64 {
        let at = |t: f64| self.times.partition_point(|time| *time < t);
        let (from, to) = (at(start), at(end));
        let said = self.words[to] - self.words[from];
        let seconds = self.times.last().copied().unwrap_or(0.0).max(usual);
        let expected = self.words.last().copied().unwrap_or(0.0) * usual / seconds;
        let length = if expected > 0.0 { said / expected } else { 1.0 };
        let damping = K1 * (1.0 - B + B * length);
        let counts =
            self.terms[to].iter().zip(&self.terms[from]).map(|(after, before)| after - before);
        let parts = counts.zip(&self.weights);
        let (sum, most) = parts.fold((0.0, 0.0), |(sum, most), (count, weight)| {
            (sum + weight * count / (count + damping).max(f64::MIN_POSITIVE), most + weight)
        });
        if most > 0.0 { sum / most } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LINES: [(f64, f64, &str); 5] = [
        (0.0, 4.0, "Welcome to the show, my friends."),
        (5.0, 9.0, "First we bake bread in a hot oven."),
        (10.0, 14.0, "Baking takes patience, and the bread needs time."),
        (15.0, 19.0, "Later we talk about music."),
        (20.0, 24.0, "The music of the city is loud."),
    ];

    #[test]
    fn a_stretch_about_the_topic_is_above_one_about_something_else() {
        let bread = TopicTrack::new(&LINES, "How to bake breads", None).unwrap();
        let about = |start, end| bread.of(start, end, 10.0);
        assert!(about(5.0, 15.0) > 0.4, "{}", about(5.0, 15.0));
        assert!(about(5.0, 15.0) > about(0.0, 10.0) && about(0.0, 10.0) > 0.0);
        assert_eq!(about(15.0, 25.0), 0.0);
        let music = TopicTrack::new(&LINES, "music", None).unwrap();
        assert!(music.of(15.0, 25.0, 10.0) > music.of(5.0, 25.0, 10.0));
    }

    #[test]
    fn a_topic_that_is_never_named_is_none() {
        assert_eq!(TopicTrack::new(&LINES, "football", None), None);
        assert_eq!(TopicTrack::new(&LINES, "the of", None), None);
        assert_eq!(TopicTrack::new(&LINES, "", None), None);
        assert_eq!(TopicTrack::new(&[], "music", None), None);
    }

    #[test]
    fn other_scripts_are_found_too() {
        let lines = [(0.0, 2.0, "Сегодня мы печём хлеб."), (3.0, 5.0, "Потом слушаем музыку.")];
        let track = TopicTrack::new(&lines, "хлеба", Some("rus")).unwrap();
        assert!(track.of(0.0, 2.5, 3.0) > 0.0 && track.of(2.5, 5.0, 3.0) == 0.0);
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_share_whatever_is_said(
            said in proptest::collection::vec((-5.0..50.0_f64, 0.0..9.0_f64, "[a-c ]{0,12}"), 0..12),
            topic in "[a-c ]{0,9}", span in (-10.0..60.0_f64, 0.0..60.0_f64), usual in 0.0..90.0_f64,
        ) {
            let lines: Vec<_> = said.iter().map(|(s, l, t)| (*s, s + l, t.as_str())).collect();
            if let Some(track) = TopicTrack::new(&lines, &topic, None) {
                let value = track.of(span.0, span.0 + span.1, usual);
                proptest::prop_assert!((0.0..1.0).contains(&value), "{value}");
            }
        }
    }
}
