//! Retention: how long they stay.

use super::{Metric, at, ratio};

/// Views of 3 s by impressions.
pub const HOOK_RATE: Metric = Metric {
    name: "hook_rate",
    definition: "views_3s / impressions",
    inputs: &["views_3s", "impressions"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)),
};

/// Views of 2 s by impressions, for platforms that count 2 s.
pub const HOOK_RATE_2S: Metric = Metric {
    name: "hook_rate_2s",
    definition: "views_2s / impressions",
    inputs: &["views_2s", "impressions"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)),
};

/// Views of 15 s or to the end by views of 3 s.
pub const HOLD_RATE: Metric = Metric {
    name: "hold_rate",
    definition: "holds / views_3s, holds being views of 15 s or to the end",
    inputs: &["holds", "views_3s"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)),
};

/// Completions by views, replays excluded from both.
///
/// Figures that would give more than 1 hold replays that nobody can take out any more: `None`.
pub const COMPLETION_RATE: Metric = Metric {
    name: "completion_rate",
    definition: "completions / starts, replays excluded from both; missing if they cannot be",
    inputs: &["completions", "starts"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)).filter(|rate| *rate <= 1.0),
};

/// Watched seconds by the seconds there were; replays included, so that it can exceed 1.
pub const AVERAGE_WATCH_RATIO: Metric = Metric {
    name: "average_watch_ratio",
    definition: "watch_seconds / (views × duration), replays included",
    inputs: &["watch_seconds", "playable_seconds"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)),
};
