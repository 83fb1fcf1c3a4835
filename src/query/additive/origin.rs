//! Traces a column to its origin: a count of distinct viewers, or the viewer of an event, under any name.

use datafusion::common::Column;
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};

use crate::model::event::ADDITIVE;

/// Aggregates and functions that count distinct viewers.
const COUNTS: [&str; 2] = ["audience_reach", "reach_estimate"];

/// Aggregates that count distinct values of their argument; `count` only with `DISTINCT`.
const DISTINCT: [&str; 2] = ["count", "approx_distinct"];

/// The table of events and its column of viewers.
const VIEWERS: (&str, &str) = ("events", "viewer_id");

/// The origin that a column is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sought {
    /// A count of distinct viewers.
    Count,
    /// A viewer: [`VIEWERS`].
    Viewer,
}

/// Aggregates and window functions that return one of their input values.
const PICKS: [&str; 9] =
    ["max", "min", "first_value", "last_value", "nth_value", "any_value", "median", "lag", "lead"];

/// Functions that return one of their arguments, possibly in another form.
const FORMS: [&str; 12] = [
    "coalesce",
    "nvl",
    "nvl2",
    "nullif",
    "greatest",
    "least",
    "round",
    "floor",
    "ceil",
    "trunc",
    "abs",
    "arrow_cast",
];

/// The name of the column of distinct viewers that `argument` sums over the rows of `input`, if it does.
pub(super) fn viewers_in(argument: &Expr, input: &LogicalPlan) -> Option<String> {
    if !is(Sought::Count, argument, input) {
        return None;
    }
    let columns = argument.column_refs().into_iter();
    let counted = columns.filter(|c| column(Sought::Count, c, input)).map(|c| c.name().to_owned());
    // A set is unordered; the same query must give the same message.
    Some(counted.min().unwrap_or_else(|| argument.to_string()))
}

/// Whether an output column of `plan` has the origin `sought`.
fn column(sought: Sought, wanted: &Column, plan: &LogicalPlan) -> bool {
    plan.schema().index_of_column(wanted).is_ok_and(|index| nth(sought, index, plan))
}

/// As [`column`], for the column at `index`.
fn nth(sought: Sought, index: usize, plan: &LogicalPlan) -> bool {
    if index >= plan.schema().fields().len() {
        return false;
    }
    let (relation, field) = plan.schema().qualified_field(index);
    let says_so = match sought {
        Sought::Count => field.metadata().get(ADDITIVE).is_some_and(|v| v == "false"),
        Sought::Viewer => relation.is_some_and(|r| (r.table(), field.name().as_str()) == VIEWERS),
    };
    says_so || output(sought, index, plan)
}

/// As [`nth`], judged by the expression that computes the column in `plan`.
fn output(sought: Sought, index: usize, plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(p) => p.expr.get(index).is_some_and(|e| is(sought, e, &p.input)),
        LogicalPlan::SubqueryAlias(alias) => nth(sought, index, &alias.input),
        LogicalPlan::Union(union) => union.inputs.iter().any(|input| nth(sought, index, input)),
        LogicalPlan::Aggregate(a) => {
            let groups = grouping_set_to_exprlist(&a.group_expr).unwrap_or_default();
            match groups.get(index) {
                Some(key) => is(sought, key, &a.input),
                // A grouping set adds a column with the number of the set.
                None => {
                    let first = a.schema.fields().len() - a.aggr_expr.len();
                    let made = index.checked_sub(first).and_then(|i| a.aggr_expr.get(i));
                    made.is_some_and(|e| is(sought, e, &a.input))
                }
            }
        }
        LogicalPlan::Window(w) => match index.checked_sub(w.input.schema().fields().len()) {
            Some(made) => w.window_expr.get(made).is_some_and(|e| is(sought, e, &w.input)),
            None => nth(sought, index, &w.input),
        },
        // Other nodes pass columns through under their names.
        other => {
            let (relation, field) = other.schema().qualified_field(index);
            let name = Column::new(relation.cloned(), field.name());
            other.inputs().into_iter().any(|input| column(sought, &name, input))
        }
    }
}

/// Whether an expression has the origin `sought`: a column, or for counts also sums and differences of
/// them, but not a ratio.
fn is(sought: Sought, expression: &Expr, input: &LogicalPlan) -> bool {
    let any = |inner: &[Expr]| inner.iter().any(|e| is(sought, e, input));
    match expression {
        Expr::Column(name) => column(sought, name, input),
        Expr::Alias(alias) => is(sought, &alias.expr, input),
        Expr::Cast(cast) => is(sought, &cast.expr, input),
        Expr::TryCast(cast) => is(sought, &cast.expr, input),
        Expr::Case(case) => {
            let results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
            results.into_iter().any(|then| is(sought, then, input))
        }
        Expr::ScalarSubquery(query) => nth(sought, 0, &query.subquery),
        Expr::ScalarFunction(f) if FORMS.contains(&f.name()) && any(&f.args) => true,
        Expr::AggregateFunction(f) if PICKS.contains(&f.func.name()) => any(&f.params.args),
        Expr::WindowFunction(f) if PICKS.contains(&f.fun.name()) => any(&f.params.args),
        counted if sought == Sought::Count => counts(counted, input),
        _ => false,
    }
}

/// Whether an expression counts distinct viewers or is computed from such a count.
fn counts(expression: &Expr, input: &LogicalPlan) -> bool {
    let is_count = |e: &Expr| is(Sought::Count, e, input);
    let counts_viewers = |name: &str, distinct: bool, args: &[Expr]| {
        let one = DISTINCT.contains(&name) && (distinct || name != "count") && args.len() == 1;
        COUNTS.contains(&name) || one && args.iter().any(|e| is(Sought::Viewer, e, input))
    };
    match expression {
        Expr::Negative(inner) => is_count(inner),
        Expr::BinaryExpr(both) => {
            let (left, right) = (is_count(&both.left), is_count(&both.right));
            match both.op {
                Operator::Plus | Operator::Minus | Operator::Multiply => left || right,
                Operator::Divide => left && !right,
                _ => false,
            }
        }
        Expr::ScalarFunction(f) => COUNTS.contains(&f.name()),
        Expr::AggregateFunction(f) => {
            counts_viewers(f.func.name(), f.params.distinct, &f.params.args)
        }
        Expr::WindowFunction(f) => counts_viewers(f.fun.name(), f.params.distinct, &f.params.args),
        _ => false,
    }
}
