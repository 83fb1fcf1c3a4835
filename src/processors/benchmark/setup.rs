//! What the cases are made of: backends at rest, media files, and one way to run a batch of each
//! kind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use futures::{TryStreamExt, stream};
use tempfile::TempDir;

use super::measure::Sampled;
use super::sample::{Sample, sample};
use super::{BenchmarkOptions, BenchmarkPart, BenchmarkReport, Measurement, requests, workloads};
use crate::cancel::CancelToken;
use crate::config::{BackendType, ParallelConfig};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::backend::{self, Backend};
use crate::exec::{
    BatchOptions, MediaRuntime, MediaRuntimeConfig, SelectWork, ValidateWork, Work, WorkEnv,
    run_batches,
};
use crate::media::{AnalyzeSettings, MediaTools};
use crate::model::VideoClipRequest;
use crate::query::{SessionOptions, query_error, register_media_relations, session};
use crate::resilience::Resilience;
use crate::source::{LocalFiles, Sources};
use crate::store::{cannot_write, temporary_folder};
use crate::telemetry::Silent;

/// Different media files that are generated; batches of more rows have copies of them.
const SAMPLES: u32 = 5;
/// What they look like.
const SAMPLE: Sample = Sample { seconds: 2, size: (320, 180), seed: 0 };
/// Memory that a media process is taken to need, in GB, so that settings do not limit the workers.
const GB_A_WORKER: f64 = 1.0;

/// A benchmark under way.
pub(super) struct Bench {
    pub(super) options: BenchmarkOptions,
    tools: MediaTools,
    folder: TempDir,
    measurements: Vec<Measurement>,
    notes: Vec<String>,
    /// Cases that were begun.
    begun: AtomicUsize,
}

/// A backend that is measured.
pub(super) struct Contender {
    pub(super) config: ParallelConfig,
    pub(super) backend: Arc<dyn Backend>,
    runtime: Arc<MediaRuntime>,
}

/// What a batch consists of.
pub(super) enum Batch {
    /// Rows of a kernel.
    Kernel(Arc<dyn Work>, RecordBatch),
    /// Media files to analyse.
    Media(RecordBatch),
    /// Requests for clips and variants.
    Requests(Vec<VideoClipRequest>),
}

impl Batch {
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Kernel(_, rows) | Self::Media(rows) => rows.num_rows(),
            Self::Requests(rows) => rows.len(),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Kernel(..) => "kernel",
            Self::Media(_) | Self::Requests(_) => "media",
        }
    }

    pub(super) fn work(&self) -> &str {
        match self {
            Self::Kernel(work, _) => work.name(),
            Self::Media(_) => "analyze",
            Self::Requests(_) => "variants",
        }
    }
}

impl Bench {
    pub(super) async fn prepare(options: &BenchmarkOptions) -> Result<Self> {
        options.parallel.check()?;
        let tools = MediaTools::find()?;
        let folder = temporary_folder()?;
        let (measurements, notes) = (vec![], vec![]);
        let begun = AtomicUsize::new(0);
        let bench = Self { options: options.clone(), tools, folder, measurements, notes, begun };
        (bench.options.progress)("generating media");
        let (tools, root) = (bench.tools.clone(), bench.folder.path().to_path_buf());
        let make = move || make_media(&tools, &root);
        tokio::task::spawn_blocking(make).await.map_err(|e| {
            Error::new(ErrorCode::Internal, format!("media could not be generated ({e})"))
        })??;
        Ok(bench)
    }

    /// What was measured so far.
    pub(super) fn report(&self, started: Instant) -> BenchmarkReport {
        BenchmarkReport {
            clipflow: env!("CARGO_PKG_VERSION").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            quick: self.options.quick,
            seconds: started.elapsed().as_secs_f64(),
            notes: self.notes.clone(),
            measurements: self.measurements.clone(),
        }
    }

    /// Tell which case is begun, and which of all it is.
    pub(super) fn say(&self, what: &str) {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        (self.options.progress)(&format!("{number} of {}, {what}", self.cases()));
    }

