//! What is compared: a variant with its counts.

use super::counts;

/// A variant of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// Trials that succeeded.
    pub successes: Option<f64>,
    /// Trials.
    pub trials: Option<f64>,
}

impl Arm {
    pub(super) fn pair(&self) -> (Option<f64>, Option<f64>) {
        (self.successes, self.trials)
    }

    pub(super) fn rate(&self) -> Option<f64> {
        counts(self.successes, self.trials).map(|(k, n)| k / n)
    }
}
