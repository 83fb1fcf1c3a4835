//! A language model behind HTTP.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response};
use url::Url;

use super::settings::{KEY_ENV, TextModelConfig};
use super::{answer, prompt};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::{ClipText, TextModel, TextModelAnswer, TextModelRequest};
use crate::location::redacted;
use crate::net::HttpConfig;
use crate::net::client::GuardedClient;
use crate::net::openai::authorization;
use crate::net::target::UrlRefusal;
use crate::resilience::{HostKey, Resilience};

/// Largest answer, in bytes.
const MOST_BYTES: usize = 256 << 10;

/// How often a model was asked, and what came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextModelCounts {
    /// Clips it was asked about.
    pub asked: u64,
    /// Of which it wrote the texts.
    pub answered: u64,
    /// Of which have built-in texts, for it failed.
    pub fallbacks: u64,
}

/// A language model; see the module.
pub struct HttpTextModel {
    config: TextModelConfig,
    client: GuardedClient,
    host: HostKey,
    resilience: Resilience,
    asked: AtomicU64,
    answered: AtomicU64,
}

impl fmt::Debug for HttpTextModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (config, counts) = (&self.config, self.counts());
        f.debug_struct("HttpTextModel").field("config", config).field("counts", &counts).finish()
    }
}

impl HttpTextModel {
    /// The model of the settings, with the key that this process's environment holds; `None` if none is
    /// to be asked.
    ///
    /// # Errors
    /// As [`TextModelConfig::from_settings`] and [`HttpTextModel::new`].
    pub fn of_process(config: &ParallelConfig, resilience: &Resilience) -> Result<Option<Self>> {
        let found = TextModelConfig::from_settings(config, |name| std::env::var(name).ok())?;
        found.map(|model| Self::new(model, resilience.clone())).transpose()
    }

    /// A model that is asked under the limits of `resilience`. No request is made yet.
    ///
    /// # Errors
    /// `config.invalid` for an address without a host or a key that no header can hold.
    pub fn new(config: TextModelConfig, resilience: Resilience) -> Result<Self> {
        let host =
            HostKey::of_url(&config.url).ok_or_else(|| UrlRefusal::Host.about(&config.url))?;
        authorization(config.key.as_deref(), KEY_ENV)?;
        let http = HttpConfig {
            allow_private: config.allow_private,
            max_bytes: MOST_BYTES as u64,
            connect: Duration::from_secs(5).min(config.timeout),
            first_byte: config.timeout,
            least_rate: 0,
            window: config.timeout,
            timeout: Some(config.timeout),
        };
        let (asked, answered) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { client: GuardedClient::new(http), config, host, resilience, asked, answered })
    }

    /// How often it was asked so far. A clip under way counts as a fallback until it is answered.
    pub fn counts(&self) -> TextModelCounts {
        let answered = self.answered.load(Ordering::Relaxed);
        let asked = self.asked.load(Ordering::Relaxed);
        TextModelCounts { asked, answered, fallbacks: asked.saturating_sub(answered) }
    }

    /// Ask until there is an answer or none is to be expected.
    async fn ask(&self, request: &TextModelRequest, built_in: &ClipText) -> Result<ClipText> {
        let body = prompt::body(&self.config.model, request)?;
        let mut retry = 0;
        loop {
            let guard = self.resilience.hosts.guard(&self.host);
            let error = match guard.call(|| self.once(body.clone())).await {
                Ok(bytes) => return answer::read(&bytes, &request.limits, built_in),
                Err(error) => error,
            };
            let wait = self.resilience.wait_before_retry(retry, &error, Some(&self.host));
            let Some(wait) = wait else { return Err(error) };
            tracing::debug!(host = %self.host, code = %error.code(), ?wait, "asking the text model again: {error}");
            self.resilience.clock.sleep(wait).await;
            retry += 1;
        }
    }

    /// One request and its whole answer.
    async fn once(&self, body: Vec<u8>) -> Result<Vec<u8>> {
        let url = &self.config.url;
        let whole = async {
            let mut headers = authorization(self.config.key.as_deref(), KEY_ENV)?;
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let response = self.client.send_body(Method::POST, url, headers, body).await?;
            if let Some(error) = answer::refusal(response.status(), response.headers(), url) {
                return Err(error);
            }
            all_of(response, url).await
        };
        tokio::time::timeout(self.config.timeout, whole).await.unwrap_or_else(|_| {
            let (place, limit) = (redacted(url.as_str()), self.config.timeout.as_secs_f64());
            let sentence = format!(
                "the text model at {place} did not answer within {limit} s; see that it is up"
            );
            Err(Error::new(ErrorCode::SourceUnreachable, sentence))
        })
    }
}

#[async_trait]
impl TextModel for HttpTextModel {
    fn identity(&self) -> String {
        format!("{} {}", redacted(self.config.url.as_str()), self.config.model)
    }

    async fn texts(&self, request: &TextModelRequest) -> Result<TextModelAnswer> {
        let built_in = request.built_in();
        // Without words there is nothing to write about that would not be made up.
        if built_in.origin == crate::kernels::text::TextOrigin::Facts {
            return Ok(TextModelAnswer { text: built_in, fallback: None });
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.ask(request, &built_in).await {
            Ok(text) => {
                self.answered.fetch_add(1, Ordering::Relaxed);
                Ok(TextModelAnswer { text, fallback: None })
            }
            Err(error) => {
                tracing::warn!(host = %self.host, code = %error.code(), "the text model did not help, the clip gets built-in texts: {error}");
                let fallback = Some(error.message().to_owned());
                Ok(TextModelAnswer { text: built_in, fallback })
            }
        }
    }
}

async fn all_of(mut response: Response, url: &Url) -> Result<Vec<u8>> {
    let mut bytes = vec![];
    loop {
        let chunk = response.chunk().await.map_err(|cause| {
            let place = redacted(url.as_str());
            let sentence =
                format!("the answer of the text model at {place} broke off; run again later");
            Error::new(ErrorCode::SourceUnreachable, sentence).with_source(cause.without_url())
        })?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(answer::unusable(&format!("is longer than {} KiB", MOST_BYTES >> 10)));
        }
        bytes.extend_from_slice(&chunk);
    }
}
