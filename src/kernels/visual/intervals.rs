//! The time from frame to frame in the moving parts of a source whose rate varies.

/// Width of a class of intervals, in seconds; longer ones than all classes are those of still parts.
const CLASS: f64 = 0.001;
const CLASSES: usize = 1000;
/// Share of all intervals that are as short as those of moving parts, or shorter.
const MOVING: f64 = 0.25;
/// Neighbouring classes that time stamps of whole milliseconds divide one rate into.
const NEAR: usize = 1;

/// Counts and sums of intervals by length.
pub(super) struct Intervals {
    classes: Vec<(u32, f64)>,
    count: u64,
    longest: f64,
}

impl Default for Intervals {
    fn default() -> Self {
        Self { classes: vec![(0, 0.0); CLASSES], count: 0, longest: 0.0 }
    }
}

impl Intervals {
    pub(super) fn add(&mut self, seconds: f64) {
        self.count += 1;
        self.longest = self.longest.max(seconds);
        if let Some(class) = self.classes.get_mut((seconds / CLASS) as usize) {
            class.0 = class.0.saturating_add(1);
            class.1 += seconds;
        }
    }

    /// The interval of moving parts, in seconds; 0 without any.
    pub(super) fn moving(&self) -> f64 {
        let wanted = (self.count as f64 * MOVING).max(1.0);
        let mut seen = 0.0;
        let reached = self.classes.iter().position(|(count, _)| {
            seen += f64::from(*count);
            seen >= wanted
        });
        let Some(class) = reached else { return self.longest };
        let near = self.classes.iter().take(class + NEAR + 1).skip(class.saturating_sub(NEAR));
        let (count, sum) = near.fold((0, 0.0), |(n, sum), class| (n + class.0, sum + class.1));
        sum / f64::from(count.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moving(intervals: &[(f64, usize)]) -> f64 {
        let mut all = Intervals::default();
        for (seconds, count) in intervals {
            (0..*count).for_each(|_| all.add(*seconds));
        }
        1.0 / all.moving()
    }

    #[test]
    fn the_rate_is_that_of_the_parts_that_move() {
        assert!((moving(&[(1.0 / 30.0, 300), (2.5, 4)]) - 30.0).abs() < 1e-9);
        // Whole milliseconds of 29.97.
        assert!((moving(&[(0.033, 190), (0.034, 110)]) - 29.9).abs() < 0.2);
        // Slides, and slides beside some seconds of film.
        assert!((moving(&[(15.0, 6)]) - 1.0 / 15.0).abs() < 1e-9);
        assert!((moving(&[(1.0, 60), (0.04, 250)]) - 25.0).abs() < 1e-9);
    }
}
