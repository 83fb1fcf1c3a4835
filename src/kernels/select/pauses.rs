//! Stretches without speech.

use super::columns::CueSpan;
use super::timeline::Timeline;

/// A pause is at least this long in sound, in seconds.
const MIN_PAUSE: f64 = 0.3;
/// And this long between captions, which stay on screen beyond the words.
const MIN_CAPTION_GAP: f64 = 0.6;

/// A stretch without speech, from the end of what was said to the beginning of what comes.
pub(in crate::kernels) struct Pause {
    pub from: f64,
    pub to: f64,
}

/// The pauses of a source: in its sound, and between its captions.
pub(in crate::kernels) fn pauses(timeline: &Timeline, cues: &[CueSpan]) -> Vec<Pause> {
    let mut pauses = silences(timeline);
    let mut said_until = f64::INFINITY;
    for cue in cues {
        if cue.start - said_until >= MIN_CAPTION_GAP {
            pauses.push(Pause { from: said_until, to: cue.start });
        }
        said_until = if said_until.is_finite() { said_until.max(cue.end) } else { cue.end };
    }
    pauses
}

/// Runs of buckets that are mostly silent, with the silent part of the buckets beside them.
fn silences(timeline: &Timeline) -> Vec<Pause> {
    let mut pauses = Vec::new();
    let mut i = 0;
    while i < timeline.len() {
        if timeline.silence(i) < 0.5 {
            i += 1;
            continue;
        }
        let first = i;
        while i < timeline.len() && timeline.silence(i) >= 0.5 {
            i += 1;
        }
        let silent_part = |j: usize| {
            let (from, to) = timeline.span(j);
            timeline.silence(j).min(1.0) * (to - from)
        };
        let mut from = timeline.span(first).0;
        let mut to = timeline.span(i - 1).1;
        if first > 0 {
            from -= silent_part(first - 1);
        }
        if i < timeline.len() {
            to += silent_part(i);
        }
        if to - from >= MIN_PAUSE {
            pauses.push(Pause { from, to });
        }
    }
    pauses
}
