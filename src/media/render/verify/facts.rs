//! What a written file must hold, and what was measured in it.

use crate::error::{Error, ErrorCode, Result};
use crate::media::render::ffmpeg::encoding::{Format, FormatKind};
use crate::media::render::output::Output;
use crate::model::Rendition;

/// What a written file must hold.
pub(crate) struct ExpectedFile {
    /// PTS of its frames, in ticks.
    pub(crate) frames: Vec<i64>,
    /// Ticks per second.
    pub(crate) ticks: i64,
    /// Size of the picture.
    pub(crate) size: (i64, i64),
    /// In seconds.
    pub(crate) length: f64,
}

/// A measured stream of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MeasuredTrack {
    pub(crate) kind: TrackKind,
    /// Codec, by ffmpeg's name.
    pub(crate) codec: String,
    /// Seconds of one tick: numerator and denominator.
    pub(crate) time_base: (u32, u32),
    /// PTS of its packets in ticks, sorted.
    pub(crate) pts: Vec<i64>,
    /// In seconds.
    pub(crate) start: f64,
    /// In seconds.
    pub(crate) duration: f64,
}

/// The content of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrackKind {
    /// A picture of that width and height.
    Picture(i64, i64),
    Sound,
}

impl MeasuredTrack {
    /// PTS of its last packet, in seconds.
    fn last(&self) -> f64 {
        let unit = f64::from(self.time_base.0) / f64::from(self.time_base.1.max(1));
        self.pts.last().map_or(0.0, |pts| *pts as f64 * unit)
    }
}

/// What was measured in a written file.
pub(crate) struct MeasuredFile {
    container: &'static str,
    /// Empty for a file without a picture, which has no frames and no size.
    video_codec: String,
    pub(crate) width: i64,
    pub(crate) height: i64,
    pub(crate) time_base: (u32, u32),
    /// PTS in ticks, sorted; empty for an animated WebP, of which only the number is known.
    pub(crate) frames: Vec<i64>,
    pub(crate) count: usize,
    pub(crate) start: f64,
    /// Duration of the picture, or of the sound in a file without one, in seconds.
    pub(crate) duration: f64,
    pub(crate) audio: Option<MeasuredSound>,
}

#[derive(Clone)]
pub(crate) struct MeasuredSound {
    codec: String,
    pub(crate) start: f64,
    pub(crate) duration: f64,
    /// The last packet's PTS, in seconds.
    pub(crate) last: f64,
}

impl MeasuredFile {
    pub(crate) fn new(tracks: Vec<MeasuredTrack>, format: Format) -> Option<Self> {
        let sound = tracks.iter().find(|track| track.kind == TrackKind::Sound);
        let audio = sound.map(|track| MeasuredSound {
            codec: track.codec.clone(),
            start: track.start,
            duration: track.duration,
            last: track.last(),
        });
        let container = format.extension();
        if format.kind() == FormatKind::Sound {
            let duration = audio.as_ref()?.duration;
            return Some(Self { container, duration, audio, ..Self::animation("", (0, 0), 0, 0) });
        }
        tracks.into_iter().find_map(|track| match track.kind {
            TrackKind::Picture(width, height) => Some(Self {
                container,
                video_codec: track.codec,
                width,
                height,
                time_base: track.time_base,
                count: track.pts.len(),
                frames: track.pts,
                start: track.start,
                duration: track.duration,
                audio: audio.clone(),
            }),
            TrackKind::Sound => None,
        })
    }

    /// An animation of which only these facts are known.
    pub(crate) fn animation(
        codec: &'static str,
        (width, height): (i64, i64),
        frames: i64,
        milliseconds: i64,
    ) -> Self {
        Self {
            container: codec,
            video_codec: codec.to_owned(),
            width,
            height,
            time_base: (0, 1),
            frames: Vec::new(),
            count: usize::try_from(frames).unwrap_or(0),
            start: 0.0,
            duration: milliseconds as f64 / 1000.0,
            audio: None,
        }
    }

    /// The rendition row of `span`'s file, given the file's size and hash.
    pub(crate) fn facts(self, span: &Output, bytes: i64, blake3: String) -> Rendition {
        let picture = !self.video_codec.is_empty();
        Rendition {
            rendition_id: span.rendition_id.clone(),
            container: self.container.into(),
            video_codec: self.video_codec,
            audio_codec: self.audio.as_ref().map(|audio| audio.codec.clone()),
            width: self.width,
            height: self.height,
            fps: if self.duration > 0.0 { self.count as f64 / self.duration } else { 0.0 },
            frames: i64::try_from(self.count).unwrap_or(i64::MAX),
            duration: self.duration,
            bytes,
            blake3,
            av_offset: self.audio.filter(|_| picture).map(|audio| audio.start - self.start),
            copied_frames: None,
            hdr: None,
            text_note: None,
            sidecar: false,
            thumbnail: false,
        }
    }
}

/// Checks that the frames' times are those of the source, to one tick of rounding.
pub(crate) fn compare_frames(wanted: impl Iterator<Item = i64>, found: &[i64]) -> Result<()> {
    let wanted: Vec<i64> = wanted.collect();
    if wanted.len() != found.len() {
        let message =
            format!("the written clip has {} frames instead of {}", found.len(), wanted.len());
        return Err(Error::new(ErrorCode::RenderMismatch, message));
    }
    if wanted.iter().zip(found).any(|(wanted, found)| (wanted - found).abs() > 1) {
        return Err(mismatch("a frame of the written clip is not at its time"));
    }
    Ok(())
}

/// A `render.mismatch` error.
pub(crate) fn mismatch(message: &str) -> Error {
    Error::new(ErrorCode::RenderMismatch, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn frames_must_agree_in_number_and_time() {
        assert!(compare_frames([0, 512, 1024].into_iter(), &[0, 512, 1025]).is_ok());
        for found in [&[0, 512][..], &[0, 512, 1026], &[0, 512, 1024, 1536]] {
            let error = compare_frames([0, 512, 1024].into_iter(), found).unwrap_err();
            assert_eq!(error.code(), ErrorCode::RenderMismatch);
        }
    }
}
