//! The JSON of transcribers, told apart by the fields that they have.

use serde_json::Value;

use super::{HeardWord, Passage, Transcript, language_named};
use crate::kernels::text::writing::joins_without_space;

/// Passages that repeat themselves compress better than that (openai-whisper's own limit).
const MOST_COMPRESSION: f64 = 2.4;
/// Likelihood of no speech, and mean logarithm of the words' likelihoods, from which a passage is taken for silence
/// (openai-whisper's own limits).
const NO_SPEECH: f64 = 0.6;
const UNLIKELY: f64 = -1.0;
/// Latest time in seconds (100 days); larger numbers are damage.
const MAX_SECONDS: f64 = 8_640_000.0;

/// A word before its times are known to be there.
struct FoundWord {
    text: String,
    start: Option<f64>,
    end: Option<f64>,
}

pub(super) fn read(answer: &Value) -> Option<Transcript> {
    let language = ["/language", "/result/language"]
        .iter()
        .find_map(|at| answer.pointer(at).and_then(Value::as_str).and_then(language_named));
    let passages = if let Some(found) = list(answer, "transcription") {
        of_whisper_cpp(found)
    } else if let Some(found) = list(answer, "events") {
        found.iter().filter_map(of_event).collect()
    } else if let Some(found) = list(answer, "segments") {
        with_words_beside(found.iter().filter_map(of_segment).collect(), answer)
    } else if let Some(found) = answer.as_array().filter(|found| found.iter().any(is_timed)) {
        found.iter().filter_map(of_segment).collect()
    } else {
        let words = ["words", "word_segments"].iter().find_map(|name| list(answer, name))?;
        one_passage(words.iter().filter_map(of_word).collect()).into_iter().collect()
    };
    Some(Transcript { passages: single_words_joined(passages), language })
}

fn list<'a>(value: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    value.get(name)?.as_array()
}

fn is_timed(value: &Value) -> bool {
    seconds(value, "start").is_some()
}

/// A number of seconds, which some write as text.
fn seconds(value: &Value, name: &str) -> Option<f64> {
    let found = value.get(name)?;
    let number = found.as_f64().or_else(|| found.as_str()?.trim().parse().ok())?;
    (number.is_finite() && (0.0..=MAX_SECONDS).contains(&number)).then_some(number)
}

fn text_of(value: &Value, names: [&str; 2]) -> Option<String> {
    names.iter().find_map(|name| value.get(*name)?.as_str()).map(str::to_owned)
}

fn of_word(value: &Value) -> Option<FoundWord> {
    let text = text_of(value, ["word", "text"]).filter(|text| !text.trim().is_empty())?;
    Some(FoundWord { text, start: seconds(value, "start"), end: seconds(value, "end") })
}

/// openai-whisper, faster-whisper, whisperX and servers.
fn of_segment(segment: &Value) -> Option<Passage> {
    let (start, end) = (seconds(segment, "start")?, seconds(segment, "end")?);
    let words: Vec<FoundWord> = list(segment, "words")
        .map(|words| words.iter().filter_map(of_word).collect())
        .unwrap_or_default();
    let text = text_of(segment, ["text", "word"]).unwrap_or_default();
    let number = |name: &str| segment.get(name).and_then(Value::as_f64);
    let is_silence = number("no_speech_prob").is_some_and(|p| p > NO_SPEECH)
        && number("avg_logprob").is_some_and(|p| p < UNLIKELY);
    let is_repeated = number("compression_ratio").is_some_and(|ratio| ratio > MOST_COMPRESSION);
    passage((start, end), &text, words, is_silence || is_repeated)
}

/// whisper.cpp, with and without tokens.
fn of_whisper_cpp(found: &[Value]) -> Vec<Passage> {
    let span = |value: &Value| {
        let at = |name: &str| value.get("offsets")?.get(name)?.as_f64().map(|ms| ms / 1000.0);
        Some((at("from")?, at("to")?)).filter(|(_, end)| (0.0..=MAX_SECONDS).contains(end))
    };
    let of_one = |one: &Value| {
        let mut words: Vec<FoundWord> = vec![];
        for token in list(one, "tokens").into_iter().flatten() {
            let Some(text) = text_of(token, ["text", "word"]).filter(|t| !t.starts_with("[_"))
            else {
                continue;
            };
            let (start, end) = span(token).unzip();
            // A word may be several tokens, of which the first begins with its space.
            match words.last_mut().filter(|_| !text.starts_with(' ')) {
                Some(word) => {
                    word.text += &text;
                    word.end = end.or(word.end);
                }
                None => words.push(FoundWord { text, start, end }),
            }
        }
        passage(span(one)?, &text_of(one, ["text", "word"])?, words, false)
    };
    found.iter().filter_map(of_one).collect()
}

/// YouTube's `json3`.
fn of_event(event: &Value) -> Option<Passage> {
    let at = |value: &Value, name: &str| value.get(name)?.as_f64().map(|ms| ms / 1000.0);
    let start = at(event, "tStartMs")?;
    let end = start + at(event, "dDurationMs")?;
    let parts = list(event, "segs")?;
    let has_times = parts.iter().any(|part| part.get("tOffsetMs").is_some());
    let of_part = |part: &Value| {
        let text = text_of(part, ["utf8", "text"]).filter(|text| !text.trim().is_empty())?;
        let offset = at(part, "tOffsetMs").unwrap_or(0.0);
        Some(FoundWord { text, start: Some(start + offset), end: None })
    };
    let text: String = parts.iter().filter_map(|part| part.get("utf8")?.as_str()).collect();
    let words = if has_times { parts.iter().filter_map(of_part).collect() } else { vec![] };
    passage((start, end), &text, words, false)
}

