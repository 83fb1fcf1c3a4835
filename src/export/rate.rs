//! Frame rates as editing programs have them: whole numbers, and those of NTSC.

/// Rates that are in use, in frames by seconds.
const KNOWN: [(i64, i64); 15] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48_000, 1001),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (100, 1),
    (120_000, 1001),
    (120, 1),
    (15, 1),
    (10, 1),
];

/// A rate that is measured over few frames differs by so much from the one it is. (24 and 23.976 are 0.001 apart.)
const NEAR: f64 = 4e-4;

/// Frames by seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    frames: i64,
    seconds: i64,
    /// Whether the source has no such rate: its times are rounded to it.
    rounded: bool,
}

impl Rate {
    /// Of a source whose mean rate is `fps`. One of a variable rate gets the nearest usual rate that is not below it.
    pub fn of(fps: f64, is_variable: bool) -> Self {
        let near = |(frames, seconds): &(i64, i64)| {
            let known = *frames as f64 / *seconds as f64;
            (known / fps - 1.0).abs() < NEAR
        };
        if !is_variable {
            let known = KNOWN.into_iter().find(|rate| near(rate));
            // What no camera has, such as 12.5, to a thousandth.
            let exact = || (((fps * 1000.0).round() as i64).max(1), 1000);
            let (frames, seconds) = known.unwrap_or_else(exact);
            return Self { frames, seconds, rounded: false };
        }
        let whole = [24, 25, 30, 50, 60, 120].into_iter().find(|rate| *rate as f64 >= fps - 0.5);
        Self { frames: whole.unwrap_or(120), seconds: 1, rounded: true }
    }

    /// Frames a second.
    pub fn fps(self) -> f64 {
        self.frames as f64 / self.seconds as f64
    }

    /// Whether times are rounded to it.
    pub fn is_rounded(self) -> bool {
        self.rounded
    }

    /// The number of frames until a time in seconds.
    pub fn frames(self, seconds: f64) -> i64 {
        (seconds * self.fps()).round() as i64
    }

    /// A number of frames as seconds, as a fraction: `1001/30000s`.
    pub fn fraction(self, frames: i64) -> String {
        let (mut above, mut below) = (frames * self.seconds, self.frames);
        let divisor = divisor(above.unsigned_abs(), below.unsigned_abs()).max(1) as i64;
        (above, below) = (above / divisor, below / divisor);
        if below == 1 { format!("{above}s") } else { format!("{above}/{below}s") }
    }

    /// `HH:MM:SS:FF`, counting all frames (non-drop).
    pub fn timecode(self, frames: i64) -> String {
        let base = (self.fps().round() as i64).max(1);
        let (seconds, frame) = (frames / base, frames % base);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        format!("{hours:02}:{minutes:02}:{:02}:{frame:02}", seconds % 60)
    }
}

fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_that_programs_know() {
        let ntsc = Rate::of(29.970_1, false);
        assert_eq!((ntsc.frames, ntsc.seconds, ntsc.rounded), (30_000, 1001, false));
        assert_eq!(ntsc.fraction(1), "1001/30000s");
        assert_eq!(ntsc.fraction(30_000), "1001s");
        assert_eq!(Rate::of(23.976, false).frames, 24_000);
        assert_eq!(Rate::of(24.0, false).frames, 24);
        assert_eq!(Rate::of(25.0, false).fraction(50), "2s");
        assert_eq!(Rate::of(12.9, true), Rate { frames: 24, seconds: 1, rounded: true });
        assert_eq!(Rate::of(28.4, true).frames, 30);
        assert_eq!(Rate::of(12.5, false).fraction(1), "2/25s");
        assert_eq!(Rate::of(25.0, false).timecode(25 * 3661 + 7), "01:01:01:07");
        for frame in [0_i64, 1, 29, 30, 1799, 107_892] {
            let seconds = frame as f64 * 1001.0 / 30_000.0;
            assert_eq!(ntsc.frames(seconds), frame);
        }
    }
}
