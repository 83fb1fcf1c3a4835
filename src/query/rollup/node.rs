//! Plans the relation `SELECT … FROM rollup_events((SELECT …))`.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::plan_err;
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::sqlparser::ast::TableFactor;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;

use super::exec::{RollupExec, output_schema};
use crate::query::media_node::only_query;

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
        // All columns of the input are needed: without one of the keys the groups would differ.
        let input = session.create_physical_plan(&self.input).await?;
        let rolled = Arc::new(RollupExec::try_new(input)?);
        let Some(wanted) = projection else { return Ok(rolled) };
        let column = |i: &usize| {
            let name = self.schema.field(*i).name();
            (Arc::new(Column::new(name, *i)) as _, name.clone())
        };
        Ok(Arc::new(ProjectionExec::try_new(
            wanted.iter().map(column).collect::<Vec<_>>(),
            rolled,
        )?))
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
