//! The backends against each other, and whether `auto` finds the best: what handing over one task
//! costs; kernels, waiting and media in small, medium and large batches.
//!
//! `CLIPFLOW_BENCH_REPEATS` (7); `CLIPFLOW_BENCH_WORKERS` (0: one per core);
//! `CLIPFLOW_BENCH_ROWS`: rows of the stream whose memory is measured (5,000,000), 0 for none.

mod support;

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field};
use clipflow::cancel::CancelToken;
use clipflow::config::{BackendType, ParallelConfig};
use clipflow::exec::backend::{Backend, Task, build};
use clipflow::exec::{
    AnalyzeWork, BatchOptions, InputColumn, PATH_COLUMN, VALIDATOR_COLUMN, ValidateWork, Work,
    WorkEnv, WorkKind, WorkSpec, register_work, run_batches,
};
use clipflow::media::{AnalyzeSettings, MediaTools};
use futures::{StreamExt, TryStreamExt, stream};
use support::video::Video;
use support::{Meter, Result, Spread, is_bench, repeats, setting, verdict};
use tokio::runtime::Runtime;

const BACKENDS: [BackendType; 5] = [
    BackendType::Thread,
    BackendType::Async,
    BackendType::Joblib,
    BackendType::Process,
    BackendType::Auto,
];
/// `auto` over the best of the others.
const AUTO_BAR: f64 = 1.10;
/// Peak memory of a stream of millions of rows, in MiB.
const MEMORY_BAR: f64 = 512.0;
/// How long a row of [`Wait`] waits.
const WAIT: Duration = Duration::from_millis(5);

fn main() -> Result<()> {
    register_work("wait", |_| Ok(Arc::new(Wait)));
    clipflow::worker::run_if_worker();
    if !is_bench() {
        return Ok(());
    }
    let bench = Bench {
        runtime: tokio::runtime::Builder::new_multi_thread().enable_all().build()?,
        config: ParallelConfig {
            max_workers: setting("CLIPFLOW_BENCH_WORKERS", 0)?,
            ..ParallelConfig::default()
        },
        repeats: repeats(7)?,
    };
    // First: the peak is that of the whole process so far.
    bench.memory(setting("CLIPFLOW_BENCH_ROWS", 5_000_000)?)?;
    bench.hand_over()?;
    bench.table()
}

/// Waits, as for a network.
#[derive(Debug)]
struct Wait;

impl Work for Wait {
    fn name(&self) -> &'static str {
        "wait"
    }

    fn kind(&self) -> WorkKind {
        WorkKind::Io
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        vec![]
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![Field::new("waited", DataType::Int64, true)]
    }

    fn spec(&self) -> Option<WorkSpec> {
        let settings = serde_json::Value::Null;
        Some(WorkSpec::Registered { name: self.name().to_owned(), settings })
    }

    fn run(
        &self,
        rows: &RecordBatch,
        _: &WorkEnv,
        cancel: &CancelToken,
    ) -> clipflow::Result<Vec<ArrayRef>> {
        cancel.sleep(WAIT)?;
        Ok(vec![Arc::new(Int64Array::from(vec![1; rows.num_rows()]))])
    }
}

/// A batch to run, and what it is.
struct Case {
    kind: &'static str,
    rows: RecordBatch,
    work: Arc<dyn Work>,
    env: Arc<WorkEnv>,
    /// Fewer repeats where one takes seconds.
    repeats: usize,
}

struct Bench {
    runtime: Runtime,
    config: ParallelConfig,
    repeats: usize,
}

impl Bench {
    fn backend(&self, backend: BackendType) -> Result<Arc<dyn Backend>> {
        Ok(build(&ParallelConfig { backend, ..self.config.clone() })?)
    }

