#![allow(clippy::unwrap_used)]
use super::super::captions::tests::{cue, edit, timed};
use super::*;
use crate::model::edit::Segment;

/// Has Latin letters only.
struct Latin;
impl FontFaces for Latin {
    fn covers(&self, c: char) -> bool {
        (c as u32) < 0x250
    }
    fn family(&self, _: &str, _: Option<&str>) -> Option<String> {
        Some("DejaVu Sans".into())
    }
}

fn burned(style: CaptionStyle, cues: &[Cue]) -> AssDocument {
    let mut edit = edit(vec![Segment { start: 0.0, end: 10.0, speed: 1.0 }]);
    edit.caption_style = style;
    document(&edit, cues, &Latin)
}

fn events(burned: &AssDocument) -> Vec<&str> {
    let document = burned.document.as_deref().unwrap();
    document.lines().filter(|line| line.starts_with("Dialogue:")).collect()
}

#[test]
fn untrusted_text_is_drawn_literally() {
    let evil = cue(1.0, 3.0, "{\\an8}hi \\Nthere\r\nDialogue: 0,{\\p1}m 0 0");
    let burned = burned(CaptionStyle::Classic, &[evil]);
    let events = events(&burned);
    assert_eq!(events.len(), 1);
    let body = events[0].splitn(10, ',').last().unwrap();
    assert!(!body.replace("\\{", "").contains('{'), "{body}");
    assert!(body.contains("\\\u{2060}an8") && body.contains("\\\u{2060}Nthere"), "{body}");
}

#[test]
fn karaoke_fills_the_line_exactly() {
    let burned = burned(CaptionStyle::Karaoke, &[cue(1.0, 3.5, "one three fifteen")]);
    let event = events(&burned)[0];
    let times = event.split("{\\k").skip(1);
    let sum: i64 = times.map(|t| t.split('}').next().unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(sum, 250, "{event}");
}

#[test]
fn karaoke_keeps_to_the_speech_where_a_line_stays_for_longer() {
    // Too short to be read: it stays after its words were spoken.
    let burned = burned(CaptionStyle::Karaoke, &[cue(1.0, 1.8, "one three fifteen")]);
    let event = events(&burned)[0];
    assert!(event.contains("0:00:02."), "{event}");
    let times = event.split("{\\k").skip(1);
    let sum: i64 = times.map(|t| t.split('}').next().unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(sum, 80, "{event}");
}

#[test]
fn karaoke_marks_each_word_when_the_cue_says_so() {
    let cue = timed(cue(1.0, 5.0, "one two \u{1F600} three"), &[1.5, 1.75, 2.0, 4.0]);
    let burned = burned(CaptionStyle::Karaoke, &[cue]);
    let event = events(&burned)[0];
    let body = event.splitn(10, ',').last().unwrap();
    assert_eq!(body, "{\\k50}{\\k25}one {\\k225}two {\\k100}three", "{event}");
}

#[test]
fn uncovered_cues_are_left_out_and_counted() {
    let cues = [cue(1.0, 2.0, "日本語の字幕"), cue(3.0, 4.0, "fine \u{1F600}")];
    let burned = burned(CaptionStyle::Minimal, &cues);
    assert_eq!(burned.unreadable, 1);
    assert_eq!(events(&burned).len(), 1);
    assert!(!burned.document.unwrap().contains('\u{1F600}'));
}

#[test]
fn bold_pop_shows_few_words_at_a_time_until_the_end() {
    let text = "a few words at a time are easier to read than many of them";
    let burned = burned(CaptionStyle::BoldPop, &[cue(1.0, 6.0, text)]);
    let events = events(&burned);
    assert!(events.len() >= 4, "{events:?}");
    assert!(events.last().unwrap().contains("0:00:06.00"), "{events:?}");
    assert!(events.iter().all(|event| !event.contains("\\N")));
}

#[test]
fn no_text_is_wider_than_the_safe_zone_or_smaller_than_can_be_read() {
    let words =
        ["W".repeat(60), "i".repeat(90), "Donaudampfschifffahrt".repeat(4), "x/".repeat(70)];
    for style in [CaptionStyle::BoldPop, CaptionStyle::Karaoke, CaptionStyle::Classic] {
        let cues: Vec<Cue> = (0..)
            .zip(&words)
            .map(|(n, word)| cue(f64::from(n) * 2.0, f64::from(n) * 2.0 + 2.0, word))
            .collect();
        for event in events(&burned(style, &cues)) {
            let scale = event
                .rsplit_once("\\fscx")
                .map(|(_, rest)| rest.split(['\\', ')', '}']).next().unwrap());
            let scale: f64 = scale.map_or(100.0, |scale| scale.parse().unwrap());
            assert!(scale >= 45.0, "{event}");
        }
    }
}

#[test]
fn a_line_of_a_cue_from_right_to_left_is_marked_where_it_would_run_otherwise() {
    struct Any;
    impl FontFaces for Any {
        fn covers(&self, _: char) -> bool {
            true
        }
        fn family(&self, _: &str, _: Option<&str>) -> Option<String> {
            Some("DejaVu Sans".into())
        }
    }
    for style in [CaptionStyle::Classic, CaptionStyle::Karaoke] {
        let mut edit = edit(vec![Segment { start: 0.0, end: 10.0, speed: 1.0 }]);
        edit.caption_style = style;
        let burned = document(&edit, &[cue(1.0, 4.0, "ABC مرحبا نهاية!")], &Any);
        let body = events(&burned)[0].splitn(10, ',').last().unwrap().to_owned();
        assert!(body.starts_with('\u{200F}'), "{body}");
    }
}

#[test]
fn off_burns_nothing() {
    let none = burned(CaptionStyle::Off, &[cue(1.0, 2.0, "hi")]);
    assert_eq!(none, AssDocument { document: None, unreadable: 0, left_out: 0 });
}
