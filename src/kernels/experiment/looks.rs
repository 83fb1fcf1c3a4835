//! Several looks at one experiment: stopping at the first significant one finds too many winners.
//!
//! Experiments are looked at once a day. A group-sequential test keeps the chance of a false result over all
//! looks at what is asked: at look j of K the difference must be c (K/j)^(1/2 − Δ) standard errors from 0, with
//! the c for which a walk without a difference crosses that boundary with the wanted chance (Wang and
//! Tsiatis, "Approximately optimal one-parameter boundaries for group sequential trials", Biometrics 43, 1987).
//! With Δ = 1/4 early looks must be clear, and the last one costs little; no look needs more than 1.5 c. Of
//! differences that one test at the end would find with 80 %, 14 looks find 76 % (`docs/user/experiments.md` has
//! the measurements). Chances are computed
//! by numerical integration over the walk (Armitage, McPherson and Rowe, "Repeated significance tests on
//! accumulating data", Journal of the Royal Statistical Society A 132, 1969), the same number of trials being
//! expected between looks.

use std::f64::consts::{PI, SQRT_2};
use std::sync::OnceLock;

use statrs::function::erf::erfc;

/// The looks planned where nothing else is stated: one a day for two weeks.
pub const DEFAULT_LOOKS: u32 = 14;
/// Most looks.
pub const MAX_LOOKS: u32 = 366;
/// Δ of the boundary's shape.
const DELTA: f64 = 0.25;
/// The most that an early look needs, in multiples of c.
const MOST: f64 = 1.5;

/// Where in its looks an experiment is, and with that the correction for them.
#[derive(Debug, Clone)]
pub struct Looks {
    /// This look, from 1; `None`: it is not known which, so that the boundary is the same at all of them.
    look: Option<u32>,
    planned: u32,
    /// Thresholds at each look, as multiples of c.
    shape: Vec<f64>,
    /// ln of the chance to cross, at steps of c.
    table: OnceLock<Vec<f64>>,
}

impl Looks {
    /// At `look` of `planned` ones. Looks beyond those planned count as further ones.
    pub fn new(look: Option<u32>, planned: u32) -> Self {
        let planned = planned.clamp(1, MAX_LOOKS);
        let look = look.map(|look| look.clamp(1, MAX_LOOKS));
        let last = planned.max(look.unwrap_or(1));
        let shape = (1..=last).map(|j| match look {
            Some(_) if j < planned => {
                (f64::from(planned) / f64::from(j)).powf(0.5 - DELTA).min(MOST)
            }
            _ => 1.0,
        });
        Self { look, planned, shape: shape.collect(), table: OnceLock::new() }
    }

    /// One look, and no other before or after it.
    pub fn one() -> Self {
        Self::new(Some(1), 1)
    }

    /// This look; `None` if it is not known.
    pub fn look(&self) -> Option<u32> {
        self.look
    }

    /// The looks planned.
    pub fn planned(&self) -> u32 {
        self.planned
    }

    /// Whether there is nothing to correct for.
    pub fn is_one(&self) -> bool {
        self.shape.len() == 1
    }

    /// The multiple of c that is the threshold at this look.
    fn here(&self) -> f64 {
        let at = self.look.unwrap_or(1) as usize - 1;
        self.shape.get(at).copied().unwrap_or(1.0)
    }

    /// The chance that differences of nothing would have been this clear, or clearer for their look, at any of
    /// the looks: p of a difference of `z` standard errors, corrected for them.
    pub fn p(&self, z: f64) -> f64 {
        if self.is_one() {
            return erfc(z.abs() / SQRT_2);
        }
        self.crossing(z.abs() / self.here()).min(1.0)
    }

    /// As [`Looks::p`] to four digits, from a table that is made once.
    pub fn p_by_table(&self, z: f64) -> f64 {
        if self.is_one() {
            return self.p(z);
        }
        let at = (z.abs() / self.here() / STEP).min(f64::from(STEPS) - 1.0);
        let table = self.table();
        let (low, part) = (at.floor() as usize, at.fract());
        let node = |i: usize| table.get(i.min(table.len() - 1)).copied().unwrap_or_default();
        (node(low) * (1.0 - part) + node(low + 1) * part).exp().min(1.0)
    }

