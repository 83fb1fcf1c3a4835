//! An analyzer rule that rejects sums of counts of distinct viewers.
//!
//! Columns of distinct viewers carry the metadata [`ADDITIVE`](crate::model::event::ADDITIVE) = `false`, or
//! the query itself counts them (`audience_reach`, `reach_estimate`, distinct `viewer_id` of `events`). Their
//! sum or average counts a viewer of two variants twice, so planning fails with an error that names the
//! alternative.

mod origin;

use datafusion::common::config::ConfigOptions;
use datafusion::common::plan_err;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, WindowFunctionDefinition};
use datafusion::optimizer::AnalyzerRule;

/// Rejects `sum` and `avg` over columns of distinct viewers.
#[derive(Debug, Default)]
pub struct RejectSums;

const SUMS: [&str; 3] = ["sum", "avg", "mean"];

impl AnalyzerRule for RejectSums {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply_with_subqueries(|node| {
            let expressions = match node {
                LogicalPlan::Aggregate(aggregate) => &aggregate.aggr_expr,
                LogicalPlan::Window(window) => &window.window_expr,
                _ => return Ok(TreeNodeRecursion::Continue),
            };
            for input in node.inputs() {
                for expression in expressions {
                    check(expression, input)?;
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(plan)
    }

    fn name(&self) -> &str {
        "reject_sums"
    }
}

fn check(expression: &Expr, input: &LogicalPlan) -> Result<()> {
    expression.apply(|e| {
        let (name, arguments) = match e {
            Expr::AggregateFunction(f) => (f.func.name(), &f.params.args),
            Expr::WindowFunction(f) => match &f.fun {
                WindowFunctionDefinition::AggregateUDF(udaf) => (udaf.name(), &f.params.args),
                _ => return Ok(TreeNodeRecursion::Continue),
            },
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        if SUMS.contains(&name)
            && let Some(viewers) = arguments.iter().find_map(|a| origin::viewers_in(a, input))
        {
            if viewers == "followers" {
                return plan_err!(
                    "{name}(followers) would count an account's followers once for each of its variants and days; take max(followers) of each account"
                );
            }
            return plan_err!(
                "{name}({viewers}) would count a viewer once for each row; count them in the events with audience_reach(viewer_id), or merge sketches with reach_merge(sketch)"
            );
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}
