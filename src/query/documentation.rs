//! The SQL functions with their documentation, as a list.

use datafusion::logical_expr::Documentation;

use super::arguments::type_name;
use super::table_functions::descriptions::{
    EVENT_FUNCTIONS, RELATIONS, TABLE_FUNCTIONS, TableDescription,
};
use super::{aggregates, functions};

/// Where a function stands in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    /// Of the columns of a row.
    Scalar,
    /// Of the rows of a group.
    Aggregate,
    /// Of the rows of a window, with `OVER`.
    Window,
    /// In the place of a table, of texts.
    Table,
    /// In the place of a table, of a query in parentheses.
    Relation,
}

/// A SQL function and what is known of it.
#[derive(Debug, Clone)]
pub struct FunctionDescription {
    /// Its name.
    pub name: String,
    /// Where it stands in a statement.
    pub kind: FunctionKind,
    /// Section, description, syntax, arguments and an example that runs.
    pub documentation: Documentation,
    /// The types its arguments are cast to, as examples; empty for those in the place of a table.
    pub(super) types: Vec<String>,
    /// The type of the result; `TABLE` for those in the place of a table.
    pub returns: String,
}

/// Every SQL function, by kind.
pub fn sql_functions() -> Vec<FunctionDescription> {
    let scalar = functions::all().into_iter().map(|function| FunctionDescription {
        name: function.name.to_owned(),
        kind: FunctionKind::Scalar,
        documentation: function.documentation(),
        types: function.arguments.types(),
        returns: type_name(&function.return_type),
    });
    let aggregate = aggregates::all().into_iter().map(|aggregate| FunctionDescription {
        documentation: aggregate.documentation(),
        types: aggregate.arguments.types(),
        returns: type_name(&aggregate.return_type),
        kind: FunctionKind::Aggregate,
        name: aggregate.name,
    });
    let (arguments, documentation) = functions::occurrence::described();
    let window = FunctionDescription {
        name: "occurrence".to_owned(),
        kind: FunctionKind::Window,
        documentation,
        types: arguments.types(),
        returns: "Int64".to_owned(),
    };
    let table = |kind| {
        move |table: &TableDescription| FunctionDescription {
            name: table.name.to_owned(),
            kind,
            documentation: table.documentation(),
            types: vec![],
            returns: "TABLE".to_owned(),
        }
    };
    let tables = TABLE_FUNCTIONS.iter().chain(EVENT_FUNCTIONS).map(table(FunctionKind::Table));
    let relations = RELATIONS.iter().map(table(FunctionKind::Relation));
    scalar.chain(aggregate).chain([window]).chain(tables).chain(relations).collect()
}
