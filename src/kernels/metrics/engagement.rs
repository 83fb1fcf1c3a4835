//! Engagement: what viewers do, by how many they are. The denominator is part of the name.

use super::{Metric, at, ratio};

/// By views.
pub const ENGAGEMENT_RATE: Metric = Metric {
    name: "engagement_rate",
    definition: "(likes + comments + shares + saves) / views",
    inputs: &["likes", "comments", "shares", "saves", "views"],
    of: engagement_rate,
};

/// By distinct viewers.
pub const ENGAGEMENT_RATE_BY_REACH: Metric = Metric {
    name: "engagement_rate_by_reach",
    definition: "(likes + comments + shares + saves) / distinct viewers",
    inputs: &["likes", "comments", "shares", "saves", "audience_reach"],
    of: engagement_rate,
};

/// By impressions.
pub const ENGAGEMENT_RATE_BY_IMPRESSIONS: Metric = Metric {
    name: "engagement_rate_by_impressions",
    definition: "(likes + comments + shares + saves) / impressions",
    inputs: &["likes", "comments", "shares", "saves", "impressions"],
    of: engagement_rate,
};

/// By followers of the account.
pub const ENGAGEMENT_RATE_BY_FOLLOWERS: Metric = Metric {
    name: "engagement_rate_by_followers",
    definition: "(likes + comments + shares + saves) / followers",
    inputs: &["likes", "comments", "shares", "saves", "followers"],
    of: engagement_rate,
};

/// Clicks by impressions.
pub const CLICK_RATE: Metric = Metric {
    name: "click_rate",
    definition: "clicks / impressions",
    inputs: &["clicks", "impressions"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)),
};

/// Engagements by the last of the counts. A part that the platform does not report is left out;
/// `None` if it reports none of the four.
fn engagement_rate(counts: &[Option<f64>]) -> Option<f64> {
    let parts = counts.iter().take(4).copied().flatten();
    let engagements = parts.fold(None, |sum: Option<f64>, part| Some(sum.unwrap_or(0.0) + part));
    ratio(engagements, at(counts, 4))
}
