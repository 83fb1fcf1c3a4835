//! [`run_comprehensive_benchmark`]: what the backends cost on this machine, with this build.
//!
//! | part | question |
//! |---|---|
//! | backends | which backend is the fastest for small, medium and large batches of each kind of work, and does `auto` find it |
//! | scalability | what a further worker brings |
//! | memory | whether memory stays flat while ever more rows stream through |
//! | errors | what a row costs that fails |
//! | viral | what whole runs cost, from requests to rendered variants |

mod measure;
mod parts;
mod report;
mod requests;
mod sample;
mod setup;
mod tree;
mod viral;
mod workloads;

use std::time::Instant;

pub use measure::Spread;
pub use report::{BenchmarkReport, Measurement};
pub use tree::{CostMeter, MeasuredCost, PeakMemory, ProcessTree};

use crate::config::ParallelConfig;
use crate::error::Result;
use setup::Bench;

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BenchmarkPart {
    /// Backends × batch sizes × kinds of work.
    Backends,
    /// Workers from one to the number of cores.
    Scalability,
    /// Peak memory of streams of growing length.
    Memory,
    /// Batches with a growing share of rows that fail.
    Errors,
    /// Backends on requests for variants.
    Viral,
}

impl BenchmarkPart {
    /// Every part.
    pub const ALL: [Self; 5] =
        [Self::Backends, Self::Scalability, Self::Memory, Self::Errors, Self::Viral];

    /// The name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backends => "backends",
            Self::Scalability => "scalability",
            Self::Memory => "memory",
            Self::Errors => "errors",
            Self::Viral => "viral",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Backends => {
                "Backends × batch sizes (auto: of the fastest backend that can be named)"
            }
            Self::Scalability => "Scalability: the same rows with more workers",
            Self::Memory => "Memory: this process and all it starts, while rows stream through",
            Self::Errors => "Errors: a growing share of the rows fails",
            Self::Viral => "Viral processing: requests to rendered variants, a run each",
        }
    }
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct BenchmarkOptions {
    /// Fewer rows and repeats: a minute or two instead of many.
    pub quick: bool,
    /// The parts, in order. Default: all.
    pub parts: Vec<BenchmarkPart>,
    /// Settings of all cases but for the backend and the number of workers.
    pub parallel: ParallelConfig,
    /// Rows of the small, the medium and the large batch of kernels. Default: 25, 250, 2500.
    pub kernel_rows: Vec<usize>,
    /// The same for media. Default: 10, 50, 500; the quick form leaves out the large one.
    pub media_rows: Vec<usize>,
    /// Requests of a run that renders variants. Default: 1 and 4; quick: 1.
    pub viral_rows: Vec<usize>,
    /// The same for fetches. Default: 25, 250, 1000; the quick form leaves out the large one.
    pub fetch_rows: Vec<usize>,
    /// Rows of the streams whose memory is looked at. Default: up to 1,000,000; quick: 100,000.
    pub stream_rows: Vec<usize>,
    /// Measurements of each case. Default: 5; quick: 3.
    pub repeats: usize,
    /// Told what is measured next, as the how manieth of how many cases.
    pub progress: fn(&str),
}

impl BenchmarkOptions {
    /// The full benchmark, or its quick form.
    pub fn new(quick: bool) -> Self {
        let sized = |sizes: [usize; 3]| match quick {
            true => sizes[..2].to_vec(),
            false => sizes.to_vec(),
        };
        Self {
            quick,
            parts: BenchmarkPart::ALL.to_vec(),
            parallel: ParallelConfig::default(),
            kernel_rows: vec![25, 250, 2500],
            media_rows: sized([10, 50, 500]),
            viral_rows: if quick { vec![1] } else { vec![1, 4] },
            fetch_rows: sized([25, 250, 1000]),
            stream_rows: sized([10_000, 100_000, 1_000_000]),
            repeats: if quick { 3 } else { 5 },
            progress: |_| (),
        }
    }
}

impl Default for BenchmarkOptions {
    fn default() -> Self {
        Self::new(false)
    }
}

/// Measure the backends on kernels, on generated media and on fetches from this machine.
///
/// Contenders take turns after a warm-up, so that what disturbs the machine disturbs all of them.
/// The backend `process` is measured if the program can be a worker (see
/// [`crate::worker::run_if_worker`]), else the report says that it was left out.
///
/// ```no_run
/// # async fn example() -> clipflow::Result<()> {
/// use clipflow::processors::{BenchmarkOptions, run_comprehensive_benchmark};
///
/// let report = run_comprehensive_benchmark(&BenchmarkOptions::new(true)).await?;
/// println!("{report}");
/// for case in &report.measurements {
///     println!("{} {} {}: {:.0} rows/s", case.part, case.work, case.backend, case.rows_per_second());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `setup.missing_program` without ffmpeg, `store.write` without room for temporary files,
/// `internal` if a case gives a wrong answer: timings of wrong results are meaningless.
pub async fn run_comprehensive_benchmark(options: &BenchmarkOptions) -> Result<BenchmarkReport> {
    run_benchmark_parts(options, |_, _| Ok(())).await
}

/// As [`run_comprehensive_benchmark`]; each part is given to `finished` with the report so far, so that it is
/// kept if the benchmark does not come to its end.
///
/// # Errors
/// As there, and of `finished`.
pub async fn run_benchmark_parts(
    options: &BenchmarkOptions,
    mut finished: impl FnMut(BenchmarkPart, &BenchmarkReport) -> Result<()>,
) -> Result<BenchmarkReport> {
    let started = Instant::now();
    let mut bench = Bench::prepare(options).await?;
    for part in &options.parts {
        // Boxed: callers would reach the compiler's limit of nested futures.
        match part {
            BenchmarkPart::Backends => Box::pin(parts::backends(&mut bench)).await?,
            BenchmarkPart::Scalability => Box::pin(parts::scalability(&mut bench)).await?,
            BenchmarkPart::Memory => Box::pin(parts::memory(&mut bench)).await?,
            BenchmarkPart::Errors => Box::pin(parts::errors(&mut bench)).await?,
            BenchmarkPart::Viral => Box::pin(viral::measure(&mut bench)).await?,
        }
        finished(*part, &bench.report(started))?;
    }
    Ok(bench.report(started))
}
