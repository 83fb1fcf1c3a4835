#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn texts(transcript: &Transcript) -> Vec<String> {
    transcript.cues().into_iter().map(|cue| cue.text).collect()
}

fn starts(cue: &RawCue) -> Vec<(f64, &str)> {
    cue.words.iter().flatten().map(|word| (word.start, word.text.as_str())).collect()
}

#[test]
fn sentences_of_whisper_are_cut_anew_from_its_words() {
    let answer = r#"{"language": "en", "text": "…", "segments": [
        {"start": 0.0, "end": 2.0, "text": " Hello there. How", "words": [
            {"word": " Hello", "start": 0.0, "end": 0.5, "probability": 0.9},
            {"word": " there.", "start": 0.5, "end": 0.9}, {"word": " How", "start": 1.1, "end": 1.3}]},
        {"start": 2.0, "end": 3.0, "text": " are you?", "words": [
            {"word": " are", "start": 1.3, "end": 1.5}, {"word": " you?", "start": 1.5, "end": 1.5}]}]}"#;
    let read = Transcript::read(answer).unwrap();
    assert_eq!(read.language.as_deref(), Some("eng"));
    assert_eq!(texts(&read), ["Hello there.", "How are you?"]);
    assert_eq!(starts(&read.cues()[1]), [(1.1, "How"), (1.3, "are"), (1.5, "you?")]);
}

#[test]
fn every_dialect_says_the_same() {
    let openai = r#"{"task":"transcribe","language":"english","text":"We went home, late.","segments":[{"id":0,"start":0.0,
        "end":2.0,"text":" We went home, late."}],"words":[{"word":"We","start":0.2,"end":0.4},{"word":"went","start":0.4,
        "end":0.7},{"word":"home","start":0.7,"end":1.1},{"word":"late","start":1.2,"end":1.6}]}"#;
    let cpp = r#"{"result":{"language":"en"},"transcription":[{"offsets":{"from":0,"to":2000},"text":" We went home, late.",
        "tokens":[{"text":"[_BEG_]","offsets":{"from":0,"to":0}},{"text":" We","offsets":{"from":200,"to":400}},
        {"text":" w","offsets":{"from":400,"to":500}},{"text":"ent","offsets":{"from":500,"to":700}},
        {"text":" home","offsets":{"from":700,"to":1100}},{"text":",","offsets":{"from":1100,"to":1100}},
        {"text":" late","offsets":{"from":1200,"to":1600}},{"text":".","offsets":{"from":1600,"to":1600}}]}]}"#;
    let by_word = r#"{"transcription":[{"offsets":{"from":200,"to":400},"text":" We"},{"offsets":{"from":400,"to":700},
        "text":" went"},{"offsets":{"from":700,"to":1100},"text":" home,"},{"offsets":{"from":1200,"to":1600},"text":" late."}]}"#;
    let json3 = r#"{"wireMagic":"pb3","events":[{"tStartMs":200,"dDurationMs":1400,"segs":[{"utf8":"We"},{"utf8":" went",
        "tOffsetMs":200},{"utf8":" home,","tOffsetMs":500},{"utf8":" late.","tOffsetMs":1000}]}]}"#;
    let vtt =
        "WEBVTT\n\n00:00.200 --> 00:01.600\nWe<00:00.400> went<00:00.700> home,<00:01.200> late.\n";
    for (name, answer) in
        [("openai", openai), ("cpp", cpp), ("by word", by_word), ("json3", json3), ("vtt", vtt)]
    {
        let cues = Transcript::read(answer).unwrap().cues();
        assert_eq!(cues.len(), 1, "{name}: {cues:?}");
        assert_eq!(cues[0].text, "We went home, late.", "{name}");
        let wanted = [(0.2, "We"), (0.4, "went"), (0.7, "home,"), (1.2, "late.")];
        assert_eq!(starts(&cues[0]), wanted, "{name}");
    }
}

#[test]
fn words_without_a_time_are_kept_and_share_what_lies_between() {
    let answer = r#"{"segments":[{"start":0.0,"end":4.0,"text":"It has 24 or 1000 parts.","words":[
        {"word":"It","start":0.5,"end":0.7},{"word":"has","start":0.7,"end":1.0},{"word":"24"},{"word":"or","start":1.5,"end":1.6},
        {"word":"1000"},{"word":"parts.","start":2.6,"end":3.0}]}]}"#;
    let cues = Transcript::read(answer).unwrap().cues();
    assert_eq!(cues[0].text, "It has 24 or 1000 parts.");
    let starts: Vec<f64> = cues[0].words.iter().flatten().map(|word| word.start).collect();
    assert_eq!(starts, [0.5, 0.7, 1.0, 1.5, 1.6, 2.6]);
}

