#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use proptest::prelude::*;

fn cue(start: f64, end: f64, text: &str) -> RawCue {
    RawCue { start, end, text: text.to_owned(), words: None }
}

#[test]
fn srt_as_it_is_written() {
    let srt = "\u{FEFF}1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i>, <font color=\"#fff\">you</font>\r\n- Yes?\r\n\r\n\
               2\r\n01:00:00,250 --> 01:00:01,000 X1:10 X2:20\r\n{\\an8}Top\r\n";
    assert_eq!(
        parse_subtitles(srt),
        [cue(1.0, 2.5, "Hello, you\n- Yes?"), cue(3600.25, 3601.0, "Top")]
    );
}

#[test]
fn srt_with_what_goes_wrong() {
    let srt = "00:00:01,000 --> 00:00:02,000\nno counter\n2\n00:00:03.5 --> 00:00:04\nno blank line before, a point\n\n\
               3\n00:00:09,000 --> 00:00:08,000\nends before it starts\n\n4\n00:00:10,000 --> 00:00:11,000\n\n\
               5\n00:00:12,000 -> 00:00:13,000\nbad arrow\n\n6\n00:00:06,000 --> 00:00:07,000\nout of order\n42\n";
    let want = [
        cue(1.0, 2.0, "no counter"),
        cue(3.5, 4.0, "no blank line before, a point"),
        cue(6.0, 7.0, "out of order\n42"),
    ];
    assert_eq!(parse_subtitles(srt), want);
}

#[test]
fn vtt_with_header_blocks_settings_and_tags() {
    let vtt = "WEBVTT - title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:fred\n\n\
               NOTE this one is out\n00:01.000 --> 00:02.000\nnot shown\n\nintro\n00:01.500 --> 00:03.000 align:start line:0\n\
               <v Fred>Hi, <c.loud>I&#39;m</c> <00:00:02.000><b>Fred</b> &amp; &lt;you&gt;&nbsp;&#x41;\n\n\
               00:00:04.000 --> 00:00:05.000\nplain\n";
    let cues = parse_subtitles(vtt);
    let seen: Vec<_> = cues.iter().map(|c| (c.start, c.end, c.text.as_str())).collect();
    assert_eq!(seen, [(1.5, 3.0, "Hi, I'm Fred & <you> A"), (4.0, 5.0, "plain")]);
}

/// Start and text of the words of a cue.
fn said(cue: &RawCue) -> Vec<(f64, &str)> {
    cue.words.iter().flatten().map(|word| (word.start, word.text.as_str())).collect()
}

#[test]
fn time_stamps_in_a_cue_are_when_its_words_are_said() {
    let vtt = "WEBVTT\n\n00:01.000 --> 00:04.000\n<v Ann>One <00:00:02.000><c>two,</c>\n\
               <00:02.400>three &amp;<00:02.900> <00:03.000>f\u{0}our</v>\n\n\
               00:05.000 --> 00:06.000\n<00:05.500>late\n\n\
               00:07.000 --> 00:08.000\nback <00:07.600>and <00:07.300>forth <00:09.000>out\n";
    let cues = parse_subtitles(vtt);
    assert_eq!(cues[0].text, "One two,\nthree & four");
    let words = [(1.0, "One"), (2.0, "two,"), (2.4, "three &"), (3.0, "four")];
    assert_eq!(said(&cues[0]), words);
    assert_eq!(said(&cues[1]), [(5.5, "late")]);
    // What cannot be is not believed.
    assert_eq!(said(&cues[2]), [(7.0, "back"), (7.6, "and forth out")]);
    assert_eq!(parse_subtitles("00:01.000 --> 00:02.000\nplain\n")[0].words, None);
}

