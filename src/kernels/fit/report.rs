//! How well a fit does on rows that it has not seen.

use super::folds::{Groups, HeldOut};
use super::solve::Problem;
use super::{FOLDS, Quality};

/// Bins of a calibration at the most.
const BINS: usize = 5;

/// Held-out rows of similar predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Rows.
    pub rows: usize,
    /// Their trials.
    pub trials: f64,
    /// Predicted rate, the mean weighted as in the fit.
    pub predicted: f64,
    /// Measured rate, likewise.
    pub measured: f64,
}

pub(super) fn quality(problem: &Problem<'_>, held_out: &HeldOut, groups: &Groups) -> Quality {
    let rows = problem.rows;
    let total: f64 = problem.weights.iter().sum();
    let mut gains = vec![0.0; groups.len()];
    let (mut loss, mut baseline_loss) = (0.0, 0.0);
    for (i, row) in rows.iter().enumerate() {
        let weight = problem.weights[i] / total;
        let square = |predicted: f64| weight * (row.rate() - predicted).powi(2);
        let (fit, mean) = (square(held_out.predicted[i]), square(held_out.mean[i]));
        loss += fit;
        baseline_loss += mean;
        gains[groups.of_row[i]] += mean - fit;
    }
    let strata = rows.iter().map(|r| r.stratum).max().unwrap_or(0);
    // The mean of a stratum alone would make them agree.
    let from = |i: usize| if strata > 0 { held_out.mean[i] } else { 0.0 };
    let predicted: Vec<f64> = (0..rows.len()).map(|i| held_out.predicted[i] - from(i)).collect();
    let measured: Vec<f64> = (0..rows.len()).map(|i| rows[i].rate() - from(i)).collect();
    Quality {
        rows: rows.len(),
        groups: groups.len(),
        trials: rows.iter().map(|r| r.trials).sum(),
        folds: FOLDS,
        dispersion: problem.dispersion,
        loss,
        baseline_loss,
        standard_errors: standard_errors(&gains),
        spearman: spearman(&predicted, &measured),
        calibration: calibration(problem, &held_out.predicted),
    }
}

/// The sum of independent gains in standard errors of it; 0 if they do not differ.
fn standard_errors(gains: &[f64]) -> f64 {
    let count = gains.len() as f64;
    let sum: f64 = gains.iter().sum();
    let squares: f64 = gains.iter().map(|g| (g - sum / count).powi(2)).sum();
    let error = (squares * count / (count - 1.0)).sqrt();
    if error > 0.0 { sum / error } else { 0.0 }
}

fn calibration(problem: &Problem<'_>, predicted: &[f64]) -> Vec<Bin> {
    let mut order: Vec<usize> = (0..predicted.len()).collect();
    order.sort_by(|a, b| predicted[*a].total_cmp(&predicted[*b]).then(a.cmp(b)));
    let bins = BINS.min(order.len());
    let bin = |number: usize| {
        let mine = &order[number * order.len() / bins..(number + 1) * order.len() / bins];
        let weight: f64 = mine.iter().map(|i| problem.weights[*i]).sum();
        let mean = |of: &dyn Fn(usize) -> f64| {
            mine.iter().map(|i| problem.weights[*i] * of(*i)).sum::<f64>() / weight
        };
        Bin {
            rows: mine.len(),
            trials: mine.iter().map(|i| problem.rows[*i].trials).sum(),
            predicted: mean(&|i| predicted[i]),
            measured: mean(&|i| problem.rows[i].rate()),
        }
    };
    (0..bins).map(bin).collect()
}

/// Spearman's rank correlation: Pearson's of the ranks, equal values sharing theirs. `None` if there
/// are fewer than two values, one is not finite, or all of one side are equal.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let sound = a.len() == b.len() && a.iter().chain(b).all(|v| v.is_finite());
    if !sound || a.len() < 2 {
        return None;
    }
    let (a, b) = (ranks(a), ranks(b));
    let middle = (a.len() as f64 + 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum()
    };
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    (spread > 0.0).then(|| product(&a, &b) / spread)
}

/// Ranks from 1; equal values have the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = first as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|i| ranks[*i] = rank);
        first += equal.len();
    }
    ranks
}
