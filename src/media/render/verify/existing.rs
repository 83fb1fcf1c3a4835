//! Recognises a complete file that already exists at an output's path.

use std::path::Path;

use super::check::seal;
use super::facts::MeasuredFile;
use crate::error::{ErrorCode, Result};
use crate::media::render::context::RenderContext;
use crate::media::render::ffmpeg::encoding::{Format, FormatKind};
use crate::media::render::output::Output;
use crate::media::render::source::TOLERANCE;
use crate::model::{Edit, Rendition};

impl RenderContext<'_> {
    /// The facts of the file at the span's path; `None` if it is missing or incomplete.
    ///
    /// Its name identifies source, span and settings, and it was verified before it got that name; this
    /// only detects later damage.
    pub(crate) fn existing(&self, span: &Output) -> Result<Option<Rendition>> {
        let regular = std::fs::symlink_metadata(&span.path).is_ok_and(|facts| facts.is_file());
        if !regular {
            return Ok(None);
        }
        match self.read_existing(span, &span.path) {
            Err(error) if error.code() != ErrorCode::Cancelled => Ok(None),
            read => read,
        }
    }

    fn read_existing(&self, span: &Output, path: &Path) -> Result<Option<Rendition>> {
        let found = self.measure(path)?;
        let length = span.edit.as_ref().map_or(span.end - span.start, Edit::duration);
        let fps = span.edit.as_ref().map_or(self.source.fps, |edit| edit.fps);
        if !self.has_length(&found, length, fps) {
            return Ok(None);
        }
        let (bytes, blake3) = seal(path)?;
        Ok(Some(found.facts(span, bytes, blake3)))
    }

    /// Whether an existing file has the requested length, to a frame.
    ///
    /// In formats without an index the packets must reach the end, because the header of a truncated
    /// file still states the full length.
    fn has_length(&self, found: &MeasuredFile, length: f64, fps: f64) -> bool {
        let encoding = &self.settings.encoding;
        let near = |found: f64, frame: f64| (found - length).abs() <= frame.max(2.0 * TOLERANCE);
        let packets = 3.0 * encoding.format.sound_frame() / 44_100.0;
        let sound = found.audio.as_ref().is_none_or(|sound| near(sound.last, packets));
        match encoding.format.kind() {
            FormatKind::Video if encoding.format == Format::Mp4 => near(found.duration, 1.0 / fps),
            FormatKind::Video => near(found.duration, 1.0 / fps) && sound,
            FormatKind::Animation => near(found.duration, 1.0 / encoding.animation().1),
            FormatKind::Sound => near(found.duration, packets) && sound,
        }
    }
}
