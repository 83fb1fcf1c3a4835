//! The aggregates: metrics of groups, distinct viewers exactly and as sketches, events by kind.
//!
//! Each is one state a group: it takes rows, is stored as bytes between the partial and the
//! final step, and is merged from them in any order.

mod counts;
mod half_life;
mod metric;
mod reach;
mod state;
mod sum;

use datafusion::logical_expr::AggregateUDF;

pub(in crate::query) use state::{Aggregate, GroupStates};
pub use sum::checked_sum;

use crate::kernels::metrics::METRICS;

/// Every aggregate.
///
/// `pooled_M` is the ratio of sums of the metric `M` over the rows that report all of its parts, `mean_M` the
/// mean of the rows' ratios, `left_out_M` the number of rows that `pooled_M` leaves out because they report
/// a part and not all. Metrics of distinct viewers or of an account's followers have no pooled form: their
/// counts do not add up.
pub fn all() -> Vec<AggregateUDF> {
    let pooled = METRICS.iter().filter(|m| m.is_additive()).map(metric::pooled);
    let mean = METRICS.iter().map(metric::mean);
    let left_out = METRICS.iter().map(metric::left_out);
    let others = [
        reach::audience_reach(),
        reach::reach_sketch(),
        reach::reach_merge(),
        half_life::half_life(),
        counts::event_counts(),
    ];
    pooled.chain(mean).chain(left_out).chain(others).map(Aggregate::into_udaf).collect()
}
