//! Writes caption lines as SubRip and WebVTT files.

use std::fmt::Write;

use super::super::captions::{CaptionLine, Direction, marked};

/// `lines` as a SubRip file.
pub fn to_srt(lines: &[CaptionLine]) -> String {
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let (start, end) = (clock(line.start, ','), clock(line.end, ','));
        let text = body(&line.text, line.direction);
        let _ = write!(out, "{}\n{start} --> {end}\n{text}\n\n", number + 1);
    }
    out
}

/// `lines` as a WebVTT file.
pub fn to_vtt(lines: &[CaptionLine]) -> String {
    let mut out = String::from("WEBVTT\n\n");
    for line in lines {
        let (start, end) = (clock(line.start, '.'), clock(line.end, '.'));
        let text = body(&line.text, line.direction)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let _ = write!(out, "{start} --> {end}\n{text}\n\n");
    }
    out
}

/// The text without blank lines, which end a cue, and without arrows, which start one.
fn body(text: &str, direction: Direction) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    marked(&lines.join("\n"), direction).replace("-->", "→")
}

fn clock(seconds: f64, point: char) -> String {
    // Rounded down: no cue may end after the video.
    let millis = (seconds.max(0.0) * 1000.0 + 1e-6).floor() as u64;
    let (whole, part) = (millis / 1000, millis % 1000);
    format!("{:02}:{:02}:{:02}{point}{part:03}", whole / 3600, whole / 60 % 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::super::super::captions::Spoken;
    use super::super::parse_subtitles;
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let line = |start, end, text: &str| CaptionLine {
            cues: vec![],
            start,
            end,
            said_until: end,
            text: text.into(),
            spoken: Spoken::default(),
            direction: Direction::of(text, None),
        };
        let lines = [
            line(0.0, 1.25, "one & two"),
            line(1.25, 3661.5, "מה\n漢字 --> x"),
            line(3662.0, 3663.0, "a\n\n7\n00:00:01,000 --> 00:00:02,000"),
        ];
        for text in [to_srt(&lines), to_vtt(&lines)] {
            let back = parse_subtitles(&text);
            assert_eq!(back.len(), 3, "{text}");
            assert_eq!((back[1].start, back[1].end), (1.25, 3661.5));
            assert_eq!(back[0].text, "one & two");
            // The mark gives the line the direction of its cue.
            assert_eq!(back[1].text.trim_start_matches('\u{200e}'), "מה\n漢字 → x");
        }
    }
}
