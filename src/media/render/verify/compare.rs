//! Compares a written file with what was requested, on its format's own clock.

use super::facts::{ExpectedFile, MeasuredFile, compare_frames, mismatch};
use crate::error::{Error, ErrorCode, Result};
use crate::media::render::context::RenderContext;
use crate::media::render::ffmpeg::encoding::{Encoding, Format, FormatKind};
use crate::media::render::source::{RenderSource, TOLERANCE};

/// Ticks per second of WebM's clock.
const MILLISECONDS: i64 = 1000;

/// Reduces `source` to what the format of `encoding` can hold.
///
/// # Errors
/// `config.invalid` for unsupported combinations, `render.failed` if an audio format meets a source
/// without sound.
pub(crate) fn fit(source: &mut RenderSource, encoding: &Encoding) -> Result<()> {
    encoding.check()?;
    match encoding.format.kind() {
        FormatKind::Video => {}
        FormatKind::Animation => source.audio = None,
        FormatKind::Sound if source.audio.is_none() => {
            let message = format!(
                "the source has no sound, and {} holds nothing else; choose a format with a picture",
                encoding.format
            );
            return Err(Error::new(ErrorCode::RenderFailed, message));
        }
        FormatKind::Sound => {}
    }
    Ok(())
}

impl RenderContext<'_> {
    /// Checks that the file holds what was requested, to the precision of its format.
    pub(crate) fn compare(&self, found: &MeasuredFile, wanted: &ExpectedFile) -> Result<()> {
        let encoding = &self.settings.encoding;
        match encoding.format.kind() {
            FormatKind::Video => self.compare_video(found, wanted),
            FormatKind::Animation => compare_animation(encoding, found, wanted),
            FormatKind::Sound => self.compare_sound(found, wanted.length),
        }
    }

    /// Compares each frame's time: MP4 keeps the source's clock, WebM counts milliseconds.
    fn compare_video(&self, found: &MeasuredFile, wanted: &ExpectedFile) -> Result<()> {
        let ticks = match self.settings.encoding.format {
            Format::Webm => MILLISECONDS,
            _ => wanted.ticks,
        };
        if (i64::from(found.time_base.0), i64::from(found.time_base.1)) != (1, ticks) {
            return Err(mismatch("the written clip counts time in other units than requested"));
        }
        let there = |pts: &i64| (*pts as f64 * ticks as f64 / wanted.ticks as f64).round() as i64;
        compare_frames(wanted.frames.iter().map(there), &found.frames)?;
        same_size(found, wanted.size)?;
        same_length("clip", found.duration, wanted.length, 2.0 * TOLERANCE)?;
        match (&found.audio, self.source.audio) {
            (None, None) => Ok(()),
            (Some(_), Some(_)) => self.compare_sound(found, wanted.length),
            _ => Err(mismatch("the written clip has other streams than the source")),
        }
    }

    /// Compares start and length of the sound, to a packet in MP4 and to two packets elsewhere.
    ///
    /// Encoders put priming samples before the sound, which not every format states.
    fn compare_sound(&self, found: &MeasuredFile, length: f64) -> Result<()> {
        let Some(sound) = &found.audio else {
            return Err(mismatch("the written clip has no sound"));
        };
        let format = self.settings.encoding.format;
        let rate = self.source.audio.map_or(48_000, |audio| audio.out_rate());
        let packets = if format == Format::Mp4 { 1.0 } else { 2.0 };
        let near = packets * format.sound_frame() / f64::from(rate);
        if (sound.start - found.start).abs() > near {
            return Err(mismatch("sound and picture of the written clip do not start together"));
        }
        same_length("clip's sound", sound.duration, length, near)
    }
}

/// Compares an animation's frame count; WebP merges frames that are equal.
fn compare_animation(
    encoding: &Encoding,
    found: &MeasuredFile,
    wanted: &ExpectedFile,
) -> Result<()> {
    same_size(found, encoding.animated(wanted.size))?;
    let frames = encoding.animated_frames(wanted.length);
    let (_, rate) = encoding.animation();
    let count = i64::try_from(found.count).unwrap_or(i64::MAX);
    if count > frames || (count < frames && encoding.format != Format::Webp) {
        let message = format!("the written animation has {count} frames instead of {frames}");
        return Err(mismatch(&message));
    }
    same_length("clip", found.duration, frames as f64 / rate, 1.0 / rate)
}

fn same_size(found: &MeasuredFile, size: (i64, i64)) -> Result<()> {
    if (found.width, found.height) == size {
        return Ok(());
    }
    Err(mismatch("the written clip has another picture size than requested"))
}

fn same_length(what: &str, found: f64, length: f64, near: f64) -> Result<()> {
    if (found - length).abs() <= near {
        return Ok(());
    }
    let message = format!("the written {what} is {found:.4} s long instead of {length:.4} s");
    Err(mismatch(&message))
}
