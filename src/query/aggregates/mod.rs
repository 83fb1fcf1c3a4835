//! The aggregates: metrics of groups, distinct viewers exactly and as sketches, events by kind.
//!
//! Each is one state a group: it takes rows, is stored as bytes between the partial and the
//! final step, and is merged from them in any order.

mod counts;
mod half_life;
mod metric;
mod reach;
mod state;

pub(in crate::query) use state::{Aggregate, GroupStates};

use crate::kernels::metrics::METRICS;

/// Every aggregate.
///
/// `pooled_M` is the ratio of sums of the metric `M`, `mean_M` the mean of the rows' ratios. Metrics that
/// need to know the viewers have no pooled form: their counts do not add up.
pub(in crate::query) fn all() -> Vec<Aggregate> {
    let pooled = METRICS.iter().filter(|m| !m.needs_viewers()).map(metric::pooled);
    let mean = METRICS.iter().map(metric::mean);
    let others = [
        reach::audience_reach(),
        reach::reach_sketch(),
        reach::reach_merge(),
        half_life::half_life(),
        counts::event_counts(),
    ];
    pooled.chain(mean).chain(others).collect()
}
