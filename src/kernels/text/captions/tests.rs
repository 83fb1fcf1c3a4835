#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
pub(in super::super) use crate::kernels::select::tests::cue;
use crate::model::CueWord;
use crate::model::edit::{CaptionStyle, Join, SafeZone, Segment};

pub(in super::super) fn edit(segments: Vec<Segment>) -> Edit {
    Edit {
        caption_style: CaptionStyle::Classic,
        safe_zone: SafeZone { top: 0.1, right: 0.12, bottom: 0.2, left: 0.04 },
        ..Edit::plain((1080, 1920), 30.0, segments)
    }
}

#[test]
fn lines_are_even_and_at_most_two() {
    let cues = [cue(1.0, 5.0, "The quick brown fox jumps over the lazy dog\nand then it sleeps")];
    let lines = caption_lines(&edit(vec![Segment { start: 0.0, end: 10.0, speed: 1.0 }]), &cues);
    let texts: Vec<_> = lines.iter().map(|l| l.text.as_str()).collect();
    assert_eq!(texts, ["The quick brown fox jumps over\nthe lazy dog and then it sleeps"]);
    assert_eq!((lines[0].start, lines[0].end), (1.0, 5.0));
}

#[test]
fn japanese_breaks_between_characters_but_not_before_a_full_stop() {
    let text = "これは字幕の試験です。長い文は二行に分けられます。句点は行の先頭に来ません。";
    for width in 5..30 {
        for screen in wrap(text, CaptionRoom { width: f64::from(width), lines: 2, smallest: 0.0 }) {
            let lines: Vec<_> = screen.split('\n').collect();
            assert!(lines.len() <= 2);
            assert!(lines.iter().all(|l| !l.starts_with(['。', '、', 'ー'])), "{screen}");
            assert!(lines.iter().all(|l| super::width(l) <= f64::from(width) + 2.0), "{screen}");
        }
    }
}

#[test]
fn a_character_keeps_its_marks_and_its_modifiers() {
    // が as か and its mark, a Hangul syllable of its letters, a family, a thumb with its colour.
    for whole in ["か\u{3099}", "\u{1112}\u{1161}\u{11AB}", "👩\u{200D}👧", "👍\u{1F3FD}"] {
        let text = whole.repeat(30);
        let screens = wrap(&text, CaptionRoom { width: 5.3, lines: 2, smallest: 0.0 });
        assert!(screens.len() > 2, "{whole}");
        for line in screens.iter().flat_map(|screen| screen.split('\n')) {
            assert_eq!(line.replace(whole, ""), "", "{whole}");
        }
    }
}

#[test]
fn clauses_without_spaces_are_broken_only_where_they_must() {
    let text = "สวัสดีครับ วันนี้เราจะมาดูเรื่องที่น่าสนใจมากที่สุดในโลกกันนะครับ";
    let lines = |width: f64| -> Vec<String> {
        let screens = wrap(text, CaptionRoom { width, lines: 2, smallest: 0.0 });
        screens.iter().flat_map(|screen| screen.split('\n').map(str::to_owned)).collect()
    };
    assert_eq!(lines(60.0).join(" "), text);
    let narrow = lines(12.0);
    assert!(narrow.len() > 2 && narrow.iter().all(|line| super::width(line) <= 14.0), "{narrow:?}");
    assert!(narrow.iter().all(|line| !line.ends_with(['เ', 'แ', 'โ', 'ใ', 'ไ'])), "{narrow:?}");
}

#[test]
fn a_very_long_text_in_a_short_time_is_done_at_once() {
    let text = "word, ".repeat(200_000);
    let lines = shown(&[cue(1.0, 1.3, &text)]);
    assert_eq!(lines.len(), 1);
    let many: Vec<_> =
        (0..50_000).map(|n| cue(1.0 + f64::from(n) * 1e-4, 9.0, &n.to_string())).collect();
    assert!(!shown(&many).is_empty());
}

#[test]
fn a_teaser_shows_its_captions_twice_and_two_tracks_say_a_thing_once() {
    let cues = [cue(7.0, 8.0, "hello there"), cue(7.1, 8.0, "hello there")];
    let segments = vec![
        Segment { start: 7.0, end: 9.0, speed: 1.0 },
        Segment { start: 3.0, end: 13.0, speed: 2.0 },
    ];
    let lines = caption_lines(&edit(segments), &cues);
    assert_eq!(lines.iter().map(|l| l.start).collect::<Vec<_>>(), [0.0, 4.0]);
    // Half a second is too short to read it.
    assert!(lines[1].end > 4.6, "{lines:?}");
}