    /// How many standard errors a difference must be from 0 at this look for a chance of `alpha` over all.
    pub fn threshold(&self, alpha: f64) -> f64 {
        let (mut low, mut high) = (0.0, STEP * f64::from(STEPS));
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.p_by_table(middle * self.here()) > alpha { low = middle } else { high = middle }
        }
        high * self.here()
    }

    fn table(&self) -> &Vec<f64> {
        self.table.get_or_init(|| {
            let node = |i: u32| self.crossing(STEP * f64::from(i)).max(f64::MIN_POSITIVE).ln();
            (0..=STEPS).map(node).collect()
        })
    }

    /// The chance that a walk without drift crosses the boundary of `c` at one of the looks.
    fn crossing(&self, c: f64) -> f64 {
        let bound = |(j, multiple): (usize, &f64)| c * multiple * ((j + 1) as f64).sqrt();
        let bounds: Vec<f64> = self.shape.iter().enumerate().map(bound).collect();
        let Some((first, rest)) = bounds.split_first() else { return 1.0 };
        let mut crossed = 2.0 * above(*first);
        let mut walk = Walk::new(*first, density);
        for bound in rest {
            crossed += walk.sum(|at| above(bound - at) + above(bound + at));
            walk = Walk::new(*bound, |to| walk.near(to));
        }
        crossed
    }
}

/// Steps of c in the table, and how many.
const STEP: f64 = 0.04;
const STEPS: u32 = 225;
/// Distance of the points that densities are kept at; their spread is 1 at the least.
const SPACING: f64 = 0.125;
/// Beyond so many standard deviations a step does not go.
const REACH: f64 = 8.0;

/// The density of walks that are still within their bound, at points from −bound to bound.
struct Walk {
    bound: f64,
    step: f64,
    values: Vec<f64>,
}

impl Walk {
    fn new(bound: f64, density: impl Fn(f64) -> f64) -> Self {
        let points = 2 * (bound / SPACING).ceil().clamp(8.0, 4000.0) as usize;
        let step = 2.0 * bound / points as f64;
        let values = (0..=points).map(|i| density(step * i as f64 - bound)).collect();
        Self { bound, step, values }
    }

    /// Simpson's rule over the points from `first` to `last`, those beyond left out.
    fn integral(&self, first: usize, last: usize, of: impl Fn(f64) -> f64) -> f64 {
        let end = self.values.len() - 1;
        let values = self.values.iter().enumerate().take(last + 1).skip(first);
        let terms = values.map(|(i, value)| {
            let weight = match i {
                i if i == 0 || i == end => 1.0,
                i if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * value * of(self.step * i as f64 - self.bound)
        });
        terms.sum::<f64>() * self.step / 3.0
    }

    fn sum(&self, of: impl Fn(f64) -> f64) -> f64 {
        self.integral(0, self.values.len() - 1, of)
    }

    /// The density at `to` after a further step.
    fn near(&self, to: f64) -> f64 {
        let index = |at: f64| ((at + self.bound) / self.step).max(0.0) as usize;
        let last = index(to + REACH).min(self.values.len() - 1);
        self.integral(index(to - REACH), last, |from| density(to - from))
    }
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// The chance that a standard normal value is above `x`.
fn above(x: f64) -> f64 {
    0.5 * erfc(x / SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Constants of boundaries from Jennison and Turnbull, "Group sequential methods with applications to
    /// clinical trials" (2000): table 2.1 (the same at each look) and table 2.9 (Δ = 1/4), α = 0.05.
    #[test]
    fn boundaries_are_those_of_the_tables() {
        for (looks, known) in [(2, 2.178), (5, 2.413), (10, 2.555)] {
            let found = Looks::new(None, looks).threshold(0.05);
            assert!((found - known).abs() < 2e-3, "{looks}: {found}");
        }
        // Up to five looks, none of which needs 1.5 c.
        for (looks, known) in [(2, 2.038), (5, 2.136)] {
            let found = Looks::new(Some(looks), looks).threshold(0.05);
            assert!((found - known).abs() < 2e-3, "{looks}: {found}");
        }
        let first = Looks::new(Some(1), 5).threshold(0.05);
        assert!((first - 2.136 * 5_f64.powf(0.25)).abs() < 4e-3, "{first}");
        // By a program of its own: 1.5 c at the first three of 14 looks.
        let found = Looks::new(Some(14), 14).threshold(0.05);
        assert!((found - 2.2308).abs() < 2e-3, "{found}");
    }

    #[test]
    fn one_look_is_the_plain_test_and_more_look_less_clear() {
        let one = Looks::one();
        assert!((one.p(1.96) - 0.05).abs() < 1e-4 && (one.threshold(0.05) - 1.96).abs() < 1e-3);
        let p = |look, planned| Looks::new(look, planned).p(2.5);
        assert!(one.p(2.5) < p(Some(14), 14) && p(Some(14), 14) < p(Some(7), 14));
        assert!(p(Some(7), 14) < p(Some(1), 14) && p(Some(14), 14) < p(Some(28), 14));
        assert!(Looks::new(Some(3), 14).p(0.0) > 0.999);
        for z in [0.5, 2.0, 3.3, 6.0] {
            let looks = Looks::new(Some(9), 14);
            let (direct, table) = (looks.p(z), looks.p_by_table(z));
            assert!((direct / table - 1.0).abs() < 2e-3, "{z}: {direct} {table}");
        }
    }
}
