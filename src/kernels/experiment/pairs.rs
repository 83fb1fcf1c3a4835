//! The tests of all pairs of arms that are compared, corrected for their number and for looks.

use super::arm::Arm;
use super::looks::Looks;
use super::{holm, two_proportion_z};

/// Pairs up to which the correction for looks is computed for each; beyond, it is read from a table.
const FEW: usize = 64;

/// p-values of pairs.
pub(super) struct Tests {
    /// Of each arm its number among those compared.
    numbers: Vec<Option<usize>>,
    arms: usize,
    p: Vec<Option<f64>>,
    corrected: Vec<Option<f64>>,
    /// Holm's factor of each pair.
    factors: Vec<Option<f64>>,
}

impl Tests {
    pub(super) fn new(arms: &[Arm], is_compared: &[bool], looks: &Looks) -> Self {
        let (mut compared, mut numbers) = (vec![], vec![]);
        for (arm, is) in arms.iter().zip(is_compared) {
            numbers.push(is.then_some(compared.len()));
            compared.extend(is.then_some(arm));
        }
        let pairs = compared.len() * compared.len().saturating_sub(1) / 2;
        let (mut p, mut sequential) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
        for (i, a) in compared.iter().enumerate() {
            for b in compared.iter().skip(i + 1) {
                let test = two_proportion_z(a.pair(), b.pair());
                // All alike is a test too: it finds no difference.
                let alike = || a.rate().zip(b.rate()).map(|_| 1.0);
                p.push(test.map(|t| t.p).or_else(alike));
                let corrected = test.map(|t| match pairs <= FEW {
                    _ if looks.is_one() => t.p,
                    true => looks.p(t.z),
                    false => looks.p_by_table(t.z),
                });
                sequential.push(corrected.or_else(alike));
            }
        }
        let factors = factors(&sequential);
        Self { numbers, arms: compared.len(), p: holm(&p), corrected: holm(&sequential), factors }
    }

    fn at(&self, i: usize, j: usize) -> Option<usize> {
        let (i, j) = ((*self.numbers.get(i)?)?, (*self.numbers.get(j)?)?);
        let (i, j) = (i.min(j), i.max(j));
        // The rows before row `i` of the triangle hold arms − 1, arms − 2, … pairs.
        let before = i * (2 * self.arms - i - 1) / 2;
        (before + j).checked_sub(i + 1)
    }

    /// p of a pair, corrected for their number.
    pub(super) fn p(&self, i: usize, j: usize) -> Option<f64> {
        self.p.get(self.at(i, j)?).copied().flatten()
    }

    /// p of a pair, corrected for their number and for looks.
    pub(super) fn corrected_p(&self, i: usize, j: usize) -> Option<f64> {
        self.corrected.get(self.at(i, j)?).copied().flatten()
    }

    /// The chance of a false result that Holm's method leaves a pair of `alpha` over all.
    pub(super) fn alpha(&self, i: usize, j: usize, alpha: f64) -> Option<f64> {
        self.factors.get(self.at(i, j)?).copied().flatten().map(|factor| alpha / factor)
    }

    pub(super) fn count(&self) -> usize {
        self.p.iter().flatten().count()
    }
}

/// By how much Holm's method multiplies each: by how many there are for the least, by 1 for the greatest.
fn factors(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> =
        p.iter().enumerate().filter_map(|(i, p)| Some((i, (*p)?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut factors = vec![None; p.len()];
    for (place, (i, _)) in order.iter().enumerate() {
        factors[*i] = Some((order.len() - place) as f64);
    }
    factors
}
