//! The aggregates: metrics of groups, distinct viewers exactly and as sketches, events by kind.
//!
//! Each keeps one state per group: updated with rows, serialised as bytes between the partial and the
//! final step, and merged from these in any order.

mod aggregate;
mod distinct_reach;
mod event_counts;
mod half_life;
mod metric;
mod reach;
mod sum;

pub(in crate::query) use aggregate::Aggregate;
pub(in crate::query) use distinct_reach::DistinctReach;
pub(in crate::query) use sum::checked_sum;

use crate::kernels::metrics::METRICS;

/// Every aggregate.
///
/// `pooled_M` is the ratio of sums of the metric `M` over the rows that report all of its parts, `mean_M` the
/// mean of the metrics of the rows, `left_out_M` the number of rows that `pooled_M` leaves out. Metrics of
/// distinct viewers or followers have no pooled form, because their counts do not add up.
pub(in crate::query) fn all() -> Vec<Aggregate> {
    let pooled = METRICS.iter().filter(|m| m.is_additive()).map(metric::pooled);
    let mean = METRICS.iter().map(metric::mean);
    let left_out = METRICS.iter().map(metric::left_out);
    let others = [
        reach::audience_reach(),
        reach::reach_sketch(),
        reach::reach_merge(),
        half_life::half_life(),
        event_counts::event_counts(),
    ];
    pooled.chain(mean).chain(left_out).chain(others).collect()
}
