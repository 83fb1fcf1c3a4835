//! [`VideoClipProcessor`]: the run as a method on a batch.

use std::collections::HashMap;
use std::path::Path;

use arrow::array::{BooleanArray, RecordBatch};
use parquet::arrow::ArrowWriter;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::location::Location;
use crate::kernels::validate;
use crate::model::request::VideoClipRequest;
use crate::pipeline::{self, Answers, RunConfig};
use crate::query::query_error;

/// What became of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoClipResponse {
    /// The request's id, its own or the one it got.
    pub request_id: String,
    /// Whether it was answered with clips.
    pub success: bool,
    /// Stable code of what went wrong.
    pub error_code: Option<String>,
    /// What happened and what to do.
    pub error: Option<String>,
    /// The clips, best first; empty exactly when `success` is false.
    pub clips: Vec<ClipFile>,
}

/// One clip of a response.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipFile {
    /// Stable id.
    pub clip_id: String,
    /// PTS of the first frame in the source, in seconds.
    pub start: f64,
    /// End in the source (exclusive), in seconds.
    pub end: f64,
    /// Score in [0, 1].
    pub score: f64,
    /// The media file, in the dataset.
    pub location: Location,
    /// Frames in the file.
    pub frames: i64,
}

/// Processes batches of requests into a results dataset.
///
/// ```no_run
/// use clipflow::model::request::VideoClipRequest;
/// use clipflow::processors::VideoClipProcessor;
///
/// # async fn example() -> clipflow::Result<()> {
/// let processor = VideoClipProcessor::new("results").with_base("videos");
/// let requests = vec![VideoClipRequest { max_clip_length: 30.0, ..VideoClipRequest::new("talk.mp4") }];
/// for response in processor.process_batch_async(&requests).await? {
///     match response.error {
///         None => println!("{} clips", response.clips.len()),
///         Some(sentence) => println!("failed: {sentence}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct VideoClipProcessor {
    config: RunConfig,
    base: Location,
}

impl VideoClipProcessor {
    /// A processor that writes to the dataset `out`; relative sources start from the current folder.
    pub fn new(out: impl Into<Location>) -> Self {
        Self { config: RunConfig::new("", out), base: Location::from(".") }
    }

    /// Relative sources start from `base`, a folder or a prefix of an object store, where sources may
    /// also lie.
    #[must_use]
    pub fn with_base(mut self, base: impl Into<Location>) -> Self {
        self.base = base.into();
        self
    }

    /// The settings of the run, to change them. `requests` is set by each call.
    pub fn config_mut(&mut self) -> &mut RunConfig {
        &mut self.config
    }

    /// Process `requests` on all cores; one response a request, in order.
    ///
    /// # Errors
    /// As [`VideoClipProcessor::process_batch_async`]; `internal` when called from inside an
    /// async program, which it would block.
    pub fn process_batch_parallel(
        &self,
        requests: &[VideoClipRequest],
    ) -> Result<Vec<VideoClipResponse>> {
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(Error::new(
                ErrorCode::Internal,
                "process_batch_parallel blocks; inside an async program await process_batch_async",
            ));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::new(ErrorCode::Internal, format!("cannot start threads ({e})")))?;
        runtime.block_on(self.process_batch_async(requests))
    }

    /// Process `requests`; one response a request, in order.
    ///
    /// # Errors
    /// What concerns the whole batch; what concerns one request is in its response.
    pub async fn process_batch_async(
        &self,
        requests: &[VideoClipRequest],
    ) -> Result<Vec<VideoClipResponse>> {
        self.process(&to_batch(requests)?).await
    }

    /// Process a batch in the columns of `requests` (any further columns are carried to `outcomes`);
    /// one response a row, in order.
    ///
    /// # Errors
    /// As [`VideoClipProcessor::process_batch_async`].
    pub async fn process(&self, requests: &RecordBatch) -> Result<Vec<VideoClipResponse>> {
        let folder = tempfile::tempdir().map_err(|e| {
            Error::new(
                ErrorCode::StoreWrite,
                format!("cannot make a temporary folder ({e}); set TMPDIR"),
            )
        })?;
        let path = folder.path().join("requests.parquet");
        write_batch(&path, requests)?;
        let config = RunConfig {
            requests: path.into(),
            base: Some(self.base.clone()),
            ..self.config.clone()
        };
        let (_, answers) = pipeline::run_and_collect(&config).await?;
        responses(&answers, &self.config.out)
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
}

/// A row of `outcomes`, as far as a response needs it.
#[derive(Deserialize)]
struct OutcomeRow {
    request_id: String,
    error_code: Option<String>,
    error_message: Option<String>,
}

/// A row of `clip_files`, as far as a response needs it.
#[derive(Deserialize)]
struct ClipRow {
    request_id: String,
    clip_id: String,
    start: f64,
    end: f64,
    score: f64,
    uri: String,
    frames: i64,
}

fn responses(answers: &Answers, out: &Location) -> Result<Vec<VideoClipResponse>> {
    let mut clips: HashMap<String, Vec<ClipFile>> = HashMap::new();
    for row in rows::<ClipRow>(&answers.clips)? {
        let ClipRow { request_id, clip_id, start, end, score, uri, frames } = row;
        let clip = ClipFile { clip_id, start, end, score, location: out.join(&uri), frames };
        clips.entry(request_id).or_default().push(clip);
    }
    let response = |row: OutcomeRow| {
        let success = row.error_code.is_none();
        // Two rows may carry one id; the second one failed for it and has no clips.
        let clips =
            if success { clips.get(&row.request_id).cloned().unwrap_or_default() } else { vec![] };
        VideoClipResponse {
            request_id: row.request_id,
            success,
            error_code: row.error_code,
            error: row.error_message,
            clips,
        }
    };
    Ok(rows::<OutcomeRow>(&answers.outcomes)?.into_iter().map(response).collect())
}

/// Batches as typed rows.
fn rows<T: DeserializeOwned>(batches: &[RecordBatch]) -> Result<Vec<T>> {
    let mut all = vec![];
    for batch in batches {
        let rows: Vec<T> = serde_arrow::from_record_batch(batch).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("rows cannot be read: {e}")).with_source(e)
        })?;
        all.extend(rows);
    }
    Ok(all)
}

fn to_batch(requests: &[VideoClipRequest]) -> Result<RecordBatch> {
    let fields: Vec<_> =
        crate::model::request::fields().into_iter().map(std::sync::Arc::new).collect();
    serde_arrow::to_record_batch(&fields, &requests).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the requests do not make a batch: {e}"))
            .with_source(e)
    })
}

fn write_batch(path: &Path, batch: &RecordBatch) -> Result<()> {
    let fault = |e: parquet::errors::ParquetError| {
        Error::new(
            ErrorCode::StoreWrite,
            format!("cannot write the batch ({e}); check the space for temporary files"),
        )
        .with_source(e)
    };
    let file = std::fs::File::create(path).map_err(|e| crate::store::cannot_write(path, e))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).map_err(fault)?;
    writer.write(batch).map_err(fault)?;
    writer.close().map(|_| ()).map_err(fault)
}
