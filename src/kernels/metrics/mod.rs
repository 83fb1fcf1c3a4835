//! The metrics of what happened after posting: each defined once, from counts.
//!
//! A figure that is missing is `None`; a ratio over a missing or zero denominator is `None`, never 0,
//! NaN or infinity. The values of a group are ratios of sums: apply a metric to sums of counts. The
//! mean of the rows' ratios is another figure and has another name (`mean_…` in SQL).

pub mod engagement;
pub mod proportion;
pub mod reach;
pub mod retention;
pub mod spread;
pub mod time;

#[cfg(test)]
mod tests;

/// Version of all definitions together; it changes when one of them does.
pub const METRIC_VERSION: i64 = 1;

/// A metric of a group of events, as a function of the group's counts.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name in SQL, Polars and results.
    pub name: &'static str,
    /// The formula, for people.
    pub definition: &'static str,
    /// The counts it takes, by their names as columns of a roll-up, in order.
    pub inputs: &'static [&'static str],
    /// The definition. The slice is as long as `inputs`.
    pub of: fn(&[Option<f64>]) -> Option<f64>,
}

impl Metric {
    /// The metric with that name.
    pub fn find(name: &str) -> Option<&'static Metric> {
        METRICS.iter().find(|m| m.name == name)
    }

    /// Whether it needs to know who the viewers are: such a figure of a group is not the sum, nor any
    /// other function, of the figures of its parts.
    pub fn needs_viewers(&self) -> bool {
        self.inputs.iter().any(|i| NOT_ADDITIVE.contains(i))
    }
}

/// Counts of distinct viewers: not to be summed over groups that can share viewers.
pub const NOT_ADDITIVE: &[&str] = &["audience_reach", "new_viewers"];

/// Every metric that is a function of counts.
pub const METRICS: &[Metric] = &[
    engagement::ENGAGEMENT_RATE,
    engagement::ENGAGEMENT_RATE_BY_REACH,
    engagement::ENGAGEMENT_RATE_BY_IMPRESSIONS,
    engagement::ENGAGEMENT_RATE_BY_FOLLOWERS,
    engagement::CLICK_RATE,
    spread::VIRAL_COEFFICIENT,
    spread::SHARE_RATE,
    spread::SOCIAL_LIFT,
    reach::FREQUENCY,
    retention::HOOK_RATE,
    retention::HOOK_RATE_2S,
    retention::HOLD_RATE,
    retention::COMPLETION_RATE,
    retention::AVERAGE_WATCH_RATIO,
    time::VELOCITY,
];

/// `numerator / denominator`; `None` if either is missing or not finite, or the denominator not above 0.
pub fn ratio(numerator: Option<f64>, denominator: Option<f64>) -> Option<f64> {
    let (numerator, denominator) = (numerator?, denominator?);
    let value = numerator / denominator;
    (denominator > 0.0 && value.is_finite()).then_some(value)
}

/// The value at `i`, if there is one.
fn at(counts: &[Option<f64>], i: usize) -> Option<f64> {
    counts.get(i).copied().flatten()
}