/// The cue with the times at which its words are said, one for each.
pub(in super::super) fn timed(cue: Cue, starts: &[f64]) -> Cue {
    let word = |(text, start): (&str, &f64)| CueWord { start: *start, text: text.into() };
    let words = cue.text.split_whitespace().zip(starts).map(word).collect();
    Cue { words: Some(words), ..cue }
}

#[test]
fn pieces_of_a_text_appear_when_they_are_said() {
    let text = "First these words are said and then, after a long silence, all the others";
    let starts: Vec<f64> =
        (0..14).map(|n| if n < 7 { 1.0 + 0.2 * f64::from(n) } else { 7.0 }).collect();
    let cue = timed(cue(1.0, 9.0, text), &starts);
    let edit = edit(vec![Segment { start: 0.0, end: 10.0, speed: 1.0 }]);
    let room = CaptionRoom { width: 11.0, lines: 1, smallest: 0.0 };
    let lines = lines_in(&edit, &[cue], room);
    let early = lines.iter().filter(|line| line.start < 2.4).count();
    let spoken: usize = lines.iter().take(early).map(|line| line.text.split(' ').count()).sum();
    assert!((6..=9).contains(&spoken), "{lines:?}");
    assert!(lines[early].start > 6.0 || lines[early - 1].end > 6.9, "{lines:?}");
}

#[test]
fn words_follow_speed_and_what_is_left_out() {
    let cue = timed(cue(2.0, 8.0, "one two three four"), &[2.0, 3.0, 5.5, 7.0]);
    // From 4 to 6 nothing is shown, and the rest at twice the speed.
    let segment = |start, end, speed| Segment { start, end, speed };
    let map = TimeMap::of(&[segment(2.5, 4.0, 1.0), segment(6.0, 9.0, 2.0)], Join::Cut);
    let spans = map.spans(2.0, 8.0);
    assert_eq!(spans, [(0.0, 2.5)]);
    let spoken = Spoken::new(&map, &cue, spans[0]);
    // "one" had been said, "three" is skipped, "four" comes half a second of the variant after 6 s.
    let places = [0, 3, 6, 11].map(|place| spoken.moment(place, 15, 2.5));
    assert_eq!(places, [0.0, 0.5, 0.5, 2.0]);
    assert_eq!(spoken.moment(15, 15, 2.5), 2.5);
}

