//! A server of the OpenAI form that transcribes (`POST …/v1/audio/transcriptions`).
//!
//! See <https://platform.openai.com/docs/api-reference/audio/createTranscription>.

use std::fmt;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use url::Url;

use super::{KEY_ENV, Transcriber};
use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::{Transcript, to_short_tag};
use crate::location::redacted;
use crate::net::HttpConfig;
use crate::net::answer;
use crate::net::client::GuardedClient;
use crate::net::openai::authorization;
use crate::net::target::UrlRefusal;
use crate::resilience::{HostKey, Resilience};

/// Largest answer in bytes.
const MOST_BYTES: usize = 64 << 20;
/// Longest sound of a request: 10 minutes are 19 MB, and many servers take 25.
const MOST_SECONDS: f64 = 600.0;

/// What is known of transcribing servers, for all rows of this process: limits and breakers hold over them.
static RESILIENCE: LazyLock<Resilience> =
    LazyLock::new(|| Resilience::new(&ParallelConfig::default()));

/// A server that transcribes; see the module.
pub(super) struct ServerTranscriber {
    url: Url,
    model: String,
    key: Option<String>,
    client: GuardedClient,
    host: HostKey,
    timeout: Duration,
}

impl fmt::Debug for ServerTranscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTranscriber").field("identity", &self.identity()).finish()
    }
}

impl ServerTranscriber {
    /// # Errors
    /// `config.invalid` for an address without a host.
    pub(super) fn new(
        url: Url,
        model: &str,
        key: Option<String>,
        allow_private: bool,
        timeout: Duration,
    ) -> Result<Self> {
        let host = HostKey::of_url(&url).ok_or_else(|| UrlRefusal::Host.about(&url))?;
        let http = HttpConfig {
            allow_private,
            max_bytes: MOST_BYTES as u64,
            connect: Duration::from_secs(5).min(timeout),
            first_byte: timeout,
            least_rate: 0,
            window: timeout,
            timeout: Some(timeout),
        };
        let model = model.to_owned();
        Ok(Self { url, model, key, client: GuardedClient::new(http), host, timeout })
    }

    /// Asks until there is an answer or none is to be expected.
    async fn ask(&self, form: &Form) -> Result<Vec<u8>> {
        let mut retry = 0;
        loop {
            let guard = RESILIENCE.hosts.guard(&self.host);
            let error = match guard.call(|| self.once(form)).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => error,
            };
            let wait = RESILIENCE.wait_before_retry(retry, &error, Some(&self.host));
            // The row is not tried again as a whole: pieces that are done would be done again.
            let Some(wait) = wait else { return Err(failed(error.message()).with_source(error)) };
            tracing::debug!(host = %self.host, code = %error.code(), ?wait, "asking the transcriber again: {error}");
            RESILIENCE.clock.sleep(wait).await;
            retry += 1;
        }
    }

    async fn once(&self, form: &Form) -> Result<Vec<u8>> {
        let whole = async {
            let mut headers = authorization(self.key.as_deref(), KEY_ENV)?;
            headers.insert(CONTENT_TYPE, form.content_type()?);
            let body = form.body.clone();
            let response = self.client.send_body(Method::POST, &self.url, headers, body).await?;
            if let Some(refusal) = answer::refusal(response.status(), response.headers(), &self.url)
            {
                return Err(refusal);
            }
            all_of(response).await
        };
        tokio::time::timeout(self.timeout, whole).await.unwrap_or_else(|_| {
            let (place, limit) = (redacted(self.url.as_str()), self.timeout.as_secs_f64());
            let sentence = format!("{place} did not answer within {limit} s; see that it is up");
            Err(Error::new(ErrorCode::SourceUnreachable, sentence))
        })
    }
}

impl Transcriber for ServerTranscriber {
    fn identity(&self) -> String {
        format!("{} {}", redacted(self.url.as_str()), self.model)
    }

    fn most_seconds(&self) -> f64 {
        MOST_SECONDS
    }

    fn transcribe(
        &self,
        sound: &Path,
        language: Option<&str>,
        _: &Path,
        cancel: &CancelToken,
    ) -> Result<Transcript> {
        let wav = std::fs::read(sound).map_err(|e| super::cannot_write(sound, e))?;
        let form = Form::of(&self.model, language.and_then(to_short_tag).as_deref(), &wav);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| {
            Error::new(ErrorCode::Internal, "no more threads can be started; use fewer workers")
                .with_source(e)
        })?;
        let answered = runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(crate::cancel::stopped()),
                answered = self.ask(&form) => answered,
            }
        })?;
        Transcript::read(&String::from_utf8_lossy(&answered)).ok_or_else(|| {
            failed("its answer has no times; ask for a model that gives verbose_json, such as whisper-1")
        })
    }
}

fn failed(what: &str) -> Error {
    Error::new(ErrorCode::TranscribeFailed, format!("the transcribing server failed: {what}"))
}

async fn all_of(mut response: reqwest::Response) -> Result<Vec<u8>> {
    let mut bytes = vec![];
    while let Some(chunk) = response.chunk().await.map_err(|cause| {
        Error::new(ErrorCode::SourceUnreachable, "its answer broke off; run again later")
            .with_source(cause.without_url())
    })? {
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(failed("its answer is longer than 64 MiB"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A form with a file (RFC 7578).
struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    fn of(model: &str, language: Option<&str>, wav: &[u8]) -> Self {
        // It stands nowhere in the sound: its hash is part of it.
        let boundary = format!("clipflow-{}", blake3::hash(wav).to_hex());
        let mut body = Vec::with_capacity(wav.len() + 1024);
        let fields = [
            ("model", model),
            ("response_format", "verbose_json"),
            ("timestamp_granularities[]", "word"),
            ("timestamp_granularities[]", "segment"),
        ];
        for (name, value) in fields.into_iter().chain(language.map(|tag| ("language", tag))) {
            let value = value.replace(['\r', '\n'], " ");
            body.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .as_bytes(),
            );
        }
        body.extend_from_slice(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"sound.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(wav);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        Self { boundary, body }
    }

    fn content_type(&self) -> Result<HeaderValue> {
        HeaderValue::from_str(&format!("multipart/form-data; boundary={}", self.boundary))
            .map_err(|e| Error::new(ErrorCode::Internal, "a form cannot be made").with_source(e))
    }
}
