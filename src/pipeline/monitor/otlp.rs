//! Sends traces, metrics and logs to a collector of OpenTelemetry: OTLP over HTTP, as Protobuf.

use std::collections::{HashSet, VecDeque};
use std::env;
use std::fmt::{self, Debug};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::lock;
use crate::error::{Error, Result};
use crate::location::redacted;
use crate::net::HttpConfig;
use crate::net::client::GuardedClient;
use crate::telemetry::logs::{LogEntry, LogSink, LogSubscription, subscribe};
use crate::telemetry::otlp::{self, Resource};
use crate::telemetry::{MetricSample, Span, unix_seconds};

/// Most requests that wait for the collector; further ones are lost.
const WAITING: usize = 64;
/// Most spans or log events of one request.
const BATCH: usize = 1000;
/// Most log events that are kept until the next sending; the oldest ones go.
const MOST_LOGS: usize = 10_000;
/// Time for a collector to take the last requests before the program ends.
const LAST_SECONDS: Duration = Duration::from_secs(10);
/// Pauses between attempts at a request.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(1)];
/// The variable with headers of requests, such as a key: `name=value,…`. Headers are secrets, so that no setting
/// holds them.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// A thread that sends to a collector, so that a collector which is slow holds nothing up.
pub(super) struct OtlpExporter {
    queue: SyncSender<Job>,
    resource: Resource,
    started: f64,
    logs: Arc<PendingLogs>,
    _subscription: Option<LogSubscription>,
    /// Ids of spans that were sent.
    sent: Mutex<HashSet<u64>>,
}

enum Job {
    /// A request to a path below the collector's address.
    Send(&'static str, Vec<u8>),
    /// Say when everything before it was sent.
    Tell(SyncSender<()>),
}

impl Debug for OtlpExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpExporter").field("resource", &self.resource).finish_non_exhaustive()
    }
}

impl OtlpExporter {
    /// For the collector at `url`, the base of its addresses.
    ///
    /// # Errors
    /// `config.invalid` for headers in the environment that are none.
    pub(super) fn start(url: Url) -> Result<Self> {
        let variable = |name: &str| env::var(name).ok();
        let collector = Collector::new(url, &variable(HEADERS).unwrap_or_default())?;
        let (queue, jobs) = sync_channel(WAITING);
        let thread = thread::Builder::new().name("otlp".to_owned());
        if let Err(cause) = thread.spawn(move || serve(&jobs, collector)) {
            tracing::warn!("nothing is sent to the collector: {cause}");
        }
        let logs = Arc::new(PendingLogs::default());
        let sink: Arc<dyn LogSink> = Arc::clone(&logs) as Arc<dyn LogSink>;
        let subscription = subscribe(sink)
            .inspect_err(|error| tracing::warn!("logs are not sent: {}", error.message()))
            .ok();
        Ok(Self {
            queue,
            resource: otlp::resource(variable),
            started: unix_seconds(),
            logs,
            _subscription: subscription,
            sent: Mutex::default(),
        })
    }

    /// Send `samples` as they are now, and the log events since the last time.
    pub(super) fn send_metrics_and_logs(&self, samples: &[MetricSample]) {
        let request = otlp::metrics(&self.resource, samples, self.started, unix_seconds());
        self.enqueue("v1/metrics", request.encode_to_vec());
        for entries in self.logs.take().chunks(BATCH) {
            self.enqueue("v1/logs", otlp::logs(&self.resource, entries).encode_to_vec());
        }
    }

    /// Send those of `spans` that were not sent before.
    pub(super) fn send_spans(&self, mut spans: Vec<Span>) {
        let mut sent = lock(&self.sent);
        spans.retain(|span| sent.insert(span.id));
        for spans in spans.chunks(BATCH) {
            self.enqueue("v1/traces", otlp::traces(&self.resource, spans).encode_to_vec());
        }
    }

