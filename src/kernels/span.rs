//! Where in the source a request wants its clips: the very span, or a window to choose in.

use crate::error::{Error, ErrorCode, Result};
use crate::model::request::{DEFAULT_MIN_CLIP_LENGTH, VideoClipRequest};

/// The shortest `min_clip_length` accepted, in seconds.
pub const MIN_CLIP_LENGTH: f64 = 0.5;
/// The longest `max_clip_length` accepted, in seconds.
pub const MAX_CLIP_LENGTH: f64 = 600.0;
/// A span or window may reach this much beyond the end of the source, in seconds: players show whole seconds.
/// It then ends with the source.
pub const BEYOND_THE_END: f64 = 0.5;

/// The columns `start`, `end`, `within_start` and `within_end` of a request, in seconds of the source.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RequestSpan {
    /// Where the clip starts; with `end` it is the clip itself.
    pub start: Option<f64>,
    /// Where the clip ends.
    pub end: Option<f64>,
    /// Where clips may start at the earliest.
    pub within_start: Option<f64>,
    /// Where clips may end at the latest.
    pub within_end: Option<f64>,
}

impl RequestSpan {
    /// That of a typed request.
    pub fn of(request: &VideoClipRequest) -> Self {
        let VideoClipRequest { start, end, within_start, within_end, .. } = *request;
        Self { start, end, within_start, within_end }
    }

    /// Start and end of the clip, where the request says both.
    pub fn clip(&self) -> Option<(f64, f64)> {
        self.start.zip(self.end)
    }

    /// Start and end of the window, where the request says one of them: else the source's own.
    pub fn window(&self) -> Option<(f64, f64)> {
        let is_given = self.within_start.is_some() || self.within_end.is_some();
        let end = self.within_end.unwrap_or(f64::INFINITY);
        is_given.then(|| (self.within_start.unwrap_or(0.0), end))
    }

    /// Checks what can be checked without the source; `min` is the shortest clip wanted, in seconds.
    ///
    /// # Errors
    /// `invalid_request.bad_span`.
    pub fn check(&self, min: Option<f64>) -> Result<()> {
        let named = [
            ("start", self.start),
            ("end", self.end),
            ("within_start", self.within_start),
            ("within_end", self.within_end),
        ];
        for (name, value) in named.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            if !(value.is_finite() && value >= 0.0) {
                return Err(bad(format!(
                    "{name} is {value} s; give seconds of the source from 0 on, or 1:05"
                )));
            }
        }
        match (self.start, self.end) {
            (Some(_), None) => {
                return Err(bad(
                    "start is given without end; give both, or within_start for clips from there on",
                ));
            }
            (None, Some(_)) => {
                return Err(bad(
                    "end is given without start; give both, or within_end for clips up to there",
                ));
            }
            _ => {}
        }
        if let Some((start, end)) = self.clip() {
            if self.window().is_some() {
                return Err(bad(
                    "start and end are the clip itself, within_start and within_end a window to choose in; give one of the two",
                ));
            }
            return check_clip(start, end);
        }
        let Some((from, to)) = self.window() else { return Ok(()) };
        let min = min.unwrap_or(DEFAULT_MIN_CLIP_LENGTH);
        if to - from < min {
            return Err(bad(format!(
                "the window from {from} s to {to} s is shorter than min_clip_length, {min} s; widen within_start and within_end, or lower min_clip_length"
            )));
        }
        Ok(())
    }

    /// Why there can be no clip in a source of `duration` seconds, as a sentence; `None` if there can. `min`
    /// is the shortest clip wanted.
    pub fn outside(&self, duration: f64, min: f64) -> Option<String> {
        // Rounded down: 14.9996 s must not read as 15.
        let lasts = (duration * 1000.0).floor() / 1000.0;
        if let Some((start, end)) = self.clip() {
            return (end > duration + BEYOND_THE_END).then(|| {
                format!(
                    "the clip from {start} s to {end} s is not in the source, which lasts {lasts} s; correct start and end"
                )
            });
        }
        let (from, to) = self.window()?;
        let is_too_short = to.min(duration) - from < min.min(duration);
        is_too_short.then(|| {
            let to = if to.is_finite() { format!("{to} s") } else { "its end".to_owned() };
            format!(
                "the window from {from} s to {to} has no room for a clip of {min} s in the source, which lasts {lasts} s; correct within_start and within_end"
            )
        })
    }
}

fn check_clip(start: f64, end: f64) -> Result<()> {
    let length = end - start;
    if length <= 0.0 {
        return Err(bad(format!(
            "end is {end} s but start is {start} s; make the end later than the start"
        )));
    }
    // Of a difference the last digits are rounding errors.
    let shown = (length * 1e6).round() / 1e6;
    if shown < MIN_CLIP_LENGTH {
        return Err(bad(format!(
            "the clip from {start} s to {end} s lasts {shown} s; make it at least {MIN_CLIP_LENGTH} s"
        )));
    }
    if shown > MAX_CLIP_LENGTH {
        return Err(bad(format!(
            "the clip from {start} s to {end} s lasts {shown} s; make it at most {MAX_CLIP_LENGTH} s"
        )));
    }
    Ok(())
}

fn bad(sentence: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidRequestBadSpan, sentence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn span(clip: (Option<f64>, Option<f64>), window: (Option<f64>, Option<f64>)) -> RequestSpan {
        RequestSpan { start: clip.0, end: clip.1, within_start: window.0, within_end: window.1 }
    }

    #[test]
    fn what_contradicts_itself_is_told() {
        let none = (None, None);
        for (span, want) in [
            (span((Some(1.0), None), none), "start is given without end"),
            (span((None, Some(1.0)), none), "end is given without start"),
            (span((Some(-1.0), Some(2.0)), none), "start is -1 s"),
            (span((Some(0.0), Some(f64::NAN)), none), "end is NaN s"),
            (span((Some(5.0), Some(5.0)), none), "later than the start"),
            (span((Some(5.0), Some(5.2)), none), "lasts 0.2 s; make it at least 0.5 s"),
            (span((Some(0.0), Some(601.0)), none), "make it at most 600 s"),
            (span((Some(0.0), Some(9.0)), (Some(1.0), None)), "give one of the two"),
            (span(none, (Some(10.0), Some(20.0))), "is shorter than min_clip_length, 15 s"),
        ] {
            let error = span.check(None).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidRequestBadSpan);
            assert!(error.message().contains(want), "{error}");
        }
        assert!(span(none, none).check(None).is_ok());
        assert!(span((Some(5.0), Some(5.5)), none).check(None).is_ok());
        assert!(span(none, (Some(10.0), Some(20.0))).check(Some(5.0)).is_ok());
        assert!(span(none, (Some(10.0), None)).check(None).is_ok());
    }

    #[test]
    fn what_is_not_in_the_source_is_told() {
        let none = (None, None);
        let clip = span((Some(5.0), Some(12.4)), none);
        assert_eq!(clip.outside(12.0, 7.4), None);
        assert!(clip.outside(11.5, 7.4).unwrap().contains("lasts 11.5 s; correct start and end"));
        let from = span(none, (Some(5.0), None));
        assert_eq!(from.outside(12.0, 4.0), None);
        assert!(from.outside(8.0, 4.0).unwrap().contains("to its end"));
        // A window may reach beyond the source: a batch says "the first two minutes" of sources of any length.
        assert_eq!(span(none, (None, Some(20.0))).outside(12.0, 4.0), None);
        assert_eq!(span(none, none).outside(1.0, 4.0), None);
    }
}
