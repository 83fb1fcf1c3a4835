//! Two rates.

use statrs::function::erf::erfc;

use super::interval::wilson_within;
use super::{Interval, counts, two_sided};

/// Chance of finding a difference where there is none, in [`min_detectable_effect`].
pub const ALPHA: f64 = 0.05;
/// Chance of finding a difference that is there, in [`min_detectable_effect`].
pub const POWER: f64 = 0.8;

/// A test of two rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZTest {
    /// Their difference in standard errors; above 0 if the first is greater.
    pub z: f64,
    /// Chance of one as great, either way, if they were the same.
    pub p: f64,
}

/// The two-sided z-test of two proportions with the pooled variance. `None` too if all trials of both
/// end alike, where the variance is 0.
pub fn two_proportion_z(
    (k1, n1): (Option<f64>, Option<f64>),
    (k2, n2): (Option<f64>, Option<f64>),
) -> Option<ZTest> {
    let ((k1, n1), (k2, n2)) = (counts(k1, n1)?, counts(k2, n2)?);
    let pooled = (k1 + k2) / (n1 + n2);
    let error = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    if error.is_nan() || error <= 0.0 {
        return None;
    }
    let z = (k1 / n1 - k2 / n2) / error;
    Some(ZTest { z, p: erfc(z.abs() / std::f64::consts::SQRT_2) })
}

/// The interval of the first rate less the second, from the score intervals of both (method 10 of
/// Newcombe, "Interval estimation for the difference between independent proportions", Statistics
/// in Medicine 17, 1998).
pub fn difference_interval(
    (k1, n1): (Option<f64>, Option<f64>),
    (k2, n2): (Option<f64>, Option<f64>),
    confidence: f64,
) -> Option<Interval> {
    if !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    difference_within((k1, n1), (k2, n2), two_sided(confidence))
}

/// As [`difference_interval`], with the confidence as standard deviations.
pub(super) fn difference_within(
    (k1, n1): (Option<f64>, Option<f64>),
    (k2, n2): (Option<f64>, Option<f64>),
    deviations: f64,
) -> Option<Interval> {
    let first = wilson_within(k1, n1, deviations)?;
    let second = wilson_within(k2, n2, deviations)?;
    let (p1, p2) = (k1? / n1?, k2? / n2?);
    Some(Interval {
        low: p1 - p2 - (p1 - first.low).hypot(second.high - p2),
        high: p1 - p2 + (first.high - p1).hypot(p2 - second.low),
    })
}

/// The least difference from `rate` that a test of [`ALPHA`], two-sided, finds with [`POWER`] in `n1`
/// and `n2` trials: `(z(1 − α/2) + z(power)) · √(rate (1 − rate) (1/n1 + 1/n2))` (Duflo, Glennerster and
/// Kremer, "Using randomization in development economics research", 2007, section 4.1). Of one test:
/// what several tests can show after a correction is more. `None` for a rate of 0 or 1, whose variance
/// says nothing.
pub fn min_detectable_effect(rate: Option<f64>, n1: Option<f64>, n2: Option<f64>) -> Option<f64> {
    let (rate, n1, n2) = (rate?, n1?, n2?);
    let sound = rate > 0.0 && rate < 1.0 && n1 > 0.0 && n2 > 0.0;
    // One-sided at the power is two-sided at twice the power less one.
    let quantiles = two_sided(1.0 - ALPHA) + two_sided(2.0 * POWER - 1.0);
    sound.then(|| quantiles * (rate * (1.0 - rate) * (1.0 / n1 + 1.0 / n2)).sqrt())
}
