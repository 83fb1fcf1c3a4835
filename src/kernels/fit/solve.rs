//! One fit with a given penalty.

use nalgebra::{DMatrix, DVector};

use super::{Coefficient, Row};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::score::Link;

/// Newton's method is done when no coefficient moves by more.
const TOLERANCE: f64 = 1e-10;
/// Steps of Newton's method at the most; it takes about ten.
const MOST_STEPS: usize = 200;
/// Keeps the intercept of a stratum without rows from being anything.
const ANCHOR: f64 = 1e-9;

/// How much rows differ beyond chance: ρ of a variance of `p (1 − p) (1 + (n − 1) ρ) / n` around the mean of
/// their stratum, by the method of moments; in [0, 1].
pub(super) fn dispersion(rows: &[Row]) -> f64 {
    let strata = rows.iter().map(|r| r.stratum + 1).max().unwrap_or(0);
    let (mut excess, mut room) = (0.0, 0.0);
    for stratum in 0..strata {
        let mine = || rows.iter().filter(|r| r.stratum == stratum);
        let trials: f64 = mine().map(|r| r.trials).sum();
        let mean = mine().map(|r| r.successes).sum::<f64>() / trials;
        let variance = mean * (1.0 - mean);
        if variance.is_nan() || variance <= 0.0 {
            continue;
        }
        for row in mine() {
            let share = 1.0 - row.trials / trials;
            excess += row.trials * (row.rate() - mean).powi(2) / variance - share;
            room += (row.trials - 1.0).max(0.0) * share;
        }
    }
    if room > 0.0 { (excess / room).clamp(0.0, 1.0) } else { 0.0 }
}

/// Rows, with what each of them weighs.
pub(super) struct Problem<'a> {
    pub(super) rows: &'a [Row],
    pub(super) weights: Vec<f64>,
    pub(super) dispersion: f64,
    link: Link,
    strata: usize,
    features: usize,
}

/// Means and scales of features, and the coefficients of strata and standardised features.
#[derive(Clone)]
pub(super) struct Solution {
    strata: usize,
    scales: Vec<(f64, f64)>,
    coefficients: DVector<f64>,
    link: Link,
}

impl Solution {
    pub(super) fn intercepts(&self) -> &[f64] {
        &self.coefficients.as_slice()[..self.strata]
    }

    pub(super) fn coefficients(&self) -> Vec<Coefficient> {
        let weights = &self.coefficients.as_slice()[self.strata..];
        let of = |((mean, scale), weight): (&(f64, f64), &f64)| Coefficient {
            weight: *weight,
            mean: *mean,
            scale: if scale.is_finite() { *scale } else { 1.0 },
        };
        self.scales.iter().zip(weights).map(of).collect()
    }

    /// The rate of a row.
    pub(super) fn predict(&self, row: &Row) -> f64 {
        let line = line(row, self.strata, &self.scales);
        self.link.score(dot(&line, self.coefficients.as_slice()))
    }
}

impl<'a> Problem<'a> {
    pub(super) fn new(rows: &'a [Row], link: Link, dispersion: f64) -> Self {
        let weight = |r: &Row| r.trials / (1.0 + (r.trials - 1.0).max(0.0) * dispersion);
        Self {
            rows,
            weights: rows.iter().map(weight).collect(),
            dispersion,
            link,
            strata: rows.iter().map(|r| r.stratum + 1).max().unwrap_or(1),
            features: rows.first().map_or(0, |r| r.features.len()),
        }
    }

    /// The weighted mean rate of each stratum over the rows `of`; of all of them where it has none.
    pub(super) fn means(&self, of: &[usize]) -> Vec<f64> {
        let mean = |stratum: Option<usize>| {
            let mine = of.iter().filter(|i| stratum.is_none_or(|s| self.rows[**i].stratum == s));
            let (sum, weight) = mine.fold((0.0, 0.0), |(sum, weight), i| {
                (sum + self.weights[*i] * self.rows[*i].rate(), weight + self.weights[*i])
            });
            (weight > 0.0).then(|| sum / weight)
        };
        let overall = mean(None).unwrap_or(0.0);
        (0..self.strata).map(|s| mean(Some(s)).unwrap_or(overall)).collect()
    }

    /// The fit to the rows `of`, from the coefficients of one with another penalty or from nothing.
    pub(super) fn solve(
        &self,
        of: &[usize],
        lambda: f64,
        from: Option<&Solution>,
    ) -> Result<Solution> {
        let scales = self.scales(of);
        let size = self.strata + self.features;
        let lines: Vec<Vec<f64>> =
            of.iter().map(|i| line(&self.rows[*i], self.strata, &scales)).collect();
        let total: f64 = of.iter().map(|i| self.weights[*i]).sum();
        let weights: Vec<f64> = of.iter().map(|i| self.weights[*i] / total).collect();
        let rates: Vec<f64> = of.iter().map(|i| self.rows[*i].rate()).collect();
        let penalty: Vec<f64> =
            (0..size).map(|j| if j < self.strata { ANCHOR } else { lambda }).collect();
        let system = System { lines, weights, rates, penalty };
        let coefficients = match self.link {
            Link::Identity => system.linear()?,
            Link::Logistic => system
                .logistic(from.map_or_else(|| DVector::zeros(size), |f| f.coefficients.clone()))?,
        };
        Ok(Solution { strata: self.strata, scales, coefficients, link: self.link })
    }

