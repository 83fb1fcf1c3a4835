//! [`ParallelConfig`]: every setting of a batch.

use super::setting::{Setting, SettingRange, SettingText, SettingValue, settings};
use super::{BackendType, DynamicRange, SchedulerAddress};
use crate::error::{Error, ErrorCode, Result};
use crate::sandbox::SandboxMode;

settings! {
    /// How a batch is run. Durations are in seconds, sizes in GB of 10⁹ bytes.
    ///
    /// A struct made by hand is checked where it is used; [`ParallelConfig::builder`] checks when it
    /// builds. [`super::ConfigLoader`] reads one from files, the environment and flags.
    ///
    /// ```
    /// use clipflow::config::{BackendType, ParallelConfig};
    ///
    /// let config = ParallelConfig::builder().max_workers(16).backend(BackendType::Process).build()?;
    /// assert_eq!(config.chunk_size, 1000);
    /// let error = ParallelConfig::builder().timeout(-1.0).build().unwrap_err();
    /// assert_eq!(error.message(), "timeout is -1; give a number of seconds from 0 to 604800");
    /// # Ok::<(), clipflow::Error>(())
    /// ```
    ParallelConfig,
    /// A [`ParallelConfig`] in the making.
    ParallelConfigBuilder;

    "Work" {
        /// How rows are spread: auto, thread, process, joblib, async, or dask, the executors of a cluster.
        backend: BackendType = BackendType::Auto, flag "backend";
        /// Rows worked on at a time; 0: one per core, fewer if `memory_limit_gb` holds fewer.
        max_workers: usize = 0, flag "workers", from 0 to 1024 "rows";
        /// Request rows of a chunk of the processors' streams, and of kernels on a backend.
        chunk_size: usize = 1000, flag "chunk-size", from 1 to 1_000_000 "rows";
        /// Seconds that fetching a source, and one try at work on it, may take; 0: no such limit.
        timeout: f64 = 0.0, flag "timeout", from 0 to 604_800 "seconds";
        /// Seconds that rows under way get to finish when the command is stopped (SIGTERM, Ctrl-C).
        drain_seconds: f64 = 25.0, flag "drain", from 0 to 3600 "seconds";
        /// Program that the process backend starts as its workers; empty: this one, which must call
        /// `clipflow::worker::run_if_worker()` first in its `main`.
        worker_program: String = String::new(), flag "worker-program";
        /// Memory of queries and media processes together, in GB.
        memory_limit_gb: f64 = 4.0, flag "memory-limit", from 0.25 to 100_000 "GB";
    }
    "Cluster" {
        /// Address of the cluster's scheduler for the backend dask and for executors, `df://HOST:PORT`; empty: none.
        scheduler: SettingText = SettingText::default(), flag "scheduler";
        /// File with the certificates of the authority that the cluster's scheduler, executors and clients trust (PEM);
        /// empty: no TLS.
        tls_ca: String = String::new(), flag "tls-ca";
        /// File with the certificate that this side of the cluster shows (PEM).
        tls_cert: String = String::new(), flag "tls-cert";
        /// File with the key of that certificate (PEM).
        tls_key: String = String::new(), flag "tls-key";
    }
    "Retries" {
        /// How often a row is tried again, if what it failed of can change.
        max_retries: u32 = 2, flag "max-retries", from 0 to 20 "";
        /// Seconds before the first new try at the most (full jitter).
        retry_delay_seconds: f64 = 0.2, flag "retry-delay", from 0 to 20 "seconds";
        /// Double the delay with each try, up to 20 s.
        exponential_backoff: bool = true, flag "exponential-backoff";
        /// Leave a host that fails alone for a while.
        circuit_breaker_enabled: bool = true, flag "circuit-breaker";
        /// Failures in a row after which a host is left alone.
        failure_threshold: u32 = 20, flag "failure-threshold", from 1 to 10_000 "";
        /// Seconds until a host left alone is tried again; doubles up to 60.
        recovery_timeout_seconds: f64 = 10.0, flag "recovery-timeout", from 0.1 to 3600 "seconds";
    }
    "Sources" {
        /// Requests a second to one host; 0: no limit.
        rate_limit_per_host: f64 = 0.0, flag "rate-limit", from 0 to 1_000_000 "";
        /// Fetches at a time, over all hosts.
        max_fetches: usize = 16, flag "max-fetches", from 1 to 1024 "";
        /// Largest source that is fetched, in GB.
        max_source_gb: f64 = 10.0, flag "max-source", from 0.001 to 100_000 "GB";
        /// Folder for fetched sources; empty: the temporary folder.
        spool_dir: String = String::new(), flag "spool-dir";
        /// Most that fetched sources may take on disk, in GB.
        spool_limit_gb: f64 = 20.0, flag "spool-limit", from 0.001 to 100_000 "GB";
        /// Fetch from private and loopback addresses too.
        allow_private: bool = false, flag "allow-private";
        /// Confinement of ffmpeg, ffprobe and yt-dlp by the kernel, which keeps a hostile file from other files and
        /// from the network; off: by resource limits and ffmpeg's whitelists alone.
        sandbox: SandboxMode = SandboxMode::On, flag "sandbox";
    }
    "Texts" {
        /// Address of an OpenAI-compatible server (`https://host/v1`) whose language model writes titles
        /// and descriptions; empty: none is asked.
        text_model_url: SettingText = SettingText::default(), flag "text-model-url";
        /// Name of that model.
        text_model_name: SettingText = SettingText::default(), flag "text-model";
        /// Name of the environment variable that holds its key; empty: no key is sent.
        text_model_key_env: SettingText = SettingText::default(), flag "text-model-key-env";
    }
    "Transcription" {
        /// Command that transcribes speech, with the places `{input}` (a WAV file, 16 kHz, one channel), `{output}` (a
        /// file) or `{output_dir}` (a folder) and `{language}`; without an output its standard output is read; empty:
        /// none. No shell reads it.
        transcribe_command: SettingText = SettingText::default(), flag "transcribe-command";
        /// Address of an OpenAI-compatible server (`https://host/v1`) that transcribes speech; empty: none is asked.
        transcribe_url: SettingText = SettingText::default(), flag "transcribe-url";
        /// Name of the server's model.
        transcribe_model: SettingText = SettingText::from("whisper-1"), flag "transcribe-model";
        /// Name of the environment variable that holds the server's key; empty: no key is sent.
        transcribe_key_env: SettingText = SettingText::default(), flag "transcribe-key-env";
    }
    "Faces" {
        /// File of the detector of faces (CenterFace, as ONNX), by which windows follow faces and who speaks; empty: none,
        /// and windows follow what draws the eye.
        face_model: String = String::new(), flag "face-model";
    }
    "Sound" {
        /// Sound track that is heard where a request names none: its number from 1 on, a language, or mix for all of
        /// them; empty: one in the request's language, else the first that is not silent.
        audio_track: SettingText = SettingText::default(), flag "audio-track";
    }
    "Picture" {
        /// What becomes of high dynamic range in plain clips where a request does not say: sdr (tone-mapped to BT.709), or
        /// keep (10 bits in HEVC or AV1).
        hdr: DynamicRange = DynamicRange::Sdr, flag "hdr";
    }
    "Cache" {
        /// Keep analyses for other runs.
        enable_caching: bool = false, flag "cache";
        /// Folder or object store URL of kept analyses; empty: in the user's cache folder.
        cache_dir: String = String::new(), flag "cache-dir";
        /// Hours a kept analysis is good for.
        cache_ttl_hours: f64 = 24.0, flag "cache-ttl", from 0 to 100_000 "hours";
        /// Most that kept analyses may take, in GB.
        cache_limit_gb: f64 = 10.0, flag "cache-limit", from 0.001 to 100_000 "GB";
    }
    "Tracing" {
        /// Record a trace for each source: spans of its rows, fetches and media processes.
        enable_tracing: bool = false, flag "tracing";
        /// Share of traces that are kept, 0 to 1; those of sources that failed always are.
        trace_sampling_rate: f64 = 1.0, flag "trace-sampling", from 0 to 1 "";
        /// File for the traces, as JSON that Perfetto and Chrome open; empty: none. Turns tracing on.
        trace_file: String = String::new(), flag "trace";
        /// Log everything, as -vv does, and keep what media processes did for `clipflow debug`.
        debug: bool = false, flag "debug";
    }
    "Monitoring" {
        /// File for metrics in the text format of Prometheus, written at intervals and at the end; empty: none.
        metrics_file: String = String::new(), flag "metrics-file";
        /// Address and port that metrics are served on, such as 127.0.0.1:9464; a port alone is of the loopback
        /// interface; empty: none.
        metrics_listen: SettingText = SettingText::default(), flag "metrics-listen";
        /// DogStatsD agent that metrics are sent to, `udp://HOST:PORT` or `unix:///PATH`; empty: none.
        datadog_url: SettingText = SettingText::default(), flag "datadog";
        /// OpenTelemetry collector that traces, metrics and logs are sent to, as OTLP over HTTP: its base address,
        /// such as http://127.0.0.1:4318; empty: none. Turns tracing on.
        otlp_url: SettingText = SettingText::default(), flag "otlp";
        /// Seconds between two exports of metrics.
        metrics_interval_seconds: f64 = 15.0, flag "metrics-interval", from 1 to 3600 "seconds";
    }
}