/// A passage of what was found; none if it says nothing or takes no time.
fn passage(
    (start, end): (f64, f64),
    text: &str,
    words: Vec<FoundWord>,
    is_doubtful: bool,
) -> Option<Passage> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = timed(words, (start, end), &text);
    let said = if text.is_empty() { joined(&words) } else { text };
    (end > start && !said.is_empty()).then_some(Passage {
        start,
        end,
        text: said,
        words,
        is_doubtful,
    })
}

fn one_passage(words: Vec<FoundWord>) -> Option<Passage> {
    let start = words.iter().find_map(|word| word.start)?;
    let end = words.iter().rev().find_map(|word| word.end.or(word.start))?;
    passage((start, end), "", words, false)
}

/// The words with times: those that have none share what lies between their neighbours' by their lengths. No words if none
/// has a time.
fn timed(found: Vec<FoundWord>, (start, end): (f64, f64), text: &str) -> Vec<HeardWord> {
    if found.iter().all(|word| word.start.is_none()) {
        return vec![];
    }
    let has_blanks = found.iter().any(|word| word.text.starts_with(' '));
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let is_whole = tokens.len() == found.len();
    let mut words: Vec<HeardWord> = Vec::with_capacity(found.len());
    let mut at = 0;
    while at < found.len() {
        let unknown = found[at..].iter().take_while(|word| word.start.is_none()).count();
        let from = words.last().map_or(start, |word| word.end);
        let until = found.get(at + unknown).and_then(|word| word.start).unwrap_or(end).max(from);
        let length = |word: &FoundWord| word.text.trim().chars().count().max(1) as f64;
        let all: f64 = found[at..at + unknown].iter().map(length).sum();
        let mut passed = 0.0;
        for (n, word) in found.iter().enumerate().skip(at).take(unknown.max(1)) {
            let (begins, ends) = match word.start {
                None => {
                    let share = |passed: f64| from + (until - from) * passed / all;
                    let begins = share(passed);
                    passed += length(word);
                    (begins, share(passed))
                }
                Some(begins) => {
                    let next = found.get(n + 1).and_then(|next| next.start);
                    (begins, word.end.or(next).unwrap_or(end))
                }
            };
            let begins = begins.max(words.last().map_or(0.0, |word| word.start));
            let is_joined = match words.last() {
                None => false,
                Some(_) if has_blanks => !word.text.starts_with(' '),
                Some(last) => {
                    let pair = last.text.chars().last().zip(word.text.chars().next());
                    pair.is_some_and(|(before, after)| joins_without_space(before, after))
                }
            };
            // Some write words without their punctuation beside a text that has it.
            let text = if is_whole { tokens[n] } else { word.text.trim() };
            words.push(HeardWord {
                start: begins,
                end: ends.max(begins),
                text: text.to_owned(),
                is_joined,
            });
        }
        at += unknown.max(1);
    }
    words
}

/// The text of words.
pub(super) fn joined(words: &[HeardWord]) -> String {
    let mut text = String::new();
    for (n, word) in words.iter().enumerate() {
        if n > 0 && !word.is_joined {
            text.push(' ');
        }
        text.push_str(&word.text);
    }
    text
}

/// Passages whose words stand beside them in a list of their own (servers of the OpenAI form, whisperX).
fn with_words_beside(mut passages: Vec<Passage>, answer: &Value) -> Vec<Passage> {
    if passages.iter().any(|passage| !passage.words.is_empty()) {
        return passages;
    }
    let found = ["words", "word_segments"].iter().find_map(|name| list(answer, name));
    let words: Vec<FoundWord> = found.into_iter().flatten().filter_map(of_word).collect();
    let mut words = words.into_iter().peekable();
    let count = passages.len();
    for (n, passage) in passages.iter_mut().enumerate() {
        let tokens = passage.text.split_whitespace().count();
        let mut own = vec![];
        // As many as its text has, as long as they lie in it or it is the last.
        while own.len() < tokens.max(1) || n + 1 == count {
            let is_own = |word: &FoundWord| {
                n + 1 == count || word.start.is_none_or(|start| start < passage.end + 0.5)
            };
            let Some(word) = words.next_if(is_own) else { break };
            own.push(word);
        }
        passage.words = timed(own, (passage.start, passage.end), &passage.text);
    }
    passages
}

/// A transcript of one word a passage, as whisper.cpp writes with `-ml 1`, as one of words with times.
fn single_words_joined(passages: Vec<Passage>) -> Vec<Passage> {
    let is_word = |passage: &Passage| passage.words.is_empty() && !passage.text.contains(' ');
    if passages.len() < 3 || !passages.iter().all(is_word) {
        return passages;
    }
    let word = |passage: &Passage| HeardWord {
        start: passage.start,
        end: passage.end,
        text: passage.text.clone(),
        is_joined: false,
    };
    let words: Vec<HeardWord> = passages.iter().map(word).collect();
    let end = words.last().map_or(0.0, |word| word.end);
    let start = words.first().map_or(0.0, |word| word.start);
    vec![Passage { start, end, text: joined(&words), words, is_doubtful: false }]
}