    /// Mean and standard deviation of each feature where it is known. One that does not vary has an infinite
    /// scale, which makes nothing of it.
    fn scales(&self, of: &[usize]) -> Vec<(f64, f64)> {
        let scale = |feature: usize| {
            let known =
                || of.iter().map(|i| self.rows[*i].features[feature]).filter(|v| v.is_finite());
            let count = known().count() as f64;
            if count == 0.0 {
                return (0.0, f64::INFINITY);
            }
            let mean = known().sum::<f64>() / count;
            let deviation = (known().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
            let varies = deviation > 1e-9 * mean.abs().max(1e-9);
            (mean, if varies { deviation } else { f64::INFINITY })
        };
        (0..self.features).map(scale).collect()
    }
}

/// A row of the system: its stratum, then its standardised features.
fn line(row: &Row, strata: usize, scales: &[(f64, f64)]) -> Vec<f64> {
    let stratum = (0..strata).map(|s| f64::from(u8::from(s == row.stratum)));
    let standard = |(value, (mean, scale)): (&f64, &(f64, f64))| {
        if value.is_finite() { (value - mean) / scale } else { 0.0 }
    };
    stratum.chain(row.features.iter().zip(scales).map(standard)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Penalised least squares or likelihood; the weights add up to 1.
struct System {
    lines: Vec<Vec<f64>>,
    weights: Vec<f64>,
    rates: Vec<f64>,
    penalty: Vec<f64>,
}

impl System {
    fn linear(&self) -> Result<DVector<f64>> {
        let targets = self.weights.iter().zip(&self.rates).map(|(w, y)| w * y);
        cholesky(self.gram(&self.weights), self.gather(targets))
    }

    /// Newton's method with halved steps, from `start`.
    fn logistic(&self, start: DVector<f64>) -> Result<DVector<f64>> {
        let mut b = start;
        let mut loss = self.loss(&b);
        for _ in 0..MOST_STEPS {
            let fitted: Vec<f64> =
                self.lines.iter().map(|l| Link::Logistic.score(dot(l, b.as_slice()))).collect();
            let curvature: Vec<f64> =
                self.weights.iter().zip(&fitted).map(|(w, m)| w * m * (1.0 - m)).collect();
            let residuals =
                self.weights.iter().zip(&self.rates).zip(&fitted).map(|((w, y), m)| w * (y - m));
            let mut gradient = self.gather(residuals);
            for (j, penalty) in self.penalty.iter().enumerate() {
                gradient[j] -= penalty * b[j];
            }
            let mut step = cholesky(self.gram(&curvature), gradient)?;
            loop {
                let next = &b + &step;
                let next_loss = self.loss(&next);
                if next_loss <= loss + 1e-15 * loss.abs() || step.amax() <= TOLERANCE {
                    (b, loss) = (next, next_loss);
                    break;
                }
                step *= 0.5;
            }
            if step.amax() <= TOLERANCE {
                return Ok(b);
            }
        }
        Err(Error::new(
            ErrorCode::FitNoBetter,
            "the fit does not settle; the rates may all be 0 or 1",
        ))
    }

    fn loss(&self, b: &DVector<f64>) -> f64 {
        let of = |((line, w), y): ((&Vec<f64>, &f64), &f64)| {
            let eta = dot(line, b.as_slice());
            // ln(1 + e^η) without overflow.
            w * (eta.max(0.0) + (-eta.abs()).exp().ln_1p() - y * eta)
        };
        let fit: f64 = self.lines.iter().zip(&self.weights).zip(&self.rates).map(of).sum();
        fit + 0.5 * self.penalty.iter().zip(b.iter()).map(|(p, b)| p * b * b).sum::<f64>()
    }

    /// XᵀWX and the penalty.
    fn gram(&self, weights: &[f64]) -> DMatrix<f64> {
        let size = self.penalty.len();
        let mut sums = vec![0.0; size * size];
        for (line, w) in self.lines.iter().zip(weights) {
            for (i, a) in line.iter().enumerate() {
                let a = a * w;
                for (sum, b) in sums[i * size..=i * size + i].iter_mut().zip(line) {
                    *sum += a * b;
                }
            }
        }
        DMatrix::from_fn(size, size, |i, j| {
            let sum = sums[i.max(j) * size + i.min(j)];
            if i == j { sum + self.penalty[i] } else { sum }
        })
    }

    /// Xᵀv.
    fn gather(&self, values: impl Iterator<Item = f64>) -> DVector<f64> {
        let mut sums = DVector::zeros(self.penalty.len());
        for (line, value) in self.lines.iter().zip(values) {
            for (sum, x) in sums.iter_mut().zip(line) {
                *sum += value * x;
            }
        }
        sums
    }
}

fn cholesky(matrix: DMatrix<f64>, right: DVector<f64>) -> Result<DVector<f64>> {
    let factor = matrix.cholesky().ok_or_else(|| {
        Error::new(
            ErrorCode::FitNoBetter,
            "the features and rates leave nothing to fit; they may all be alike",
        )
    })?;
    Ok(factor.solve(&right))
}
