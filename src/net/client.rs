//! One request to one server: from a checked URL to the head of the answer.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Method, Response, redirect};
use url::Url;

use super::HttpConfig;
use super::target::{UrlRefusal, UrlRules};
use crate::error::{Error, ErrorCode, Result};
use crate::location::redacted;

/// Idle connections per host: as many as there may be concurrent requests.
const IDLE_PER_HOST: usize = 8;
const IDLE_SECONDS: u64 = 60;

/// An HTTP client that connects to allowed addresses only, follows no redirect and retries nothing. It
/// pools connections, and is built on first use, since that reads the certificates of the system.
#[derive(Debug)]
pub(crate) struct GuardedClient {
    config: HttpConfig,
    inner: OnceLock<reqwest::Client>,
}

impl GuardedClient {
    pub(crate) fn new(config: HttpConfig) -> Self {
        Self { config, inner: OnceLock::new() }
    }

    /// Sends a request to `url`, which has been checked. The answer comes from an allowed address.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
    ) -> Result<Response> {
        self.send_body(method, url, headers, vec![]).await
    }

    /// As [`GuardedClient::send`], with a body.
    pub(crate) async fn send_body(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response> {
        let mut request = self.client()?.request(method, url.clone()).headers(headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        let request = request.send();
        let limit = self.config.connect + self.config.first_byte;
        let response = match tokio::time::timeout(limit, request).await {
            Ok(Ok(response)) => response,
            Ok(Err(cause)) => return Err(unanswered(url, cause)),
            Err(_) => return Err(silent(url, self.config.first_byte)),
        };
        // The resolver returns only allowed addresses; this check does not rely on it.
        let rules = self.config.rules();
        match response.remote_addr().map(|peer| rules.address(peer.ip())) {
            Some(Ok(())) => Ok(response),
            Some(Err(refused)) => Err(refused.about(url)),
            None => Err(UrlRefusal::Never.about(url)),
        }
    }

    fn client(&self) -> Result<&reqwest::Client> {
        if let Some(client) = self.inner.get() {
            return Ok(client);
        }
        let client = build(&self.config).map_err(|e| {
            let cause = root(&e).to_string();
            Error::new(
                ErrorCode::Internal,
                format!(
                    "the HTTP client cannot be set up ({cause}); check the system's certificates"
                ),
            )
            .with_source(e)
        })?;
        Ok(self.inner.get_or_init(|| client))
    }
}

fn build(config: &HttpConfig) -> reqwest::Result<reqwest::Client> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    // Validators and lengths must be those of the file itself.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    reqwest::Client::builder()
        .user_agent(concat!("clipflow/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .no_proxy()
        .referer(false)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .dns_resolver(Arc::new(GuardedResolver(config.rules())))
        .connect_timeout(config.connect)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(Duration::from_secs(IDLE_SECONDS))
        .build()
}

/// The system's resolver, restricted to allowed addresses.
struct GuardedResolver(UrlRules);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut refused = None;
            let mut allowed: Vec<SocketAddr> = vec![];
            for address in found {
                match rules.address(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if allowed.is_empty() => Err(why.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// The error of a request without an answer.
fn unanswered(url: &Url, cause: reqwest::Error) -> Error {
    let cause = cause.without_url();
    let mut next: Option<&(dyn StdError + 'static)> = Some(&cause);
    while let Some(error) = next {
        if let Some(refused) = error.downcast_ref::<UrlRefusal>() {
            return refused.about(url);
        }
        next = error.source();
    }
    if cause.is_builder() {
        let place = redacted(url.as_str());
        return Error::new(
            ErrorCode::InvalidRequestBadUrl,
            format!("{place} cannot be requested; check the address"),
        );
    }
    let place = redacted(url.as_str());
    let why = if cause.is_timeout() {
        "no connection in time".to_owned()
    } else {
        root(&cause).to_string()
    };
    Error::new(
        ErrorCode::SourceUnreachable,
        format!("{place} does not answer ({why}); check that its server is up, then run again"),
    )
    .with_source(cause)
}

fn silent(url: &Url, limit: Duration) -> Error {
    let place = redacted(url.as_str());
    Error::new(
        ErrorCode::SourceUnreachable,
        format!("{place} does not answer within {} s; run again later", limit.as_secs_f64()),
    )
}

/// The innermost cause, which is the most specific.
pub(crate) fn root<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_name_of_a_private_address_has_no_address() {
        let name = || "localhost".parse::<Name>().unwrap();
        let Err(refused) = GuardedResolver(UrlRules { allow_private: false }).resolve(name()).await
        else {
            unreachable!("localhost was resolved");
        };
        assert_eq!(refused.downcast_ref::<UrlRefusal>(), Some(&UrlRefusal::Private));
        let addresses =
            GuardedResolver(UrlRules { allow_private: true }).resolve(name()).await.unwrap();
        assert!(addresses.map(|a| a.ip()).all(|ip| ip.is_loopback()));
    }

    #[tokio::test]
    async fn a_refusal_comes_through_the_client_and_nothing_is_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let config = crate::config::ParallelConfig::default();
        let client = GuardedClient::new(HttpConfig::from(&config));
        // Unchecked, as if the name were one that only its resolver knows to be private.
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let url = Url::parse(&url).unwrap();
        let error = client.send(Method::GET, &url, HeaderMap::new()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceBlocked);
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }

    #[tokio::test]
    async fn an_answer_from_a_private_address_is_not_taken() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
        let config = crate::config::ParallelConfig::default();
        let client = GuardedClient::new(HttpConfig::from(&config));
        let server = async {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret").await.unwrap();
        };
        // A literal address goes by no resolver; it is the check of the peer that holds.
        let url = Url::parse(&url).unwrap();
        let (answer, ()) = tokio::join!(client.send(Method::GET, &url, HeaderMap::new()), server);
        assert_eq!(answer.unwrap_err().code(), ErrorCode::SourceBlocked);
    }
}
