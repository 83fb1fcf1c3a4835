//! Sources on web servers.
//!
//! Asked through the guarded client ([`crate::net`]); redirects are followed here, one by one, and
//! every step is checked. Nothing is tried twice; a server that fails is left alone by
//! [`crate::resilience::Hosts`].

mod body;

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::spool::Spool;
use super::{Fetched, Remote};
use crate::error::{Error, ErrorCode, Result};
use crate::location::{redacted, scheme};
use crate::net::client::Client;
use crate::net::target::{Refused, Rules};
use crate::net::{HttpConfig, answer};
use crate::resilience::{FetchSlot, HostKey, Hosts};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Web servers; see the module.
#[derive(Debug)]
pub struct Http {
    config: HttpConfig,
    client: Client,
    hosts: Hosts,
}

/// What one hop comes to.
enum Hop<T> {
    Done(T),
    To(Url),
}

impl Http {
    /// Fetches under these limits, minding `hosts`.
    pub fn new(config: HttpConfig, hosts: Hosts) -> Self {
        Self { client: Client::new(config.clone()), config, hosts }
    }

    /// The hop from `url` on, or the answer itself.
    async fn ask(&self, method: Method, url: &Url, headers: HeaderMap) -> Result<Hop<Response>> {
        let response = self.client.send(method, url, headers).await?;
        match answer::redirect(response.status(), response.headers(), url) {
            Some(next) => Ok(Hop::To(next)),
            None => Ok(Hop::Done(response)),
        }
    }

    /// The validator as a HEAD request tells it; `None` from a server that does not answer such
    /// requests as it answers others.
    async fn head(&self, url: &Url) -> Result<Hop<Option<Option<String>>>> {
        let response = match self.ask(Method::HEAD, url, HeaderMap::new()).await? {
            Hop::To(next) => return Ok(Hop::To(next)),
            Hop::Done(response) => response,
        };
        let (status, headers) = (response.status(), response.headers());
        // A signature may be good for one method only.
        if matches!(status.as_u16(), 400 | 401 | 403 | 405 | 501) {
            return Ok(Hop::Done(None));
        }
        match answer::refusal(status, headers, url) {
            Some(error) => Err(error),
            None => {
                Ok(Hop::Done(Some(answer::validator(headers, answer::length(status, headers)))))
            }
        }
    }

    /// The validator as the answer to a request for the first byte tells it.
    async fn first_byte(&self, url: &Url) -> Result<Hop<Option<String>>> {
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-0"))]);
        let response = match self.ask(Method::GET, url, headers).await? {
            Hop::To(next) => return Ok(Hop::To(next)),
            Hop::Done(response) => response,
        };
        let (status, headers) = (response.status(), response.headers());
        let refusal = answer::refusal(status, headers, url);
        match refusal.filter(|_| status != StatusCode::PARTIAL_CONTENT) {
            Some(error) => Err(error),
            None => Ok(Hop::Done(answer::validator(headers, answer::length(status, headers)))),
        }
    }

    /// The source, as what `location` holds.
    async fn bring(
        &self,
        location: &str,
        url: &Url,
        spool: &Spool,
        slot: FetchSlot,
    ) -> Result<Hop<Fetched>> {
        let response = match self.ask(Method::GET, url, HeaderMap::new()).await? {
            Hop::To(next) => return Ok(Hop::To(next)),
            Hop::Done(response) => response,
        };
        let (status, headers) = (response.status(), response.headers());
        if let Some(error) = answer::refusal(status, headers, url) {
            return Err(error);
        }
        let length = answer::length(status, headers);
        let validator = answer::validator(headers, length);
        let file = body::receive(response, length, url, spool, &self.config).await?;
        Ok(Hop::Done(Fetched::keep(file, spool, location, validator, slot).await?))
    }

    /// The way from `location` to where it leads.
    fn way<'a>(&self, location: &'a str) -> Result<Way<'a>> {
        let mut url = parse(location)?;
        url.set_fragment(None);
        Ok(Way { location, rules: self.config.rules(), url, hops: 0 })
    }
}

/// Redirects, followed one by one: every place on the way is checked before it is asked.
struct Way<'a> {
    location: &'a str,
    rules: Rules,
    url: Url,
    hops: usize,
}

impl Way<'_> {
    /// The place to ask now, and its host.
    fn here(&self) -> Result<(&Url, HostKey)> {
        let url = &self.url;
        self.rules.check(url).map_err(|refused| refused.about(url))?;
        let key = HostKey::of_url(url).ok_or_else(|| Refused::Host.about(url))?;
        Ok((url, key))
    }

    /// Go where an answer leads; what has arrived is handed back.
    fn go<T>(&mut self, hop: Hop<T>) -> Result<Option<T>> {
        let next = match hop {
            Hop::Done(done) => return Ok(Some(done)),
            Hop::To(next) => next,
        };
        self.hops += 1;
        if self.hops > MAX_REDIRECTS {
            // About the address that was asked for: the last one tells nobody anything.
            return Err(Refused::Redirects.about(&parse(self.location)?));
        }
        if self.url.scheme() == "https" && next.scheme() == "http" {
            return Err(Refused::Downgrade.about(&next));
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
        let mut way = self.way(location)?;
        let told = loop {
            let (url, key) = way.here()?;
            let hop = self.hosts.guard(&key).call(|| self.head(url)).await?;
            if let Some(told) = way.go(hop)? {
                break told;
            }
        };
        if let Some(validator) = told {
            return Ok(validator);
        }
        let mut way = self.way(location)?;
        loop {
            let (url, key) = way.here()?;
            let hop = self.hosts.guard(&key).call(|| self.first_byte(url)).await?;
            if let Some(validator) = way.go(hop)? {
                return Ok(validator);
            }
        }
    }

    async fn fetch(&self, location: &str, spool: &Spool) -> Result<Fetched> {
        let mut way = self.way(location)?;
        loop {
            let (url, key) = way.here()?;
            let guard = self.hosts.guard(&key);
            let hop = guard.fetch(|slot| self.bring(location, url, spool, slot)).await?;
            if let Some(fetched) = way.go(hop)? {
                return Ok(fetched);
            }
        }
    }
}

/// Whether `location` may be asked, as far as it tells itself.
///
/// # Errors
/// `source.blocked` or `invalid_request.bad_url`.
pub(super) fn check(location: &str, allow_private: bool) -> Result<()> {
    let mut url = parse(location)?;
    url.set_fragment(None);
    Rules { allow_private }.check(&url).map_err(|refused| refused.about(&url))?;
    HostKey::of_url(&url).map(|_| ()).ok_or_else(|| Refused::Host.about(&url))
}

fn parse(location: &str) -> Result<Url> {
    Url::parse(location).map_err(|e| {
        Error::new(
            ErrorCode::BadUrl,
            format!("{} is no URL ({e}); write it as https://host/path", redacted(location)),
        )
        .with_source(e)
    })
}
