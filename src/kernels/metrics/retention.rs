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

/// Viewers who saw the end by those who began, replays excluded from both. Where viewers are not known,
/// views and views to the end are counted one by one.
///
/// Figures that would give more than 1 hold replays that cannot be taken out any more: `None`.
pub const COMPLETION_RATE: Metric = Metric {
    name: "completion_rate",
    definition: "completions / starts: viewers who began and saw the end / viewers who began; views of unknown viewers one by one, missing above 1",
    inputs: &["completions", "starts"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)).filter(|rate| *rate <= 1.0),
};

/// Of those there when a quarter began, those there when it ended, for fits. They are no metrics of their own.
const RETENTION_STEPS: [Metric; 5] = [
    step("retention_1", &["views_25", "views"]),
    step("retention_2", &["views_50", "views_25"]),
    step("retention_3", &["views_75", "views_50"]),
    step("retention_4", &["views_100", "views_75"]),
    step("retention_whole", &["watch_seconds", "views"]),
];

const fn step(name: &'static str, inputs: &'static [&'static str]) -> Metric {
    Metric {
        name,
        definition: "views that reach the end of a quarter / views that reach its beginning",
        inputs,
        of: |counts| ratio(at(counts, 0), at(counts, 1)),
    }
}

/// The step of that name.
pub fn retention_step(name: &str) -> Option<&'static Metric> {
    static STEPS: [Metric; 5] = RETENTION_STEPS;
    STEPS.iter().find(|step| step.name == name)
}

/// Watched seconds by the seconds there were; replays included, so that it can exceed 1.
pub const AVERAGE_WATCH_RATIO: Metric = Metric {
    name: "average_watch_ratio",
    definition: "watch_seconds / (views × duration), replays included",
    inputs: &["watch_seconds", "playable_seconds"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)),
};