    /// What one task costs beside its work: the constants of `exec/backend/costs.rs`.
    fn hand_over(&self) -> Result<()> {
        println!("\none row of `validate`, one task after the other; µs, median (least–most)");
        println!("| backend | µs |");
        println!("|---|---|");
        for backend in &BACKENDS {
            let built = self.backend(*backend)?;
            let task = || {
                let work = Arc::new(ValidateWork);
                Ok::<_, clipflow::Error>(Task::new(
                    work,
                    requests(0, 1)?,
                    Arc::new(WorkEnv::bare()),
                    CancelToken::new(),
                ))
            };
            let mut micros = vec![];
            for repeat in 0..=self.repeats {
                let tasks = if *backend == BackendType::Process { 200 } else { 2000 };
                let meter = Meter::start()?;
                self.runtime.block_on(async {
                    let built = Arc::clone(&built);
                    // From a task of the runtime, as the callers of backends are.
                    let all = tokio::spawn(async move {
                        for _ in 0..tasks {
                            built.run(task()?).await?;
                        }
                        Ok::<(), clipflow::Error>(())
                    });
                    all.await
                })??;
                // The first is to get warm.
                if repeat > 0 {
                    micros.push(meter.cost()?.wall * 1e6 / f64::from(tasks));
                }
            }
            println!("| {backend} | {:.1} |", Spread::of(micros));
        }
        Ok(())
    }

    fn cases(&self) -> Result<Vec<Case>> {
        let mut cases = vec![];
        let bare = Arc::new(WorkEnv::bare());
        for rows in [10, 10_000, 1_000_000] {
            let (work, env) = (Arc::new(ValidateWork), Arc::clone(&bare));
            let repeats = self.repeats;
            cases.push(Case { kind: "kernel", rows: requests(0, rows)?, work, env, repeats });
        }
        for rows in [4, 64, 400] {
            let (work, env) = (Arc::new(Wait), Arc::clone(&bare));
            let repeats = self.repeats.min(3);
            cases.push(Case { kind: "waiting 5 ms", rows: requests(0, rows)?, work, env, repeats });
        }
        let video = Video { seed: 3, seconds: 10, size: (320, 180), kilobits: 300 }.file()?;
        let path = video.to_str().ok_or("a name in UTF-8")?;
        let tools = MediaTools::find()?;
        for rows in [1, 8, 32] {
            let texts = |text: &str| Arc::new(StringArray::from(vec![text; rows])) as ArrayRef;
            let columns = [
                ("location", texts(path)),
                (PATH_COLUMN, texts(path)),
                (VALIDATOR_COLUMN, texts("1")),
            ];
            let work = Arc::new(Prepared(AnalyzeWork::new(AnalyzeSettings::default())));
            let env = Arc::new(WorkEnv { tools: Some(tools.clone()), ..WorkEnv::bare() });
            let rows = RecordBatch::try_from_iter(columns)?;
            cases.push(Case { kind: "media", rows, work, env, repeats: self.repeats.min(3) });
        }
        Ok(cases)
    }

    /// Milliseconds of each backend for each kind and size of batch.
    fn table(&self) -> Result<()> {
        println!(
            "\nms for a batch in chunks of {}, median of runs in turn",
            self.config.chunk_size
        );
        let names = BACKENDS.map(|b| b.to_string()).join(" | ");
        println!("| work | rows | {names} | auto / best | ≤ {AUTO_BAR} | auto chose |");
        println!("|---|---|{}---|---|---|", "---|".repeat(BACKENDS.len()));
        let built = BACKENDS.map(|b| self.backend(b));
        let built = built.into_iter().collect::<Result<Vec<_>>>()?;
        for case in self.cases()? {
            let mut millis = vec![vec![]; BACKENDS.len()];
            for repeat in 0..=case.repeats {
                for (backend, millis) in built.iter().zip(&mut millis) {
                    let meter = Meter::start()?;
                    self.run(backend, &case)?;
                    if repeat > 0 {
                        millis.push(meter.cost()?.wall * 1e3);
                    }
                }
            }
            let medians: Vec<f64> = millis.into_iter().map(|m| Spread::of(m).median).collect();
            let (auto, others) = medians.split_last().ok_or("there are backends")?;
            let ratio = auto / others.iter().copied().fold(f64::INFINITY, f64::min);
            let cells: Vec<_> = medians.iter().map(|m| format!("{m:.2}")).collect();
            let rows = case.rows.num_rows();
            let choice = built
                .last()
                .ok_or("auto is the last")?
                .choice(case.work.as_ref(), Some(rows.min(1000)));
            let chosen = choice.backend.map_or("at once", BackendType::as_str);
            println!(
                "| {} | {rows} | {} | {ratio:.2} | {} | {chosen} × {} |",
                case.kind,
                cells.join(" | "),
                verdict(ratio, AUTO_BAR),
                choice.workers
            );
        }
        Ok(())
    }

