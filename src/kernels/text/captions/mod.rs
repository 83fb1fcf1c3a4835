//! Caption lines of a variant: cues on its clock, wrapped and timed for reading.

mod direction;
mod left_out;
mod spoken;
mod wrap;

pub(super) use direction::{Direction, marked};
pub(super) use spoken::{Spoken, seen};
pub(super) use wrap::{drawn_width, is_wide, width, wrap};

use std::collections::BTreeSet;

use crate::kernels::timemap::TimeMap;
use crate::model::Cue;
use crate::model::edit::Edit;

/// The text that is on the screen at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptionLine {
    /// When it appears, in seconds of the variant.
    pub start: f64,
    /// When it disappears, in seconds of the variant, before the next appears.
    pub end: f64,
    /// When its words have been spoken, in seconds of the variant; it may stay longer.
    pub said_until: f64,
    /// At most two lines, separated by `\n`.
    pub text: String,
    /// When its words are spoken, if its cue has word times.
    pub(super) spoken: Spoken,
    /// In which direction its cue is written.
    pub(super) direction: Direction,
    /// Which cues it shows, by their place in the list.
    pub(super) cues: Vec<usize>,
}

/// The room for text on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CaptionRoom {
    /// Width of a line, in em.
    pub(super) width: f64,
    /// Lines, 1 or 2.
    pub(super) lines: usize,
    /// Share of its size to which a text may be drawn smaller to fit; 0: it is not drawn here.
    pub(super) smallest: f64,
}

impl CaptionRoom {
    /// Width of the widest line that fits, drawn as small as may be.
    fn widest(self) -> f64 {
        if self.smallest > 0.0 { self.width / self.smallest } else { f64::INFINITY }
    }
}

/// Two lines of 42 columns, the limit of television captions.
const TELEVISION: CaptionRoom = CaptionRoom { width: 21.0, lines: 2, smallest: 0.0 };
/// Display in seconds from which a text is seen at all: a frame.
const LEAST_SEEN: f64 = 0.04;
/// Shortest display of a text in seconds, unless its cue is shorter.
const LEAST_SHOWN: f64 = 0.35;
/// Cues that start within this many seconds of each other are spoken together.
const TOGETHER: f64 = 0.1;
/// Comfortable reading speed in em per second (17 Latin letters).
const READING: f64 = 9.0;
/// Longest time in seconds that a text may stay after its cue, to be read.
const MOST_LATE: f64 = 1.0;

/// The lines of `cues` in the variant of `edit`, for a text track or a sidecar file.
pub fn caption_lines(edit: &Edit, cues: &[Cue]) -> Vec<CaptionLine> {
    lines_in(edit, cues, TELEVISION)
}

/// Number of cues that the variant of `edit` has the time of and [`caption_lines`] does not show, or not all of: others
/// begin before they could be read.
pub fn captions_left_out(edit: &Edit, cues: &[Cue]) -> usize {
    shown_in(edit, cues, TELEVISION).1
}

/// [`caption_lines`] for the given room.
pub(super) fn lines_in(edit: &Edit, cues: &[Cue], room: CaptionRoom) -> Vec<CaptionLine> {
    shown_in(edit, cues, room).0
}

/// [`lines_in`], and the number of cues that have their time in the variant and are not shown, or not all of.
pub(super) fn shown_in(edit: &Edit, cues: &[Cue], room: CaptionRoom) -> (Vec<CaptionLine>, usize) {
    let map = TimeMap::new(edit);
    let mut shown: Vec<CaptionLine> = Vec::new();
    let mut expected = BTreeSet::new();
    for (place, cue) in in_order(cues) {
        let cue = &*left_out::without_skipped_words(cue, &map);
        if cue.text.is_empty() {
            continue;
        }
        let spans = map.spans(cue.start, cue.end);
        // Of others less than a frame is in the variant.
        if spans.iter().any(|(start, end)| end - start > LEAST_SEEN || all_of(cue, &map)) {
            expected.insert(place);
        }
        for (start, end) in spans {
            let (text, spoken) = (cue.text.clone(), Spoken::new(&map, cue, (start, end)));
            let (direction, cues) = (Direction::of(&text, cue.language.as_deref()), vec![place]);
            shown.push(CaptionLine { start, end, said_until: end, text, spoken, direction, cues });
        }
    }
    shown.sort_by(|a, b| a.start.total_cmp(&b.start));
    one_at_a_time(&mut shown);
    let mut lines: Vec<CaptionLine> = shown.iter().flat_map(|line| split(line, room)).collect();
    for i in 0..lines.len() {
        let next = lines.get(i + 1).map_or(map.duration(), |next| next.start);
        let line = &mut lines[i];
        let needed = line.start + width(&line.text) / READING;
        let later = needed.min(line.end + MOST_LATE).min(next);
        line.end = line.end.max(later).min(map.duration());
    }
    let is_seen = |line: &CaptionLine| line.end - line.start > LEAST_SEEN;
    let unseen = lines.iter().filter(|line| !is_seen(line)).flat_map(|line| line.cues.clone());
    let unseen: BTreeSet<usize> = unseen.collect();
    lines.retain(is_seen);
    let seen: BTreeSet<usize> = lines.iter().flat_map(|line| line.cues.iter().copied()).collect();
    let is_lost = |place: &&usize| unseen.contains(*place) || !seen.contains(*place);
    let lost = expected.iter().filter(is_lost).count();
    (lines, lost)
}

