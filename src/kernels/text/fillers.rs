//! Filler words: the sounds that people make while they look for the next word.

use super::language::{alpha2, detect_language, to_iso639_3};
use crate::model::{Cue, CueWord};

/// Filler words by ISO 639-1 code, each run of a letter as one: `hm` stands for `hmm` too. Sounds that are also words
/// of the language are left out (`um` in German, `er` in Dutch), as what is cut out cannot be missed.
const FILLERS: &[(&str, &[&str])] = &[
    ("en", &["um", "uhm", "uh", "erm", "er", "hm"]),
    ("de", &["äh", "ähm", "öh", "öhm", "ehm", "hm"]),
    ("fr", &["euh", "heu", "hum", "hm"]),
    ("es", &["em", "ehm", "hm"]),
    ("it", &["ehm", "uhm", "hm"]),
    ("pt", &["hum", "uhm", "hm", "ãh"]),
    ("nl", &["eh", "ehm", "uh", "uhm", "euh", "hm"]),
    ("sv", &["öh", "öhm", "ehm", "hm"]),
    ("da", &["øh", "øhm", "ehm", "hm"]),
    ("no", &["øh", "øhm", "ehm", "hm"]),
    ("fi", &["öh", "öhm", "hm"]),
    ("pl", &["yhm", "ym", "ehm", "hm"]),
    ("cs", &["ehm", "hm"]),
    ("ru", &["э", "эм", "хм", "гм"]),
    ("uk", &["ем", "хм", "гм"]),
    ("tr", &["ı", "ım", "hım"]),
    ("ja", &["えーと", "えっと", "えー", "うーん"]),
    ("zh", &["嗯", "呃"]),
    ("ko", &["음"]),
];

/// A filler word lasts no longer than this, in seconds: what its time holds beyond is silence.
const LONGEST: f64 = 1.0;

/// When filler words are said, as start and end in seconds, in the order of `cues`: those of each cue's own
/// language, else of `language`, else of the one that its text is in. A cue without times of words has none.
pub(in crate::kernels) fn fillers(cues: &[Cue], language: Option<&str>) -> Vec<(f64, f64)> {
    let mut found = vec![];
    for (i, cue) in cues.iter().enumerate() {
        let Some(words) = &cue.words else { continue };
        let Some(known) = known(cue, language) else { continue };
        let next_cue = cues.get(i + 1).map_or(f64::INFINITY, |next| next.start.max(cue.start));
        for (i, word) in words.iter().enumerate() {
            let end = words.get(i + 1).map_or(cue.end.min(next_cue), |next| next.start);
            if is_filler(word, known) && end > word.start {
                found.push((word.start, end.min(word.start + LONGEST)));
            }
        }
    }
    found
}

/// The filler words of the language of `cue`.
fn known(cue: &Cue, language: Option<&str>) -> Option<&'static [&'static str]> {
    let tagged = cue.language.as_deref().or(language).and_then(to_iso639_3);
    let code = tagged.or_else(|| detect_language(&cue.text))?;
    let code = alpha2(&code)?;
    FILLERS.iter().find(|(of, _)| *of == code).map(|(_, words)| *words)
}

/// Whether all that has the time of `word` is filler words. What is asked or called out is an answer.
fn is_filler(word: &CueWord, known: &[&str]) -> bool {
    let mut sounds = word.text.split_whitespace().peekable();
    sounds.peek().is_some()
        && sounds.all(|sound| {
            let letters = sound.trim_matches(|c: char| !c.is_alphabetic() && c != '!' && c != '?');
            let mut letters: Vec<char> = letters.chars().flat_map(char::to_lowercase).collect();
            letters.dedup();
            let plain: String = letters.into_iter().collect();
            known.contains(&plain.as_str())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::text::captions::tests::{cue, timed};

    /// The filler words of a cue from 1 to 9 s whose words are said a second after each other.
    fn found(text: &str, own: Option<&str>, asked: Option<&str>) -> Vec<(f64, f64)> {
        let starts: Vec<f64> = (0..8).map(|n| 1.0 + f64::from(n)).collect();
        let cue = Cue { language: own.map(str::to_owned), ..timed(cue(1.0, 9.0, text), &starts) };
        fillers(&[cue], asked)
    }

    #[test]
    fn a_sound_is_a_filler_in_the_languages_in_which_it_is_no_word() {
        assert_eq!(found("So, um, we uhhh went", Some("eng"), None), [(2.0, 3.0), (4.0, 5.0)]);
        assert_eq!(found("Wir fahren um acht, ähm, los", Some("deu"), Some("en")), [(5.0, 6.0)]);
        assert_eq!(found("Er wil er eh niet heen", Some("nld"), None), [(4.0, 5.0)]);
        assert_eq!(found("そして えーと 行く", None, Some("ja")), [(2.0, 3.0)]);
        // Of a language without a list, and of none that is known.
        assert_eq!(found("um um um um", Some("cym"), None), []);
    }

    #[test]
    fn what_is_asked_is_no_filler_and_the_last_word_ends_with_its_cue() {
        assert_eq!(found("Hm? You were there", Some("eng"), None), []);
        assert_eq!(found("I was hmmm…", Some("eng"), None), [(3.0, 4.0)]);
        let untimed = Cue { language: Some("eng".into()), ..cue(1.0, 2.0, "um") };
        assert_eq!(fillers(&[untimed], None), []);
    }
}
