//! How to share out the next trials.

use rand_distr::{Beta, Distribution};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;

use super::counts;

/// Draws from the posteriors.
pub const DRAWS: u32 = 10_000;

/// For each arm of `successes` and `trials` the share of the next trials that Thompson sampling gives it
/// (Thompson, "On the likelihood that one unknown probability exceeds another", Biometrika 25, 1933):
/// how often it is the best of one draw each from the posteriors Beta(1 + successes, 1 + failures).
///
/// An arm without trials yet has the even prior, and so its chance; one whose counts are missing or
/// cannot be has no share. The shares add up to 1. The same seed gives the same shares.
pub fn thompson_split(arms: &[(Option<f64>, Option<f64>)], seed: u64) -> Vec<Option<f64>> {
    let posterior = |(i, (k, n)): (usize, &(Option<f64>, Option<f64>))| {
        let (k, n) = match (k, n) {
            (Some(0.0), Some(0.0)) => (0.0, 0.0),
            _ => counts(*k, *n)?,
        };
        Some((i, Beta::new(1.0 + k, 1.0 + n - k).ok()?))
    };
    let posteriors: Vec<(usize, Beta<f64>)> =
        arms.iter().enumerate().filter_map(posterior).collect();
    let mut generator = Pcg64::seed_from_u64(seed);
    let mut wins = vec![0_u32; arms.len()];
    for _ in 0..DRAWS {
        let draws = posteriors.iter().map(|(i, beta)| (*i, beta.sample(&mut generator)));
        if let Some((best, _)) = draws.max_by(|a, b| a.1.total_cmp(&b.1)) {
            wins[best] += 1;
        }
    }
    let mut shares = vec![None; arms.len()];
    for (i, _) in &posteriors {
        shares[*i] = Some(f64::from(wins[*i]) / f64::from(DRAWS));
    }
    shares
}