/// Automatic captions: two lines, of which the upper one repeats the last one.
const ROLLING: &str = "WEBVTT\n\n00:00:00.160 --> 00:00:02.000 align:start position:0%\n \n\
    hello<00:00:00.500><c> there</c><00:00:01.000><c> everybody</c>\n\n\
    00:00:02.000 --> 00:00:02.010 align:start position:0%\nhello there everybody\n \n\n\
    00:00:02.010 --> 00:00:04.000 align:start position:0%\nhello there everybody\n\
    this<00:00:02.500><c> is</c><00:00:03.000><c> new</c>\n\n\
    00:00:04.000 --> 00:00:04.010 align:start position:0%\nthis is new\n \n\n\
    00:00:04.010 --> 00:00:06.000 align:start position:0%\nthis is new\nand the end\n";

#[test]
fn lines_that_roll_up_are_said_once() {
    let cues = parse_subtitles(ROLLING);
    let seen: Vec<_> = cues.iter().map(|c| (c.start, c.end, c.text.as_str())).collect();
    let want = [
        (0.16, 2.01, "hello there everybody"),
        (2.01, 4.01, "this is new"),
        (4.01, 6.0, "and the end"),
    ];
    assert_eq!(seen, want);
    assert_eq!(said(&cues[0]), [(0.16, "hello"), (0.5, "there"), (1.0, "everybody")]);
    assert_eq!(said(&cues[1]), [(2.01, "this"), (2.5, "is"), (3.0, "new")]);
}

#[test]
fn what_is_said_twice_on_purpose_stays() {
    let song = "00:01.000 --> 00:02.000\nLa la\n\n00:02.000 --> 00:03.000\nLa la\n\n\
                00:03.000 --> 00:04.000\nLa la\n\n00:04.000 --> 00:05.000\nEnd\n";
    assert_eq!(parse_subtitles(song).len(), 4);
    // One pair that looks like it among many that do not.
    let talk = "00:01.000 --> 00:02.000\nYes\n\n00:02.000 --> 00:03.000\nYes\nand no\n\n\
                00:03.000 --> 00:04.000\nGood\n\n00:04.000 --> 00:05.000\nBye\n";
    assert_eq!(parse_subtitles(talk)[1].text, "Yes\nand no");
}

#[test]
fn characters_that_look_like_markup_stay() {
    for (body, want) in [
        ("I <3 you", "I <3 you"),
        ("a < b and c > d", "a < b and c > d"),
        ("R&D; AT&T", "R&D; AT&T"),
        ("{braces}", "{braces}"),
        ("<b", "<b"),
        ("one\\Ntwo\\hthree", "one\ntwo three"),
        ("{y:i}slanted", "slanted"),
        ("<>x</>", "x"),
        ("a\u{0}b\tc", "ab c"),
    ] {
        assert_eq!(clean(body).text, want, "{body}");
    }
}

#[test]
fn times() {
    for (text, want) in [
        ("00:01", Some(1.0)),
        ("1:02:03,5", Some(3723.5)),
        ("100:00:00.000", Some(360_000.0)),
        ("75:00.000", Some(4500.0)),
        ("00:00:01,123456", Some(1.123456)),
        ("01", None),
        ("1:2:3:4", None),
        ("00:00:-1,000", None),
        ("999999999:00:00", None),
        ("00:00:01,", None),
        ("", None),
    ] {
        assert_eq!(parse_time(text), want, "{text}");
    }
}

