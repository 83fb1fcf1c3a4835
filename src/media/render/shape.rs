//! An edit in whole frames of a constant clock, divided into the parts that are joined.

use super::source::TOLERANCE;
use crate::error::{Error, ErrorCode, Result};
use crate::model::edit::{Edit, JOIN_SECONDS, Join, Segment};

/// A constant frame rate as a fraction, with a clock on which every frame is at a whole tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameClock {
    pub(crate) num: i64,
    pub(crate) den: i64,
    /// Ticks per second.
    pub(crate) ticks: i64,
}

impl FrameClock {
    /// The clock of `fps`: whole rates, those of NTSC (`n / 1.001`), or thousandths.
    pub(crate) fn new(fps: f64) -> Self {
        let near = |value: f64| (value - value.round()).abs() < 2e-3 && value.round() >= 1.0;
        let (num, den) = if (fps - fps.round()).abs() < 1e-6 {
            (fps.round() as i64, 1)
        } else if near(fps * 1.001) {
            ((fps * 1.001).round() as i64 * 1000, 1001)
        } else {
            ((fps * 1000.0).round() as i64, 1000)
        };
        let num = num.max(1);
        Self { num, den, ticks: num * ((10_000 + num - 1) / num) }
    }

    /// Ticks from one frame to the next.
    pub(crate) fn step(self) -> i64 {
        self.ticks / self.num * self.den
    }

    /// Duration of `frames`, in seconds.
    pub(crate) fn seconds(self, frames: i64) -> f64 {
        frames as f64 * self.den as f64 / self.num as f64
    }

    /// The nearest number of frames in `seconds`.
    pub(crate) fn frames(self, seconds: f64) -> i64 {
        (seconds * self.num as f64 / self.den as f64).round() as i64
    }
}

/// Consecutive segments that are read from one input and follow each other by cuts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShapePart {
    pub(crate) segments: Vec<Segment>,
    /// Number of frames.
    pub(crate) frames: i64,
    /// Whether it is read through an input of its own, because it is shown out of source order.
    pub(crate) ahead: bool,
}

impl ShapePart {
    /// First start and last end in the source, in seconds.
    pub(crate) fn extent(&self) -> (f64, f64) {
        let start = self.segments.first().map_or(0.0, |first| first.start);
        (start, self.segments.last().map_or(0.0, |last| last.end))
    }
}

/// The frames and parts that an edit's segments become.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EditShape {
    pub(crate) clock: FrameClock,
    /// Number of frames in all.
    pub(crate) frames: i64,
    pub(crate) parts: Vec<ShapePart>,
    /// Number of frames in which two parts overlap; 0 for cuts.
    pub(crate) overlap: i64,
}

impl EditShape {
    /// Divides `edit` into parts and frames.
    ///
    /// # Errors
    /// [`ErrorCode::RenderFailed`] if it cannot be rendered, with what to change.
    pub(crate) fn new(edit: &Edit) -> Result<Self> {
        check(edit)?;
        let clock = FrameClock::new(edit.fps);
        let frames = clock.frames(edit.duration());
        let overlap = match edit.join {
            Join::Cut => 0,
            Join::Dissolve | Join::Slide => clock.frames(JOIN_SECONDS).max(1),
        };
        let ahead = is_cold_open(edit);
        let mut groups: Vec<Vec<Segment>> = Vec::new();
        for (number, segment) in edit.segments.iter().enumerate() {
            let apart = overlap > 0 || number == 0 || (number == 1 && ahead);
            match groups.last_mut() {
                Some(group) if !apart => group.push(*segment),
                _ => groups.push(vec![*segment]),
            }
        }
        let count = groups.len();
        let mut left = frames + overlap * (count as i64 - 1);
        let mut parts = Vec::with_capacity(count);
        for (number, segments) in groups.into_iter().enumerate() {
            let seen: f64 = segments.iter().map(Segment::seen).sum();
            let frames = if number + 1 == count { left } else { clock.frames(seen) };
            left -= frames;
            // A part in the middle is joined at both ends.
            let joins = i64::from(number > 0) + i64::from(number + 1 < count);
            if frames <= overlap * joins {
                return Err(refused("a segment is not longer than its joins"));
            }
            parts.push(ShapePart { segments, frames, ahead: ahead && number == 0 });
        }
        Ok(Self { clock, frames, parts, overlap })
    }

    /// Duration in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.clock.seconds(self.frames)
    }

    /// First start and last end of what the pass reads in order, in seconds.
    ///
    /// A cold open is read separately and not included.
    pub(crate) fn extent(&self) -> (f64, f64) {
        let parts = self.parts.iter().filter(|part| !part.ahead).map(ShapePart::extent);
        parts.fold((f64::INFINITY, f64::NEG_INFINITY), |(start, end), part| {
            (start.min(part.0), end.max(part.1))
        })
    }

    /// The cold open: the part that is read ahead of the others.
    pub(crate) fn ahead(&self) -> Option<&ShapePart> {
        self.parts.first().filter(|part| part.ahead)
    }
}

