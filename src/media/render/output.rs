//! An output of rendering: one clip or variant, to be written as one file.

use std::path::PathBuf;

use super::ffmpeg::encoding::DynamicRange;
use super::settings::RenderSettings;
use super::shape::EditShape;
use super::source::TOLERANCE;
use crate::error::{Error, ErrorCode, Result};
use crate::model::edit::CaptionMode;
use crate::model::{Cue, Edit};

/// A clip or an edited variant to write as one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Stable id of the file.
    pub rendition_id: String,
    /// Start in seconds from the container's start time: PTS of the first frame, or a time just
    /// before it.
    pub start: f64,
    /// End in seconds on the same clock, exclusive.
    pub end: f64,
    /// Where the file appears once it is complete and verified.
    pub path: PathBuf,
    /// The edit to apply; `None` keeps picture, sound and times as they are. The segments of an edit
    /// take the place of `start` and `end`.
    pub edit: Option<Edit>,
    /// The source's captions; an edit shows those in its language.
    pub cues: Vec<Cue>,
}

impl Output {
    /// Start and end of the part of the source that a pass reads for it, in seconds.
    pub(crate) fn source_span(&self, shape: Option<&EditShape>) -> (f64, f64) {
        shape.map_or((self.start, self.end), EditShape::extent)
    }

    /// The frames and parts of its edit, if it has one.
    pub(crate) fn shape(&self) -> Result<Option<EditShape>> {
        self.edit.as_ref().map(EditShape::new).transpose()
    }
}

/// Seconds of the source that an output reads.
pub(crate) fn length(span: &Output) -> f64 {
    let (start, end) = extent(std::iter::once(span));
    (end - start).max(0.0)
}

/// First start and last end of the source parts that `spans` read, in seconds.
pub(crate) fn extent<'a>(spans: impl Iterator<Item = &'a Output>) -> (f64, f64) {
    spans.fold((f64::INFINITY, f64::NEG_INFINITY), |(start, end), span| {
        let shape = span.shape().ok().flatten();
        let read = span.source_span(shape.as_ref());
        (start.min(read.0), end.max(read.1))
    })
}

/// Checks that the output can be rendered with `settings`.
///
/// # Errors
/// `render.failed`, with what to change.
pub(crate) fn check_span(span: &Output, settings: &RenderSettings) -> Result<()> {
    if span.shape()?.is_some() {
        if settings.encoding.hdr == DynamicRange::Keep {
            let message = "variants are made for players of standard range; set hdr to sdr";
            return Err(Error::new(ErrorCode::RenderFailed, message));
        }
        let soft = span.edit.as_ref().is_some_and(|edit| edit.caption_mode == CaptionMode::Soft);
        let format = settings.encoding.format;
        if soft && format.has_picture() && !format.has_text_track() {
            let message =
                format!("{format} has no text track for the captions; choose mp4 or webm");
            return Err(Error::new(ErrorCode::RenderFailed, message));
        }
        return Ok(());
    }
    let fine = span.start.is_finite() && span.end.is_finite() && span.start >= -TOLERANCE;
    if fine && span.end - span.start > TOLERANCE {
        return Ok(());
    }
    let message = format!(
        "a clip from {} s to {} s cannot be cut; give a start below the end",
        span.start, span.end
    );
    Err(Error::new(ErrorCode::RenderFailed, message))
}

/// The error of an output that no pass rendered: a fault of the scheduling.
pub(crate) fn not_reached() -> Error {
    Error::new(ErrorCode::Internal, "a clip was left out of the plan; report this")
}
