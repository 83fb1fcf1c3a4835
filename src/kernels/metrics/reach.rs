//! Reach: how many people, and how often each. The counting itself is in [`crate::kernels::tally`]
//! (exact) and [`crate::kernels::sketch`] (estimated).

use super::{Metric, at, ratio};

/// Impressions for each distinct viewer.
pub const FREQUENCY: Metric = Metric {
    name: "frequency",
    definition: "impressions / distinct viewers",
    inputs: &["impressions", "audience_reach"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)),
};

/// Viewers reached after `generations` rounds of sharing that `seeds` viewers began, each bringing `k`
/// new ones: seeds·(kⁿ⁺¹ − 1)/(k − 1), and seeds·(n + 1) at k = 1.
///
/// `None` for a negative or missing argument, or a result beyond what a float holds.
pub fn cumulative_reach(
    k: Option<f64>,
    seeds: Option<f64>,
    generations: Option<f64>,
) -> Option<f64> {
    let (k, seeds, n) = (k?, seeds?, generations?);
    if !(k >= 0.0 && seeds >= 0.0 && n >= 0.0) {
        return None;
    }
    // Close to 1 the fraction loses its digits: (kⁿ⁺¹ − 1)/(k − 1) = expm1((n + 1)·ln k)/(k − 1).
    let rounds = if k == 1.0 {
        n + 1.0
    } else if k == 0.0 {
        1.0
    } else {
        ((n + 1.0) * (k - 1.0).ln_1p()).exp_m1() / (k - 1.0)
    };
    Some(seeds * rounds).filter(|reach| reach.is_finite())
}
