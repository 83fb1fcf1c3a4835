//! Parses SubRip (.srt), WebVTT (.vtt), SubStation Alpha (.ass, .ssa), TTML (.ttml, .dfxp), SubViewer (.sbv) and lyrics
//! (.lrc) into cues.
//!
//! One lenient reader for the first two: a cue is a timing line and the lines up to the next blank line,
//! counter with timing line, or timing line. Counters, identifiers, cue settings, headers and
//! `NOTE`/`STYLE`/`REGION` blocks are skipped; time stamps within a WebVTT cue are the times of its words.
//! See <https://www.w3.org/TR/webvtt1/>.

mod lrc;
mod rolling;
mod sbv;
mod substation;
mod ttml;
mod write;

pub use write::{to_srt, to_vtt};

use super::captions::seen;
use crate::model::CueWord;

/// One caption as it is in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct RawCue {
    /// When it appears, in seconds on the file's clock.
    pub start: f64,
    /// When it disappears, in seconds; always after `start`.
    pub end: f64,
    /// The words without markup, not blank; lines are separated by `\n`.
    pub text: String,
    /// When its words are spoken, in order, if the file states it.
    pub words: Option<Vec<CueWord>>,
}

/// A cue as it is parsed, with its time stamps.
#[derive(Debug, Clone, PartialEq)]
struct ParsedCue {
    start: f64,
    end: f64,
    text: MarkedText,
}

/// Text with time stamps in it.
#[derive(Debug, Clone, PartialEq, Default)]
struct MarkedText {
    text: String,
    /// Number of visible characters before each time stamp, and its time in seconds.
    marks: Vec<(usize, f64)>,
}

/// Latest time of a cue in seconds (100 days); larger numbers are damage.
const MAX_SECONDS: f64 = 8_640_000.0;

/// Longest entity in bytes, from `&` to `;`.
const MAX_ENTITY_BYTES: usize = 12;

/// Parses the cues of a text in one of these forms, ordered by start, then end, then position.
///
/// Never fails: lines outside of cues are skipped, and so are cues without words or that end before they
/// start. Accepts a byte order mark, any line ending, `hh:mm:ss,mmm` and `mm:ss.mmm`. Rolling captions, in
/// which each cue repeats the last line of the previous one as live and automatic captions do, are
/// reduced to one occurrence of each line.
pub fn parse_subtitles(text: &str) -> Vec<RawCue> {
    read_subtitles(text).0
}

/// [`parse_subtitles`], and the number of cues with words that are left out because they do not end after they start.
pub(super) fn read_subtitles(text: &str) -> (Vec<RawCue>, usize) {
    let text = text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n").replace('\r', "\n");
    let mut cues = match () {
        () if substation::is_substation(&text) => substation::parse(&text),
        () if ttml::is_ttml(&text) => ttml::parse(&text),
        () if sbv::is_sbv(&text) => sbv::parse(&text),
        () if lrc::is_lrc(&text) => lrc::parse(&text),
        () => parse_blocks(&text),
    };
    let all = cues.len();
    cues.retain(|cue| cue.end > cue.start);
    let left_out = all - cues.len();
    cues.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.end.total_cmp(&b.end)));
    rolling::unroll(&mut cues);
    (cues.into_iter().map(ParsedCue::cue).collect(), left_out)
}

/// The cues of SubRip or WebVTT, in the order of the file.
fn parse_blocks(text: &str) -> Vec<ParsedCue> {
    let lines: Vec<&str> = text.split('\n').collect();
    let vtt = text.starts_with("WEBVTT");
    let mut cues = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if let Some((start, end)) = parse_timing(lines[at]) {
            let first = at + 1;
            at = first + body_length(&lines[first..], vtt);
            let text = clean(&lines[first..at].join("\n"));
            if !text.text.is_empty() {
                cues.push(ParsedCue { start, end, text });
            }
        } else if is_block_start(lines[at]) && (at == 0 || lines[at - 1].trim().is_empty()) {
            while at < lines.len() && !lines[at].trim().is_empty() {
                at += 1;
            }
        } else {
            at += 1;
        }
    }
    cues
}

impl ParsedCue {
    fn cue(self) -> RawCue {
        let words = self.words();
        RawCue { start: self.start, end: self.end, text: self.text.text, words }
    }

    /// The words between the time stamps; unordered stamps and those outside the cue are ignored.
    fn words(&self) -> Option<Vec<CueWord>> {
        let mut parts: Vec<(usize, f64)> = vec![(0, self.start)];
        let all = seen(&self.text.text);
        for &(place, time) in &self.text.marks {
            let (last, before) = parts[parts.len() - 1];
            if place >= all || time < before || time >= self.end {
                continue;
            }
            // Of two stamps without a word between them the later one counts.
            if place == last {
                parts.pop();
            }
            parts.push((place, time));
        }
        if parts == [(0, self.start)] {
            return None;
        }
        let mut rest = self.text.text.as_str();
        let mut words = Vec::with_capacity(parts.len());
        for (n, &(place, start)) in parts.iter().enumerate() {
            let next = parts.get(n + 1).map_or(all, |next| next.0);
            let (word, after) = split_seen(rest, next - place);
            words.push(CueWord { start, text: word.trim().to_owned() });
            rest = after;
        }
        Some(words)
    }
}

/// Splits `text` after `count` visible characters.
fn split_seen(text: &str, count: usize) -> (&str, &str) {
    let shown = text.char_indices().filter(|(_, c)| !c.is_whitespace());
    let at = shown.map(|(at, _)| at).nth(count).unwrap_or(text.len());
    text.split_at(at)
}

