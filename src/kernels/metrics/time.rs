//! Time: how fast views come, and how soon they end.

use super::{Metric, at, ratio};

/// Hours of the days that [`half_life`] looks at.
pub const HALF_LIFE_HOURS: usize = 7 * 24;

/// Views for each hour since publication.
pub const VELOCITY: Metric = Metric {
    name: "velocity",
    definition: "views / hours since publication",
    inputs: &["views", "hours"],
    of: |counts| ratio(at(counts, 0), at(counts, 1)),
};

/// Hours from publication until half of the views of the first 7 days were there.
///
/// `hourly[h]` are the views of the hour `h` after publication; within an hour they are taken to come
/// evenly. `None` without any view, or for negative or endless ones.
pub fn half_life(hourly: &[f64]) -> Option<f64> {
    let week = hourly.get(..HALF_LIFE_HOURS).unwrap_or(hourly);
    if week.iter().any(|views| !(views.is_finite() && *views >= 0.0)) {
        return None;
    }
    let half = week.iter().sum::<f64>() / 2.0;
    let mut before = 0.0;
    for (hour, views) in week.iter().enumerate() {
        if half > 0.0 && before + views >= half {
            return Some(hour as f64 + (half - before) / views);
        }
        before += views;
    }
    None
}

/// The hour of [`half_life`] that an event `hours` after publication falls in.
pub fn half_life_hour(hours: f64) -> Option<usize> {
    (0.0..HALF_LIFE_HOURS as f64).contains(&hours).then_some(hours as usize)
}