#[test]
fn a_word_that_is_cut_out_is_not_in_the_captions() {
    let text = "Um, we went, uh, home. It was late";
    let cue = timed(cue(1.0, 9.0, text), &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let segment = |start, end| Segment { start, end, speed: 1.0 };
    let shown = |segments| {
        let lines = caption_lines(&edit(segments), std::slice::from_ref(&cue));
        lines.into_iter().map(|line| line.text.replace('\n', " ")).collect::<Vec<_>>().join(" ")
    };
    let cut = vec![segment(0.0, 1.02), segment(1.96, 4.02), segment(4.96, 10.0)];
    assert_eq!(shown(cut), "We went, home. It was late");
    // Half of it is heard, and where the variant ends nothing is cut from a line.
    assert_eq!(shown(vec![segment(0.0, 4.6), segment(4.96, 7.5)]), text);
    let all = vec![segment(0.0, 0.9), segment(9.1, 10.0)];
    assert_eq!(shown(all), "");
}

/// Start, end and text of the lines of `cues` in a variant that is the source from 0 to 10 s.
fn shown(cues: &[Cue]) -> Vec<(f64, f64, String)> {
    let lines = caption_lines(&edit(vec![Segment { start: 0.0, end: 10.0, speed: 1.0 }]), cues);
    lines.into_iter().map(|line| (line.start, line.end, line.text)).collect()
}

#[test]
fn two_who_speak_at_once_stand_together() {
    let both = shown(&[cue(1.0, 4.0, "Who is there?"), cue(1.05, 3.0, "It is me.")]);
    assert_eq!(both, [(1.0, 4.0, "Who is there?\nIt is me.".to_owned())]);
}

#[test]
fn what_was_interrupted_comes_back() {
    let lines = shown(&[cue(3.0, 9.0, "A long story"), cue(5.2, 6.0, "Yes.")]);
    let texts: Vec<&str> = lines.iter().map(|line| line.2.as_str()).collect();
    assert_eq!(texts, ["A long story", "Yes.", "A long story"]);
    assert_eq!((lines[0].1, lines[2].0, lines[2].1), (5.2, 6.0, 9.0));
    // Not for a glimpse before, nor after.
    let lines = shown(&[cue(5.0, 9.0, "A long story"), cue(5.2, 6.0, "Yes.")]);
    assert_eq!(lines.iter().map(|line| line.0).collect::<Vec<_>>(), [5.2, 6.0]);
    let rolling = shown(&[cue(1.0, 4.0, "one"), cue(2.0, 5.0, "two"), cue(3.0, 6.0, "three")]);
    let texts: Vec<&str> = rolling.iter().map(|line| line.2.as_str()).collect();
    assert_eq!(texts, ["one", "two", "three"]);
}

proptest! {
    #[test]
    fn each_text_is_seen_and_nothing_stands_where_nobody_spoke(
        spans in prop::collection::vec((0.0..9.0f64, 0.8..5.0f64), 1..6),
    ) {
        let cues: Vec<_> = spans
            .iter()
            .enumerate()
            .map(|(n, (at, long))| cue(*at, at + long, &format!("text{n}.")))
            .collect();
        let mut lines: Vec<CaptionLine> = cues
            .iter()
            .map(|c| CaptionLine { start: c.start, end: c.end, said_until: c.end, text: c.text.clone(), spoken: Spoken::default(), direction: Direction::default(), cues: vec![] })
            .collect();
        lines.sort_by(|a, b| a.start.total_cmp(&b.start));
        one_at_a_time(&mut lines);
        for line in &lines {
            let said = cues.iter().filter(|c| line.text.contains(&c.text));
            let (start, end) = said.fold((f64::INFINITY, 0.0_f64), |(start, end), c| {
                (start.min(c.start), end.max(c.end))
            });
            prop_assert!(line.start >= start && line.end <= end, "{line:?}");
        }
        for pair in lines.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start + 1e-9 && pair[0].start < pair[1].start);
        }
        // The text that began last at any time is the one that stands then.
        for cue in &cues {
            let newer = |c: &&Cue| c.start >= cue.start && c.start < cue.end && c.text != cue.text;
            if !cues.iter().any(|c| newer(&c)) {
                prop_assert!(lines.iter().any(|line| line.text.contains(&cue.text)), "{lines:?}");
            }
        }
    }

    #[test]
    fn every_cue_is_shown_or_counted_as_left_out(
        cues in prop::collection::vec(
            (prop_oneof![
                "[a-z]{1,90}", "[a-zA-Z ,.]{1,140}", "[\\u{0627}-\\u{064A} ]{1,60}!", "[漢字かな]{1,60}", " ?", "[\u{1}-\u{8}]{1,4}",
                Just("hello there".to_owned()),
            ], -1.0..22.0f64, -0.5..4.0f64),
            0..14,
        ),
        from in 0.0..8.0f64,
        long in 0.3..14.0f64,
        speed in prop_oneof![Just(1.0), Just(1.25)],
        burned in any::<bool>(),
    ) {
        // A mark that no other cue has, so that each can be told.
        let cues: Vec<_> = cues.iter().enumerate().map(|(n, (text, at, long))| {
            let mark = char::from_u32(0x10300 + n as u32).unwrap();
            cue(*at, at + long, &if text.trim().is_empty() { text.clone() } else { format!("{text}{mark}") })
        }).collect();
        let segment = Segment { start: from, end: from + long, speed };
        let room = if burned { CaptionRoom { width: 8.0, lines: 1, smallest: 0.6 } } else { TELEVISION };
        let (lines, left_out) = shown_in(&edit(vec![segment]), &cues, room);
        let mut missing = 0;
        for (n, cue) in cues.iter().enumerate() {
            let in_span = cue.end.min(from + long) - cue.start.max(from);
            let whole = cue.start >= from && cue.end < from + long;
            if cue.text.trim().is_empty() || cue.end <= cue.start || in_span / speed < 0.0401 && !whole {
                continue;
            }
            let mark = char::from_u32(0x10300 + n as u32).unwrap();
            // Of those that are spoken together, one after the other is shown.
            let seen = lines.iter().any(|line| line.text.contains(mark));
            missing += usize::from(!seen);
        }
        prop_assert!(missing <= left_out, "{missing} are missing, {left_out} are named: {lines:?}");
    }

    #[test]
    fn no_word_is_lost_and_nothing_overlaps(
        texts in prop::collection::vec(("[a-zA-Z漢字かな,。 \n]{1,120}", 0.0..20.0f64, 0.1..6.0f64), 0..6),
        said in prop::option::of(0.0..1.0f64),
        width in 6.0..30.0f64,
        lines in 1..=2usize,
        speed in 0.5..2.0f64,
    ) {
        // Words that come faster and faster, or slower and slower.
        let bent = |at: f64, long: f64, count: usize| -> Vec<f64> {
            let share = |n: usize| (n as f64 / count as f64).powf(0.2 + 4.0 * said.unwrap_or(0.5));
            (0..count).map(|n| at + long * share(n)).collect()
        };
        let read = |(text, at, long): &(String, f64, f64)| {
            let cue = cue(*at, at + long, text);
            let count = text.split_whitespace().count();
            if said.is_some() { timed(cue, &bent(*at, *long, count)) } else { cue }
        };
        let cues: Vec<_> = texts.iter().map(read).collect();
        for (text, ..) in &texts {
            let squeezed = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let wrapped = wrap(text, CaptionRoom { width, lines, smallest: 0.0 });
            prop_assert_eq!(squeezed(&wrapped.concat()), squeezed(text));
            prop_assert!(wrapped.iter().all(|screen| screen.split('\n').count() <= lines));
        }
        let edit = edit(vec![Segment { start: 1.0, end: 18.0, speed }]);
        let found = lines_in(&edit, &cues, CaptionRoom { width, lines, smallest: 0.0 });
        for line in &found {
            prop_assert!(line.start >= 0.0 && line.end > line.start && line.end <= edit.duration() + 1e-9);
        }
        for pair in found.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start + 1e-9);
        }
    }
}