/// Number of `lines` that belong to the cue whose timing line precedes them.
///
/// In WebVTT a line of spaces belongs to the cue: automatic captions have one where the next line appears.
fn body_length(lines: &[&str], vtt: bool) -> usize {
    let ends_before = |i: usize| {
        let line = lines[i].trim();
        let is_counter = || !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit());
        (if vtt { lines[i].is_empty() } else { line.is_empty() })
            || parse_timing(line).is_some()
            || (is_counter() && lines.get(i + 1).is_some_and(|next| parse_timing(next).is_some()))
    };
    (0..lines.len()).find(|i| ends_before(*i)).unwrap_or(lines.len())
}

fn is_block_start(line: &str) -> bool {
    let word = line.split([' ', '\t']).next().unwrap_or_default();
    matches!(word, "NOTE" | "STYLE" | "REGION")
}

/// Start and end in a timing line; cue settings after the end are ignored.
fn parse_timing(line: &str) -> Option<(f64, f64)> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Some((parse_time(start.trim())?, parse_time(end)?))
}

/// `[hours:]minutes:seconds[.,]fraction` in seconds.
fn parse_time(text: &str) -> Option<f64> {
    let (clock, fraction) = match text.split_once(['.', ',']) {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let mut seconds = 0.0;
    let mut parts = 0;
    for part in clock.split(':') {
        seconds = seconds * 60.0 + f64::from(parse_digits(part.trim())?);
        parts += 1;
    }
    if let Some(fraction) = fraction {
        let scale = 10f64.powi(i32::try_from(fraction.len()).ok()?);
        seconds += f64::from(parse_digits(fraction)?) / scale;
    }
    ((2..=3).contains(&parts) && seconds <= MAX_SECONDS).then_some(seconds)
}

fn parse_digits(text: &str) -> Option<u32> {
    let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// The text of a cue with its time stamps, without markup.
///
/// Tags, override blocks, control characters and blank lines are removed, entities decoded, lines trimmed.
fn clean(body: &str) -> MarkedText {
    let mut out = String::with_capacity(body.len());
    let (mut marks, mut counted, mut count) = (Vec::new(), 0, 0);
    let mut rest = body;
    while let Some(at) = rest.find(['<', '{', '&', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (text, length) = match rest.as_bytes()[0] {
            b'<' => {
                let length = tag_length(rest);
                if let Some(time) = rest.get(1..length.saturating_sub(1)).and_then(parse_time) {
                    count += out[counted..]
                        .chars()
                        .filter(|c| is_kept(*c) && !c.is_whitespace())
                        .count();
                    counted = out.len();
                    marks.push((count, time));
                }
                ("".into(), length)
            }
            b'{' => ("".into(), override_length(rest)),
            b'&' => decode_entity(rest),
            _ => match rest.as_bytes().get(1) {
                Some(b'N' | b'n') => ("\n".into(), 2),
                Some(b'h') => (" ".into(), 2),
                _ => (String::new(), 0),
            },
        };
        if length == 0 {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        } else {
            out.push_str(&text);
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    MarkedText { text: tidy(&out), marks }
}

fn is_kept(c: char) -> bool {
    !c.is_control() && c != '\u{FEFF}'
}

fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split('\n') {
        let line: String =
            line.chars().map(|c| if c == '\t' || c == '\u{A0}' { ' ' } else { c }).collect();
        let line: String = line.chars().filter(|c| is_kept(*c)).collect();
        let line = line.trim();
        if !line.is_empty() {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(line);
        }
    }
    out
}

/// Bytes of the tag at the start of `text`; 0 if the `<` is text (`I <3 you`, `a < b`).
fn tag_length(text: &str) -> usize {
    let Some(end) = text[1..].find(['<', '>']).map(|i| i + 1) else {
        return 0;
    };
    let inside = &text[1..end];
    let name = inside.strip_prefix('/').unwrap_or(inside);
    let is_tag = name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_alphabetic())
        || parse_time(name).is_some();
    if text.as_bytes()[end] == b'>' && is_tag { end + 1 } else { 0 }
}

/// Bytes of an override block at the start: `{\an8}` (SubStation), `{y:i}` (MicroDVD).
fn override_length(text: &str) -> usize {
    let inside = &text.as_bytes()[1..];
    let is_override = inside.first() == Some(&b'\\')
        || (inside.first().is_some_and(u8::is_ascii_alphabetic) && inside.get(1) == Some(&b':'));
    match text[1..].find(['{', '}']) {
        Some(i) if is_override && inside[i] == b'}' => i + 2,
        _ => 0,
    }
}

/// The character of the entity at the start of `text`, and its bytes; 0 if it is none.
fn decode_entity(text: &str) -> (String, usize) {
    let Some(end) = text.bytes().take(MAX_ENTITY_BYTES).position(|b| b == b';') else {
        return (String::new(), 0);
    };
    let name = &text[1..end];
    let decoded = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{A0}'),
        "lrm" => Some('\u{200E}'),
        "rlm" => Some('\u{200F}'),
        "hellip" => Some('…'),
        "ndash" => Some('–'),
        "mdash" => Some('—'),
        _ => name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok().and_then(char::from_u32),
            None => number.parse().ok().and_then(char::from_u32),
        }),
    };
    decoded.map_or((String::new(), 0), |c| (c.to_string(), end + 1))
}

#[cfg(test)]
mod tests;
