//! Where a column comes from: whether it is a count of distinct viewers under another name.

use datafusion::common::{Column, ExprSchema};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, WindowFunctionDefinition};

use crate::model::event::ADDITIVE;

/// Aggregates and functions that count distinct viewers.
const COUNTS: [&str; 2] = ["audience_reach", "reach_estimate"];

/// Aggregates and window functions that give one of the values they take.
const PICKS: [&str; 9] =
    ["max", "min", "first_value", "last_value", "nth_value", "any_value", "median", "lag", "lead"];

/// Functions that give one of the values they take, or it in another form.
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

/// The name of the distinct viewers that an argument of a sum over the rows of `input` is; none if it is
/// something else.
pub(super) fn viewers_in(argument: &Expr, input: &LogicalPlan) -> Option<String> {
    if !is_count(argument, input) {
        return None;
    }
    let columns = argument.column_refs().into_iter();
    let counted = columns.filter(|c| column(c, input)).map(|c| c.name().to_owned());
    // A set has no order, and the same query is to get the same sentence.
    Some(counted.min().unwrap_or_else(|| argument.to_string()))
}

/// Whether a column of what `plan` gives is a count of distinct viewers.
fn column(wanted: &Column, plan: &LogicalPlan) -> bool {
    let schema = plan.schema();
    if let Ok(field) = schema.field_from_column(wanted)
        && field.metadata().get(ADDITIVE).is_some_and(|v| v == "false")
    {
        return true;
    }
    schema.index_of_column(wanted).is_ok_and(|index| output(index, plan))
}

/// The same of the column at `index`.
fn output(index: usize, plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(p) => p.expr.get(index).is_some_and(|e| is_count(e, &p.input)),
        LogicalPlan::SubqueryAlias(alias) => nth(index, &alias.input),
        LogicalPlan::Union(union) => union.inputs.iter().any(|input| nth(index, input)),
        LogicalPlan::Aggregate(a) => {
            let groups = grouping_set_to_exprlist(&a.group_expr).unwrap_or_default();
            match groups.get(index) {
                Some(key) => is_count(key, &a.input),
                // A grouping set adds a column that says which set a row is of.
                None => {
                    let first = a.schema.fields().len() - a.aggr_expr.len();
                    let made = index.checked_sub(first).and_then(|i| a.aggr_expr.get(i));
                    made.is_some_and(|e| is_count(e, &a.input))
                }
            }
        }
        LogicalPlan::Window(w) => match index.checked_sub(w.input.schema().fields().len()) {
            Some(made) => w.window_expr.get(made).is_some_and(|e| is_count(e, &w.input)),
            None => nth(index, &w.input),
        },
        // The others pass columns on under their names.
        other => {
            let (relation, field) = other.schema().qualified_field(index);
            let name = Column::new(relation.cloned(), field.name());
            other.inputs().into_iter().any(|input| column(&name, input))
        }
    }
}

fn nth(index: usize, plan: &LogicalPlan) -> bool {
    if index >= plan.schema().fields().len() {
        return false;
    }
    let (relation, field) = plan.schema().qualified_field(index);
    column(&Column::new(relation.cloned(), field.name()), plan)
}

/// Whether what an expression gives is a count of distinct viewers: one of a column, or of sums and
/// differences of them, but no ratio.
fn is_count(expression: &Expr, input: &LogicalPlan) -> bool {
    let any = |inner: &[Expr]| inner.iter().any(|e| is_count(e, input));
    match expression {
        Expr::Column(name) => column(name, input),
        Expr::Alias(alias) => is_count(&alias.expr, input),
        Expr::Cast(cast) => is_count(&cast.expr, input),
        Expr::TryCast(cast) => is_count(&cast.expr, input),
        Expr::Negative(inner) => is_count(inner, input),
        Expr::BinaryExpr(both) => {
            let (left, right) = (is_count(&both.left, input), is_count(&both.right, input));
            match both.op {
                Operator::Plus | Operator::Minus | Operator::Multiply => left || right,
                Operator::Divide => left && !right,
                _ => false,
            }
        }
        Expr::Case(case) => {
            let results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
            results.into_iter().any(|then| is_count(then, input))
        }
        Expr::ScalarSubquery(query) => nth(0, &query.subquery),
        Expr::ScalarFunction(f) => {
            COUNTS.contains(&f.name()) || FORMS.contains(&f.name()) && any(&f.args)
        }
        Expr::AggregateFunction(f) => picks(f.func.name(), || any(&f.params.args)),
        Expr::WindowFunction(f) => window(f, input),
        _ => false,
    }
}

fn window(function: &WindowFunction, input: &LogicalPlan) -> bool {
    let name = match &function.fun {
        WindowFunctionDefinition::AggregateUDF(f) => f.name(),
        WindowFunctionDefinition::WindowUDF(f) => f.name(),
    };
    picks(name, || function.params.args.iter().any(|e| is_count(e, input)))
}

fn picks(name: &str, takes_counts: impl FnOnce() -> bool) -> bool {
    COUNTS.contains(&name) || PICKS.contains(&name) && takes_counts()
}
