//! The choice among the scored windows, and what is said about each.

use super::features::StretchMeasures;
use super::schedule::schedule;
use super::score::ScoredWindow;
use super::track::Track;
use super::windows::Window;
use crate::kernels::validate::MAX_CLIPS;
use crate::model::Candidate;

/// Candidates for `windows`, in their order: ranked, the best `max_clips` that do not overlap (at most
/// [`MAX_CLIPS`]) chosen, and a reason for each of the others.
pub(super) fn choose(windows: Vec<(Window, ScoredWindow)>, max_clips: i64) -> Vec<Candidate> {
    let intervals: Vec<_> = windows.iter().map(|(w, s)| (w.start.t, w.end.t, s.score)).collect();
    let limit = usize::try_from(max_clips.min(MAX_CLIPS)).unwrap_or_default();
    let chosen = schedule(&intervals, limit);
    let mut candidates: Vec<Candidate> = windows
        .into_iter()
        .enumerate()
        .map(|(i, (window, scored))| candidate(i, &window, scored))
        .collect();
    for (place, i) in by_score(&intervals).into_iter().enumerate() {
        candidates[i].rank = place as i64 + 1;
    }
    let picks: Vec<_> = chosen.iter().map(|i| intervals[*i]).collect();
    for (candidate, interval) in candidates.iter_mut().zip(&intervals) {
        candidate.reason = Some(reason(*interval, &picks, limit));
    }
    for i in chosen {
        candidates[i].chosen = true;
        candidates[i].reason = None;
    }
    candidates
}

/// Indices from the best score down; of equal scores the earlier first.
fn by_score(intervals: &[(f64, f64, f64)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..intervals.len()).collect();
    order.sort_by(|a, b| intervals[*b].2.total_cmp(&intervals[*a].2).then(a.cmp(b)));
    order
}

/// Why a window is not among `picks`, which are in order of time.
fn reason((start, end, score): (f64, f64, f64), picks: &[(f64, f64, f64)], limit: usize) -> String {
    let first = picks.partition_point(|p| p.1 <= start);
    let over = &picks[first..];
    let over = &over[..over.partition_point(|p| p.0 < end)];
    match over {
        [] if score <= 0.0 => "scores 0".to_owned(),
        [] => {
            let least = picks.iter().map(|p| p.2).fold(f64::INFINITY, f64::min);
            let noun = if limit == 1 { "clip scores" } else { "clips score at least" };
            format!("max_clips is reached: the {limit} chosen {noun} {least:.3}, this {score:.3}")
        }
        [one] => format!(
            "overlaps the clip from {:.2} s to {:.2} s, which scores {:.3}",
            one.0, one.1, one.2
        ),
        many => {
            let sum: f64 = many.iter().map(|p| p.2).sum();
            format!("overlaps {} clips, which score {sum:.3} together", many.len())
        }
    }
}

fn candidate(i: usize, window: &Window, scored: ScoredWindow) -> Candidate {
    let StretchMeasures { means, cut_rate } = scored.measures;
    Candidate {
        candidate_id: i as i64,
        start: window.start.t,
        end: window.end.t,
        duration: window.end.t - window.start.t,
        start_kind: window.start.kind,
        end_kind: window.end.kind,
        motion: means.of(Track::Motion),
        cut_rate,
        loudness: means.loudness(),
        loudness_peak: means.loudness_peak(),
        onset: means.heard(Track::Onset),
        speech: means.heard(Track::Speech),
        silence: means.heard(Track::Silence),
        hook: scored.hook,
        luma: means.of(Track::Luma),
        dark: means.of(Track::Dark),
        chroma: means.of(Track::Chroma),
        caption_density: means.of(Track::Captions),
        start_quality: window.start.quality,
        end_quality: window.end.quality,
        length_fit: scored.length_fit,
        topic_match: scored.known.topic,
        replayed: scored.known.replayed,
        score: scored.score,
        rank: 0,
        chosen: false,
        strengths: scored.strengths,
        reason: None,
    }
}
