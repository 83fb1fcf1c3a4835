//! Sources on web servers.
//!
//! Asked through the guarded client ([`crate::net`]); redirects are followed here, one by one, and
//! every step is checked. Nothing is tried twice; a server that fails is left alone by
//! [`crate::resilience::Hosts`].

mod body;
mod captions;

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::spool::Spool;
use super::{Fetched, Remote};
use crate::error::{Error, ErrorCode, Result};
use crate::location::{redacted, scheme};
use crate::net::client::GuardedClient;
use crate::net::target::{UrlRefusal, UrlRules};
use crate::net::{HttpConfig, answer};
use crate::resilience::{FetchSlot, HostKey, Hosts};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Fetches from web servers; see the module.
#[derive(Debug)]
pub struct Http {
    config: HttpConfig,
    client: GuardedClient,
    hosts: Hosts,
}

/// Result of one request in a chain of redirects.
enum RedirectStep<T> {
    /// The result of the last request.
    Done(T),
    /// The URL to request next.
    Redirect(Url),
}

impl Http {
    /// Fetches within these limits and those of `hosts`.
    pub fn new(config: HttpConfig, hosts: Hosts) -> Self {
        Self { client: GuardedClient::new(config.clone()), config, hosts }
    }

    /// Sends one request to `url`.
    async fn ask(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
    ) -> Result<RedirectStep<Response>> {
        let response = self.client.send(method, url, headers).await?;
        match answer::redirect(response.status(), response.headers(), url) {
            Some(next) => Ok(RedirectStep::Redirect(next)),
            None => Ok(RedirectStep::Done(response)),
        }
    }

    /// The validator from the answer to a HEAD request; `None` from a server that does not support it.
    async fn head(&self, url: &Url) -> Result<RedirectStep<Option<Option<String>>>> {
        let response = match self.ask(Method::HEAD, url, HeaderMap::new()).await? {
            RedirectStep::Redirect(next) => return Ok(RedirectStep::Redirect(next)),
            RedirectStep::Done(response) => response,
        };
        let (status, headers) = (response.status(), response.headers());
        // A signature may be valid for one method only.
        if matches!(status.as_u16(), 400 | 401 | 403 | 405 | 501) {
            return Ok(RedirectStep::Done(None));
        }
        match answer::refusal(status, headers, url) {
            Some(error) => Err(error),
            None => Ok(RedirectStep::Done(Some(answer::validator(
                headers,
                answer::length(status, headers),
            )))),
        }
    }

    /// The validator from the answer to a request for the first byte.
    async fn first_byte(&self, url: &Url) -> Result<RedirectStep<Option<String>>> {
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-0"))]);
        let response = match self.ask(Method::GET, url, headers).await? {
            RedirectStep::Redirect(next) => return Ok(RedirectStep::Redirect(next)),
            RedirectStep::Done(response) => response,
        };
        let (status, headers) = (response.status(), response.headers());
        let refusal = answer::refusal(status, headers, url);
        match refusal.filter(|_| status != StatusCode::PARTIAL_CONTENT) {
            Some(error) => Err(error),
            None => {
                Ok(RedirectStep::Done(answer::validator(headers, answer::length(status, headers))))
            }
        }
    }

    /// The answer with the content of `url`.
    async fn content(&self, url: &Url) -> Result<RedirectStep<Response>> {
        let step = self.ask(Method::GET, url, HeaderMap::new()).await?;
        let refused = match &step {
            RedirectStep::Done(answer) => answer::refusal(answer.status(), answer.headers(), url),
            RedirectStep::Redirect(_) => None,
        };
        refused.map_or(Ok(step), Err)
    }

    /// Fetches the content into the spool as the source of `location`.
    async fn bring(
        &self,
        location: &str,
        url: &Url,
        spool: &Spool,
        slot: FetchSlot,
    ) -> Result<RedirectStep<Fetched>> {
        let response = match self.content(url).await? {
            RedirectStep::Redirect(next) => return Ok(RedirectStep::Redirect(next)),
            RedirectStep::Done(response) => response,
        };
        let length = answer::length(response.status(), response.headers());
        let validator = answer::validator(response.headers(), length);
        let mut file = body::receive(response, length, url, spool, &self.config).await?;
        self.bring_captions(url, &mut file).await?;
        Ok(RedirectStep::Done(Fetched::keep(file, spool, location, validator, slot).await?))
    }

