//! Scalar functions of SQL over columns, for expressions and functions of other engines: the one crossing that they use.

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use clipflow::datafusion::common::{DFSchema, DataFusionError};
use clipflow::datafusion::execution::FunctionRegistry;
use clipflow::datafusion::prelude::{SessionContext, ident};
use clipflow::query::{FunctionKind, SessionOptions, sql_functions};
use clipflow::{Error, ErrorCode, query_error, register_all_with};
use pyo3::prelude::*;

use crate::arrow_stream::batches;
use crate::errors::OrRaise;
use crate::table::Table;

/// Names of the functions of the columns of a row.
#[pyfunction]
pub(crate) fn scalar_functions() -> Vec<String> {
    let scalar = sql_functions().into_iter().filter(|f| f.kind == FunctionKind::Scalar);
    scalar.map(|function| function.name).collect()
}

/// A session that knows the functions, made once.
fn session() -> clipflow::Result<&'static SessionContext> {
    static SESSION: OnceLock<clipflow::Result<SessionContext>> = OnceLock::new();
    let made = SESSION.get_or_init(|| {
        let ctx = SessionContext::new();
        register_all_with(&ctx, &SessionOptions::default()).map(|_| ctx)
    });
    made.as_ref().map_err(|e| Error::new(e.code(), e.message()))
}

/// Calls the scalar function `name` of clipflow on the columns of `arguments`, an object with `__arrow_c_stream__`, in
/// their order: one column of that name, a row for each row. Columns that have the types of the function cross without a
/// copy; others are cast.
#[pyfunction]
pub(crate) fn call_function(
    py: Python<'_>,
    name: &str,
    arguments: &Bound<'_, PyAny>,
) -> PyResult<Table> {
    let given = batches(arguments)?;
    let called = py.detach(|| {
        if !scalar_functions().iter().any(|known| known == name) {
            let message = format!(
                "there is no scalar function {name}; clipflow.scalar_functions() has the names"
            );
            return Err(Error::new(ErrorCode::QueryInvalid, message));
        }
        let ctx = session()?;
        call(ctx, name, &given).map_err(query_error)
    });
    called.map(Table::batches).or_raise()
}

fn call(
    ctx: &SessionContext,
    name: &str,
    given: &[RecordBatch],
) -> Result<Vec<RecordBatch>, DataFusionError> {
    let schema = given.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let columns = schema.fields().iter().map(|field| ident(field.name())).collect();
    let function = ctx.udf(name)?.call(columns);
    let known = DFSchema::try_from(schema.as_ref().clone())?;
    let function = ctx.create_physical_expr(function, &known)?;
    let field = Field::new(name, function.data_type(&schema)?, true);
    let answer = Arc::new(Schema::new(vec![field]));
    let of = |batch: &RecordBatch| {
        let column = function.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(RecordBatch::try_new(Arc::clone(&answer), vec![column])?)
    };
    given.iter().map(of).collect()
}