    fn run(&self, backend: &Arc<dyn Backend>, case: &Case) -> Result<()> {
        let (work, env) = (Arc::clone(&case.work), Arc::clone(&case.env));
        let input = stream::iter([Ok(case.rows.clone())]);
        let (options, cancel) = (BatchOptions::from(&self.config), CancelToken::new());
        let answers = run_batches(Arc::clone(backend), work, env, input, options, &cancel);
        let answers: Vec<RecordBatch> =
            self.runtime.block_on(async { tokio::spawn(answers.try_collect()).await })??;
        let failed: usize = answers
            .iter()
            .filter_map(|a| a.column_by_name("error_code"))
            .map(|codes| codes.len() - codes.null_count())
            .sum();
        if failed > 0 { Err(format!("{failed} rows failed").into()) } else { Ok(()) }
    }

    /// Peak memory of this process while `rows` request rows stream through `validate`.
    fn memory(&self, rows: usize) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        let backend = self.backend(BackendType::Auto)?;
        let batch = 8192;
        let input = stream::iter(
            (0..rows.div_ceil(batch))
                .map(move |i| requests(i * batch, batch.min(rows - i * batch))),
        );
        let meter = Meter::start()?;
        let (work, env) = (Arc::new(ValidateWork), Arc::new(WorkEnv::bare()));
        let options = BatchOptions::from(&self.config);
        let mut answers = run_batches(backend, work, env, input, options, &CancelToken::new());
        let read = async move {
            let mut read = 0;
            while let Some(answer) = answers.next().await {
                read += answer?.num_rows();
            }
            Ok::<usize, clipflow::Error>(read)
        };
        let read = self.runtime.block_on(async { tokio::spawn(read).await })??;
        let seconds = meter.cost()?.wall;
        let peak = peak_mib()?;
        println!(
            "{read} rows streamed through `validate` in {seconds:.1} s ({:.2} million a second); peak memory {peak:.0} MiB: {}",
            read as f64 / seconds / 1e6,
            verdict(peak, MEMORY_BAR)
        );
        Ok(())
    }
}

/// [`AnalyzeWork`] on rows whose files are named already.
#[derive(Debug)]
struct Prepared(AnalyzeWork);

impl Work for Prepared {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        ["location", PATH_COLUMN, VALIDATOR_COLUMN].map(InputColumn::any).into()
    }

    fn output_fields(&self) -> Vec<Field> {
        self.0.output_fields()
    }

    fn spec(&self) -> Option<WorkSpec> {
        self.0.spec()
    }

    fn run(
        &self,
        rows: &RecordBatch,
        env: &WorkEnv,
        cancel: &CancelToken,
    ) -> clipflow::Result<Vec<ArrayRef>> {
        self.0.run(rows, env, cancel)
    }
}

/// Requests that are valid, each its own.
fn requests(first: usize, rows: usize) -> clipflow::Result<RecordBatch> {
    let urls = StringArray::from_iter_values(
        (first..first + rows).map(|i| format!("https://media.example.org/talks/{i}/recording.mp4")),
    );
    let lengths = Float64Array::from_iter_values((0..rows).map(|i| 15.0 + (i % 40) as f64));
    let languages = StringArray::from_iter_values((0..rows).map(|i| ["en", "pt-BR", "de"][i % 3]));
    let columns: [(_, ArrayRef); 3] = [
        ("source_url", Arc::new(urls)),
        ("max_clip_length", Arc::new(lengths)),
        ("language", Arc::new(languages)),
    ];
    RecordBatch::try_from_iter(columns)
        .map_err(|e| clipflow::Error::new(clipflow::ErrorCode::Internal, e.to_string()))
}

/// The most memory this process has had.
fn peak_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).ok_or("VmHWM is there")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
