//! The path of a cropped window over the picture, shot by shot.
//!
//! Where faces are known, the window frames a face, that of who speaks; elsewhere it follows what draws the eye.

mod columns;
mod face_list;
mod faces;
mod list;
mod path;
mod subject;
#[cfg(test)]
mod tests;

pub use list::{anchor_type, reframe_paths};

use crate::model::edit::Anchor;

/// Steps per second in which a path is computed.
const RATE: f64 = 10.0;
/// Longest span that has a path, in seconds: one day.
pub const MAX_SECONDS: f64 = 86_400.0;
/// How far the window is raised above the salient point, as a share of its height.
///
/// That point is mostly the middle of a body, whose face is above it.
const HEADROOM: f64 = 0.1;

/// The input of a path: one source's signals and shots as columns, in time order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gaze<'a> {
    /// `signals.t`, the start of each bucket in seconds.
    pub t: &'a [f64],
    /// `signals.saliency_x`, as share of the width.
    pub x: &'a [f64],
    /// `signals.saliency_y`, as share of the height.
    pub y: &'a [f64],
    /// `shots.start`, in seconds.
    pub shot_start: &'a [f64],
    /// `signals.speech`, the likelihood of a voice; empty where it is not known.
    pub speech: &'a [f64],
    /// Faces by track, then time; empty where none are known.
    pub faces: &'a [SeenFace],
}

/// A face at a moment, in shares of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SeenFace {
    /// In seconds.
    pub t: f64,
    /// Its track.
    pub track: i64,
    /// Left edge of its box.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// Height of its eyes in the picture.
    pub eyes: f64,
    /// How far the nose is from the middle between the eyes, as a share of the distance of the eyes; to the right above 0.
    pub looks: f64,
    /// Likelihood that it speaks, in [0, 1].
    pub speaking: f64,
}

/// The path of the centre of a window over a picture, from `start` to `end` in seconds.
///
/// The window has the aspect ratio of `window_size`, the picture that of `source_size` (width and height in
/// pixels). In a shot with faces it rests on one, that of who speaks, its eyes in the upper third; it moves when the
/// face leaves a dead zone, and jumps to another face after a hold, in a pause of the voice if there is one. In other
/// shots it holds still while the salient point stays near its middle; otherwise
/// it follows smoothly, no faster than 0.45 of the picture per second (1.8 % per frame at 25 fps). At a
/// shot's start it jumps: two anchors at the same time. It lies wholly in the picture. The path is empty,
/// which means centred, if there is nothing to follow: no signals, no room to move, an empty span or size,
/// or a span longer than [`MAX_SECONDS`].
pub fn reframe_path(
    gaze: Gaze<'_>,
    (start, end): (f64, f64),
    source_size: (f64, f64),
    window_size: (f64, f64),
) -> Vec<Anchor> {
    let sizes = [source_size.0, source_size.1, window_size.0, window_size.1];
    if sizes.iter().any(|size| !size.is_finite() || *size <= 0.0) {
        return Vec::new();
    }
    let narrower = (window_size.0 / window_size.1) / (source_size.0 / source_size.1);
    window_path(gaze, (start, end), (narrower.min(1.0), narrower.recip().min(1.0)))
}

/// [`reframe_path`] for a window whose width and height are shares of the picture's.
///
/// Used for close-ups, for example.
pub fn window_path(
    gaze: Gaze<'_>,
    (start, end): (f64, f64),
    (width, height): (f64, f64),
) -> Vec<Anchor> {
    let usable = [width, height].iter().all(|share| *share > 0.0 && *share <= 1.0);
    if !usable || !(0.0..=MAX_SECONDS).contains(&(end - start)) || end == start {
        return Vec::new();
    }
    if width > 0.999 && height > 0.999 {
        return Vec::new();
    }
    let samples = samples(gaze);
    if samples.is_empty() && gaze.faces.is_empty() {
        return Vec::new();
    }
    let mut cuts: Vec<f64> =
        gaze.shot_start.iter().copied().filter(|cut| *cut > start && *cut < end).collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    cuts.push(end);
    let mut anchors = Vec::new();
    let mut from = start;
    for to in cuts {
        let seen: Vec<SeenFace> = gaze
            .faces
            .iter()
            .filter(|face| face.t >= from - 1e-6 && face.t < to)
            .copied()
            .collect();
        let framed = faces::shot(&seen, gaze, (from, to), (width, height));
        anchors.extend(framed.unwrap_or_else(|| shot(&samples, (from, to), (width, height))));
        from = to;
    }
    // Drops repeated anchors of a window that did not move.
    anchors.dedup_by(|next, last| next.x == last.x && next.y == last.y && next.t == last.t);
    anchors
}

/// The salient point of one bucket.
#[derive(Debug, Clone, Copy)]
struct GazeSample {
    from: f64,
    to: f64,
    x: f64,
    y: f64,
}

fn samples(gaze: Gaze<'_>) -> Vec<GazeSample> {
    let rows = gaze.t.len().min(gaze.x.len()).min(gaze.y.len());
    let mut all: Vec<GazeSample> = (0..rows)
        .map(|i| GazeSample { from: gaze.t[i], to: gaze.t[i], x: gaze.x[i], y: gaze.y[i] })
        .filter(|s| [s.from, s.x, s.y].iter().all(|v| v.is_finite()))
        .collect();
    all.sort_by(|a, b| a.from.total_cmp(&b.from));
    let mut length = 0.1;
    for i in 0..all.len() {
        let next = all.get(i + 1).map(|next| next.from - all[i].from);
        // Buckets have one length: a gap is not a long bucket.
        length = next.map_or(length, |next| if i == 0 { next } else { next.min(length) });
        all[i].to = all[i].from + length;
    }
    all
}

/// The anchors of one shot, at its start, its end and where the window turns.
fn shot(samples: &[GazeSample], (from, to): (f64, f64), window: (f64, f64)) -> Vec<Anchor> {
    let near = &samples[samples.partition_point(|s| s.to <= from)..];
    let near = &near[..near.partition_point(|s| s.from < to)];
    // A bucket across a cut mixes two shots.
    let whole: Vec<GazeSample> =
        near.iter().copied().filter(|s| s.from >= from - 1e-6 && s.to <= to + 1e-6).collect();
    let seen = if whole.is_empty() { near } else { &whole };
    let points = |value: fn(&GazeSample) -> f64| -> Vec<(f64, f64)> {
        seen.iter().map(|s| (0.5 * (s.from + s.to), value(s))).collect()
    };
    let steps = ((to - from) * RATE).ceil().max(1.0) as usize;
    let mut times: Vec<f64> =
        (0..steps).map(|i| from + (to - from) * i as f64 / steps as f64).collect();
    // Exact, so that two anchors at the same time are a jump.
    times.push(to);
    let x = path::follow(&points(|s| s.x), &times, window.0);
    let mut heights = points(|s| s.y);
    heights.iter_mut().for_each(|point| point.1 -= HEADROOM * window.1);
    let y = path::follow(&heights, &times, window.1);
    let turns = path::turns(&times, &x, &y);
    turns.into_iter().map(|i| Anchor { t: times[i], x: x[i], y: y[i] }).collect()
}
