//! [`Processor`]: the processors of the guide behind one object; the package's classes give it their names.

use std::sync::{Mutex, MutexGuard, PoisonError};

use clipflow::media::{Format, Quality};
use clipflow::model::AudienceProfile;
use clipflow::{
    BackendType, CancelToken, Error, RunConfig, VideoClipProcessor, VideoClipRequest,
    VideoClipResponse, VideoEncodingProcessor, ViralVideoProcessor,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::{OrRaise, not_json};
use crate::requests::requests;
use crate::response_stream::ResponseStream;
use crate::settings::configure;
use crate::wait::{Stop, runtime, wait};

/// Processes batches into one dataset. Batches share workers, connections, fetched sources and cached analyses.
#[pyclass(module = "clipflow", frozen)]
pub(crate) struct Processor(Mutex<ViralVideoProcessor>);

impl Processor {
    fn lock(&self) -> MutexGuard<'_, ViralVideoProcessor> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clips(&self, py: Python<'_>) -> VideoClipProcessor {
        py.detach(|| self.lock().clip_processor_mut().clone())
    }
}

fn json(value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(not_json)
}

fn value<T: DeserializeOwned>(json: &str) -> PyResult<T> {
    serde_json::from_str(json).map_err(not_json)
}

fn token(stop: Option<&Stop>) -> CancelToken {
    stop.map_or_else(CancelToken::new, |stop| stop.0.clone())
}

#[pymethods]
impl Processor {
    #[new]
    fn new(out: String, base: Option<String>, settings: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut processor = ViralVideoProcessor::new(out);
        if let Some(base) = base {
            processor = processor.with_base(base);
        }
        let config: &mut RunConfig = processor.config_mut();
        configure(config, settings)?;
        config.parallel.check().or_raise()?;
        Ok(Self(Mutex::new(processor)))
    }

    /// One response a request, in order, as JSON; on `backend`, or the configured one.
    #[pyo3(signature = (rows, backend = None, stop = None))]
    fn process(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        backend: Option<&str>,
        stop: Option<&Stop>,
    ) -> PyResult<String> {
        let rows = requests(rows)?;
        let backend = backend.map(str::parse::<BackendType>).transpose().or_raise()?;
        let stop = token(stop);
        let processor = self.clips(py).stopped_by(stop.clone());
        let responses = wait(py, &stop, move || {
            runtime()?.block_on(async {
                match backend {
                    Some(backend) => processor.process_on(rows, backend).await,
                    None => processor.process(rows).await,
                }
            })
        })?;
        json(&responses)
    }

    /// The same with `n_variants` variants of each clip for the audience, given as JSON.
    #[pyo3(signature = (rows, n_variants, audience = None, backend = None, stop = None))]
    fn process_viral(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        n_variants: u32,
        audience: Option<&str>,
        backend: Option<&str>,
        stop: Option<&Stop>,
    ) -> PyResult<String> {
        let rows = requests(rows)?;
        let backend = backend.map(str::parse::<BackendType>).transpose().or_raise()?;
        let audience = audience.map(AudienceProfile::parse).transpose().or_raise()?;
        let stop = token(stop);
        let processor = py.detach(|| {
            let mut processor = self.lock().clone();
            let clips = processor.clip_processor_mut();
            *clips = clips.stopped_by(stop.clone());
            processor
        });
        let responses = wait(py, &stop, move || {
            runtime()?.block_on(processor.process_on(rows, n_variants, audience.as_ref(), backend))
        })?;
        json(&responses)
    }

    /// The responses to tables of requests that an iterator yields, chunk by chunk.
    fn stream(&self, py: Python<'_>, tables: Py<PyAny>) -> PyResult<ResponseStream> {
        ResponseStream::new(&self.clips(py), tables)
    }

    /// Whether each request, given as a JSON array, can be run.
    fn validate(&self, py: Python<'_>, rows: &str) -> PyResult<Vec<bool>> {
        let rows: Vec<VideoClipRequest> = value(rows)?;
        let clips = self.clips(py);
        py.detach(|| clips.validate_batch(&rows)).or_raise()
    }

    /// The variants that the settings ask for of the clips of responses, without rendering: a list for each
    /// response, as JSON.
    fn generate_variants(&self, py: Python<'_>, responses: &str, count: u32) -> PyResult<String> {
        let responses: Vec<VideoClipResponse> = value(responses)?;
        let mut processor = py.detach(|| self.lock().clone());
        if count > 0 {
            processor.config_mut().variants.count = count;
        }
        let stop = CancelToken::new();
        json(&wait(py, &stop, move || processor.batch_generate_variants(&responses))?)
    }

