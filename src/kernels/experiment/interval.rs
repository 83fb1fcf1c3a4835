//! The interval of a rate.

use super::{counts, two_sided};

/// From and to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The score interval of a rate (Wilson, "Probable inference", JASA 22, 1927), which holds
/// its confidence for few trials and for rates near 0 and 1 too. `confidence` is above 0 and below 1.
pub fn wilson(successes: Option<f64>, trials: Option<f64>, confidence: f64) -> Option<Interval> {
    if !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    wilson_within(successes, trials, two_sided(confidence))
}

/// As [`wilson`], with the confidence as standard deviations.
pub(super) fn wilson_within(
    successes: Option<f64>,
    trials: Option<f64>,
    z: f64,
) -> Option<Interval> {
    let (k, n) = counts(successes, trials)?;
    let (p, z2) = (k / n, z * z);
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At the ends of the scale the formula gives 0 and 1, up to rounding.
    let low = if k == 0.0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if k == n { 1.0 } else { (middle + half).min(1.0) };
    Some(Interval { low, high })
}
