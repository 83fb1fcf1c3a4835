//! Reads lyrics (`.lrc`): `[01:02.50]a line`, with times of words (`<01:02.80>`) in the enhanced form.
//!
//! A line lasts until the next one; the last, and one before a long pause, as long as it takes to read.

use super::{MarkedText, ParsedCue, clean, parse_time, seen};

/// Longest time of a line in seconds.
const MOST: f64 = 8.0;

/// Whether a text is lyrics: most of its lines begin with a tag in brackets, and some with a time.
pub(super) fn is_lrc(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().is_some_and(|line| line.starts_with('[') && line.contains(']'));
    first && text.lines().any(|line| !times(line.trim()).0.is_empty())
}

/// The cues of a text, in order of time.
pub(super) fn parse(text: &str) -> Vec<ParsedCue> {
    // `[offset:+500]`: milliseconds that the lyrics come earlier.
    let offset = |line: &str| -> Option<f64> {
        let value = line.trim().strip_prefix("[offset:")?.strip_suffix(']')?;
        value.trim().parse::<f64>().ok()
    };
    let earlier = text.lines().find_map(offset).filter(|ms| ms.is_finite()).unwrap_or(0.0) / 1000.0;
    let mut lines: Vec<(f64, MarkedText)> = vec![];
    for line in text.lines() {
        let (starts, body) = times(line.trim());
        let text = marked(body, earlier);
        lines.extend(starts.into_iter().map(|start| ((start - earlier).max(0.0), text.clone())));
    }
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Lines of the same time stand together.
    let mut ends = vec![f64::INFINITY; lines.len()];
    for i in (0..lines.len().saturating_sub(1)).rev() {
        ends[i] = if lines[i + 1].0 > lines[i].0 { lines[i + 1].0 } else { ends[i + 1] };
    }
    let cue = |((start, text), end): ((f64, MarkedText), f64)| {
        let end = end.min(start + MOST);
        // A time without a line ends the one before.
        (end > start && !text.text.is_empty()).then_some(ParsedCue { start, end, text })
    };
    lines.into_iter().zip(ends).filter_map(cue).collect()
}

/// The times at the beginning of a line, and the rest.
fn times(line: &str) -> (Vec<f64>, &str) {
    let (mut times, mut rest) = (vec![], line);
    while let Some((tag, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let Some(time) = parse_time(tag.trim()) else { break };
        times.push(time);
        rest = after;
    }
    (times, rest)
}

/// A line with the times of its words.
fn marked(body: &str, earlier: f64) -> MarkedText {
    let mut text = clean(body);
    for (_, time) in &mut text.marks {
        *time = (*time - earlier).max(0.0);
    }
    // A time after the last word is its end.
    let all = seen(&text.text);
    text.marks.retain(|(place, _)| *place < all);
    text
}