/// Memory of one media process with the decoder's and the encoder's pictures of 1080p video, as
/// measured (analysis of 720p: 146 MB; rendering 1080p with x264 `veryfast`: about 400 MB).
const MEDIA_PROCESS_BYTES: f64 = 5e8;

/// Resident memory of the program itself, beside its queries.
const PROGRAM_BYTES: f64 = 4e7;

/// Address space below which no worker process works: threads and the allocator's arenas.
const WORKER_BYTES: f64 = 512e6;

impl ParallelConfig {
    /// Every default, to be changed and then checked.
    pub fn builder() -> ParallelConfigBuilder {
        ParallelConfigBuilder::default()
    }

    /// Check every value.
    ///
    /// # Errors
    /// `config.invalid` with the setting, its value and what is allowed.
    pub fn check(&self) -> Result<()> {
        self.backend.check()?;
        if self.backend == BackendType::Dask || !self.scheduler.is_empty() {
            self.scheduler_address()?;
        }
        SETTINGS.iter().try_for_each(|setting| {
            let text = self.get(setting.name).unwrap_or_default();
            if self.in_range(setting) { Ok(()) } else { Err(wrong(setting, &text, None)) }
        })
    }

    /// Where the cluster's scheduler is.
    ///
    /// # Errors
    /// `config.invalid` if `scheduler` is no address.
    pub fn scheduler_address(&self) -> Result<SchedulerAddress> {
        self.scheduler.parse()
    }

