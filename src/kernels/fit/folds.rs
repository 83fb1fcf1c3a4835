//! Cross-validation.

use std::collections::BTreeMap;

use super::solve::{Problem, Solution};
use super::{FOLDS, Row};
use crate::error::Result;

/// The groups of rows, with the fold each of them is in.
pub(super) struct Groups {
    /// Of each row, the number of its group.
    pub(super) of_row: Vec<usize>,
    fold_of_group: Vec<usize>,
}

impl Groups {
    pub(super) fn len(&self) -> usize {
        self.fold_of_group.len()
    }

    fn fold(&self, row: usize) -> usize {
        self.fold_of_group[self.of_row[row]]
    }

    /// The rows in no fold of `without`, and those in fold `held`.
    fn split(&self, held: usize, without: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let rows = || 0..self.of_row.len();
        let is_out = |row: &usize| self.fold(*row) == held || without.contains(&self.fold(*row));
        (
            rows().filter(|r| !is_out(r)).collect(),
            rows().filter(|r| self.fold(*r) == held).collect(),
        )
    }
}

/// Groups are dealt to folds in the order of their hashes: neither the order of rows nor that of names
/// has a say.
pub(super) fn groups(rows: &[Row]) -> Groups {
    let mut hashes: Vec<_> = rows
        .iter()
        .map(|r| (*blake3::hash(r.group.as_bytes()).as_bytes(), r.group.as_str()))
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    let numbers: BTreeMap<&str, usize> =
        hashes.iter().enumerate().map(|(number, (_, group))| (*group, number)).collect();
    Groups {
        of_row: rows.iter().map(|r| numbers[r.group.as_str()]).collect(),
        fold_of_group: (0..hashes.len()).map(|number| number % FOLDS).collect(),
    }
}

/// Penalties that are tried, the strongest first: each fit then starts near the one before.
fn lambdas() -> impl Iterator<Item = f64> {
    (0..15).map(|i| 10.0_f64.powf(1.0 - 0.5 * f64::from(i)))
}

/// The penalty with the least error in cross-validation over the folds, without one of them or with all. Of
/// equal ones the strongest.
pub(super) fn best_lambda(
    problem: &Problem<'_>,
    groups: &Groups,
    without: Option<usize>,
) -> Result<f64> {
    let mut losses = [0.0; 15];
    for held in (0..FOLDS).filter(|f| Some(*f) != without) {
        let (train, test) = groups.split(held, without.as_slice());
        let mut last: Option<Solution> = None;
        for (loss, lambda) in losses.iter_mut().zip(lambdas()) {
            let solution = problem.solve(&train, lambda, last.as_ref())?;
            *loss += error(problem, &test, |row| solution.predict(row));
            last = Some(solution);
        }
    }
    let best = losses.iter().zip(lambdas()).min_by(|a, b| a.0.total_cmp(b.0));
    Ok(best.map_or(1.0, |(_, lambda)| lambda))
}

fn error(problem: &Problem<'_>, of: &[usize], predict: impl Fn(&Row) -> f64) -> f64 {
    let square = |i: &usize| {
        let row = &problem.rows[*i];
        problem.weights[*i] * (row.rate() - predict(row)).powi(2)
    };
    of.iter().map(square).sum()
}

/// Of each row, what a fit and the mean of the other folds say.
pub(super) struct HeldOut {
    pub(super) predicted: Vec<f64>,
    pub(super) mean: Vec<f64>,
}

/// Each fold predicted by a fit to the others, whose penalty they chose among themselves.
pub(super) fn held_out(problem: &Problem<'_>, groups: &Groups) -> Result<HeldOut> {
    let rows = problem.rows.len();
    let mut answers = HeldOut { predicted: vec![0.0; rows], mean: vec![0.0; rows] };
    for held in 0..FOLDS {
        let (train, test) = groups.split(held, &[]);
        let lambda = best_lambda(problem, groups, Some(held))?;
        let solution = problem.solve(&train, lambda, None)?;
        let means = problem.means(&train);
        for i in test {
            answers.predicted[i] = solution.predict(&problem.rows[i]);
            answers.mean[i] = means[problem.rows[i].stratum];
        }
    }
    Ok(answers)
}
