//! `spans('trace.json')`: the spans of a trace file as a table.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::Result;

use super::call::{external, texts};
use crate::error::{Error, ErrorCode};
use crate::model::TraceSpan;
use crate::query::settings::SessionSettings;
use crate::telemetry::{Span, chrome};

/// Reads a file of `run --trace`, as it is when the query is planned. Relative paths start from `clipflow.base`.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpansFunction;

impl SpansFunction {
    pub(super) const NAME: &str = "spans";
}

impl TableFunctionImpl for SpansFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let usage = "the path of a trace file: spans('trace.json')";
        let [path] = texts(Self::NAME, usage, args.exprs())?;
        let settings = SessionSettings::in_options(args.session().config_options());
        let spans = settings.place(&path).and_then(|path| read(&path)).map_err(external)?;
        let rows: Vec<TraceSpan> = spans.iter().map(Into::into).collect();
        let schema = Arc::new(Schema::new(TraceSpan::fields()));
        let batch = RecordBatch::try_new(Arc::clone(&schema), TraceSpan::arrays(rows.iter()))?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}

fn read(path: &str) -> crate::error::Result<Vec<Span>> {
    let unreadable = |cause: &dyn std::fmt::Display| {
        let message = format!("cannot read {path} ({cause}); name a file of clipflow run --trace");
        Error::new(ErrorCode::InputUnreadable, message)
    };
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(&e))?;
    let document = serde_json::from_str(&text).map_err(|e| unreadable(&e))?;
    chrome::spans(&document).ok_or_else(|| unreadable(&"it has no traceEvents"))
}
