//! Faces from picture to picture.

use super::FaceDetection;

/// Longest time for which a face may be away and still be the same, in seconds.
const AWAY: f64 = 3.0;
/// Farthest that a face moves from one look to the next, in sizes of the face.
const FARTHEST: f64 = 0.9;
/// Largest ratio of its sizes from one look to the next.
const GROWTH: f64 = 1.8;

/// A face that was seen.
#[derive(Debug, Clone, Copy)]
struct LastSeen {
    track: i64,
    t: f64,
    face: FaceDetection,
}

/// Gives each face the number of its track. A track ends with its shot.
#[derive(Debug, Default)]
pub(crate) struct FaceTracker {
    shot_starts: Vec<f64>,
    /// Width of the picture by its height.
    aspect: f64,
    shot: usize,
    seen: Vec<LastSeen>,
    tracks: i64,
}

impl FaceTracker {
    /// For pictures of this shape, of shots that begin at these seconds, in order.
    pub(crate) fn new(shot_starts: Vec<f64>, aspect: f64) -> Self {
        Self { shot_starts, aspect, ..Self::default() }
    }

    /// The tracks of the faces of the next picture, in their order.
    pub(crate) fn look(&mut self, t: f64, faces: &[FaceDetection]) -> Vec<i64> {
        // A time stamp is rounded: the picture of a cut belongs to the new shot.
        let shot = self.shot_starts.partition_point(|start| *start <= t + 0.005);
        if shot != self.shot {
            self.seen.clear();
            self.shot = shot;
        }
        self.seen.retain(|last| t - last.t <= AWAY);
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (s, last) in self.seen.iter().enumerate() {
            for (f, face) in faces.iter().enumerate() {
                pairs.extend(self.distance(&last.face, face).map(|far| (far, s, f)));
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut tracks: Vec<Option<i64>> = vec![None; faces.len()];
        let mut is_taken = vec![false; self.seen.len()];
        for (_, s, f) in pairs {
            if !is_taken[s] && tracks[f].is_none() {
                is_taken[s] = true;
                tracks[f] = Some(self.seen[s].track);
            }
        }
        tracks.into_iter().zip(faces).map(|(track, face)| self.keep(t, track, *face)).collect()
    }

    /// Notes where a face was seen; one without a track begins one.
    fn keep(&mut self, t: f64, track: Option<i64>, face: FaceDetection) -> i64 {
        let track = track.unwrap_or_else(|| {
            self.tracks += 1;
            self.tracks - 1
        });
        self.seen.retain(|last| last.track != track);
        self.seen.push(LastSeen { track, t, face });
        track
    }

    /// How far a face is from where one was last seen, in sizes of it; `None` if it is another one.
    fn distance(&self, last: &FaceDetection, face: &FaceDetection) -> Option<f64> {
        let (a, b) = (last.middle(), face.middle());
        let size = last.height.max(face.height);
        let far = ((a.0 - b.0) * self.aspect).hypot(a.1 - b.1) / size.max(1e-6);
        let growth = last.height.max(face.height) / last.height.min(face.height).max(1e-6);
        (far <= FARTHEST && growth <= GROWTH).then_some(far)
    }
}