    /// A chain that starts at `location`.
    fn chain<'a>(&self, location: &'a str) -> Result<RedirectChain<'a>> {
        let mut url = parse(location)?;
        url.set_fragment(None);
        Ok(RedirectChain { location, rules: self.config.rules(), url, steps: 0 })
    }
}

/// A chain of redirects. Every URL is checked before it is requested.
struct RedirectChain<'a> {
    location: &'a str,
    rules: UrlRules,
    url: Url,
    steps: usize,
}

impl RedirectChain<'_> {
    /// The URL to request now, and its host.
    fn current(&self) -> Result<(&Url, HostKey)> {
        let url = &self.url;
        self.rules.check(url).map_err(|refused| refused.about(url))?;
        let key = HostKey::of_url(url).ok_or_else(|| UrlRefusal::Host.about(url))?;
        Ok((url, key))
    }

    /// Follows a redirect, or returns the result of the last request.
    fn follow<T>(&mut self, step: RedirectStep<T>) -> Result<Option<T>> {
        let next = match step {
            RedirectStep::Done(done) => return Ok(Some(done)),
            RedirectStep::Redirect(next) => next,
        };
        self.steps += 1;
        if self.steps > MAX_REDIRECTS {
            // The error names the requested address, which the user knows.
            return Err(UrlRefusal::Redirects.about(&parse(self.location)?));
        }
        if self.url.scheme() == "https" && next.scheme() == "http" {
            return Err(UrlRefusal::Downgrade.about(&next));
        }
        self.url = next;
        Ok(None)
    }
}

#[async_trait]
impl Remote for Http {
    fn serves(&self, location: &str) -> bool {
        scheme(location)
            .is_some_and(|s| s.eq_ignore_ascii_case("http") || s.eq_ignore_ascii_case("https"))
    }

    async fn validator(&self, location: &str) -> Result<Option<String>> {
        let mut chain = self.chain(location)?;
        let found = loop {
            let (url, key) = chain.current()?;
            let step = self.hosts.guard(&key).call(|| self.head(url)).await?;
            if let Some(found) = chain.follow(step)? {
                break found;
            }
        };
        if let Some(validator) = found {
            return Ok(validator);
        }
        let mut chain = self.chain(location)?;
        loop {
            let (url, key) = chain.current()?;
            let step = self.hosts.guard(&key).call(|| self.first_byte(url)).await?;
            if let Some(validator) = chain.follow(step)? {
                return Ok(validator);
            }
        }
    }

    async fn fetch(&self, location: &str, spool: &Spool) -> Result<Fetched> {
        let mut chain = self.chain(location)?;
        loop {
            let (url, key) = chain.current()?;
            let guard = self.hosts.guard(&key);
            let step = guard.fetch(|slot| self.bring(location, url, spool, slot)).await?;
            if let Some(fetched) = chain.follow(step)? {
                return Ok(fetched);
            }
        }
    }
}

/// Checks the text of `location`, without name resolution.
///
/// # Errors
/// `source.blocked` or `invalid_request.bad_url`.
pub(super) fn check(location: &str, allow_private: bool) -> Result<()> {
    let mut url = parse(location)?;
    url.set_fragment(None);
    UrlRules { allow_private }.check(&url).map_err(|refused| refused.about(&url))?;
    HostKey::of_url(&url).map(|_| ()).ok_or_else(|| UrlRefusal::Host.about(&url))
}

fn parse(location: &str) -> Result<Url> {
    Url::parse(location).map_err(|e| {
        Error::new(
            ErrorCode::InvalidRequestBadUrl,
            format!("{} is not a URL ({e}); write it as https://host/path", redacted(location)),
        )
        .with_source(e)
    })
}
