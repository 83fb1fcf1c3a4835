//! Second-order filters.

use std::f64::consts::PI;

/// A biquad in transposed direct form II; coefficients after R. Bristow-Johnson, "Cookbook
/// formulae for audio EQ biquad filter coefficients".
#[derive(Debug, Clone)]
pub(super) struct Biquad {
    b: [f32; 3],
    a: [f32; 2],
    state: [f32; 2],
}

impl Biquad {
    /// Passes what lies below `hertz`, 12 dB an octave (Butterworth).
    pub fn low_pass(hertz: f64, rate: f64) -> Self {
        let (cos, alpha) = Self::angle(hertz, rate, std::f64::consts::FRAC_1_SQRT_2);
        let b = (1.0 - cos) / 2.0;
        Self::new([b, 2.0 * b, b], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// The next output.
    #[inline]
    pub fn step(&mut self, x: f32) -> f32 {
        let [b0, b1, b2] = self.b;
        let [a1, a2] = self.a;
        let y = b0 * x + self.state[0];
        self.state[0] = b1 * x - a1 * y + self.state[1];
        self.state[1] = b2 * x - a2 * y;
        y
    }

    /// Lets the state fall to zero where it is too small to matter: arithmetic on subnormal
    /// numbers, into which filters decay in silence, is many times slower.
    pub fn settle(&mut self) {
        for state in &mut self.state {
            if state.abs() < 1e-20 {
                *state = 0.0;
            }
        }
    }

    fn angle(hertz: f64, rate: f64, q: f64) -> (f64, f64) {
        let omega = 2.0 * PI * hertz.min(0.45 * rate) / rate;
        (omega.cos(), omega.sin() / (2.0 * q))
    }

    fn new(b: [f64; 3], a: [f64; 3]) -> Self {
        let [a0, a1, a2] = a;
        Self {
            b: b.map(|b| (b / a0) as f32),
            a: [(a1 / a0) as f32, (a2 / a0) as f32],
            state: [0.0; 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ratio of output to input amplitude for a tone.
    fn gain(mut filter: Biquad, hertz: f64) -> f64 {
        let rate = 48_000.0;
        let tone = |n: i32| (2.0 * PI * hertz * f64::from(n) / rate).sin();
        let power: f64 = (0..48_000)
            .map(|n| f64::from(filter.step(tone(n) as f32)))
            .skip(24_000)
            .map(|y| y * y)
            .sum();
        (power / 12_000.0).sqrt()
    }

    #[test]
    fn the_filter_passes_what_lies_below() {
        let rate = 48_000.0;
        let half = std::f64::consts::FRAC_1_SQRT_2;
        for (filter, hertz, wanted) in [
            (Biquad::low_pass(3400.0, rate), 340.0, 1.0),
            (Biquad::low_pass(3400.0, rate), 3400.0, half),
        ] {
            assert!((gain(filter.clone(), hertz) - wanted).abs() < 0.01, "{filter:?} {hertz}");
        }
    }
}
