//! Accepts a written file: verifies it and renames it to its output path.

use std::fs::File;
use std::path::Path;

use super::facts::{ExpectedFile, MeasuredFile, mismatch};
use super::frame_log::FrameLog;
use crate::error::{Error, ErrorCode, Result};
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::process::MediaCommand;
use crate::media::render::context::RenderContext;
use crate::media::render::ffmpeg::encoding::arguments::size;
use crate::media::render::output::Output;
use crate::media::render::partial_file::PartialFile;
use crate::media::render::shape::EditShape;
use crate::model::Rendition;

impl RenderContext<'_> {
    /// Verifies `file` against the source frames in `span` and moves it to the span's path.
    ///
    /// A file that fails is deleted. If a complete file exists at the path by then, `file` is deleted and
    /// the facts are those of the existing one.
    pub(crate) fn accept(
        &self,
        span: &Output,
        file: PartialFile,
        log: &FrameLog,
    ) -> Result<Rendition> {
        let shape = span.shape()?;
        let (start, end) = span.source_span(shape.as_ref());
        let (from, until) = (self.source.shown_tick(start), self.source.first_tick(end));
        let frames = log.within(from, until);
        let Some(last) = frames.last() else {
            return Err(mismatch("the source has no frame between the clip's start and end"));
        };
        self.reaches_end(end, frames, *last, until, log)?;
        let found = self.measure(&file)?;
        let wanted = self.wanted(span, shape.as_ref(), frames);
        self.compare(&found, &wanted)?;
        self.named(span, file, found)
    }

    /// What the file of `span` must hold, given the source `frames` in it.
    pub(crate) fn wanted(
        &self,
        span: &Output,
        shape: Option<&EditShape>,
        frames: &[i64],
    ) -> ExpectedFile {
        let (source, size) = (self.source, size(self.source, span));
        if let Some(shape) = shape {
            let step = shape.clock.step();
            let frames = (0..shape.frames).map(|n| n * step).collect();
            return ExpectedFile {
                frames,
                ticks: shape.clock.ticks,
                size,
                length: shape.seconds(),
            };
        }
        let first = frames.first().copied().unwrap_or(0);
        let stands = first < source.first_tick(span.start);
        let near = !stands && first - source.tick(span.start) <= source.tolerance();
        let zero = if near { first } else { source.tick(span.start) };
        // The first frame is at time 0 in any case.
        let later = frames.iter().skip(1).map(|pts| pts - zero);
        let frames = std::iter::once(0).chain(later).collect();
        ExpectedFile { frames, ticks: source.ticks, size, length: span.end - span.start }
    }

    /// Moves a verified file to its path and returns its facts.
    fn named(&self, span: &Output, file: PartialFile, found: MeasuredFile) -> Result<Rendition> {
        let (bytes, blake3) = seal(&file)?;
        let other = self.publish(file, span)?;
        Ok(other.unwrap_or_else(|| found.facts(span, bytes, blake3)))
    }

    /// Renames the file to its path durably; returns the facts of a complete file there.
    fn publish(&self, file: PartialFile, span: &Output) -> Result<Option<Rendition>> {
        let path = std::path::absolute(&span.path).map_err(not_written)?;
        let folder = File::open(path.parent().unwrap_or(Path::new("/"))).map_err(not_written)?;
        if let Err((error, file)) = file.persist_noclobber(&path) {
            if error.kind() != std::io::ErrorKind::AlreadyExists {
                return Err(not_written(error));
            }
            // If two processes find the same damaged file, the second must see the file of the first.
            // Without folder locks a short race remains, which replaces one complete file by another.
            let _ = folder.lock();
            if let Some(facts) = self.existing(span)? {
                return Ok(Some(facts));
            }
            file.persist(&path).map_err(not_written)?;
        }
        folder.sync_all().map_err(not_written)?;
        Ok(None)
    }

    /// Checks that the last frame lasts until the span's end: the source must not end early.
    fn reaches_end(
        &self,
        end: f64,
        frames: &[i64],
        last: i64,
        until: i64,
        log: &FrameLog,
    ) -> Result<()> {
        let nominal = 1.5 * self.source.ticks as f64 / self.source.fps;
        let widest = frames.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let later = log.frames.last().is_some_and(|pts| *pts >= until);
        let lasts = log.end + self.source.tolerance() >= until;
        if later || lasts || (until - last) as f64 <= nominal.max(widest as f64) {
            return Ok(());
        }
        // A still picture may last long; then a frame follows it.
        if self.frame_from(end, until)? {
            return Ok(());
        }
        Err(mismatch("the source ends before the clip does; it may be cut short: fetch it again"))
    }

    /// Whether the source has a frame at or after `tick`, which is at `seconds`.
    fn frame_from(&self, seconds: f64, tick: i64) -> Result<bool> {
        let limits = &self.settings.limits;
        let mut command = MediaCommand::ffmpeg(self.tools, limits);
        let target = self.source.seek(seconds, 0).map(|target| format!("{target:.6}"));
        let mut extra = Vec::new();
        if let Some(target) = &target {
            extra.extend(["-noaccurate_seek", "-ss", target]);
        }
        let graph = format!(
            "[0:{}]settb=1/{},trim=start_pts={tick}[log]",
            self.source.video, self.source.ticks
        );
        command.args(ffmpeg_args()).arg("-copyts");
        command.args(input_args(self.source.demuxer, self.path, limits, &extra));
        command.args(["-filter_complex", &graph, "-map", "[log]", "-frames:v", "1"]);
        command.args(["-c:v", "wrapped_avframe", "-f", "framecrc", "pipe:1"]);
        let (answer, finished) = command.capture(self.cancel, 64 << 10)?;
        finished.check(ErrorCode::RenderFailed)?;
        Ok(!FrameLog::read(answer.as_slice(), self.source.ticks, |_| true).frames.is_empty())
    }
}

/// Flushes the file to disk and returns its size and BLAKE3 hash.
pub(crate) fn seal(file: &Path) -> Result<(i64, String)> {
    let read = || -> std::io::Result<(u64, String)> {
        let mut open = File::open(file)?;
        open.sync_all()?;
        let mut hasher = blake3::Hasher::new();
        let bytes = std::io::copy(&mut open, &mut hasher)?;
        Ok((bytes, hasher.finalize().to_hex().to_string()))
    };
    let (bytes, hash) = read().map_err(not_written)?;
    Ok((i64::try_from(bytes).unwrap_or(i64::MAX), hash))
}

fn not_written(cause: std::io::Error) -> Error {
    let message = format!("a clip's file cannot be moved to its path: {cause}");
    Error::new(ErrorCode::StoreWrite, message).with_source(cause)
}