/// Whether the variant shows all of a cue.
fn all_of(cue: &Cue, map: &TimeMap) -> bool {
    !map.moments(cue.start).is_empty() && !map.moments(cue.end).is_empty()
}

/// Cues with words, in order, without duplicates at the same time, each with its place in `cues`.
fn in_order(cues: &[Cue]) -> Vec<(usize, &Cue)> {
    let has_words = |(_, cue): &(usize, &Cue)| cue.end > cue.start && !cue.text.trim().is_empty();
    let mut sorted: Vec<(usize, &Cue)> = cues.iter().enumerate().filter(has_words).collect();
    sorted.sort_by(|(_, a), (_, b)| a.start.total_cmp(&b.start).then(a.cue_id.cmp(&b.cue_id)));
    let mut kept: Vec<(usize, &Cue)> = Vec::with_capacity(sorted.len());
    for (place, cue) in sorted {
        // Two tracks with the same text have it at nearly the same time.
        let said = |(_, k): &(usize, &Cue)| k.text == cue.text && k.end > cue.start + 0.01;
        if !kept.iter().rev().take(4).any(said) {
            kept.push((place, cue));
        }
    }
    kept
}

/// Ensures that one text is shown at a time, because two would be four lines.
///
/// Cues that are spoken together are shown together. Otherwise the next text replaces the previous one,
/// which returns if it lasts longer.
fn one_at_a_time(lines: &mut Vec<CaptionLine>) {
    lines.dedup_by(|next, line| {
        let together = next.start - line.start < TOGETHER;
        if together {
            line.text = format!("{}\n{}", line.text, next.text);
            // Two voices: their words have no common order.
            line.spoken = Spoken::default();
            line.end = line.end.max(next.end);
            line.cues.append(&mut next.cues);
        }
        together
    });
    let mut i = 1;
    while i < lines.len() {
        let (start, end) = (lines[i - 1].end.min(lines[i].start), lines[i - 1].end);
        // When no later text is on the screen any more.
        let mut free = lines[i].end;
        for later in lines[i + 1..].iter().take_while(|later| later.start < end) {
            if later.start - free >= LEAST_SHOWN {
                break;
            }
            free = free.max(later.end);
        }
        if end - free >= LEAST_SHOWN {
            let rest = CaptionLine { start: free, ..lines[i - 1].clone() };
            let place = lines.partition_point(|line| line.start <= free);
            lines.insert(place, rest);
            // A brief display of a text that returns later would distract.
            if start - lines[i - 1].start < LEAST_SHOWN {
                lines.remove(i - 1);
                continue;
            }
        }
        lines[i - 1].end = start;
        i += 1;
    }
    lines.retain(|line| line.end > line.start);
}

/// Splits a text into pieces that fit the room, each with its share of the time.
fn split(line: &CaptionLine, room: CaptionRoom) -> Vec<CaptionLine> {
    let long = line.end - line.start;
    let mut pieces = wrap(&line.text, room);
    let most = ((long / LEAST_SHOWN) as usize).max(1);
    if pieces.len() > most {
        // Too fast for so many pieces: wider ones, which the style shows smaller, and at last of more lines.
        let all = width(&line.text);
        let wider = |lines: usize| {
            let width = (1.15 * all / (most * lines) as f64).min(room.widest()).max(room.width);
            wrap(
                &line.text,
                CaptionRoom { width, lines, smallest: room.smallest * width / room.width },
            )
        };
        pieces = wider(room.lines);
        if pieces.len() > most && room.smallest > 0.0 {
            pieces = wider(2 * room.lines);
        }
    }
    let mut ends = line.ends(&pieces);
    line.spoken.ends(&pieces, &mut ends);
    in_steps((line.start, line.end), &mut ends);
    let (mut start, mut before) = (line.start, 0);
    let mut found = Vec::with_capacity(pieces.len());
    for (text, end) in pieces.into_iter().zip(ends) {
        let characters = seen(&text);
        let spoken = line.spoken.part(before, characters, start);
        let direction = line.direction;
        let cues = line.cues.clone();
        found.push(CaptionLine { start, end, said_until: end, text, spoken, direction, cues });
        (start, before) = (end, before + characters);
    }
    found
}

impl CaptionLine {
    /// When each of `pieces` disappears, by their width.
    fn ends(&self, pieces: &[String]) -> Vec<f64> {
        let long = self.end - self.start;
        let whole: f64 = pieces.iter().map(|piece| width(piece)).sum::<f64>().max(1e-9);
        let mut at = self.start;
        let mut end = |piece: &String| {
            at += long * width(piece) / whole;
            at.min(self.end)
        };
        pieces.iter().map(&mut end).collect()
    }
}

/// Adjusts the end times of pieces so that each is shown for [`LEAST_SHOWN`].
///
/// If there is too little time, all are shown equally long. The last one disappears at the end.
fn in_steps((start, end): (f64, f64), ends: &mut [f64]) {
    let step = LEAST_SHOWN.min((end - start) / ends.len().max(1) as f64);
    let mut least = start;
    for at in ends.iter_mut() {
        least += step;
        *at = at.max(least);
        least = *at;
    }
    let mut most = end;
    for at in ends.iter_mut().rev() {
        *at = at.min(most);
        most = *at - step;
    }
    if let Some(last) = ends.last_mut() {
        *last = end;
    }
}

#[cfg(test)]
pub(super) mod tests;
