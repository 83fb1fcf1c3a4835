//! Rolling captions: each cue repeats the last line of the previous one above its own.
//!
//! Live captions (CEA-608 roll-up) and automatic ones are written this way, the latter with a cue of some
//! hundredths of a second in between, in which the line has moved up and the next has not appeared.

use super::{MarkedText, ParsedCue, seen};

/// Largest gap in seconds between two cues that follow each other without a pause.
const TOUCHING: f64 = 0.1;
/// Longest cue in seconds that only shows a line moving up.
const MOVING: f64 = 0.1;
/// Smallest number of repeating cues; also at least half of the touching ones must repeat.
const LEAST: usize = 2;

/// Removes lines that repeat the previous cue, if the captions are rolling.
pub(super) fn unroll(cues: &mut Vec<ParsedCue>) {
    let repeated: Vec<usize> = std::iter::once(0)
        .chain(cues.windows(2).map(|pair| repeated(&pair[0], &pair[1])))
        .collect();
    let touching = cues.windows(2).filter(|pair| touch(&pair[0], &pair[1])).count();
    let rolling = repeated.iter().filter(|lines| **lines > 0).count();
    if rolling < LEAST || 2 * rolling < touching {
        return;
    }
    let mut kept: Vec<ParsedCue> = Vec::with_capacity(cues.len());
    for (mut cue, lines) in cues.drain(..).zip(repeated) {
        cue.text = cue.text.without(lines);
        match kept.last_mut() {
            Some(last) if cue.text.text.is_empty() => last.end = last.end.max(cue.end),
            _ => kept.push(cue),
        }
    }
    *cues = kept;
}

fn touch(before: &ParsedCue, cue: &ParsedCue) -> bool {
    (cue.start - before.end).abs() <= TOUCHING
}

/// Number of leading lines of `cue` that end `before`; 0 if the text is spoken twice.
fn repeated(before: &ParsedCue, cue: &ParsedCue) -> usize {
    if !touch(before, cue) {
        return 0;
    }
    let old: Vec<&str> = before.text.text.split('\n').collect();
    let new: Vec<&str> = cue.text.text.split('\n').collect();
    let alike = |lines: &usize| old[old.len() - lines..] == new[..*lines];
    let lines = (1..=old.len().min(new.len())).rev().find(alike).unwrap_or(0);
    let again = lines == new.len() && cue.end - cue.start > MOVING;
    if again { 0 } else { lines }
}

impl MarkedText {
    /// The text without its first `lines`.
    fn without(self, lines: usize) -> Self {
        if lines == 0 {
            return self;
        }
        let mut rest = self.text.splitn(lines + 1, '\n').skip(lines);
        let text = rest.next().unwrap_or_default().to_owned();
        let gone = seen(&self.text) - seen(&text);
        let left = |(place, time): (usize, f64)| Some((place.checked_sub(gone)?, time));
        Self { text, marks: self.marks.into_iter().filter_map(left).collect() }
    }
}