    /// How many cases there are.
    fn cases(&self) -> usize {
        let options = &self.options;
        let of = |part: &BenchmarkPart| match part {
            BenchmarkPart::Backends => 2 * options.kernel_rows.len() + options.media_rows.len(),
            BenchmarkPart::Scalability | BenchmarkPart::Errors => 2,
            BenchmarkPart::Memory => 2 * options.stream_rows.len(),
            BenchmarkPart::Viral => options.viral_rows.len(),
        };
        options.parts.iter().map(of).sum()
    }

    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// These backends with `workers` workers (0: as configured), those left out that this program
    /// cannot have.
    pub(super) fn contenders(
        &mut self,
        backends: &[BackendType],
        workers: usize,
    ) -> Result<Vec<Contender>> {
        let mut contenders = vec![];
        for backend in backends {
            match self.contender(*backend, workers) {
                Ok(contender) => contenders.push(contender),
                Err(e) if e.code() == ErrorCode::ConfigInvalid => {
                    self.note(format!("the backend {backend} is left out: {e}"));
                }
                Err(e) => return Err(e),
            }
        }
        Ok(contenders)
    }

    fn contender(&self, backend: BackendType, workers: usize) -> Result<Contender> {
        let mut config = ParallelConfig { backend, ..self.options.parallel.clone() };
        if workers > 0 {
            config.max_workers = workers;
            config.memory_limit_gb = config.memory_limit_gb.max(workers as f64 * GB_A_WORKER);
        }
        let backend = backend::build(&config)?;
        let runtime = MediaRuntime::new(MediaRuntimeConfig {
            tools: self.tools.clone(),
            sources: Sources::new(vec![Box::new(LocalFiles::new([self.folder.path().into()]))]),
            media_dir: self.folder.path().join("out"),
            backend: Arc::clone(&backend),
            resilience: Resilience::new(&config),
            observer: Arc::new(Silent),
        });
        Ok(Contender { config, backend, runtime: Arc::new(runtime) })
    }

    /// Requests to be checked.
    pub(super) fn validations(&self, rows: usize) -> Result<Batch> {
        let work: Arc<dyn Work> = Arc::new(ValidateWork);
        Ok(Batch::Kernel(work, workloads::requests(0, rows)?))
    }

    /// Requests for clips of an analysed source.
    pub(super) fn selections(&self, rows: usize) -> Result<Batch> {
        Ok(Batch::Kernel(Arc::new(SelectWork), workloads::selections(rows)?))
    }

    /// `rows` media files of which the last `bad` cannot be read.
    pub(super) fn media(&self, rows: usize, bad: usize) -> Result<Batch> {
        let locations = (0..rows).map(|row| {
            let sample = match row + bad < rows {
                true => format!("sample-{}.mp4", row % SAMPLES as usize),
                false => "broken.mp4".to_owned(),
            };
            self.file_of_its_own(&sample, &format!("row-{bad}-{row}.mp4"))
        });
        let locations: Vec<String> = locations.collect::<Result<_>>()?;
        let column: ArrayRef = Arc::new(StringArray::from(locations));
        let batch = RecordBatch::try_from_iter([("location", column)]);
        batch.map(Batch::Media).map_err(|e| query_error(e.into()))
    }

    /// Requests, each of a source of its own.
    pub(super) fn requests(&self, rows: usize) -> Result<Vec<VideoClipRequest>> {
        let request = |row| {
            let sample = format!("source-{}.mp4", row % SAMPLES as usize);
            self.file_of_its_own(&sample, &format!("request-{row}.mp4")).map(requests::request)
        };
        (0..rows).map(request).collect()
    }

    /// Another name for a generated file: one source in many rows is decoded once.
    fn file_of_its_own(&self, sample: &str, name: &str) -> Result<String> {
        let link = self.folder.path().join(name);
        if !link.exists() {
            let target = self.folder.path().join(sample);
            std::fs::hard_link(target, &link).map_err(|e| cannot_write(&link, e))?;
        }
        Ok(link.to_string_lossy().into_owned())
    }

