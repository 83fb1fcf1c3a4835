//! The relation in plans: `SELECT … FROM rollup_events((SELECT …))`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, TableFactor,
};
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::exec::{RollupExec, output_schema};
use crate::query::media_node::derived;

/// A roll-up of the rows of a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RollupNode {
    input: LogicalPlan,
    schema: DFSchemaRef,
}

impl PartialOrd for RollupNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input)
    }
}

impl RollupNode {
    /// Of the rows of `input`.
    ///
    /// # Errors
    /// If it has no column `event`, or a key of a nested type.
    pub fn try_new(input: LogicalPlan) -> Result<Self> {
        let schema = DFSchema::try_from(output_schema(input.schema().as_arrow())?)?;
        Ok(Self { input, schema: Arc::new(schema) })
    }
}

impl UserDefinedLogicalNodeCore for RollupNode {
    fn name(&self) -> &str {
        "Rollup"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Rollup")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match (inputs.pop(), inputs.is_empty()) {
            (Some(input), true) => Self::try_new(input),
            _ => plan_err!("Rollup takes one input"),
        }
    }

    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        // A key that is dropped would make other groups.
        Some(vec![(0..self.input.schema().fields().len()).collect()])
    }
}

/// Plans `rollup_events((…))` in a FROM clause.
#[derive(Debug)]
pub struct RollupRelationPlanner;

impl RelationPlanner for RollupRelationPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Table { ref name, args: Some(ref args), ref alias, .. } = relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        if name.to_string() != "rollup_events" {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        }
        let [FunctionArg::Unnamed(FunctionArgExpr::Expr(SqlExpr::Subquery(query)))] =
            args.args.as_slice()
        else {
            return plan_err!(
                "rollup_events takes one query in parentheses: SELECT * FROM rollup_events((SELECT variant_id, platform, event, viewer_id, value FROM events))"
            );
        };
        let input = context.plan(derived(query.clone()))?;
        let node = Arc::new(RollupNode::try_new(input)?);
        let plan = LogicalPlan::Extension(Extension { node });
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}

/// Plans a [`RollupNode`] to a [`RollupExec`].
#[derive(Debug)]
pub struct RollupExtensionPlanner;

#[async_trait]
impl ExtensionPlanner for RollupExtensionPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        match (node.as_any().downcast_ref::<RollupNode>(), physical_inputs) {
            (Some(_), [input]) => Ok(Some(Arc::new(RollupExec::try_new(Arc::clone(input))?))),
            _ => Ok(None),
        }
    }
}
