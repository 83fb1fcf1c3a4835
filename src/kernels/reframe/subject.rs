//! Who is framed, and when: the faces of a shot as parts in time.

use super::SeenFace;

/// Seconds between two decisions.
const STEP: f64 = 0.25;
/// Shortest time for which a face is framed before another one is, in seconds.
const LEAST_HOLD: f64 = 1.5;
/// What a change to another face costs, in seconds of sure speech.
const CHANGE: f64 = 0.9;
/// What the larger face gains over the smaller one, and what a face loses that is not seen, by the side of speech.
const LARGER: f64 = 0.15;
const UNSEEN: f64 = 0.7;
/// Faces lower than this share of the largest are in the background.
const BACKGROUND: f64 = 0.4;
/// Seconds, or share of its shot, for which a face must be seen to be framed.
const LEAST_SEEN: f64 = 1.0;
const LEAST_SHARE: f64 = 0.2;
/// Seconds between pictures up to which a face counts as seen in between.
const GAP: f64 = 0.6;
/// Seconds around a change in which it may be moved to a pause.
const PAUSE_REACH: f64 = 0.5;
/// Share of the window that faces may fill together.
const TOGETHER: f64 = 0.88;

/// A part of a shot in which the same faces are framed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FramedPart<'a> {
    /// Start in seconds.
    pub(super) from: f64,
    /// End in seconds.
    pub(super) to: f64,
    /// The tracks that are framed together, each in order of time.
    pub(super) tracks: Vec<&'a [SeenFace]>,
}

/// The parts of a shot; empty if no face is seen long enough.
///
/// `faces` are those of the shot by track, then time. `speech` is the likelihood of a voice at a second.
pub(super) fn parts<'a>(
    faces: &'a [SeenFace],
    speech: impl Fn(f64) -> f64,
    (from, to): (f64, f64),
    window: (f64, f64),
) -> Vec<FramedPart<'a>> {
    let least = LEAST_SEEN.min(LEAST_SHARE * (to - from));
    let mut tracks: Vec<&[SeenFace]> = faces.chunk_by(|a, b| a.track == b.track).collect();
    tracks.retain(|track| seen_seconds(track) >= least);
    let largest = tracks.iter().map(|track| size(track)).fold(0.0, f64::max);
    tracks.retain(|track| size(track) >= BACKGROUND * largest);
    if tracks.len() < 2 || fit_together(&tracks, window) {
        return match tracks.is_empty() {
            true => Vec::new(),
            false => vec![FramedPart { from, to, tracks }],
        };
    }
    let steps = ((to - from) / STEP).ceil().max(1.0) as usize;
    let gains = |step: usize| -> Vec<f64> {
        let t = from + (step as f64 + 0.5) * STEP;
        tracks.iter().map(|track| gain(track, t) + LARGER * size(track) / largest).collect()
    };
    let mut chosen = best_course(steps, tracks.len(), gains);
    hold(&mut chosen, (LEAST_HOLD / STEP).round() as usize);
    let mut parts: Vec<FramedPart<'a>> = Vec::new();
    let mut start = from;
    let mut step = 0;
    for run in chosen.chunk_by(|a, b| a == b) {
        step += run.len();
        let nominal = from + step as f64 * STEP;
        let end = if step >= steps { to } else { pause(nominal, start, to, &speech) };
        let framed = run.first().and_then(|track| tracks.get(*track)).copied();
        parts.extend(framed.map(|track| FramedPart { from: start, to: end, tracks: vec![track] }));
        start = end;
    }
    parts
}

/// Seconds for which a track is seen.
fn seen_seconds(track: &[SeenFace]) -> f64 {
    let gaps = track.windows(2).map(|pair| (pair[1].t - pair[0].t).min(GAP));
    gaps.sum::<f64>() + 0.1
}

/// Median height of a track's faces.
fn size(track: &[SeenFace]) -> f64 {
    let mut heights: Vec<f64> = track.iter().map(|face| face.height).collect();
    heights.sort_by(f64::total_cmp);
    heights.get(heights.len() / 2).copied().unwrap_or(0.0)
}

/// Whether a window that stands still shows all faces.
fn fit_together(tracks: &[&[SeenFace]], window: (f64, f64)) -> bool {
    let all = || tracks.iter().copied().flatten();
    let extent = |from: fn(&SeenFace) -> f64, to: fn(&SeenFace) -> f64| {
        let least = all().map(from).fold(f64::INFINITY, f64::min);
        all().map(to).fold(f64::NEG_INFINITY, f64::max) - least
    };
    extent(|f| f.x, |f| f.x + f.width) <= TOGETHER * window.0
        && extent(|f| f.y, |f| f.y + f.height) <= TOGETHER * window.1
}

/// How much speaks for a track at a second.
fn gain(track: &[SeenFace], t: f64) -> f64 {
    let next = track.partition_point(|face| face.t < t);
    let near = [next.checked_sub(1), Some(next)].into_iter().flatten();
    let near = near
        .filter_map(|i| track.get(i))
        .min_by(|a, b| (a.t - t).abs().total_cmp(&(b.t - t).abs()));
    match near {
        Some(face) if (face.t - t).abs() <= GAP => face.speaking,
        _ => -UNSEEN,
    }
}

/// The track of each step such that the sum of gains, less what changes cost, is largest (Viterbi's algorithm).
fn best_course(steps: usize, tracks: usize, gains: impl Fn(usize) -> Vec<f64>) -> Vec<usize> {
    let mut sums: Vec<f64> = gains(0).into_iter().map(|gain| gain * STEP).collect();
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(steps);
    let best = |sums: &[f64]| {
        (0..tracks).max_by(|a, b| sums[*a].total_cmp(&sums[*b]).then(b.cmp(a))).unwrap_or(0)
    };
    for step in 1..steps {
        let leader = best(&sums);
        let comes: Vec<usize> = (0..tracks)
            .map(|track| if sums[leader] - CHANGE > sums[track] { leader } else { track })
            .collect();
        let cost = |track: usize| if comes[track] == track { 0.0 } else { CHANGE };
        let gained = gains(step);
        sums = (0..tracks)
            .map(|track| sums[comes[track]] - cost(track) + gained[track] * STEP)
            .collect();
        from.push(comes);
    }
    let mut at = best(&sums);
    let mut course = vec![at];
    for comes in from.iter().rev() {
        at = comes[at];
        course.push(at);
    }
    course.reverse();
    course
}

/// Gives runs that are too short to the one before, or at the start to the one behind.
fn hold(course: &mut [usize], least: usize) {
    let mut start = 0;
    while start < course.len() {
        let value = course[start];
        let length = course[start..].iter().take_while(|v| **v == value).count();
        let end = start + length;
        let takes = if start > 0 { Some(course[start - 1]) } else { course.get(end).copied() };
        match takes {
            Some(other) if length < least => {
                course[start..end].fill(other);
                // The first run has become part of the next one, which is looked at anew.
                start = if start > 0 { end } else { 0 };
            }
            _ => start = end,
        }
    }
}

/// The quietest moment near a change, the nearest of equal ones.
fn pause(nominal: f64, start: f64, to: f64, speech: &impl Fn(f64) -> f64) -> f64 {
    let reach = (PAUSE_REACH / 0.05) as i32;
    let times = (-reach..=reach).map(|k| nominal + f64::from(k) * 0.05);
    let times = times.filter(|t| *t > start + 0.5 && *t < to - 0.1);
    let louder = |t: &f64| speech(*t) + 0.1 * (t - nominal).abs();
    times.min_by(|a, b| louder(a).total_cmp(&louder(b))).unwrap_or(nominal.clamp(start, to))
}
