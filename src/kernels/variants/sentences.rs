//! The sentences of a clip: what a span of it says in whole, and where it may open and end.

use super::brief::{ClipFacts, Stretch};
use crate::kernels::text::SentencePart;
use crate::model::Cue;

/// A sentence may be cut by this at either end, in seconds: lines appear before and stay after their words.
const NEAR: f64 = 0.3;
/// Lines so long before and after a clip tell where its sentences begin and end, in seconds.
const AROUND: f64 = 20.0;
/// What opens and ends with whole sentences keeps at least this share of the clip.
const KEPT: f64 = 0.5;

/// The cues of the clip from `start` to `end` and those around it.
pub(super) fn around(cues: &[Cue], start: f64, end: f64) -> Vec<Cue> {
    let near = cues.iter().filter(|c| c.start < end + AROUND && c.end > start - AROUND);
    near.cloned().collect()
}

/// The sentences of `parts`, each as its parts.
fn sentences(parts: &[SentencePart]) -> impl Iterator<Item = &[SentencePart]> {
    parts.split_inclusive(|part| part.closes)
}

/// The parts of the sentences that are said in whole from `start` to `end`; if there are none, those that are
/// mostly said in it.
pub(super) fn said_in(parts: &[SentencePart], (start, end): (f64, f64)) -> Vec<&SentencePart> {
    let is_whole = |sentence: &&[SentencePart]| {
        let (Some(first), Some(last)) = (sentence.first(), sentence.last()) else { return false };
        first.start >= start - NEAR && last.end <= end + NEAR
    };
    let whole: Vec<_> = sentences(parts).filter(is_whole).flatten().collect();
    if whole.is_empty() { heard_in(parts, (start, end)) } else { whole }
}

/// The parts that are mostly said from `start` to `end`, cut sentences among them.
pub(super) fn heard_in(parts: &[SentencePart], (start, end): (f64, f64)) -> Vec<&SentencePart> {
    let is_in = |part: &&SentencePart| (start..end).contains(&((part.start + part.end) / 2.0));
    parts.iter().filter(is_in).collect()
}

/// Whether who opens or ends at `t` cuts a sentence in two.
pub(super) fn is_inside(parts: &[SentencePart], t: f64) -> bool {
    sentences(parts).any(|sentence| match (sentence.first(), sentence.last()) {
        (Some(first), Some(last)) => first.start + NEAR < t && t < last.end - NEAR,
        _ => false,
    })
}

/// Where sentences begin, as far as the captions tell.
pub(super) fn openings(parts: &[SentencePart]) -> impl Iterator<Item = f64> {
    let known = sentences(parts).filter_map(|s| s.first().filter(|first| first.start_known));
    known.map(|first| first.start)
}

/// Where sentences end, as far as the captions tell.
pub(super) fn closings(parts: &[SentencePart]) -> impl Iterator<Item = f64> {
    let known = sentences(parts).filter_map(|s| s.last().filter(|last| last.end_known));
    known.map(|last| last.end)
}

/// Where the clip itself opens and ends as a variant: at the first whole sentence and after the last one, where
/// it cuts one in two and enough of it is left. A clip whose span the request gives stays as it is.
pub(super) fn own_span(
    facts: &ClipFacts<'_>,
    parts: &[SentencePart],
    (open, close): (&dyn Fn(f64) -> f64, &dyn Fn(f64) -> f64),
) -> Stretch {
    let (start, end) = (facts.start, facts.end);
    let (least, most) = facts.lengths;
    let as_chosen = Stretch { start, end };
    if least <= 0.0 && most == f64::INFINITY {
        return as_chosen;
    }
    let first = match is_inside(parts, start) {
        true => openings(parts).map(open).find(|t| *t >= start),
        false => None,
    };
    let last = match is_inside(parts, end) {
        true => closings(parts).map(close).filter(|t| *t <= end).last(),
        false => None,
    };
    let (first, last) = (first.unwrap_or(start), last.unwrap_or(end));
    let spans =
        [(first, last), (first, end), (start, last)].map(|(start, end)| Stretch { start, end });
    let is_enough = |span: &Stretch| span.end - span.start >= least.max(KEPT * (end - start));
    spans.into_iter().find(is_enough).unwrap_or(as_chosen)
}
