//! Metrics that are successes by trials, which intervals and tests of proportions are for.

use super::Metric;
use super::engagement::{CLICK_RATE, ENGAGEMENT_RATE, ENGAGEMENT_RATE_BY_IMPRESSIONS};
use super::retention::{COMPLETION_RATE, HOLD_RATE, HOOK_RATE, HOOK_RATE_2S};
use super::spread::SHARE_RATE;
use crate::error::{Error, ErrorCode, Result};

/// A metric as successes by trials: its last count is the trials, the others add up to the successes.
#[derive(Debug, Clone, Copy)]
pub struct Proportion {
    /// The metric.
    pub metric: &'static Metric,
    /// Whether a trial succeeds once at the most. Of the others one trial may have several
    /// successes (a viewer who likes and shares), whose intervals are then too narrow; and with more
    /// successes than trials they are no proportion at all.
    pub is_binary: bool,
}

/// The metrics that can be taken as proportions.
pub const PROPORTIONS: [Proportion; 8] = [
    Proportion { metric: &HOOK_RATE, is_binary: true },
    Proportion { metric: &HOOK_RATE_2S, is_binary: true },
    Proportion { metric: &HOLD_RATE, is_binary: true },
    Proportion { metric: &COMPLETION_RATE, is_binary: true },
    Proportion { metric: &CLICK_RATE, is_binary: false },
    Proportion { metric: &SHARE_RATE, is_binary: false },
    Proportion { metric: &ENGAGEMENT_RATE, is_binary: false },
    Proportion { metric: &ENGAGEMENT_RATE_BY_IMPRESSIONS, is_binary: false },
];

impl Proportion {
    /// The metric of that name.
    ///
    /// # Errors
    /// `config.invalid` if it is none of the proportions, naming them.
    pub fn find(name: &str) -> Result<Proportion> {
        PROPORTIONS.into_iter().find(|p| p.metric.name == name).ok_or_else(|| {
            let known = if Metric::find(name).is_some() {
                "is no proportion of trials"
            } else {
                "is no metric"
            };
            Error::new(
                ErrorCode::ConfigInvalid,
                format!(
                    "{name} {known}; the metrics that are successes by trials are {}",
                    names(|_| true)
                ),
            )
        })
    }

    /// Successes and trials of the metric's counts. A part of the successes that is not reported is left
    /// out; they are missing if all of it is.
    pub fn trials(&self, counts: &[Option<f64>]) -> (Option<f64>, Option<f64>) {
        let Some((trials, parts)) = counts.split_last() else { return (None, None) };
        let known = parts.iter().copied().flatten();
        (known.fold(None, |sum: Option<f64>, part| Some(sum.unwrap_or(0.0) + part)), *trials)
    }

    /// Why `who`, who has more successes than trials, is not judged by this metric.
    pub fn exceeded(&self, who: &str, successes: f64, trials: f64) -> Error {
        let name = self.metric.name;
        let why = match self.is_binary {
            true => "the figures hold replays or are of different days".to_owned(),
            false => format!(
                "one trial has several successes here, and {name} is no proportion then; take one that is: {}",
                names(|p| p.is_binary)
            ),
        };
        Error::new(
            ErrorCode::InputUnreadable,
            format!(
                "{who} has {successes} successes in {trials} trials of {name} ({}): {why}",
                self.metric.definition
            ),
        )
    }
}

fn names(which: impl Fn(&Proportion) -> bool) -> String {
    let names: Vec<&str> = PROPORTIONS.iter().filter(|p| which(p)).map(|p| p.metric.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The rate of the trials is the metric.
    #[test]
    fn proportions_are_their_metrics() {
        for proportion in PROPORTIONS {
            let parts = proportion.metric.inputs.len() as f64;
            let mut counts = vec![Some(2.0); proportion.metric.inputs.len()];
            *counts.last_mut().unwrap() = Some(50.0);
            let (successes, trials) = proportion.trials(&counts);
            assert_eq!((successes, trials), (Some(2.0 * (parts - 1.0)), Some(50.0)));
            assert_eq!((proportion.metric.of)(&counts), Some(successes.unwrap() / trials.unwrap()));
            assert_eq!(
                Proportion::find(proportion.metric.name).unwrap().is_binary,
                proportion.is_binary
            );
        }
        let counts = [None, None, None, None, Some(5.0)];
        assert_eq!(Proportion::find("engagement_rate").unwrap().trials(&counts), (None, Some(5.0)));
        let error = Proportion::find("viral_coefficient").unwrap_err();
        assert!(error.message().contains("is no proportion of trials"), "{error}");
    }
}
