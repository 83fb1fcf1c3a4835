//! Experiments: which of several variants is better, and whether the counts can say so.
//!
//! A *trial* succeeds or does not: an impression that becomes a view of 3 s, a view that reaches the
//! end. What is missing, has no trials or has more successes than trials is `None` wherever it goes
//! in, never NaN.
//!
//! | what | how |
//! |---|---|
//! | [`wilson`] | score interval of a rate |
//! | [`two_proportion_z`] | whether two rates differ, pooled, two-sided |
//! | [`difference_interval`] | by how much they differ |
//! | [`holm`] | p-values of several tests, corrected for their number |
//! | [`min_detectable_effect`] | the difference that so many trials would show |
//! | [`thompson_split`] | how to share out the next trials |
//! | [`Looks`] | p-values and intervals of an experiment that is looked at again and again |
//! | [`judge_by`] | all of it for the variants of an experiment, with a verdict |

mod arm;
mod compare;
mod holm;
mod interval;
mod judge;
mod looks;
mod pairs;
mod split;

#[cfg(test)]
mod tests;

pub use arm::Arm;
pub use compare::{
    ALPHA, POWER, ZTest, difference_interval, min_detectable_effect, two_proportion_z,
};
pub use holm::holm;
pub use interval::{Interval, wilson};
pub use judge::{
    DEFAULT_MIN_TRIALS, Judged, LEAST_EXPECTED, MAX_ARMS, Plan, Verdict, judge, judge_by, winner,
};
pub use looks::{DEFAULT_LOOKS, Looks, MAX_LOOKS};
pub use split::{DRAWS, thompson_split};

use crate::error::{Error, ErrorCode, Result};

/// Confidence of intervals, where none is named.
pub const DEFAULT_CONFIDENCE: f64 = 0.95;

/// `confidence`, if it is one.
///
/// # Errors
/// `config.invalid` if it is not above 0 and below 1.
pub fn checked_confidence(confidence: f64) -> Result<f64> {
    if confidence > 0.0 && confidence < 1.0 {
        return Ok(confidence);
    }
    Err(Error::new(
        ErrorCode::ConfigInvalid,
        format!("the confidence is {confidence}; give a share between 0 and 1, such as 0.95"),
    ))
}

/// Successes and trials that can be, with at least one trial.
fn counts(successes: Option<f64>, trials: Option<f64>) -> Option<(f64, f64)> {
    let (k, n) = (successes?, trials?);
    (n > 0.0 && n.is_finite() && (0.0..=n).contains(&k)).then_some((k, n))
}

/// The distance from the mean, in standard deviations, that the share `confidence` of a normal
/// distribution stays within.
fn two_sided(confidence: f64) -> f64 {
    std::f64::consts::SQRT_2 * statrs::function::erf::erf_inv(confidence)
}