    fn enqueue(&self, path: &'static str, body: Vec<u8>) {
        if self.queue.try_send(Job::Send(path, body)).is_err() {
            tracing::warn!("the collector is too slow: some {path} were not sent");
        }
    }
}

impl Drop for OtlpExporter {
    /// Waits a limited time for what is on its way.
    fn drop(&mut self) {
        let (done, told) = sync_channel(1);
        if self.queue.try_send(Job::Tell(done)).is_ok() && told.recv_timeout(LAST_SECONDS).is_err()
        {
            tracing::warn!("the collector did not take everything within {LAST_SECONDS:?}");
        }
    }
}

/// Log events that wait to be sent.
#[derive(Default)]
struct PendingLogs(Mutex<VecDeque<LogEntry>>);

impl PendingLogs {
    fn take(&self) -> Vec<LogEntry> {
        std::mem::take(&mut *lock(&self.0)).into()
    }
}

impl LogSink for PendingLogs {
    fn log(&self, entry: &LogEntry) {
        let mut entries = lock(&self.0);
        if entries.len() == MOST_LOGS {
            entries.pop_front();
        }
        entries.push_back(entry.clone());
    }
}

/// Does the jobs until their sender is gone.
fn serve(jobs: &Receiver<Job>, mut collector: Collector) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(cause) => return tracing::warn!("nothing is sent to the collector: {cause}"),
    };
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Send(path, body) => runtime.block_on(collector.send(path, &body)),
            Job::Tell(done) => {
                let _ = done.send(());
            }
        }
    }
}

struct Collector {
    url: Url,
    headers: HeaderMap,
    client: GuardedClient,
    /// Whether the last request failed, so that it is said once.
    fails: bool,
}

impl Collector {
    fn new(url: Url, headers: &str) -> Result<Self> {
        let mut all = HeaderMap::new();
        all.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        for (name, value) in otlp::pairs(headers) {
            let wrong = || {
                Error::setting(
                    "otlp_url",
                    format!("has headers in {HEADERS} that are none; give name=value,name=value"),
                )
            };
            let name = HeaderName::try_from(name).map_err(|_| wrong())?;
            let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            all.insert(name, value);
        }
        let config = HttpConfig {
            // A collector is mostly beside the program that reports.
            allow_private: true,
            max_bytes: 1 << 20,
            connect: Duration::from_secs(3),
            first_byte: Duration::from_secs(5),
            least_rate: 1,
            window: Duration::from_secs(5),
            timeout: Some(Duration::from_secs(5)),
        };
        Ok(Self { url, headers: all, client: GuardedClient::new(config), fails: false })
    }

    /// Send one request. A collector that does not take it is logged once.
    async fn send(&mut self, path: &str, body: &[u8]) {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        let mut outcome = self.attempt(&url, body).await;
        for pause in PAUSES {
            let Err(Refusal { again: true, .. }) = outcome else { break };
            tokio::time::sleep(pause).await;
            outcome = self.attempt(&url, body).await;
        }
        match outcome {
            Ok(()) => self.fails = false,
            Err(Refusal { cause, .. }) if self.fails => tracing::debug!("{cause}"),
            Err(Refusal { cause, .. }) => {
                self.fails = true;
                tracing::warn!("{cause}");
            }
        }
    }

    async fn attempt(&self, url: &Url, body: &[u8]) -> Result<(), Refusal> {
        let sending = self.client.send_body(Method::POST, url, self.headers.clone(), body.to_vec());
        let answer = sending.await.map_err(|error| Refusal {
            cause: format!("the collector cannot be reached: {}", error.message()),
            again: true,
        })?;
        let status = answer.status();
        // Read to its end, so that the connection is used again.
        let _ = answer.bytes().await;
        if status.is_success() {
            return Ok(());
        }
        Err(Refusal {
            cause: format!("the collector at {} answers {status}", redacted(url.as_str())),
            // As the protocol has it.
            again: matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
        })
    }
}

/// Why a request was not taken, and whether another attempt may help.
struct Refusal {
    cause: String,
    again: bool,
}
