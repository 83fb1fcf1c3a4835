//! The metrics of what happened after posting: each defined once, from counts.
//!
//! A figure that is missing is `None`; a ratio over a missing or zero denominator is `None`, never 0,
//! NaN or infinity. The values of a group are ratios of sums over the rows that report both parts
//! ([`Metric::is_complete`]): apply a metric to such sums of counts. The
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
pub const METRIC_VERSION: i64 = 2;

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

    /// How many of the first counts are parts of a sum, of which one that is reported is enough.
    pub fn alternatives(&self) -> usize {
        if self.inputs.starts_with(ENGAGEMENTS) { ENGAGEMENTS.len() } else { 0 }
    }

    /// Whether a row reports what the metric is made of. The metric of a group is that of the sums over
    /// such rows alone: others would be in one part of the ratio and not in the other.
    pub fn is_complete(&self, counts: &[Option<f64>]) -> bool {
        let (any, all) = counts.split_at_checked(self.alternatives()).unwrap_or((&[], counts));
        (any.is_empty() || any.iter().any(Option::is_some)) && all.iter().all(Option::is_some)
    }

    /// [`Metric::is_complete`] as a condition of SQL; `column` gives the name of a count.
    pub fn complete_sql(&self, column: impl Fn(&str) -> String) -> String {
        let (any, all) = self.inputs.split_at_checked(self.alternatives()).unwrap_or_default();
        let known = |input: &&str| format!("{} IS NOT NULL", column(input));
        let mut conditions: Vec<String> = all.iter().map(known).collect();
        if !any.is_empty() {
            let any: Vec<String> = any.iter().map(known).collect();
            conditions.insert(0, format!("({})", any.join(" OR ")));
        }
        conditions.join(" AND ")
    }

    /// Whether its counts may be added up over rows.
    pub fn is_additive(&self) -> bool {
        !self.needs_viewers() && !self.inputs.contains(&ACCOUNT_LEVEL)
    }

    /// Whether it needs to know who the viewers are: such a figure of a group is not the sum, nor any
    /// other function, of the figures of its parts.
    pub fn needs_viewers(&self) -> bool {
        self.inputs.iter().any(|i| NOT_ADDITIVE.contains(i))
    }
}

/// What a viewer does beside viewing: parts of one sum, of which a platform may not report all.
pub const ENGAGEMENTS: &[&str] = &["likes", "comments", "shares", "saves"];

/// A figure of an account, which is the same in the rows of all of its variants.
pub const ACCOUNT_LEVEL: &str = "followers";

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
