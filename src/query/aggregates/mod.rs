//! The aggregates: metrics of groups, distinct viewers exactly and as sketches, events by kind.
//!
//! Each keeps one state per group: updated with rows, serialised as bytes between the partial and the
//! final step, and merged from these in any order.

mod aggregate;
mod event_counts;
mod half_life;
mod metric;
mod reach;

pub(in crate::query) use aggregate::Aggregate;

use crate::kernels::metrics::METRICS;

/// Every aggregate.
///
/// `pooled_M` is the metric `M` of the sums, `mean_M` the mean of the metrics of the rows. Metrics of
/// distinct viewers have no pooled form, because their counts do not add up.
pub(in crate::query) fn all() -> Vec<Aggregate> {
    let pooled = METRICS.iter().filter(|m| !m.needs_viewers()).map(metric::pooled);
    let mean = METRICS.iter().map(metric::mean);
    let others = [
        reach::audience_reach(),
        reach::reach_sketch(),
        reach::reach_merge(),
        half_life::half_life(),
        event_counts::event_counts(),
    ];
    pooled.chain(mean).chain(others).collect()
}
