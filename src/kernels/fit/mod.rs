//! Fits of rates to features: ridge regression of the rate itself, or of its logit from binomial counts.
//!
//! * Features are standardised; a missing one counts as the mean. One that does not vary gets no weight.
//! * A row weighs `n / (1 + (n − 1) ρ)` for its `n` trials. ρ says how much rows differ beyond chance (Williams,
//!   "Extra-binomial variation in logistic linear models", Applied Statistics 31, 1982), so that one row
//!   with a million trials does not outweigh a hundred others.
//! * The strength of the penalty is chosen by cross-validation. How well the fit does is measured on
//!   rows that had no part in that choice (nested cross-validation), and rows of one group are never on
//!   both sides.
//! * A fit has to beat the mean by more than chance: what it gains on held-out rows must be above
//!   [`STANDARD_ERRORS`] of its standard errors over the groups, else it is refused.
//!
//! Deterministic: the same rows in the same order give the same fit.

mod folds;
mod report;
mod solve;

#[cfg(test)]
mod tests;

pub use report::{Bin, spearman};

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::metrics::METRIC_VERSION;
use crate::kernels::score::{Link, Training};

/// Fewest rows of a fit.
pub const LEAST_ROWS: usize = 30;
/// Fewest groups of a fit.
pub const LEAST_GROUPS: usize = 10;
/// Folds of cross-validation.
pub const FOLDS: usize = 5;
/// By how many of its standard errors a fit has to beat the mean.
pub const STANDARD_ERRORS: f64 = 2.0;

/// Something with features, whose trials succeeded or did not.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One value a feature, not finite where it is missing.
    pub features: Vec<f64>,
    /// Trials that succeeded.
    pub successes: f64,
    /// Trials, above 0.
    pub trials: f64,
    /// Rows of one group are alike and stay together.
    pub group: String,
    /// Rows of one stratum have a mean of their own, which no feature has to explain; from 0.
    pub stratum: usize,
}

impl Row {
    fn rate(&self) -> f64 {
        self.successes / self.trials
    }
}

/// A feature's part in a fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficient {
    /// What one `scale` above the `mean` adds.
    pub weight: f64,
    /// The feature's mean.
    pub mean: f64,
    /// Its standard deviation; 1 where it does not vary.
    pub scale: f64,
}

/// A fit that beats the mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Of each stratum, for usual features.
    pub intercepts: Vec<f64>,
    /// Of each feature, in their order.
    pub coefficients: Vec<Coefficient>,
    /// Strength of the penalty, in units of the mean loss of a row.
    pub lambda: f64,
    /// How well it does.
    pub quality: Quality,
}

impl Fitted {
    /// What a file says of the fit, to data of that hash.
    pub fn training(&self, data_hash: String, definition: &str) -> Training {
        let quality = &self.quality;
        Training {
            data_hash,
            rows: quality.rows as u64,
            clips: quality.groups as u64,
            trials: quality.trials,
            definition: definition.to_owned(),
            metric_version: METRIC_VERSION,
            folds: quality.folds as u32,
            spearman: quality.spearman,
            cv_loss: quality.loss,
            baseline_loss: quality.baseline_loss,
            standard_errors: quality.standard_errors,
            dispersion: quality.dispersion,
            lambda: self.lambda,
            trained_at: None,
        }
    }
}

/// What a fit's held-out rows say.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// Rows.
    pub rows: usize,
    /// Groups among them.
    pub groups: usize,
    /// Trials of all rows.
    pub trials: f64,
    /// Folds.
    pub folds: usize,
    /// How much rows differ beyond chance, in [0, 1].
    pub dispersion: f64,
    /// Weighted mean squared error of the rate on held-out rows.
    pub loss: f64,
    /// The same for the mean of the other rows.
    pub baseline_loss: f64,
    /// By how many standard errors the former is the better.
    pub standard_errors: f64,
    /// Spearman's rank correlation of predicted and measured rates of held-out rows; with several strata,
    /// of their distances from the mean of the stratum. `None` if either never differs.
    pub spearman: Option<f64>,
    /// Held-out rows by predicted rate.
    pub calibration: Vec<Bin>,
}

/// What a fit's errors call things.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// The rate.
    pub rate: &'a str,
    /// The rows.
    pub rows: &'a str,
    /// The groups of rows.
    pub groups: &'a str,
}

/// Fit the rates of `rows` with `link`.
///
/// # Errors
/// `fit.too_few` rows or groups; `fit.no_better` than the mean, with the figures.
pub fn fit(rows: &[Row], link: Link, naming: Naming<'_>) -> Result<Fitted> {
    let groups = folds::groups(rows);
    if rows.len() < LEAST_ROWS || groups.len() < LEAST_GROUPS {
        return Err(Error::new(
            ErrorCode::FitTooFew,
            format!(
                "{} {} of {} {} have events with {}; a fit takes {LEAST_ROWS} of {LEAST_GROUPS} at least",
                rows.len(),
                naming.rows,
                groups.len(),
                naming.groups,
                naming.rate
            ),
        ));
    }
    let dispersion = solve::dispersion(rows);
    let problem = solve::Problem::new(rows, link, dispersion);
    let held_out = folds::held_out(&problem, &groups)?;
    let quality = report::quality(&problem, &held_out, &groups);
    if !(quality.standard_errors > STANDARD_ERRORS && quality.loss < quality.baseline_loss) {
        return Err(no_better(&quality, naming));
    }
    let all: Vec<usize> = (0..rows.len()).collect();
    let lambda = folds::best_lambda(&problem, &groups, None)?;
    let solution = problem.solve(&all, lambda, None)?;
    Ok(Fitted {
        intercepts: solution.intercepts().to_vec(),
        coefficients: solution.coefficients(),
        lambda,
        quality,
    })
}

fn no_better(quality: &Quality, naming: Naming<'_>) -> Error {
    let rho = quality.spearman.map_or("unknown".to_owned(), |rho| format!("{rho:.2}"));
    Error::new(
        ErrorCode::FitNoBetter,
        format!(
            "the features do not predict {} better than its mean: on held-out {rows} the error is {:.3e}, that of the mean {:.3e} (better by {:.1} standard errors, where {STANDARD_ERRORS} are asked for; Spearman's rho {rho}); nothing is written. More {rows}, or more different ones, may help",
            naming.rate,
            quality.loss,
            quality.baseline_loss,
            quality.standard_errors,
            rows = naming.rows
        ),
    )
}
