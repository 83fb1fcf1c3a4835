//! A backend with the work that stumbles, and its answers as rows.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use clipflow::Result;
use clipflow::cancel::CancelToken;
use clipflow::config::{BackendType, ParallelConfig};
use clipflow::exec::backend::{Backend, ProcessBackend, ProcessConfig, build};
use clipflow::exec::{BatchOptions, WorkEnv, run_batches};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use tempfile::TempDir;

use crate::support::stumble::Stumble;
use crate::support::workers;

/// Workers of a rig's backend.
pub const WORKERS: usize = 3;

/// What stands in an answered row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub number: i64,
    pub square: Option<i64>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub attempts: i64,
}

pub struct Rig {
    pub backend: Arc<dyn Backend>,
    pub env: Arc<WorkEnv>,
    pub cancel: CancelToken,
    folder: TempDir,
}

impl Rig {
    /// One of the crate's backends, made from settings.
    pub fn new(backend: BackendType) -> Self {
        let config = ParallelConfig {
            backend,
            max_workers: WORKERS,
            worker_program: workers::program().to_string_lossy().into_owned(),
            memory_limit_gb: 8.0,
            ..ParallelConfig::default()
        };
        Self::over(build(&config).unwrap())
    }

    /// Worker processes; its backend too, to ask it.
    pub fn processes(config: ProcessConfig) -> (Self, Arc<ProcessBackend>) {
        let program = config.program.clone().unwrap_or_else(workers::program);
        let backend = ProcessBackend::new(ProcessConfig { program: Some(program), ..config });
        let backend = Arc::new(backend.unwrap());
        (Self::over(Arc::clone(&backend) as Arc<dyn Backend>), backend)
    }

    fn over(backend: Arc<dyn Backend>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { backend, env: Arc::new(WorkEnv::bare()), cancel: CancelToken::new(), folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn work(&self, kind: &str) -> Arc<Stumble> {
        Arc::new(Stumble { kind: kind.into(), folder: self.folder().to_owned() })
    }

    /// The stream of answers to `input`.
    pub fn stream(
        &self,
        kind: &str,
        input: BoxStream<'static, Result<RecordBatch>>,
        options: BatchOptions,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let (backend, env) = (Arc::clone(&self.backend), Arc::clone(&self.env));
        run_batches(backend, self.work(kind), env, input, options, &self.cancel)
    }

    /// The answers to one batch of rows with these orders, numbered from 0.
    pub async fn answers(&self, kind: &str, orders: &[&str], options: BatchOptions) -> Vec<Row> {
        let answers = self.stream(kind, one(batch(0, orders)), options);
        rows(&answers.try_collect::<Vec<_>>().await.unwrap())
    }

    /// The lines of the journal: whether a row began, and its number.
    pub fn journal(&self) -> Vec<(bool, i64)> {
        let text = std::fs::read_to_string(self.folder().join("journal")).unwrap_or_default();
        let line = |l: &str| (l.starts_with('+'), l[2..].parse().unwrap());
        text.lines().map(line).collect()
    }

    /// How often row `number` began.
    pub fn began(&self, number: i64) -> usize {
        self.journal().iter().filter(|line| **line == (true, number)).count()
    }

    pub fn running(&self) -> usize {
        let journal = self.journal();
        let begun = journal.iter().filter(|(began, _)| *began).count();
        2 * begun - journal.len()
    }

    /// The most rows that ran at a time.
    pub fn peak(&self) -> usize {
        let mut running = 0_usize;
        let step = |(began, _)| {
            running = if began { running + 1 } else { running - 1 };
            running
        };
        self.journal().into_iter().map(step).max().unwrap_or(0)
    }

    pub fn open(&self, gate: &str) {
        std::fs::write(self.folder().join(gate), "").unwrap();
    }
}

/// Rows with these orders, numbered from `first`, and a column that the work does not read.
pub fn batch(first: i64, orders: &[&str]) -> RecordBatch {
    let numbers: Vec<i64> = (first..).take(orders.len()).collect();
    let labels: Vec<String> = numbers.iter().map(|n| format!("row {n}")).collect();
    RecordBatch::try_from_iter([
        ("label", Arc::new(StringArray::from(labels)) as _),
        ("number", Arc::new(Int64Array::from(numbers)) as _),
        ("order", Arc::new(StringArray::from(orders.to_vec())) as _),
    ])
    .unwrap()
}

pub fn one(batch: RecordBatch) -> BoxStream<'static, Result<RecordBatch>> {
    stream::iter([Ok(batch)]).boxed()
}

pub fn rows(batches: &[RecordBatch]) -> Vec<Row> {
    let mut all = vec![];
    for batch in batches {
        let column = |name: &str| batch.column_by_name(name).unwrap();
        let texts = |name: &str| column(name).as_string::<i32>().clone();
        let numbers = |name: &str| column(name).as_primitive::<Int64Type>().clone();
        let (codes, messages, labels) =
            (texts("error_code"), texts("error_message"), texts("label"));
        let (number, square, attempts) =
            (numbers("number"), numbers("square"), numbers("attempts"));
        let elapsed = column("elapsed").as_primitive::<Float64Type>().clone();
        let text = |t: Option<&str>| t.map(str::to_owned);
        for (i, square) in square.iter().enumerate() {
            assert_eq!(labels.value(i), format!("row {}", number.value(i)), "rows stay whole");
            assert!(elapsed.value(i) >= 0.0);
            all.push(Row {
                number: number.value(i),
                square,
                code: text(codes.iter().nth(i).unwrap()),
                message: text(messages.iter().nth(i).unwrap()),
                attempts: attempts.value(i),
            });
        }
    }
    all
}

/// Rows as (number, code), for comparing.
pub fn codes(rows: &[Row]) -> Vec<(i64, Option<&str>)> {
    rows.iter().map(|r| (r.number, r.code.as_deref())).collect()
}