/// Whether the first segment is a cold open: shown before what precedes it in the source.
pub(crate) fn is_cold_open(edit: &Edit) -> bool {
    matches!(edit.segments.as_slice(), [first, second, ..] if second.start < first.end - TOLERANCE)
}

fn check(edit: &Edit) -> Result<()> {
    let side = |length: i64| (16..=8192).contains(&length) && length % 2 == 0;
    if !side(edit.width) || !side(edit.height) {
        return Err(refused("its width and height must be even and from 16 to 8192"));
    }
    if !(1.0..=240.0).contains(&edit.fps) {
        return Err(refused("its frame rate must be from 1 to 240"));
    }
    let fine = |segment: &Segment| {
        (-TOLERANCE..1e7).contains(&segment.start)
            && (segment.start + TOLERANCE..1e7).contains(&segment.end)
            && (0.25..=4.0).contains(&segment.speed)
    };
    if edit.segments.is_empty() || !edit.segments.iter().all(fine) {
        return Err(refused(
            "its segments need an end after their start and a speed from 0.25 to 4",
        ));
    }
    let rest = if is_cold_open(edit) { &edit.segments[1..] } else { &edit.segments[..] };
    if rest.windows(2).any(|pair| pair[1].start < pair[0].end - TOLERANCE) {
        return Err(refused("only its first segment may be out of the source's order"));
    }
    Ok(())
}

fn refused(why: &str) -> Error {
    Error::new(ErrorCode::RenderFailed, format!("this variant cannot be rendered: {why}"))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn edit(segments: &[(f64, f64, f64)], join: Join) -> Edit {
        let segment = |&(start, end, speed): &(f64, f64, f64)| Segment { start, end, speed };
        Edit { join, ..Edit::plain((360, 640), 25.0, segments.iter().map(segment)) }
    }

    #[test]
    fn usual_rates_are_exact() {
        for (fps, num, den) in [
            (25.0, 25, 1),
            (30_000.0 / 1001.0, 30_000, 1001),
            (23.976, 24_000, 1001),
            (60_000.0 / 1001.0, 60_000, 1001),
            (12.5, 12_500, 1000),
        ] {
            let clock = FrameClock::new(fps);
            assert_eq!((clock.num, clock.den), (num, den), "{fps}");
            assert_eq!(clock.step() * num, clock.ticks * den);
        }
    }

    #[test]
    fn cuts_are_one_part_and_a_cold_open_is_two() {
        let plain = EditShape::new(&edit(&[(1.0, 2.0, 1.0), (3.0, 4.0, 2.0)], Join::Cut)).unwrap();
        assert_eq!((plain.parts.len(), plain.frames), (1, 38));
        assert!(plain.ahead().is_none());
        let cold = EditShape::new(&edit(&[(6.0, 8.0, 1.0), (1.0, 9.0, 1.0)], Join::Cut)).unwrap();
        assert_eq!((cold.parts.len(), cold.parts[0].frames, cold.frames), (2, 50, 250));
        assert!(cold.ahead().is_some());
        assert_eq!(cold.extent(), (1.0, 9.0));
    }

    #[test]
    fn what_cannot_be_rendered_is_refused() {
        for (segments, join) in [
            (&[][..], Join::Cut),
            (&[(2.0, 1.0, 1.0)], Join::Cut),
            (&[(2.0, f64::NAN, 1.0)], Join::Cut),
            (&[(0.0, 1.0, 0.0)], Join::Cut),
            (&[(5.0, 6.0, 1.0), (0.0, 3.0, 1.0), (2.0, 4.0, 1.0)], Join::Cut),
            (&[(0.0, 3.0, 1.0), (4.0, 4.3, 1.0)], Join::Dissolve),
        ] {
            let error = EditShape::new(&edit(segments, join)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::RenderFailed);
        }
        let odd = Edit { width: 361, ..edit(&[(0.0, 1.0, 1.0)], Join::Cut) };
        assert!(EditShape::new(&odd).is_err());
    }

    proptest! {
        #[test]
        fn parts_and_joins_make_the_whole(
            lengths in proptest::collection::vec((1.0..9.0_f64, 0.5..2.0_f64), 1..8),
            fps in prop::sample::select(vec![24.0, 25.0, 30_000.0 / 1001.0, 60.0]),
            join in prop::sample::select(vec![Join::Cut, Join::Dissolve, Join::Slide]),
        ) {
            let mut at = 0.0;
            let segments: Vec<_> = lengths.iter().map(|(length, speed)| {
                at += length + 0.2;
                // Long enough for two joins at any of the speeds.
                (at - length, at, speed.min(length / 0.9))
            }).collect();
            let edit = Edit { fps, ..edit(&segments, join) };
            let Ok(shape) = EditShape::new(&edit) else { return Ok(()) };
            let seen: i64 = shape.parts.iter().map(|part| part.frames).sum();
            prop_assert_eq!(seen - shape.overlap * (shape.parts.len() as i64 - 1), shape.frames);
            prop_assert!((shape.seconds() - edit.duration()).abs() <= 0.5 / fps + 1e-9);
        }
    }
}
