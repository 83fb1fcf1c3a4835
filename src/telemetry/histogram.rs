//! A histogram of seconds whose quantiles are within a few percent.

use std::collections::BTreeMap;

use serde::Serialize;

/// Upper end of the first bucket, in seconds.
const FIRST: f64 = 0.001;
/// Buckets of a factor of 2; the width of a bucket bounds the error of quantiles: 2^(1/8) is 9 %.
const PER_OCTAVE: f64 = 8.0;
/// Exported bounds: 1 ms × 4ⁿ, up to 70 minutes.
const BOUNDS: usize = 12;

/// Counts of observations in buckets of geometric width.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// Number of observations by bucket; bucket `i` ends at `FIRST × 2^(i / PER_OCTAVE)`.
    buckets: BTreeMap<i32, u64>,
    count: u64,
    sum: f64,
    max: f64,
}

/// What a [`Histogram`] says at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// Number of observations.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest observation.
    pub max: f64,
    /// Cumulative counts by upper bound, without the last one of infinity.
    pub bounds: Vec<(f64, u64)>,
    /// Counts by the geometric middle of fine buckets.
    pub middles: Vec<(f64, u64)>,
}

impl Histogram {
    /// Adds an observation; one that is no number or negative counts as 0.
    pub fn observe(&mut self, value: f64) {
        let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
        let bucket = ((value / FIRST).log2() * PER_OCTAVE).ceil().clamp(0.0, 1000.0) as i32;
        *self.buckets.entry(bucket).or_default() += 1;
        self.count += 1;
        self.sum += value;
        self.max = self.max.max(value);
    }

    /// Adds all observations of another one.
    pub fn add(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// Counts, quantiles and buckets.
    pub fn distribution(&self) -> Distribution {
        let bounds = (0..BOUNDS).map(|step| {
            let last = (step as f64 * 2.0 * PER_OCTAVE) as i32;
            let count = self.buckets.range(..=last).map(|(_, count)| count).sum();
            (FIRST * 4_f64.powi(step as i32), count)
        });
        let middles = self.buckets.iter().map(|(bucket, count)| (middle(*bucket), *count));
        Distribution {
            count: self.count,
            sum: self.sum,
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p99: self.quantile(0.99),
            max: self.max,
            bounds: bounds.collect(),
            middles: middles.collect(),
        }
    }

    /// The value below which the share `q` of the observations lie; 0 without any.
    fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            if seen >= rank {
                return middle(*bucket).min(self.max);
            }
        }
        self.max
    }
}

/// The geometric middle of a bucket.
fn middle(bucket: i32) -> f64 {
    match bucket {
        0 => FIRST / 2.0,
        _ => FIRST * ((f64::from(bucket) - 0.5) / PER_OCTAVE).exp2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_the_width_of_a_bucket() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|n| histogram.observe(f64::from(n) / 100.0));
        let all = histogram.distribution();
        assert_eq!((all.count, all.max), (1000, 10.0));
        assert!((all.sum - 5005.0).abs() < 1e-6, "{}", all.sum);
        for (estimate, exact) in [(all.p50, 5.0), (all.p90, 9.0), (all.p99, 9.9)] {
            assert!((estimate / exact - 1.0_f64).abs() < 0.05, "{estimate} for {exact}");
        }
    }

    #[test]
    fn bounds_are_cumulative_and_what_is_no_number_counts_as_nothing() {
        let mut histogram = Histogram::default();
        for value in [0.0, f64::NAN, -1.0, 0.0009, 0.004, 0.005, 1e9] {
            histogram.observe(value);
        }
        let all = histogram.distribution();
        assert_eq!(all.bounds[0], (0.001, 4));
        assert_eq!(all.bounds[1], (0.004, 5));
        assert_eq!(all.bounds[2], (0.016, 6));
        assert_eq!(all.bounds.last().map(|(_, count)| *count), Some(6), "the last one is beyond");
        assert_eq!(all.count, 7);
        assert_eq!(all.middles.iter().map(|(_, count)| count).sum::<u64>(), 7);
        let mut twice = histogram.clone();
        twice.add(&histogram);
        assert_eq!(twice.distribution().count, 14);
    }
}
