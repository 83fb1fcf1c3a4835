//! Which face speaks.

use crate::model::Face;

/// Seconds on both sides over which the movement of a mouth is averaged: longer than a syllable.
const AROUND: f64 = 0.5;
/// Movement of a mouth, relative to the rest of its face, that is no speech yet and that surely is.
const STILL: f64 = 1.15;
const TALKS: f64 = 1.9;

/// Sets `speaking` of faces, in any order: how much the mouth moves while a voice is heard.
///
/// `voice` gives the likelihood of a voice at a second; 0 where there is no sound.
pub(crate) fn mark_speaking(faces: &mut [Face], voice: impl Fn(f64) -> f64) {
    faces.sort_by(|a, b| a.track.cmp(&b.track).then(a.t.total_cmp(&b.t)));
    let mut from = 0;
    while from < faces.len() {
        let track = faces[from].track;
        let length = faces[from..].iter().take_while(|face| face.track == track).count();
        mark_track(&mut faces[from..from + length], &voice);
        from += length;
    }
    faces.sort_by(|a, b| a.t.total_cmp(&b.t).then(a.track.cmp(&b.track)));
}

fn mark_track(faces: &mut [Face], voice: &impl Fn(f64) -> f64) {
    let moved: Vec<(f64, Option<f64>)> = faces.iter().map(|face| (face.t, face.mouth)).collect();
    let (mut first, mut last) = (0, 0);
    for face in faces.iter_mut().filter(|face| face.mouth.is_some()) {
        let (from, to) = (face.t - AROUND, face.t + AROUND);
        while moved.get(first).is_some_and(|(t, _)| *t < from) {
            first += 1;
        }
        while moved.get(last).is_some_and(|(t, _)| *t <= to) {
            last += 1;
        }
        let near: Vec<f64> = moved[first..last.max(first)].iter().filter_map(|m| m.1).collect();
        let mean = near.iter().sum::<f64>() / near.len().max(1) as f64;
        let talks = ((mean - STILL) / (TALKS - STILL)).clamp(0.0, 1.0);
        face.speaking = Some(talks * voice(face.t).clamp(0.0, 1.0));
    }
}
