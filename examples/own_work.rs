//! Work of your own on any backend: how many words a text has.
//!
//! `cargo run --example own_work [BACKEND]`, for instance `-- process`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field};
use arrow::util::pretty::print_batches;
use clipflow::Result;
use clipflow::cancel::CancelToken;
use clipflow::config::{BackendType, ParallelConfig};
use clipflow::exec::{
    BatchOptions, InputColumn, Work, WorkEnv, WorkKind, WorkSpec, backend, column, register_work,
    run_batches,
};
use futures::{TryStreamExt, stream};

#[derive(Debug)]
struct CountWords;

impl Work for CountWords {
    fn name(&self) -> &str {
        "count_words"
    }

    fn kind(&self) -> WorkKind {
        WorkKind::Cpu
    }

    /// Found by name among the columns of the rows; rows without it are an error that says so.
    fn input_columns(&self) -> Vec<InputColumn> {
        vec![InputColumn::new("text", DataType::Utf8)]
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![Field::new("words", DataType::Int64, true)]
    }

    /// How a worker process finds it again: by name, with settings (none here).
    fn spec(&self) -> Option<WorkSpec> {
        let settings = serde_json::json!({});
        Some(WorkSpec::Registered { name: self.name().to_owned(), settings })
    }

    fn run(&self, rows: &RecordBatch, _: &WorkEnv, _: &CancelToken) -> Result<Vec<ArrayRef>> {
        let texts: &StringArray = column(rows, "text")?;
        let words = texts.iter().map(|t| t.map(|t| t.split_whitespace().count() as i64));
        Ok(vec![Arc::new(Int64Array::from_iter(words))])
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    // These two first: the process backend starts this program again as its workers.
    register_work("count_words", |_settings| Ok(Arc::new(CountWords)));
    clipflow::worker::run_if_worker();

    let name = std::env::args().nth(1).unwrap_or_else(|| "auto".to_owned());
    let config = ParallelConfig::builder().backend(name.parse::<BackendType>()?).build()?;
    let texts = StringArray::from(vec![Some("Now we zoom into the set."), None, Some("Louder!")]);
    let rows = RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)])?;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let backend = backend::build(&config)?;
        println!("{name}: {}", backend.choice(&CountWords, Some(rows.num_rows())));
        let (work, env) = (Arc::new(CountWords), Arc::new(WorkEnv::bare()));
        let (options, cancel) = (BatchOptions::from(&config), CancelToken::new());
        let input = stream::iter([Ok(rows)]);
        let answers = run_batches(backend, work, env, input, options, &cancel);
        let answers: Vec<RecordBatch> = answers.try_collect().await?;
        Ok(print_batches(&answers)?)
    })
}
