//! Times that count frames, as editing programs write them: `01:02:03:04`, with drop frames `01:02:03;04`.
//!
//! Timecode counts frames at a whole rate, 30 for the 29.97 frames a second of NTSC; without drop frames it falls behind
//! the clock by 3.6 s an hour there. Drop-frame timecode (SMPTE ST 12-1) leaves out the first two *numbers* of each
//! minute but those that ten divides, at 59.94 the first four; no frame is left out.

use std::fmt;

/// Numbers of frames that drop-frame timecode leaves out at the start of a minute, per 30 frames a second.
const DROPPED: u64 = 2;

/// A time that counts frames; what it is in seconds depends on the source's rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTimecode {
    hours: u64,
    minutes: u64,
    seconds: u64,
    frames: u64,
    /// Whether numbers are left out, so that it keeps up with the clock.
    is_drop: bool,
}

impl FrameTimecode {
    /// The time that `text` is: `H:MM:SS:FF`, or `H:MM:SS;FF` with drop frames. `None` if it is no such time.
    ///
    /// ```
    /// use clipflow::kernels::frame_timecode::FrameTimecode;
    /// let time = FrameTimecode::parse("00:01:00;02").unwrap();
    /// assert_eq!(time.seconds_at(30.0 / 1.001), Ok(1800.0 * 1001.0 / 30000.0));
    /// assert_eq!(FrameTimecode::parse("1:02:03.5"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (clock, frames, is_drop) = match text.trim().rsplit_once(';') {
            Some((clock, frames)) => (clock, frames, true),
            None => {
                let (clock, frames) = text.trim().rsplit_once(':')?;
                (clock, frames, false)
            }
        };
        let number = |digits: &str, most: usize| {
            let fits = (1..=most).contains(&digits.len());
            let is_number = fits && digits.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| digits.parse::<u64>().ok()).flatten()
        };
        let [hours, minutes, seconds] =
            <[&str; 3]>::try_from(clock.split(':').collect::<Vec<_>>()).ok()?;
        let time = Self {
            hours: number(hours, 3)?,
            minutes: number(minutes, 2)?,
            seconds: number(seconds, 2)?,
            frames: number(frames, 3)?,
            is_drop,
        };
        (time.minutes < 60 && time.seconds < 60).then_some(time)
    }

    /// The frames per second by which the frames of a source are counted: the average, where that is a rate of film or
    /// television, else the nominal rate; 0 if it has none.
    pub fn rate_of(average: Option<f64>, nominal: Option<f64>) -> f64 {
        let is_standard = |fps: &f64| {
            TimecodeRate::of(*fps)
                .is_some_and(|rate| rate.is_ntsc || (rate.fps - rate.counted as f64).abs() < 0.01)
        };
        average.filter(is_standard).or(nominal).or(average).unwrap_or(0.0)
    }

    /// The seconds from 00:00:00:00 on, in a source of so many frames a second.
    ///
    /// # Errors
    /// A sentence of what the source allows, if it has no such frame.
    pub fn seconds_at(&self, fps: f64) -> Result<f64, String> {
        let Some(rate) = TimecodeRate::of(fps) else {
            return Err(format!(
                "{self} counts frames, but the source has no frame rate; give seconds, or 1:05"
            ));
        };
        if self.frames >= rate.counted {
            return Err(format!(
                "{self} has the frame {}, but the source has {} frames a second; give 00 to {:02} after the last colon",
                self.frames,
                rate,
                rate.counted - 1
            ));
        }
        let minutes = self.hours * 60 + self.minutes;
        let mut frames = (minutes * 60 + self.seconds) * rate.counted + self.frames;
        if self.is_drop {
            let Some(dropped) = rate.dropped() else {
                return Err(format!(
                    "{self} is drop-frame timecode, which only sources of 29.97 or 59.94 frames a second have; this one has {rate}: write it with a colon"
                ));
            };
            if self.seconds == 0 && self.frames < dropped && !minutes.is_multiple_of(10) {
                return Err(format!(
                    "{self} is a number that drop-frame timecode leaves out; the next one is {}",
                    Self { frames: dropped, ..*self }
                ));
            }
            frames -= dropped * (minutes - minutes / 10);
        }
        Ok(rate.seconds(frames))
    }
}

impl fmt::Display for FrameTimecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hours, minutes, seconds, frames, is_drop } = self;
        let mark = if *is_drop { ';' } else { ':' };
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}{mark}{frames:02}")
    }
}

/// How a source's frames are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct TimecodeRate {
    /// Frames that timecode counts in its second.
    counted: u64,
    /// Frames in a second of the clock.
    fps: f64,
    /// Whether its frames are 1001/1000 as long as counted.
    is_ntsc: bool,
}

impl TimecodeRate {
    /// That of a frame rate; `None` if it is none.
    fn of(fps: f64) -> Option<Self> {
        if !(0.5..1000.0).contains(&fps) {
            return None;
        }
        let near = |rate: f64| (rate - rate.round()).abs() < 2e-4 * rate.max(1.0);
        let is_ntsc = !near(fps) && near(fps * 1.001);
        let whole = if is_ntsc { (fps * 1.001).round() } else { fps.ceil() };
        let whole = if near(fps) { fps.round() } else { whole };
        Some(Self { counted: whole as u64, fps, is_ntsc })
    }

