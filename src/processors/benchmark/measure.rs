//! Repeated measurements: warm-up, turns, median and spread.

use std::fmt;

use serde::Serialize;

use super::tree::{CostMeter, MeasuredCost};
use crate::error::Result;

/// The middle of some measurements and how far they spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of `values`; NaN of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
        let n = sorted.len();
        let median = (at(n.saturating_sub(1) / 2) + at(n / 2)) / 2.0;
        Self { median, min: at(0), max: at(n.saturating_sub(1)) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        let Self { median, min, max } = self;
        write!(f, "{median:.digits$} ({min:.digits$}–{max:.digits$})")
    }
}

/// How one contender did over all its repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampled {
    /// Seconds of one run.
    pub(super) wall: Spread,
    /// CPU seconds of one run, the median.
    pub(super) cpu: f64,
    /// Rows that failed in one run.
    pub(super) failed: u64,
}

/// Shorter work is run several times in one measurement: the clock and the scheduler are coarser.
const SHORTEST: f64 = 0.02;
/// Most runs in one measurement.
const MOST_RUNS: f64 = 20_000.0;

/// Runs each of `contenders` once unmeasured, then all of them in turn, `repeats` times: what
/// disturbs the machine disturbs all.
pub(super) async fn in_turns<C>(
    contenders: &[C],
    repeats: usize,
    run: impl AsyncFn(&C) -> Result<u64>,
) -> Result<Vec<Sampled>> {
    let mut plans = vec![];
    for contender in contenders {
        // The second run tells: the first one starts threads and processes.
        let first = CostMeter::start();
        run(contender).await?;
        let mut once = first.cost().wall;
        if once < 1.0 {
            let second = CostMeter::start();
            run(contender).await?;
            once = second.cost().wall;
        }
        plans.push((SHORTEST / once.max(1e-9)).ceil().clamp(1.0, MOST_RUNS) as usize);
    }
    let mut costs: Vec<Vec<MeasuredCost>> = vec![vec![]; contenders.len()];
    let mut failed = vec![0; contenders.len()];
    for _ in 0..repeats.max(1) {
        for (i, (contender, runs)) in contenders.iter().zip(&plans).enumerate() {
            let meter = CostMeter::start();
            for _ in 0..*runs {
                let bad = run(contender).await?;
                if let Some(slot) = failed.get_mut(i) {
                    *slot = bad;
                }
            }
            let MeasuredCost { wall, cpu } = meter.cost();
            let runs = *runs as f64;
            if let Some(slot) = costs.get_mut(i) {
                slot.push(MeasuredCost { wall: wall / runs, cpu: cpu / runs });
            }
        }
    }
    let sampled = costs.iter().zip(failed).map(|(costs, failed)| Sampled {
        wall: Spread::of(costs.iter().map(|c| c.wall)),
        cpu: Spread::of(costs.iter().map(|c| c.cpu)).median,
        failed,
    });
    Ok(sampled.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_spread_is_its_middle_and_its_ends() {
        let spread = Spread::of([3.0, 1.0, 2.0, 10.0]);
        assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 10.0));
        assert_eq!(format!("{spread:.1}"), "2.5 (1.0–10.0)");
        assert!(Spread::of([]).median.is_nan());
    }

    #[tokio::test]
    async fn contenders_take_turns_after_a_warm_up() {
        let order = RefCell::new(String::new());
        let run = async |name: &char| {
            order.borrow_mut().push(*name);
            // As long as the shortest measurement: one run each.
            let until = std::time::Instant::now() + std::time::Duration::from_millis(21);
            while std::time::Instant::now() < until {
                std::hint::spin_loop();
            }
            Ok(u64::from(*name == 'b'))
        };
        let sampled = in_turns(&['a', 'b'], 3, run).await.unwrap();
        assert_eq!(*order.borrow(), "aabb".to_owned() + "ababab");
        assert_eq!((sampled[0].failed, sampled[1].failed), (0, 1));
        assert!(sampled.iter().all(|s| s.wall.min > 0.02 && s.wall.min <= s.wall.max));
    }
}
