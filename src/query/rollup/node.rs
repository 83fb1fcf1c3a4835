//! Plans the relation `SELECT … FROM rollup_events((SELECT …))`.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, ExprSchema, plan_err};
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::sqlparser::ast::TableFactor;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;

use super::exec::{RollupExec, VIEWER, output_schema, scope};
use crate::kernels::cells::is_text;
use crate::kernels::tally::ViewerScope;
use crate::query::media_node::only_query;
use crate::query::user_files::TextViews;

const NAME: &str = "rollup_events";

/// A roll-up of the rows of a query.
///
/// It is a table rather than a logical node so that any session can plan it without a query planner of
/// ours.
#[derive(Debug)]
pub struct RollupTable {
    input: LogicalPlan,
    schema: SchemaRef,
}

impl RollupTable {
    /// A roll-up of the rows of `input`.
    ///
    /// # Errors
    /// If the input has no column `event`, or a key of a nested type.
    pub fn try_new(input: LogicalPlan) -> Result<Self> {
        let schema = output_schema(input.schema().as_arrow())?;
        Ok(Self { input, schema: Arc::new(schema) })
    }

    /// The input without viewers if no column `wanted` tells them apart. All keys are needed: without one
    /// of them the groups would differ.
    fn input_for(&self, wanted: &[usize]) -> Result<LogicalPlan> {
        let schema = self.input.schema();
        let names = schema.fields().iter().map(|f| f.name().as_str());
        let is_read = |name: &str| name != VIEWER;
        if scope(&self.schema.project(wanted)?) != ViewerScope::Ignored
            || names.clone().all(is_read)
        {
            return Ok(self.input.clone());
        }
        let read = schema.iter().filter(|(_, field)| is_read(field.name()));
        let columns: Vec<Expr> =
            read.map(|(table, field)| Expr::Column((table, field).into())).collect();
        LogicalPlanBuilder::from(self.input.clone()).project(columns)?.build()
    }
}

/// Whether a query passes the texts of its table on and computes nothing of them, so that they can come
/// in another form.
fn passes_texts(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::SubqueryAlias(alias) => passes_texts(&alias.input),
        LogicalPlan::Projection(projection) => {
            let schema = projection.input.schema();
            let is_text = |column: &&Column| {
                schema.field_from_column(column).is_ok_and(|f| is_text(f.data_type()))
            };
            let passes = |e: &Expr| match e.clone().unalias() {
                Expr::Column(_) => true,
                computed => !computed.column_refs().iter().any(is_text),
            };
            passes_texts(&projection.input) && projection.expr.iter().all(passes)
        }
        _ => false,
    }
}

#[async_trait]
impl TableProvider for RollupTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.schema.fields().len()).collect();
        let wanted = projection.cloned().unwrap_or_else(all);
        let input = self.input_for(&wanted)?;
        let input = match session.as_any().downcast_ref::<SessionState>() {
            Some(state) if passes_texts(&input) => {
                let mut state = state.clone();
                state.config_mut().set_extension(Arc::new(TextViews));
                state.create_physical_plan(&input).await?
            }
            _ => session.create_physical_plan(&input).await?,
        };
        Ok(Arc::new(RollupExec::try_new(input, Arc::clone(&self.schema), wanted)?))
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
        if name.to_string() != NAME {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        }
        let Some(query) = only_query(args) else {
            return plan_err!(
                "rollup_events takes one query in parentheses: SELECT * FROM rollup_events((SELECT variant_id, platform, event, viewer_id, value FROM events))"
            );
        };
        let table = RollupTable::try_new(context.plan(query)?)?;
        let source = provider_as_source(Arc::new(table));
        let plan = LogicalPlanBuilder::scan(NAME, source, None)?.build()?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}
