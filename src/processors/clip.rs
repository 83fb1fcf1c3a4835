//! [`VideoClipProcessor`]: runs over batches and streams of batches.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use futures::{Stream, StreamExt, stream};

use super::chunks::ChunkStream;
use super::handler::ErrorHandler;
use super::job::BatchJob;
use super::response::{self, VideoClipResponse};
use super::stats::ProcessingStats;
use super::threads::Threads;
use crate::cache::{CacheKeyFn, CacheSubject};
use crate::cancel::CancelToken;
use crate::config::{BackendType, ParallelConfig};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::validate;
use crate::location::Location;
use crate::model::VideoClipRequest;
use crate::pipeline::{Requests, RunConfig, VariantSettings};
use crate::query::query_error;

/// A processor with custom settings that writes to the dataset `out`.
///
/// # Errors
/// `config.invalid`.
pub fn create_high_performance_processor(
    out: impl Into<Location>,
    parallel: ParallelConfig,
) -> Result<VideoClipProcessor> {
    parallel.check()?;
    let mut processor = VideoClipProcessor::new(out);
    processor.config_mut().parallel = parallel;
    Ok(processor)
}

/// Processes batches of requests into a results dataset.
///
/// ```no_run
/// use clipflow::config::BackendType;
/// use clipflow::model::VideoClipRequest;
/// use clipflow::processors::VideoClipProcessor;
///
/// # fn main() -> clipflow::Result<()> {
/// let processor = VideoClipProcessor::new("results").with_base("videos");
/// let requests = vec![VideoClipRequest { max_clip_length: 30.0, ..VideoClipRequest::new("talk.mp4") }];
/// for response in processor.process_batch_parallel(&requests, BackendType::Auto)? {
///     match response.error {
///         None => println!("{} clips", response.clips.len()),
///         Some(sentence) => println!("failed: {sentence}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// Batches of one processor share workers, connections, the state of hosts, fetched sources and cached
/// analyses. Clones share them too, until the configuration of one is changed. The work runs on threads
/// that belong to the processor, independent of the caller's runtime; dropping a future or a stream ends
/// the work of the batch.
#[derive(Debug, Clone)]
pub struct VideoClipProcessor {
    pub(super) job: BatchJob,
    pub(super) threads: Arc<Threads>,
}

impl VideoClipProcessor {
    /// A processor that writes to the dataset `out`; relative sources start from the current folder.
    pub fn new(out: impl Into<Location>) -> Self {
        let mut config = RunConfig::new("", out);
        config.base = Some(Location::from("."));
        Self { job: BatchJob::new(config), threads: Arc::default() }
    }

    /// Relative sources start from `base`, a folder or a prefix of an object store, where sources may
    /// also lie.
    #[must_use]
    pub fn with_base(mut self, base: impl Into<Location>) -> Self {
        self.config_mut().base = Some(base.into());
        self
    }

    /// The settings of the run. Each call sets `requests` and `engine`.
    pub fn config_mut(&mut self) -> &mut RunConfig {
        self.job.config_mut()
    }

    pub(super) fn config(&self) -> &RunConfig {
        self.job.config()
    }

    /// The same processor with other variant settings; both share everything else.
    pub(super) fn asking(&self, change: impl FnOnce(&mut VariantSettings)) -> Self {
        let mut other = self.clone();
        other.job.change_variants(change);
        other
    }