/// Text made of the pieces that the reader looks for, so that the odd paths are met.
fn subtitle_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("00:00:01,000 --> 00:00:02,000".to_owned()),
        Just("00:05.000 --> 00:02.000".to_owned()),
        Just("-->".to_owned()),
        Just("7\n".to_owned()),
        Just("NOTE".to_owned()),
        Just("WEBVTT\n".to_owned()),
        Just("<v ".to_owned()),
        Just("<00:00:01.500>".to_owned()),
        Just("<00:01.700>".to_owned()),
        Just(">".to_owned()),
        Just("{\\".to_owned()),
        Just("}".to_owned()),
        Just("&#x".to_owned()),
        Just("&amp;".to_owned()),
        Just(";".to_owned()),
        "\\PC{0,6}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_gives_ordered_whole_cues(text in subtitle_like()) {
        let cues = parse_subtitles(&text);
        for cue in &cues {
            prop_assert!(cue.start.is_finite() && cue.start >= 0.0 && cue.start < cue.end && cue.end <= MAX_SECONDS);
            prop_assert!(!cue.text.trim().is_empty());
            prop_assert!(cue.text.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(cue.text.split('\n').all(|line| !line.is_empty() && line.trim() == line));
            let Some(words) = &cue.words else { continue };
            let squeezed = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let joined: String = words.iter().map(|word| squeezed(&word.text)).collect();
            prop_assert_eq!(joined, squeezed(&cue.text));
            prop_assert!(words.iter().all(|w| !w.text.is_empty() && w.start >= cue.start && w.start < cue.end));
            prop_assert!(words.windows(2).all(|pair| pair[0].start <= pair[1].start));
        }
        prop_assert!(cues.windows(2).all(|pair| pair[0].start <= pair[1].start));
    }

    #[test]
    fn what_is_written_is_read_back(
        cues in prop::collection::vec((0u32..5_000_000, 1u32..10_000, "[a-zA-Z][a-zA-Z ,.]{0,20}[a-z]"), 0..20),
        vtt in any::<bool>(),
        counters in any::<bool>(),
    ) {
        let stamp = |ms: u32| {
            let (h, m, s, f) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
            if vtt { format!("{h:02}:{m:02}:{s:02}.{f:03}") } else { format!("{h:02}:{m:02}:{s:02},{f:03}") }
        };
        let mut text = if vtt { "WEBVTT\n\n".to_owned() } else { String::new() };
        for (i, (start, length, words)) in cues.iter().enumerate() {
            if counters {
                text += &format!("{}\n", i + 1);
            }
            text += &format!("{} --> {}\n{words}\n\n", stamp(*start), stamp(start + length));
        }
        let mut want: Vec<_> = cues.iter().map(|(s, l, w)| (*s, s + l, w.clone())).collect();
        want.sort_by_key(|(start, end, _)| (*start, *end));
        let read: Vec<_> = parse_subtitles(&text)
            .into_iter()
            .map(|c| ((c.start * 1000.0).round() as u32, (c.end * 1000.0).round() as u32, c.text))
            .collect();
        prop_assert_eq!(read, want);
    }
}

#[test]
fn substation_lines_are_text_with_the_times_of_their_words() {
    let text = "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n\
        Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
        Comment: 0,0:00:00.00,0:00:05.00,Default,,0,0,0,template,never shown\n\
        Dialogue: 0,0:00:01.00,0:00:04.00,Default,,0,0,0,,{\\k40}ka{\\kf30}ra{\\ko30}o{\\k50}ke, now\\Nline {\\i1}two{\\i0}\n\
        Dialogue: 1,0:00:01.00,0:00:04.00,Default,,0,0,0,,{\\k40}ka{\\kf30}ra{\\ko30}o{\\k50}ke, now\\Nline {\\i1}two{\\i0}\n\
        Dialogue: 0,0:00:01.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}\n\
        Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\\an8}{\\k20}two {\\k30}words {a note}here\n";
    let cues = parse_subtitles(text);
    let seen: Vec<(f64, f64, &str)> =
        cues.iter().map(|cue| (cue.start, cue.end, cue.text.as_str())).collect();
    assert_eq!(seen, [(1.0, 4.0, "karaoke, now\nline two"), (5.0, 6.0, "two words here")]);
    // Syllables of one word are one; those of several are shared by their characters.
    let words: Vec<(f64, &str)> =
        cues[0].words.iter().flatten().map(|word| (word.start, word.text.as_str())).collect();
    let texts: Vec<&str> = words.iter().map(|(_, text)| *text).collect();
    assert_eq!(texts, ["karaoke,", "now", "line", "two"]);
    assert!(words[0].0 == 1.0 && words[1].0 > 2.0 && words[3].0 < 2.5, "{words:?}");
    let words: Vec<(f64, &str)> =
        cues[1].words.iter().flatten().map(|word| (word.start, word.text.as_str())).collect();
    let texts: Vec<&str> = words.iter().map(|(_, text)| *text).collect();
    assert_eq!(texts, ["two", "words", "here"]);
    assert!(words[0].0 == 5.0 && (words[1].0 - 5.2).abs() < 1e-9 && words[2].0 > 5.2, "{words:?}");
    // Of the first version, without a section for styles and with fields in another order.
    let old = "[Script Info]\n[Events]\nFormat: Marked, Start, End, Text\nDialogue: Marked=0,0:00:01.00,0:00:02.00,Hi, you\n";
    assert_eq!(parse_subtitles(old)[0].text, "Hi, you");
}

