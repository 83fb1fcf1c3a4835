//! Relations over media in SQL: `analyze_media((query))`, `render_media((query))`, and those of an
//! embedding program.
//!
//! Such a relation takes a query in parentheses and adds the columns of one work and the outcome
//! columns to each of its rows. It is planned to a [`MediaExec`].

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, TableFactor, TableFunctionArgs,
};
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::media_exec::{MediaExec, output_schema};
use super::settings::SessionSettings;
use crate::exec::inputs::check_inputs;
use crate::exec::{MediaRuntime, Work, WorkSpec};

/// Media work over a query. The work is held as JSON, which compares, hashes and travels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MediaNode {
    spec: String,
    input: LogicalPlan,
    schema: DFSchemaRef,
}

impl PartialOrd for MediaNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.spec.cmp(&other.spec) {
            Ordering::Equal => self.input.partial_cmp(&other.input),
            unequal => Some(unequal),
        }
    }
}

impl MediaNode {
    /// `spec` over the rows of `input`; `relation` is its name in messages.
    ///
    /// # Errors
    /// If `input` lacks a column that the work reads or has it in another type, or work of that name is not registered.
    pub fn try_new(relation: &str, spec: &WorkSpec, input: LogicalPlan) -> Result<Self> {
        let work = build(spec)?;
        check_inputs(relation, work.as_ref(), input.schema().as_arrow())
            .map_err(|e| DataFusionError::Plan(e.message().to_owned()))?;
        let spec =
            serde_json::to_string(spec).map_err(|e| DataFusionError::External(Box::new(e)))?;
        Self::from_json(spec, input, work.as_ref())
    }

    fn from_json(spec: String, input: LogicalPlan, work: &dyn Work) -> Result<Self> {
        let arrow = output_schema(input.schema().as_arrow(), work);
        let schema = Arc::new(DFSchema::try_from(arrow)?);
        Ok(Self { spec, input, schema })
    }

    fn work(&self) -> Result<WorkSpec> {
        serde_json::from_str(&self.spec).map_err(|e| DataFusionError::External(Box::new(e)))
    }
}

impl UserDefinedLogicalNodeCore for MediaNode {
    fn name(&self) -> &str {
        "Media"
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
        write!(f, "Media: {}", self.spec)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match (inputs.pop(), inputs.is_empty()) {
            (Some(input), true) => {
                Self::from_json(self.spec.clone(), input, build(&self.work()?)?.as_ref())
            }
            _ => plan_err!("Media takes one input"),
        }
    }

    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        // Every input column is an output column; which of them the parents drop is not worth a new node.
        Some(vec![(0..self.input.schema().fields().len()).collect()])
    }
}

fn build(spec: &WorkSpec) -> Result<Arc<dyn Work>> {
    spec.build().map_err(|e| DataFusionError::External(Box::new(e)))
}

/// Plans relations over media in a FROM clause: each name stands for one work.
#[derive(Debug, Clone, Default)]
pub struct MediaRelationPlanner(BTreeMap<String, WorkSpec>);

impl MediaRelationPlanner {
    /// Plans these relations; their names are in lower case.
    pub fn new(relations: BTreeMap<String, WorkSpec>) -> Self {
        Self(relations)
    }
}

impl RelationPlanner for MediaRelationPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Table { ref name, args: Some(ref args), ref alias, .. } = relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let name = name.to_string().to_ascii_lowercase();
        let Some(spec) = self.0.get(&name) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let Some(query) = only_query(args) else {
            return plan_err!(
                "{name} takes one query in parentheses: SELECT * FROM {name}((SELECT …))"
            );
        };
        let input = context.plan(query)?;
        let node = Arc::new(MediaNode::try_new(&name, spec, input)?);
        let plan = LogicalPlan::Extension(Extension { node });
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}

/// The argument of a table function, if it is one query in parentheses, as a relation to plan.
pub(super) fn only_query(args: &TableFunctionArgs) -> Option<TableFactor> {
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(SqlExpr::Subquery(query)))] =
        args.args.as_slice()
    else {
        return None;
    };
    let subquery = query.clone();
    Some(TableFactor::Derived { lateral: false, subquery, alias: None, sample: None })
}

/// Plans a [`MediaNode`] to a [`MediaExec`], everything else as DataFusion does.
#[derive(Debug)]
pub struct MediaQueryPlanner;

#[async_trait]
impl QueryPlanner for MediaQueryPlanner {
    async fn create_physical_plan(
        &self,
        logical_plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planner =
            DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(MediaExtensionPlanner)]);
        planner.create_physical_plan(logical_plan, session).await
    }
}

/// The part of [`MediaQueryPlanner`] that a foreign session adds to its own planner.
#[derive(Debug)]
pub struct MediaExtensionPlanner;

#[async_trait]
impl ExtensionPlanner for MediaExtensionPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let (Some(node), [input]) = (node.as_any().downcast_ref::<MediaNode>(), physical_inputs)
        else {
            return Ok(None);
        };
        let exec = MediaExec::try_new(node.work()?, Arc::clone(input))?;
        let runtime = session.config().get_extension::<MediaRuntime>();
        let limit = SessionSettings::rows_at_a_time(session.config_options(), runtime.as_deref())?;
        Ok(Some(Arc::new(exec.on(runtime.as_deref()).with_rows_at_a_time(limit))))
    }
}
