//! Our functions in `information_schema.routines`, `information_schema.parameters` and `SHOW FUNCTIONS`.
//!
//! DataFusion derives the listed types from a signature, which it cannot for the coercion rules of ours, and
//! lists table functions by name only. This module adds what is missing.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt8Array, UInt64Array};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::sqlparser::ast::TableFactor;
use datafusion::logical_expr::{Case, Expr, LogicalPlan, LogicalPlanBuilder, ident, lit};

use super::documentation::{FunctionDescription, FunctionKind, sql_functions};

const SCHEMA: &str = "information_schema";

/// Adds types and descriptions of our functions to `information_schema`.
#[derive(Debug)]
pub(super) struct RoutinesPlanner;

impl RelationPlanner for RoutinesPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let original = |relation| Ok(RelationPlanning::Original(Box::new(relation)));
        let TableFactor::Table { ref name, args: None, ref alias, .. } = relation else {
            return original(relation);
        };
        let reference = context.object_name_to_table_reference(name.clone())?;
        let complete = match (reference.schema(), reference.table()) {
            (Some(SCHEMA), "routines") => routines,
            (Some(SCHEMA), "parameters") => parameters,
            _ => return original(relation),
        };
        // The table is missing if `information_schema` is turned off.
        let Ok(source) = context.context_provider().get_table_source(reference.clone()) else {
            return original(relation);
        };
        let catalog = &context.context_provider().options().catalog;
        let place = (catalog.default_catalog.clone(), catalog.default_schema.clone());
        let found = LogicalPlanBuilder::scan(reference.clone(), source, None)?;
        let plan = complete(found, place, reference)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}

/// Catalog and schema that functions are listed in.
type CatalogAndSchema = (String, String);

fn routines(
    found: LogicalPlanBuilder,
    place: CatalogAndSchema,
    reference: TableReference,
) -> Result<LogicalPlan> {
    let ours = sql_functions();
    let of_ours = |column: &str, value: fn(&FunctionDescription) -> String| -> Result<Expr> {
        let whens = ours.iter().map(|f| (Box::new(lit(f.name.as_str())), Box::new(lit(value(f)))));
        let name = Some(Box::new(ident("routine_name")));
        let case = Case::new(name, whens.collect(), Some(Box::new(ident(column))));
        Ok(Expr::Case(case).alias(column))
    };
    let schema: SchemaRef = Arc::clone(found.schema().inner());
    let columns = schema.fields().iter().map(|field| match field.name().as_str() {
        name @ "data_type" => of_ours(name, |f| f.returns.clone()),
        name @ "description" => of_ours(name, |f| f.documentation.description.clone()),
        name @ "syntax_example" => of_ours(name, |f| f.documentation.syntax_example.clone()),
        name => Ok(ident(name)),
    });
    let completed = found.project(columns.collect::<Result<Vec<_>>>()?)?;
    let relations: Vec<_> = ours.iter().filter(|f| f.name == "rollup_events").collect();
    let text = |of: fn(&FunctionDescription) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(relations.iter().map(|f| of(f))))
    };
    let same = |text: &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(relations.iter().map(|_| text)))
    };
    let (name, kind) = (text(|f| &f.name), same("FUNCTION"));
    let (catalog, schema_name) = (same(&place.0), same(&place.1));
    let rows: Vec<ArrayRef> = vec![
        Arc::clone(&catalog),
        Arc::clone(&schema_name),
        Arc::clone(&name),
        catalog,
        schema_name,
        name,
        kind,
        Arc::new(BooleanArray::from(vec![true; relations.len()])),
        text(|f| &f.returns),
        same("TABLE"),
        text(|f| &f.documentation.description),
        text(|f| &f.documentation.syntax_example),
    ];
    with_rows(completed, &schema, rows, reference)
}

fn parameters(
    found: LogicalPlanBuilder,
    place: CatalogAndSchema,
    reference: TableReference,
) -> Result<LogicalPlan> {
    let schema: SchemaRef = Arc::clone(found.schema().inner());
    let mut rows: Vec<(String, u64, &str, Option<String>, String, bool)> = vec![];
    for function in sql_functions().into_iter().filter(|f| f.kind != FunctionKind::Relation) {
        let arguments = function.documentation.arguments.unwrap_or_default();
        let variadic = function.documentation.syntax_example.contains('…');
        for (i, (argument, _)) in arguments.into_iter().enumerate() {
            let kind = function.types.get(i).cloned().unwrap_or_else(|| "String".to_owned());
            rows.push((function.name.clone(), i as u64 + 1, "IN", Some(argument), kind, variadic));
        }
        rows.push((function.name, 1, "OUT", None, function.returns, false));
    }
    let same = |text: &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(|_| text)))
    };
    let columns: Vec<ArrayRef> = vec![
        same(&place.0),
        same(&place.1),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.0))),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|r| r.1))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.2))),
        Arc::new(rows.iter().map(|r| r.3.clone()).collect::<StringArray>()),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.4))),
        Arc::new(StringArray::new_null(rows.len())),
        Arc::new(rows.iter().map(|r| Some(r.5)).collect::<BooleanArray>()),
        Arc::new(UInt8Array::from(vec![0; rows.len()])),
    ];
    with_rows(found, &schema, columns, reference)
}

/// The rows of `found`, then those of `columns`, as the table `reference`.
fn with_rows(
    found: LogicalPlanBuilder,
    schema: &Schema,
    columns: Vec<ArrayRef>,
    reference: TableReference,
) -> Result<LogicalPlan> {
    let schema = Arc::new(Schema::new(schema.fields().clone()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let ours = provider_as_source(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?));
    let ours = LogicalPlanBuilder::scan(reference.clone(), ours, None)?.build()?;
    found.union(ours)?.alias(reference)?.build()
}