#[test]
fn ttml_of_several_writers_is_read() {
    let netflix = r#"<?xml version="1.0" encoding="UTF-8"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
        ttp:tickRate="10000000"><body><div><p begin="10000000t" end="30000000t"><span>Solar &amp; wind</span><br/>pay off.</p>
        </div></body></tt>"#;
    let clock = r#"<tt:tt xmlns:tt="http://www.w3.org/ns/ttml" ttp:frameRate="25" xmlns:ttp="x"><tt:body><tt:div begin="1s">
        <tt:p begin="00:00:00.000" end="00:00:02.000">Solar &amp; wind<tt:br/>
        pay off.</tt:p></tt:div></tt:body></tt:tt>"#;
    let spans = r#"<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p><span begin="1000ms" dur="2s">Solar &amp; wind<br/>pay off.</span></p></div></body></tt>"#;
    let frames = r#"<tt xmlns="http://www.w3.org/ns/ttml" ttp:frameRate="25" xmlns:ttp="x"><body><p begin="00:00:01:00" end="00:00:02:25">Solar &amp; wind<br/>pay off.</p></body></tt>"#;
    for (name, text) in [("ticks", netflix), ("clock", clock), ("spans", spans), ("frames", frames)]
    {
        let cues = parse_subtitles(text);
        assert_eq!(cues.len(), 1, "{name}: {cues:?}");
        assert_eq!((cues[0].start, cues[0].end), (1.0, 3.0), "{name}");
        assert_eq!(cues[0].text, "Solar & wind\npay off.", "{name}");
    }
    assert_eq!(parse_subtitles("<tt xmlns=\"x\"><body><p begin=\"1s\" end=\"2s\">cut off"), []);
}

#[test]
fn youtubes_subviewer_is_read() {
    let text =
        "0:00:01.000,0:00:03.500\nSolar panels\npay off.\n\n0:00:04.000,0:00:05.000\nAlways.\n";
    let cues = parse_subtitles(text);
    let found: Vec<_> = cues.iter().map(|cue| (cue.start, cue.end, cue.text.as_str())).collect();
    assert_eq!(found, [(1.0, 3.5, "Solar panels\npay off."), (4.0, 5.0, "Always.")]);
}

#[test]
fn lyrics_last_until_the_next_line() {
    let text = "[ar:Somebody]\n[offset:500]\n[00:10.50][00:30.50]Over the hill\n[00:12.50]<00:12.50>and <00:13.00>far\n[00:14.50]\n";
    let cues = parse_subtitles(text);
    let found: Vec<_> = cues.iter().map(|cue| (cue.start, cue.end, cue.text.as_str())).collect();
    assert_eq!(
        found,
        [(10.0, 12.0, "Over the hill"), (12.0, 14.0, "and far"), (30.0, 38.0, "Over the hill")]
    );
    let words: Vec<f64> = cues[1].words.iter().flatten().map(|word| word.start).collect();
    assert_eq!(words, [12.0, 12.5]);
}