    /// Call `handler(code, message, request as JSON)` for each failed request; JSON of a response that it returns
    /// replaces the failure.
    fn set_error_handler(&self, py: Python<'_>, handler: Py<PyAny>) {
        py.detach(|| {
            self.lock().clip_processor_mut().set_error_handler(move |error, request| {
                Python::try_attach(|py| answered(py, &handler, error, request)).flatten()
            });
        });
    }

    /// Call `key(work, location, validator)` for what tells sources apart in the cache.
    fn set_cache_key(&self, py: Python<'_>, key: Py<PyAny>) {
        py.detach(|| {
            self.lock().clip_processor_mut().set_cache_key(move |subject| {
                let own = Python::try_attach(|py| {
                    let arguments = (subject.work, subject.location, subject.validator);
                    raised(py, &key, key.call1(py, arguments).and_then(|text| text.extract(py)))
                });
                let own: Option<String> = own.flatten();
                own.unwrap_or_else(|| {
                    format!("{} {}", subject.location, subject.validator.unwrap_or_default())
                })
            });
        });
    }

    /// Call `logger` with each log event as JSON.
    fn set_logger(&self, py: Python<'_>, logger: Py<PyAny>) -> PyResult<()> {
        let subscribed = py.detach(|| {
            self.lock().clip_processor_mut().set_logger(move |entry| {
                let Ok(text) = serde_json::to_string(entry) else { return };
                Python::try_attach(|py| raised(py, &logger, logger.call1(py, (text,))));
            })
        });
        subscribed.or_raise()
    }

    /// Counters as JSON.
    fn stats(&self, py: Python<'_>) -> PyResult<String> {
        let clips = self.clips(py);
        json(&py.detach(|| clips.get_processing_stats()))
    }

    /// Every metric as JSON.
    fn metrics(&self, py: Python<'_>) -> PyResult<String> {
        let clips = self.clips(py);
        json(&py.detach(|| clips.get_performance_metrics()))
    }

    /// The last log events as JSON.
    fn debug_logs(&self, py: Python<'_>) -> PyResult<String> {
        let clips = self.clips(py);
        json(&py.detach(|| clips.get_debug_logs()))
    }

    /// The metrics in the text format of Prometheus.
    fn prometheus(&self, py: Python<'_>) -> String {
        let clips = self.clips(py);
        py.detach(|| clips.export_metrics_to_prometheus())
    }

    /// Send the metrics that have changed to the agent of `datadog_url`: the number of datagrams.
    fn datadog(&self, py: Python<'_>) -> PyResult<usize> {
        let clips = self.clips(py);
        py.detach(|| clips.export_metrics_to_datadog()).or_raise()
    }

    /// The traces as JSON that Perfetto and Chrome open.
    fn traces(&self, py: Python<'_>) -> String {
        let clips = self.clips(py);
        py.detach(|| clips.export_traces())
    }
}

/// The handler's response to a failure.
fn answered(
    py: Python<'_>,
    handler: &Py<PyAny>,
    error: &Error,
    request: &VideoClipRequest,
) -> Option<VideoClipResponse> {
    let request = serde_json::to_string(request).ok()?;
    let reply = handler.call1(py, (error.code().as_str(), error.message(), request));
    let reply: Option<String> = raised(py, handler, reply.and_then(|reply| reply.extract(py)))?;
    let response = reply.map(|reply| value(&reply)).transpose();
    raised(py, handler, response).flatten()
}

/// What a callable gave; an exception goes where Python reports those that nothing can catch.
fn raised<T>(py: Python<'_>, callable: &Py<PyAny>, result: PyResult<T>) -> Option<T> {
    result.map_err(|error| error.write_unraisable(py, Some(callable.bind(py)))).ok()
}

/// Encode the clips and variants of responses in a format and quality: the files as JSON.
#[pyfunction]
pub(crate) fn encode(
    py: Python<'_>,
    out: String,
    base: Option<String>,
    settings: &Bound<'_, PyDict>,
    responses: &str,
    encoding: (String, String),
    parallel_workers: usize,
) -> PyResult<String> {
    let mut processor = VideoEncodingProcessor::new(out);
    if let Some(base) = base {
        processor = processor.with_base(base);
    }
    configure(processor.config_mut(), settings)?;
    let stop = processor.config_mut().stop.clone();
    let responses: Vec<VideoClipResponse> = value(responses)?;
    let format: Format = encoding.0.parse().or_raise()?;
    let quality: Quality = encoding.1.parse().or_raise()?;
    let files = wait(py, &stop, move || {
        processor.batch_encode_videos(&responses, format, quality, parallel_workers)
    })?;
    json(&files)
}