#[test]
fn what_is_no_transcript_is_none() {
    for text in ["{}", "{\"a\": 1}", "[1, 2]", "{\"segments\"", "[]"] {
        assert_eq!(Transcript::read(text), None, "{text}");
    }
    assert_eq!(Transcript::read("Only words, no times.").unwrap().passages, []);
    // Some servers answer with the text alone.
    assert_eq!(Transcript::read(r#"{"text": "Hello."}"#), None);
}

#[test]
fn long_sentences_are_cut_at_clauses_and_breaths() {
    let word = |n: usize| HeardWord {
        start: n as f64 * 0.4,
        end: n as f64 * 0.4 + 0.3,
        text: if n == 11 { "comma,".into() } else { format!("word{n:02}") },
        is_joined: false,
    };
    let words: Vec<HeardWord> = (0..30).map(word).collect();
    let passage = Passage { start: 0.0, end: 12.0, text: String::new(), words, is_doubtful: false };
    let cues = Transcript { passages: vec![passage], language: None }.cues();
    assert!(cues[0].text.ends_with("comma,"), "{cues:?}");
    assert!(cues.iter().all(|cue| cue.text.chars().count() <= 84 && cue.end - cue.start <= 7.0));
}

fn voice(spans: &[(f64, f64)], seconds: f64) -> VoiceTimes {
    let frame = 0.032;
    let is_voice = |n: usize| {
        let t = (n as f64 + 0.5) * frame;
        f32::from(spans.iter().any(|(start, end)| (*start..*end).contains(&t)))
    };
    VoiceTimes::new((0..(seconds / frame) as usize).map(is_voice).collect(), frame, 0.5)
}

#[test]
fn what_no_voice_says_is_left_out_and_words_begin_with_the_voice() {
    let answer = r#"{"segments":[
        {"start":0.0,"end":1.5,"text":" Good morning.","no_speech_prob":0.01,"words":[
            {"word":" Good","start":0.0,"end":1.0},{"word":" morning.","start":1.0,"end":1.5}]},
        {"start":5.0,"end":7.0,"text":" Thanks for watching!","words":[{"word":" Thanks","start":5.0,"end":5.5},
            {"word":" for","start":5.5,"end":5.8},{"word":" watching!","start":5.8,"end":7.0}]},
        {"start":8.0,"end":9.0,"text":" la la la la","compression_ratio":5.0}]}"#;
    let mut read = Transcript::read(answer).unwrap();
    let left_out = read.hold_against(&voice(&[(0.78, 1.5), (8.0, 9.0)], 10.0));
    assert_eq!(left_out, OmittedWords { without_voice: 3, doubtful: 4 });
    assert_eq!(texts(&read), ["Good morning."]);
    assert!((read.cues()[0].start - 0.78).abs() < 0.033, "{:?}", read.cues());
}

#[test]
fn long_sound_is_cut_in_its_pauses() {
    let times = voice(&[(0.0, 25.0), (27.0, 61.0)], 61.0);
    let pieces = times.pieces(30.0);
    assert!((pieces[0].1 - 26.0).abs() < 0.1, "{pieces:?}");
    assert!(pieces.iter().all(|(start, end)| end - start < 30.001), "{pieces:?}");
    assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0), "{pieces:?}");
    assert_eq!(voice(&[], 10.0).pieces(30.0).len(), 1);
}

proptest! {
    #[test]
    fn no_word_is_lost_and_times_are_in_order(
        lengths in proptest::collection::vec((0.0_f64..1.5, 0.0_f64..1.0, "[a-z]{1,12}[.,?]?"), 1..60)
    ) {
        let mut at = 0.0;
        let words: Vec<HeardWord> = lengths.into_iter().map(|(gap, length, text)| {
            let start = at + gap;
            at = start + length;
            HeardWord { start, end: at, text, is_joined: false }
        }).collect();
        let said: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
        let passage = Passage { start: 0.0, end: at, text: String::new(), words, is_doubtful: false };
        let cues = Transcript { passages: vec![passage], language: None }.cues();
        let found: Vec<String> = cues.iter().flat_map(|cue| cue.text.split(' ').map(str::to_owned)).collect();
        prop_assert_eq!(found, said);
        for cue in &cues {
            prop_assert!(cue.end >= cue.start);
        }
        for pair in cues.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start + 1e-9 || pair[0].start == pair[1].start);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = Transcript::read(&text);
    }
}