#[test]
fn words_wider_than_a_line_are_broken_where_they_may_be_and_evenly() {
    let room = CaptionRoom { width: 10.0, lines: 2, smallest: 0.6 };
    let url =
        "see https://www.example.com/a/very/long/path/that/never/ends?with=query&and=more#x now";
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
    for text in [url, long, &"W".repeat(40), &"i".repeat(90), "a\u{301}".repeat(60).as_str()] {
        let screens = wrap(text, room);
        let lines: Vec<&str> = screens.iter().flat_map(|screen| screen.split('\n')).collect();
        assert!(lines.iter().all(|line| width(line) <= room.widest() + 1e-9), "{lines:?}");
        assert!(lines.iter().all(|line| !line.starts_with('\u{301}')), "{lines:?}");
        let squeezed = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(squeezed(&lines.concat()), squeezed(text));
    }
    let parts = wrap(url, room).join("\n");
    assert!(parts.contains("/\n") && !parts.contains("ver\ny"), "{parts}");
    // One that fits if it is drawn a little smaller stays whole.
    assert_eq!(wrap("internationalization", room), ["internationalization"]);
    // Too fast to be read in any size: the size stays.
    let fast = lines_in(
        &edit(vec![Segment { start: 0.0, end: 10.0, speed: 1.0 }]),
        &[cue(1.0, 2.0, &"word ".repeat(200))],
        room,
    );
    assert!(fast.iter().flat_map(|l| l.text.split('\n')).all(|l| width(l) <= room.widest() + 1e-9));
}

#[test]
fn the_direction_is_that_of_the_cue_in_each_of_its_lines() {
    let text = "ABC مرحبا بالعالم من كل مكان نهاية! ABC نهاية!";
    let whole = edit(vec![Segment { start: 0.0, end: 10.0, speed: 1.0 }]);
    let shown = caption_lines(&whole, &[cue(1.0, 5.0, text)]);
    assert!(shown.iter().all(|line| line.direction == Direction::RightToLeft));
    assert_eq!(marked("ABC نهاية!", Direction::RightToLeft), "\u{200F}ABC نهاية!");
    assert_eq!(marked("نهاية\n123!", Direction::RightToLeft), "نهاية\n\u{200F}123!");
    assert_eq!(marked("שלום means hello", Direction::LeftToRight), "\u{200E}שלום means hello");
    assert_eq!(marked("hello\n123!", Direction::LeftToRight), "hello\n123!");
    let of = |text: &str, language: Option<&str>| Direction::of(text, language);
    assert_eq!(
        of("شاهد https://www.example.com/a/long/path?with=query", Some("ara")),
        Direction::RightToLeft
    );
    assert_eq!(of("The word שלום means hello", Some("eng")), Direction::LeftToRight);
    assert_eq!(of("The word שלום means hello", None), Direction::LeftToRight);
    assert_eq!(of("OK, Google", Some("heb")), Direction::LeftToRight);
}
