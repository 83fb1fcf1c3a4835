//! A clip's file that is there already.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::Output;
use super::check::{Checker, Found, seal};
use super::encoding::{Format, Kind};
use super::source::TOLERANCE;
use crate::error::{ErrorCode, Result};
use crate::model::{Edit, Rendition};

impl Checker<'_> {
    /// The facts of the file at the span's path; `None` when there is none or it is not a whole
    /// video of the span's length, so that it is to be rendered.
    ///
    /// Its name is that of source, span and settings, and it was compared with the source before
    /// it got it; only what may have happened to it since is looked for.
    pub(super) fn kept(&self, span: &Output) -> Result<Option<Rendition>> {
        let regular = std::fs::symlink_metadata(&span.path).is_ok_and(|facts| facts.is_file());
        let boxes = matches!(self.settings.encoding.format, Format::Mp4 | Format::Aac);
        let whole = |file| !boxes || whole(file).unwrap_or(false);
        if !regular || !File::open(&span.path).is_ok_and(whole) {
            return Ok(None);
        }
        match self.read_kept(span, &span.path) {
            Err(error) if error.code() != ErrorCode::Cancelled => Ok(None),
            read => read,
        }
    }

    fn read_kept(&self, span: &Output, path: &Path) -> Result<Option<Rendition>> {
        let found = self.measure(path)?;
        let length = span.edit.as_ref().map_or(span.end - span.start, Edit::duration);
        let fps = span.edit.as_ref().map_or(self.source.fps, |edit| edit.fps);
        if !self.has_length(&found, length, fps) {
            return Ok(None);
        }
        let (bytes, blake3) = seal(path)?;
        Ok(Some(found.facts(span, bytes, blake3)))
    }

    /// Whether a file that is there is as long as it was to be, to a frame. Of those without an
    /// index the packets must reach its end: their headers state the full length of a part too.
    fn has_length(&self, found: &Found, length: f64, fps: f64) -> bool {
        let encoding = &self.settings.encoding;
        let near = |found: f64, frame: f64| (found - length).abs() <= frame.max(2.0 * TOLERANCE);
        let packets = 3.0 * encoding.format.sound_frame() / 44_100.0;
        let sound = found.audio.as_ref().is_none_or(|sound| near(sound.last, packets));
        match encoding.format.kind() {
            Kind::Video if encoding.format == Format::Mp4 => near(found.duration, 1.0 / fps),
            Kind::Video => near(found.duration, 1.0 / fps) && sound,
            Kind::Animation => near(found.duration, 1.0 / encoding.animation().1),
            Kind::Sound => near(found.duration, packets) && sound,
        }
    }
}

/// Whether an MP4 file's boxes end where the file does. The index comes first, so that a file
/// that was cut off still states its full length.
fn whole(mut file: impl Read + Seek) -> std::io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut at = 0_u64;
    while at < length {
        let mut head = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head)?;
        let [a, b, c, d, ..] = head;
        let size = match u32::from_be_bytes([a, b, c, d]) {
            // A 64-bit size follows the type.
            1 => {
                let mut wide = [0; 8];
                file.read_exact(&mut wide)?;
                u64::from_be_bytes(wide)
            }
            size => u64::from(size),
        };
        // 0, "to the end of the file", is not what ffmpeg leaves in a finished one.
        if size < 8 {
            return Ok(false);
        }
        at = at.saturating_add(size);
    }
    Ok(at == length && length > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Cursor;

    #[test]
    fn boxes_must_fill_the_file() {
        let mut bytes = b"\0\0\0\x0cftypisom\0\0\0\x01mdat\0\0\0\0\0\0\0\x13abc".to_vec();
        assert!(whole(Cursor::new(&bytes)).unwrap());
        for length in 0..bytes.len() {
            let cut = whole(Cursor::new(&bytes[..length])).unwrap_or(false);
            assert_eq!(cut, length == 12, "{length}");
        }
        bytes.extend([0; 9]);
        assert!(!whole(Cursor::new(&bytes)).unwrap());
    }
}