    /// Run a batch to its end; the rows that failed.
    ///
    /// # Errors
    /// `internal` if a row is lost.
    pub(super) async fn run(&self, contender: &Contender, batch: &Batch) -> Result<u64> {
        let (rows, failed) = match batch {
            Batch::Kernel(work, rows) => {
                kernel(contender, work, stream::iter([Ok(rows.clone())])).await?
            }
            Batch::Media(rows) => media(contender, rows).await?,
            Batch::Requests(rows) => {
                requests::run(&contender.config, self.folder.path().into(), rows).await?
            }
        };
        if rows != batch.rows() as u64 {
            return Err(Error::new(
                ErrorCode::Internal,
                format!("{rows} of {} rows came back; the measurement is void", batch.rows()),
            ));
        }
        Ok(failed)
    }

    /// Take a measurement down.
    pub(super) fn record(
        &mut self,
        part: BenchmarkPart,
        batch: &Batch,
        contender: &Contender,
        sampled: &Sampled,
    ) -> &mut Measurement {
        let measurement = Measurement {
            part: part.as_str().to_owned(),
            kind: batch.kind().to_owned(),
            work: batch.work().to_owned(),
            backend: contender.config.backend.to_string(),
            workers: contender.backend.workers() as i64,
            rows: batch.rows() as i64,
            failed_rows: sampled.failed as i64,
            repeats: self.options.repeats as i64,
            wall: sampled.wall.median,
            wall_min: sampled.wall.min,
            wall_max: sampled.wall.max,
            cpu: sampled.cpu,
            peak_bytes: None,
            of_best: None,
            speedup: None,
            seconds_a_failure: None,
        };
        self.measurements.push(measurement);
        let last = self.measurements.len() - 1;
        &mut self.measurements[last]
    }
}

/// Run kernel work over a stream; the rows that came back and those of them that failed.
pub(super) async fn kernel(
    contender: &Contender,
    work: &Arc<dyn Work>,
    input: impl futures::Stream<Item = Result<RecordBatch>> + Send + 'static,
) -> Result<(u64, u64)> {
    let (backend, options) =
        (Arc::clone(&contender.backend), BatchOptions::from(&contender.config));
    let env = Arc::new(WorkEnv::bare());
    let answers = run_batches(backend, Arc::clone(work), env, input, options, &CancelToken::new());
    let count = |(rows, failed): (u64, u64), batch: RecordBatch| async move {
        Ok((rows + batch.num_rows() as u64, failed + failures(&batch)))
    };
    answers.try_fold((0, 0), count).await
}

/// Analyse media as a run does, by a query.
async fn media(contender: &Contender, rows: &RecordBatch) -> Result<(u64, u64)> {
    let options = SessionOptions {
        parallel: contender.config.clone(),
        analyze: AnalyzeSettings::default(),
        ..SessionOptions::default()
    };
    let ctx = session(&options, Some(Arc::clone(&contender.runtime)))?;
    register_media_relations(&ctx, &options)?;
    ctx.register_batch("files", rows.clone()).map_err(query_error)?;
    let sql = "SELECT error_code FROM analyze_media((SELECT location FROM files))";
    let frame = ctx.sql(sql).await.map_err(query_error)?;
    let answers = frame.collect().await.map_err(query_error)?;
    let count = |of: fn(&RecordBatch) -> u64| answers.iter().map(of).sum();
    Ok((count(|b| b.num_rows() as u64), count(failures)))
}

fn failures(batch: &RecordBatch) -> u64 {
    let codes = batch.column_by_name("error_code");
    codes.map_or(0, |codes| (codes.len() - codes.null_count()) as u64)
}

/// The samples, and the beginning of one as `broken.mp4`.
fn make_media(tools: &MediaTools, folder: &Path) -> Result<()> {
    let file = |seed: u32| -> PathBuf { folder.join(format!("sample-{seed}.mp4")) };
    for seed in 0..SAMPLES {
        let cancel = CancelToken::new();
        sample(tools, &file(seed), Sample { seed, ..SAMPLE }, &cancel)?;
        let source = folder.join(format!("source-{seed}.mp4"));
        sample(tools, &source, Sample { seed, ..requests::SOURCE }, &cancel)?;
    }
    let broken = folder.join("broken.mp4");
    let bytes = std::fs::read(file(0)).map_err(|e| cannot_write(&broken, e))?;
    let beginning = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    std::fs::write(&broken, beginning).map_err(|e| cannot_write(&broken, e))
}