    /// The backend for the work of a run that stays on this machine.
    pub(crate) fn on_this_machine(&self) -> Self {
        let backend = match self.backend {
            BackendType::Dask => BackendType::Auto,
            here => here,
        };
        Self { backend, ..self.clone() }
    }

    /// Set one setting from text.
    ///
    /// # Errors
    /// `config.invalid` if there is no setting of that name or the value is not allowed; nothing is
    /// changed then.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        let Some(setting) = SETTINGS.iter().find(|s| s.name == name) else {
            return Err(Error::new(ErrorCode::ConfigInvalid, unknown(name)));
        };
        self.set_from(setting, text, None)
    }

    /// [`Self::set`], with the place the value comes from for the error.
    pub(super) fn set_from(
        &mut self,
        setting: &Setting,
        text: &str,
        from: Option<&dyn std::fmt::Display>,
    ) -> Result<()> {
        let mut changed = self.clone();
        match changed.assign(setting.name, text) {
            Some(()) if changed.in_range(setting) => {
                *self = changed;
                Ok(())
            }
            _ => Err(wrong(setting, text, from)),
        }
    }

    fn in_range(&self, setting: &Setting) -> bool {
        match (setting.range, self.number(setting.name)) {
            (Some(range), Some(number)) => (range.min..=range.max).contains(&number),
            _ => true,
        }
    }

    /// Rows of media work at a time: `max_workers`, or one per core; never more than the memory
    /// that queries leave holds media processes.
    pub fn workers(&self) -> usize {
        let wanted = match self.max_workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let memory = self.memory_limit_gb * 1e9 - self.query_memory_bytes() as f64;
        wanted.min((memory / MEDIA_PROCESS_BYTES) as usize).max(1)
    }

    /// Memory of one worker process for its own part of the work, in bytes: what queries leave, shared
    /// by the workers. Media processes have limits of their own.
    pub fn worker_memory_bytes(&self) -> u64 {
        let rest = self.memory_limit_gb * 1e9 - self.query_memory_bytes() as f64;
        (rest / self.workers() as f64).max(WORKER_BYTES) as u64
    }

    /// Resident memory of media processes together, in bytes: what queries and the program itself leave.
    pub fn media_memory_bytes(&self) -> u64 {
        let rest = self.memory_limit_gb * 1e9 - self.query_memory_bytes() as f64 - PROGRAM_BYTES;
        rest.max(0.0) as u64
    }

    /// The `memory_limit_gb` that leaves media processes so many bytes.
    pub(crate) fn memory_for_media(bytes: u64) -> f64 {
        ((bytes as f64 + PROGRAM_BYTES) / 0.75 / 1e7).ceil() / 100.0
    }

    /// Whether traces are recorded.
    pub fn is_tracing(&self) -> bool {
        self.enable_tracing || !self.trace_file.is_empty() || !self.otlp_url.is_empty()
    }

    /// Memory for queries, in bytes; beyond it sorts and aggregates spill to disk: a quarter of the
    /// limit.
    pub fn query_memory_bytes(&self) -> usize {
        (self.memory_limit_gb * 1e9 / 4.0) as usize
    }
}

impl ParallelConfigBuilder {
    /// The settings, checked.
    ///
    /// # Errors
    /// `config.invalid` with the setting, its value and what is allowed.
    pub fn build(self) -> Result<ParallelConfig> {
        self.0.check().map(|()| self.0)
    }
}

/// What is said of a name that no setting has.
pub(super) fn unknown(name: &str) -> String {
    match Setting::nearest(name) {
        Some(setting) => format!("there is no setting {name}; did you mean {}?", setting.name),
        None => {
            let names: Vec<&str> = SETTINGS.iter().map(|s| s.name).collect();
            format!("there is no setting {name}; there are {}", names.join(", "))
        }
    }
}

fn wrong(setting: &Setting, text: &str, from: Option<&dyn std::fmt::Display>) -> Error {
    let (name, allowed) = (setting.name, setting.allowed());
    let value = if text.is_empty() { "empty" } else { text };
    let from = from.map(|f| format!(" ({f})")).unwrap_or_default();
    Error::new(ErrorCode::ConfigInvalid, format!("{name} is {value}{from}; give {allowed}"))
}

#[cfg(test)]
mod tests;
