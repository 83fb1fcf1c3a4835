//! Finds faces, follows them from picture to picture, and tells who speaks.
//!
//! A detector looks at few small pictures; between two of them a face is on the line between its places. Movement of mouths
//! is measured in all pictures, at twice the size that the detector sees.

mod detector;
mod look;
mod model_file;
mod pictures;
mod settings;

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use super::MediaTools;
use super::probe::probe;
use super::tools::MediaLimits;
use crate::cancel::CancelToken;
use crate::error::Result;
pub use crate::kernels::faces::FaceDetection;
use crate::kernels::faces::{FaceTracker, mark_speaking};
use crate::model::Face;
use look::CloseLook;
use pictures::{PictureSize, SpanPictures};
pub use settings::FaceSettings;

/// The setting that names the detector's file.
pub(crate) const SETTING: &str = "face_model";

/// Pictures a second in spans that are looked at closely.
const CLOSE_RATE: f64 = 12.0;
/// One picture of so many is seen by the detector there.
const CLOSE_EVERY: usize = 3;
/// Spans that are nearer to each other than this are decoded as one, in seconds.
const NEAR: f64 = 2.0;

/// A picture in red, green and blue, row by row.
#[derive(Debug, Clone, Copy)]
pub struct RgbPicture<'a> {
    /// Its pixels, three bytes each.
    pub pixels: &'a [u8],
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Finds the faces of a picture.
pub trait FaceDetector: Debug + Send + Sync {
    /// What it is, by the content of its file.
    fn identity(&self) -> &str;

    /// The faces of a picture, surest first.
    ///
    /// # Errors
    /// `config.invalid` if the detector fails.
    fn detect(&self, picture: &RgbPicture<'_>) -> Result<Vec<FaceDetection>>;
}

/// What is known of a source whose faces are looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaceQuery {
    /// The spans in which faces are looked for, as start and end in seconds; `None`: all of the source.
    pub spans: Option<Vec<(f64, f64)>>,
    /// When its shots begin, in seconds, in order.
    pub shot_starts: Vec<f64>,
    /// Likelihoods of a voice, each with its second, in order; empty where there is no sound.
    pub voice: Vec<(f64, f64)>,
}

impl FaceQuery {
    /// The likelihood of a voice at a second.
    fn voice_at(&self, t: f64) -> f64 {
        let next = self.voice.partition_point(|(at, _)| *at <= t);
        let last = next.checked_sub(1).and_then(|at| self.voice.get(at));
        last.map_or(0.0, |(_, voice)| *voice)
    }
}

/// The faces in the file at `path`, in order of time; `progress` gets seconds that were looked at.
///
/// # Errors
/// Those of [`probe`](super::probe()), of the decoder and of the detector.
pub fn track_faces(
    (tools, limits): (&MediaTools, &MediaLimits),
    path: &Path,
    detector: &Arc<dyn FaceDetector>,
    query: &FaceQuery,
    cancel: &CancelToken,
    progress: &dyn Fn(f64),
) -> Result<Vec<Face>> {
    let probe = probe(tools, path, limits, cancel)?;
    let size = PictureSize::of(&probe.video);
    let aspect = probe.video.width as f64 / probe.video.height.max(1) as f64;
    let mut tracker = FaceTracker::new(query.shot_starts.clone(), aspect);
    let mut faces = Vec::new();
    for (start, end) in joined(query.spans.as_deref()) {
        cancel.check()?;
        let mut pictures = SpanPictures::start(
            (tools, probe.file(path), limits),
            &probe,
            size,
            (start, end),
            cancel,
        )?;
        let mut look = CloseLook::new(detector.as_ref(), size, &mut tracker);
        let mut seen = start;
        while let Some((t, picture)) = pictures.next()? {
            faces.extend(look.look(t, picture)?);
            if t >= seen + 1.0 {
                progress(t - seen);
                seen = t;
            }
        }
        pictures.finish()?;
    }
    mark_speaking(&mut faces, |t| query.voice_at(t));
    Ok(faces)
}

/// The spans in order, near ones as one.
fn joined(spans: Option<&[(f64, f64)]>) -> Vec<(f64, f64)> {
    let Some(spans) = spans else { return vec![(0.0, f64::INFINITY)] };
    let mut sorted: Vec<(f64, f64)> =
        spans.iter().copied().filter(|(start, end)| start < end).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut joined: Vec<(f64, f64)> = Vec::new();
    for (start, end) in sorted {
        match joined.last_mut() {
            Some(last) if start <= last.1 + NEAR => last.1 = last.1.max(end),
            _ => joined.push((start.max(0.0), end)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_spans_are_one() {
        let spans = [(30.0, 40.0), (0.0, 10.0), (11.0, 15.0), (35.0, 36.0), (50.0, 50.0)];
        assert_eq!(joined(Some(&spans)), [(0.0, 15.0), (30.0, 40.0)]);
        assert_eq!(joined(None), [(0.0, f64::INFINITY)]);
        assert_eq!(joined(Some(&[])), []);
    }
}
