//! When the words of a caption are spoken, on a variant's clock.

use crate::kernels::timemap::TimeMap;
use crate::model::Cue;

/// Visible characters before each word and the time it is spoken, in order; empty if unknown.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in super::super) struct Spoken(Vec<(usize, f64)>);

/// Number of visible characters of `text`, which does not depend on line breaks.
pub(in super::super) fn seen(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

impl Spoken {
    /// The words of `cue` in a variant that shows it from `start` to `end`.
    ///
    /// Words spoken before count as spoken at the start, later ones at the end.
    pub(super) fn new(map: &TimeMap, cue: &Cue, (start, end): (f64, f64)) -> Self {
        let Some(words) = &cue.words else { return Self::default() };
        let sources = map.sources(start, end);
        let first = sources.first().map_or(f64::NEG_INFINITY, |source| source.0);
        let last = sources.last().map_or(f64::INFINITY, |source| source.1);
        let (mut before, mut at) = (0, start);
        let mut found = Vec::with_capacity(words.len());
        for word in words {
            let moments = map.moments(word.start);
            let here = moments.into_iter().find(|moment| (start..end).contains(moment));
            let elsewhere = match word.start {
                t if t < first => start,
                t if t >= last => end,
                // In a pause that the variant skips.
                _ => at,
            };
            at = here.unwrap_or(elsewhere).max(at);
            found.push((before, at));
            before += seen(&word.text);
        }
        Self(found)
    }

    pub(in super::super) fn is_known(&self) -> bool {
        !self.0.is_empty()
    }

    /// When the character after the first `count` of `all` is spoken; the last ends at `end`.
    pub(in super::super) fn moment(&self, count: usize, all: usize, end: f64) -> f64 {
        let next = self.0.partition_point(|(place, _)| *place <= count);
        let Some(&(from, start)) = next.checked_sub(1).and_then(|at| self.0.get(at)) else {
            return end;
        };
        let (to, end) = self.0.get(next).copied().unwrap_or((all, end.max(start)));
        let share = (count - from) as f64 / to.saturating_sub(from).max(1) as f64;
        start + (end - start) * share.min(1.0)
    }

    /// Sets when each of `pieces` of the text goes: as the next one begins, if that is known.
    pub(super) fn ends(&self, pieces: &[String], ends: &mut [f64]) {
        let Some(end) = ends.last().copied().filter(|_| self.is_known()) else { return };
        let all = pieces.iter().map(|piece| seen(piece)).sum();
        let mut passed = 0;
        for (piece, at) in pieces.iter().zip(ends) {
            passed += seen(piece);
            *at = self.moment(passed, all, end);
        }
    }

    /// The words of a piece: `count` characters after the first `before`, shown from `start`.
    pub(super) fn part(&self, before: usize, count: usize, start: f64) -> Self {
        if !self.is_known() {
            return Self::default();
        }
        let inside = self.0.iter().filter(|(place, _)| (before..before + count).contains(place));
        let mut found: Vec<(usize, f64)> =
            inside.map(|(place, at)| (place - before, *at)).collect();
        // A word that started in the previous piece.
        if found.first().is_none_or(|first| first.0 > 0) {
            found.insert(0, (0, start));
        }
        Self(found)
    }
}
