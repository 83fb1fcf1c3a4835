//! An optimizer rule that counts the viewers of `audience_reach` as the engine counts distinct values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::nullif;
use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::functions_aggregate::count::count_distinct;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    Aggregate, ColumnarValue, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::reach::AUDIENCE_REACH;
use crate::kernels::cells::is_text;
use crate::kernels::tally::is_blank;

/// Rewrites `audience_reach(v)` to `count(DISTINCT v)` where the engine groups by `v` for it: where all
/// other aggregates are sums, least and greatest values, and of viewers that are texts or whole numbers.
///
/// Groups of (key, viewer) are spread over all partitions and spill; the states of the aggregate itself
/// hold all viewers of a group, which one partition merges.
#[derive(Debug, Default)]
pub struct DistinctReach;

impl OptimizerRule for DistinctReach {
    fn name(&self) -> &'static str {
        "distinct_reach"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = plan else { return Ok(Transformed::no(plan)) };
        let Some(viewer) = only_viewer(&aggregate)? else {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        };
        let Aggregate { input, group_expr, aggr_expr, schema, .. } = aggregate;
        let counted = aggr_expr
            .into_iter()
            .map(|e| if is_reach(&e) { count_distinct(viewer.clone()) } else { e });
        let counted =
            LogicalPlanBuilder::from(input).aggregate(group_expr, counted.collect::<Vec<_>>())?;
        // Under the names and in the order that they had.
        let columns = counted.schema().columns().into_iter().zip(schema.iter());
        let named = columns.map(|(column, (table, field))| {
            Expr::Column(column).alias_qualified(table.cloned(), field.name())
        });
        let named = named.collect::<Vec<_>>();
        Ok(Transformed::yes(counted.project(named)?.build()?))
    }
}

/// The aggregate function of an expression, which may keep the name that it had before it was simplified.
fn aggregate_of(expression: &Expr) -> Option<&AggregateFunction> {
    match expression {
        Expr::AggregateFunction(f) => Some(f),
        Expr::Alias(alias) => aggregate_of(&alias.expr),
        _ => None,
    }
}

fn reach_of(expression: &Expr) -> Option<&AggregateFunction> {
    aggregate_of(expression).filter(|f| f.func.name() == AUDIENCE_REACH)
}

fn is_reach(expression: &Expr) -> bool {
    reach_of(expression).is_some()
}

/// The viewers that the one reach of `aggregate` counts, if the engine can group by them.
fn only_viewer(aggregate: &Aggregate) -> Result<Option<Expr>> {
    let is_plain =
        |f: &AggregateFunction| f.params.filter.is_none() && f.params.order_by.is_empty();
    let is_summed = |e: &Expr| {
        aggregate_of(e).is_some_and(|f| {
            ["sum", "min", "max"].contains(&f.func.name()) && is_plain(f) && !f.params.distinct
        })
    };
    let has_sets = aggregate.group_expr.iter().any(|e| matches!(e, Expr::GroupingSet(_)));
    let mut viewers = aggregate.aggr_expr.iter().filter_map(reach_of);
    let Some(first) = viewers.next().and_then(|f| f.params.args.first()) else { return Ok(None) };
    let is_only = viewers.next().is_none();
    let fits = |e: &Expr| is_summed(e) || reach_of(e).is_some_and(is_plain);
    if !is_only || has_sets || !aggregate.aggr_expr.iter().all(fits) {
        return Ok(None);
    }
    let data_type = first.get_type(&aggregate.input.schema())?;
    Ok(match data_type {
        t if t.is_integer() => Some(first.clone()),
        t if is_text(&t) => Some(ScalarUDF::from(NamedViewer::default()).call(vec![first.clone()])),
        _ => None,
    })
}

/// A viewer as text; NULL if it is empty or of spaces, which is no viewer.
#[derive(Debug, PartialEq, Eq, Hash)]
struct NamedViewer {
    signature: Signature,
}

impl Default for NamedViewer {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for NamedViewer {
    fn name(&self) -> &'static str {
        "named_viewer"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Utf8))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(viewers) = columns.into_iter().next() else {
            return datafusion::common::internal_err!("named_viewer takes one argument");
        };
        let blank: BooleanArray = match viewers.data_type() {
            DataType::Utf8 => blanks(viewers.as_string::<i32>().iter()),
            DataType::LargeUtf8 => blanks(viewers.as_string::<i64>().iter()),
            _ => blanks(viewers.as_string_view().iter()),
        };
        let named: ArrayRef =
            if blank.true_count() > 0 { nullif(&viewers, &blank)? } else { Arc::clone(&viewers) };
        Ok(ColumnarValue::Array(named))
    }
}

fn blanks<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> BooleanArray {
    texts.map(|text| Some(text.is_some_and(is_blank))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use arrow::datatypes::Int64Type;
    use arrow::util::display::array_value_to_string;
    use datafusion::prelude::SessionContext;

    use crate::query::{SessionOptions, session};

    const VIEWERS: &str = "(SELECT value % 3 AS k, CASE value % 11 WHEN 0 THEN NULL WHEN 1 THEN ' ' WHEN 2 THEN '' \
        ELSE 'u' || (value % 40) END AS v, value % 40 AS n FROM generate_series(1, 600))";

    async fn rows(ctx: &SessionContext, sql: &str) -> Vec<Vec<String>> {
        let batches = ctx.sql(sql).await.unwrap().collect().await.unwrap();
        let cells = |batch: &arrow::array::RecordBatch, row: usize| {
            let text =
                |column: &arrow::array::ArrayRef| array_value_to_string(column, row).unwrap();
            batch.columns().iter().map(text).collect::<Vec<_>>()
        };
        batches.iter().flat_map(|b| (0..b.num_rows()).map(|row| cells(b, row))).collect()
    }

    #[tokio::test]
    async fn counts_what_the_aggregate_itself_counts() {
        let ctx = session(&SessionOptions::default(), None).unwrap();
        for viewer in ["v", "n", "CAST(n AS INTEGER)", "arrow_cast(v, 'Utf8View')"] {
            for (keys, group) in [("k, ", "GROUP BY k ORDER BY k"), ("", "")] {
                let with = |more: &str| {
                    format!(
                        "SELECT {keys}audience_reach({viewer}) AS reach{more} FROM {VIEWERS} {group}"
                    )
                };
                let plan = ctx.sql(&with("")).await.unwrap().into_optimized_plan().unwrap();
                assert!(!plan.to_string().contains("audience_reach("), "{plan}");
                // Another aggregate keeps the rule away.
                let expected = rows(&ctx, &with(", count(*) AS c")).await.into_iter();
                let expected: Vec<Vec<String>> =
                    expected.map(|row| row[..row.len() - 1].to_vec()).collect();
                assert_eq!(rows(&ctx, &with("")).await, expected, "{viewer} {group}");
                let summed = rows(&ctx, &with(", sum(n), max(n)")).await.into_iter();
                let summed: Vec<Vec<String>> =
                    summed.map(|row| row[..row.len() - 2].to_vec()).collect();
                assert_eq!(summed, expected);
            }
        }
    }

    #[tokio::test]
    async fn no_rows_are_no_viewers() {
        let ctx = session(&SessionOptions::default(), None).unwrap();
        let sql = format!("SELECT audience_reach(v) FROM {VIEWERS} WHERE k > 5");
        let batches = ctx.sql(&sql).await.unwrap().collect().await.unwrap();
        use arrow::array::AsArray;
        assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 0);
    }
}