    pub(super) fn block_on<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.threads.block_on(work)
    }

    /// Call `handler` for each request that failed. A response that it returns replaces the failure in the
    /// results of the methods; the dataset keeps the failure.
    pub fn set_error_handler(
        &mut self,
        handler: impl Fn(&Error, &VideoClipRequest) -> Option<VideoClipResponse> + Send + Sync + 'static,
    ) {
        self.job.handler = Some(ErrorHandler::new(handler));
    }

    /// Key the cache by `key` instead of location and validator; see [`CacheKeyFn`].
    pub fn set_cache_key(
        &mut self,
        key: impl Fn(&CacheSubject<'_>) -> String + Send + Sync + 'static,
    ) {
        self.config_mut().cache_key = Some(CacheKeyFn::new(key));
    }

    /// The token that stops batches under way and those that begin later, until
    /// [`VideoClipProcessor::reset_stop`]; see [`RunConfig::stop`]. A batch that it stops ends with
    /// `cancelled` and says what remains.
    pub fn stop_token(&self) -> CancelToken {
        self.job.config().stop.clone()
    }

    /// Give the batches from now on a new token, for example after a stop. Those under way keep theirs; so do
    /// clones of this processor.
    pub fn reset_stop(&mut self) {
        self.job.change_stop(CancelToken::new());
    }

    /// The same processor whose batches `stop` ends, for a batch that is to be stopped without the others. Both
    /// share workers, connections, sources, cache and counters.
    ///
    /// ```no_run
    /// # fn main() -> clipflow::Result<()> {
    /// use clipflow::CancelToken;
    /// use clipflow::processors::VideoClipProcessor;
    /// use clipflow::model::VideoClipRequest;
    ///
    /// let processor = VideoClipProcessor::new("results");
    /// let stop = CancelToken::new();
    /// let batch = processor.stopped_by(stop.clone());
    /// let answers = std::thread::spawn(move || {
    ///     batch.process_batch_parallel(&[VideoClipRequest::new("talk.mp4")], Default::default())
    /// });
    /// stop.drain(); // what is under way ends; the processor takes further batches
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stopped_by(&self, stop: CancelToken) -> Self {
        let mut batch = self.clone();
        batch.job.change_stop(stop);
        batch
    }

    /// Process `requests` on `backend` and wait; one response a request, in order.
    ///
    /// # Errors
    /// As [`VideoClipProcessor::process_batch_async`]; `config.invalid` for a backend that cannot be
    /// used; `internal` when called from inside an async program, which it would block.
    pub fn process_batch_parallel(
        &self,
        requests: &[VideoClipRequest],
        backend: BackendType,
    ) -> Result<Vec<VideoClipResponse>> {
        let (job, batch) = (self.job.clone(), to_batch(requests)?);
        self.threads.block_on(async move { job.on(backend).process(batch.into()).await })
    }

    /// Process `requests` on the configured backend; one response a request, in order.
    ///
    /// # Errors
    /// Errors of the whole batch; the error of one request is in its response.
    pub async fn process_batch_async(
        &self,
        requests: &[VideoClipRequest],
    ) -> Result<Vec<VideoClipResponse>> {
        self.process(to_batch(requests)?).await
    }

    /// Process a batch in the columns of `requests` (any further columns are carried to `outcomes`);
    /// one response a row, in order. The batch is a `RecordBatch`, a table or `DataFrame` of DataFusion, a
    /// `LazyFrame` or `DataFrame` of Polars, or a file; see [`Requests`].
    ///
    /// ```no_run
    /// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// let ctx = datafusion::prelude::SessionContext::new();
    /// ctx.register_parquet("talks", "talks.parquet", Default::default()).await?;
    /// let talks = ctx.sql("SELECT url AS source_url, 30.0 AS max_clip_length FROM talks").await?;
    /// let responses = clipflow::processors::VideoClipProcessor::new("results").process(talks).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`VideoClipProcessor::process_batch_async`].
    pub async fn process(&self, requests: impl Into<Requests>) -> Result<Vec<VideoClipResponse>> {
        self.process_on(requests, self.config().parallel.backend).await
    }

    /// As [`VideoClipProcessor::process`], on `backend` instead of the configured one.
    ///
    /// # Errors
    /// As [`VideoClipProcessor::process_batch_parallel`].
    pub async fn process_on(
        &self,
        requests: impl Into<Requests>,
        backend: BackendType,
    ) -> Result<Vec<VideoClipResponse>> {
        let (job, requests) = (self.job.clone().on(backend), requests.into());
        self.threads.run(async move { job.process(requests).await }).await
    }

    /// Process batches as they come: the responses, in the columns of
    /// [`response_schema`](super::response_schema) and in the order of the requests.
    ///
    /// Rows are collected into chunks of `chunk_size` rows. Each chunk is one run into the dataset, so that
    /// earlier answers stay whatever happens later. The next chunk is collected while one is processed,
    /// so at most two chunks are in memory, however long the input. An error ends the stream.
    ///
    /// Ids are valid across chunks: a `request_id` that occurs again in a later chunk repeats that
    /// request, and the dataset keeps the later answer; within one chunk it is
    /// `invalid_request.duplicate_id`. A row without an id gets one derived from its content, so equal
    /// rows of different chunks get the same id. `row` counts within the chunk.
    pub fn stream_process<S>(
        &self,
        requests: S,
    ) -> impl Stream<Item = Result<RecordBatch>> + Send + use<S>
    where
        S: Stream<Item = Result<RecordBatch>> + Send + 'static,
    {
        let chunks = ChunkStream::new(requests, self.job.config().parallel.chunk_size);
        let state = StreamState {
            chunks: chunks.fuse(),
            ahead: None,
            job: self.job.clone(),
            threads: Arc::clone(&self.threads),
            is_over: false,
        };
        stream::unfold(state, StreamState::next).boxed()
    }

    /// Whether each request can be run, without touching its source.
    ///
    /// # Errors
    /// `internal` if the requests do not make a batch.
    pub fn validate_batch(&self, requests: &[VideoClipRequest]) -> Result<Vec<bool>> {
        Ok(requests.iter().map(|r| validate::validate_one(r).is_ok()).collect())
    }

    /// As [`VideoClipProcessor::validate_batch`], for columns.
    ///
    /// # Errors
    /// `input.column` if a column has the wrong type.
    pub fn validate_columns(&self, columns: &validate::RequestColumns<'_>) -> Result<BooleanArray> {
        let verdict = validate::validate(columns)?;
        arrow::compute::is_null(&verdict.error_code).map_err(|e| query_error(e.into()))
    }

    /// Counters of this processor and its clones since the configuration was last changed.
    pub fn get_processing_stats(&self) -> ProcessingStats {
        self.job.stats()
    }
}

