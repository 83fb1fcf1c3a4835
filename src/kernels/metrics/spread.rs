//! Spread: what sharing brings.

use super::{Metric, at, ratio};

/// New viewers that a viewer brings: K = (shares / viewers) × (new viewers by referral / shares).
///
/// Missing without attributed referral data, and where nothing was shared; [`SHARE_RATE`] is the
/// honest stand-in and keeps its own name.
pub const VIRAL_COEFFICIENT: Metric = Metric {
    name: "viral_coefficient",
    definition: "(shares / distinct viewers) × (new viewers by referral / shares)",
    inputs: &["shares", "audience_reach", "new_viewers"],
    of: |counts| {
        let (shares, viewers, new) = (at(counts, 0), at(counts, 1), at(counts, 2));
        Some(ratio(shares, viewers)? * ratio(new, shares)?)
    },
};

/// Shares by views.
pub const SHARE_RATE: Metric = Metric {
    name: "share_rate",
    definition: "shares / views",
    inputs: &["shares", "views"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)),
};

/// Total views by those that sharing did not bring (the seed, which is part of the total).
pub const SOCIAL_LIFT: Metric = Metric {
    name: "social_lift",
    definition: "views / (views − referral_views)",
    inputs: &["views", "referral_views"],
    of: |counts| {
        let views = at(counts, 0);
        ratio(views, Some(views? - at(counts, 1)?))
    },
};