    /// Numbers that drop-frame timecode leaves out at the start of a minute; `None` if it has none.
    fn dropped(self) -> Option<u64> {
        let fits = self.is_ntsc && matches!(self.counted, 30 | 60);
        fits.then(|| DROPPED * self.counted / 30)
    }

    /// The time of the frame of that number.
    fn seconds(self, frames: u64) -> f64 {
        let (whole, counted) = (self.counted as f64, frames as f64);
        if self.is_ntsc {
            return counted * 1001.0 / (whole * 1000.0);
        }
        if (self.fps - whole).abs() < 2e-4 * whole {
            return counted / whole;
        }
        // A rate of no standard: seconds are those of the clock.
        (frames / self.counted) as f64 + (frames % self.counted) as f64 / self.fps
    }
}

impl fmt::Display for TimecodeRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.fps * 100.0).round() / 100.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Every timecode from 00:00:00:00 on, each of the next frame, counted one by one.
    fn counted(rate: u64, is_drop: bool, frames: usize) -> Vec<FrameTimecode> {
        let dropped = if is_drop { rate / 15 } else { 0 };
        let mut time = FrameTimecode { hours: 0, minutes: 0, seconds: 0, frames: 0, is_drop };
        let mut all = Vec::with_capacity(frames);
        for _ in 0..frames {
            all.push(time);
            time.frames += 1;
            if time.frames == rate {
                (time.frames, time.seconds) = (0, time.seconds + 1);
            }
            if time.seconds == 60 {
                (time.seconds, time.minutes) = (0, time.minutes + 1);
                if !time.minutes.is_multiple_of(10) {
                    time.frames = dropped;
                }
            }
            if time.minutes == 60 {
                (time.minutes, time.hours) = (0, time.hours + 1);
            }
        }
        all
    }

    #[test]
    fn every_frame_of_two_hours_has_its_own_time() {
        for (counted_as, fps, is_drop) in [
            (30_u32, 30.0 / 1.001, true),
            (60, 60.0 / 1.001, true),
            (30, 30.0 / 1.001, false),
            (24, 24.0 / 1.001, false),
            (25, 25.0, false),
            (50, 50.0, false),
        ] {
            let length = f64::from(counted_as) / fps;
            let frames = counted_as as usize * 7200;
            for (number, time) in
                counted(u64::from(counted_as), is_drop, frames).into_iter().enumerate()
            {
                let want = number as f64 * length / f64::from(counted_as);
                let found =
                    FrameTimecode::parse(&time.to_string()).unwrap().seconds_at(fps).unwrap();
                assert!((found - want).abs() < 1e-6, "{time} at {fps}: {found}, not {want}");
            }
        }
        // Of an hour: drop-frame timecode is the clock, to a frame in 1000 seconds.
        let hour = FrameTimecode::parse("01:00:00;00").unwrap().seconds_at(29.97).unwrap();
        assert!((hour - 3600.0).abs() < 0.004, "{hour}");
    }

    proptest! {
        #[test]
        fn drop_frames_are_counted_as_one_by_one(number in 0_usize..110_000, fast in any::<bool>()) {
            let rate = if fast { 60 } else { 30 };
            let time = *counted(rate, true, number + 1).last().unwrap();
            let seconds = time.seconds_at(rate as f64 / 1.001).unwrap();
            prop_assert!((seconds * rate as f64 / 1.001 - number as f64).abs() < 1e-6);
        }

        #[test]
        fn no_text_is_a_fault(text in ".{0,16}", fps in any::<f64>()) {
            if let Some(time) = FrameTimecode::parse(&text)
                && let Ok(seconds) = time.seconds_at(fps)
            {
                prop_assert!(seconds >= 0.0 && seconds.is_finite());
            }
        }
    }

    #[test]
    fn frames_that_a_source_does_not_have_are_told() {
        let refused =
            |text: &str, fps: f64| FrameTimecode::parse(text).unwrap().seconds_at(fps).unwrap_err();
        assert_eq!(
            refused("0:00:05:25", 25.0),
            "00:00:05:25 has the frame 25, but the source has 25 frames a second; give 00 to 24 after the last colon"
        );
        assert!(refused("0:00:05:30", 29.97).contains("has 29.97 frames a second; give 00 to 29"));
        assert!(refused("0:00:05;12", 25.0).contains("only sources of 29.97 or 59.94"));
        assert!(refused("0:01:00;01", 29.97).ends_with("leaves out; the next one is 00:01:00;02"));
        assert!(refused("0:01:00;03", 59.94).ends_with("the next one is 00:01:00;04"));
        assert!(refused("0:01:00:00", 0.0).contains("no frame rate"));
        let odd = FrameTimecode::parse("0:00:02:05").unwrap().seconds_at(12.5).unwrap();
        assert!((odd - 2.4).abs() < 1e-9);
        for text in [
            "",
            "1",
            "1:05",
            "1:02:03",
            "1:02:03.5",
            "0:60:00:00",
            "0:00:60:00",
            "a:00:00:00",
            "0:00:00:-1",
            "0:0:0:0:0",
        ] {
            assert_eq!(FrameTimecode::parse(text), None, "{text}");
        }
    }
}