/// A stream under way.
struct StreamState<S> {
    chunks: stream::Fuse<ChunkStream<S>>,
    /// The chunk after the one that is worked on.
    ahead: Option<Result<RecordBatch>>,
    job: BatchJob,
    threads: Arc<Threads>,
    is_over: bool,
}

impl<S: Stream<Item = Result<RecordBatch>> + Send> StreamState<S> {
    async fn next(mut self) -> Option<(Result<RecordBatch>, Self)> {
        if self.is_over {
            return None;
        }
        let chunk = match self.ahead.take() {
            Some(chunk) => Some(chunk),
            None => self.chunks.next().await,
        };
        let answer = match chunk {
            Some(Ok(chunk)) => self.work(chunk).await,
            Some(Err(e)) => Err(e),
            None => {
                let job = self.job.clone();
                let finish = async move {
                    job.finish().await;
                    Ok(())
                };
                // It removes what was kept, and cannot fail.
                let _ = self.threads.run(finish).await;
                return None;
            }
        };
        self.is_over = answer.is_err();
        Some((answer, self))
    }

    /// Answer `chunk`, and gather the next one meanwhile.
    async fn work(&mut self, chunk: RecordBatch) -> Result<RecordBatch> {
        let job = self.job.clone();
        let run = self.threads.run(async move { job.answer(chunk.into()).await });
        let mut run = std::pin::pin!(run);
        let responses = loop {
            tokio::select! {
                responses = &mut run => break responses?,
                next = self.chunks.next(), if self.ahead.is_none() && !self.chunks.is_done() => {
                    self.ahead = next;
                }
            }
        };
        response::to_table(&responses)
    }
}

/// Typed requests in the columns of `requests`.
fn to_batch(requests: &[VideoClipRequest]) -> Result<RecordBatch> {
    let fields: Vec<_> = VideoClipRequest::fields().into_iter().map(Arc::new).collect();
    serde_arrow::to_record_batch(&fields, &requests).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the requests do not make a batch: {e}"))
            .with_source(e)
    })
}
