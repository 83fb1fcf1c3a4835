//! Servers of the OpenAI form: where they are and the key that they take, from the settings.

use url::Url;

use super::target::{UrlRefusal, UrlRules};
use crate::error::{Error, ErrorCode, Result};
use crate::location::redacted;

/// The settings of a server, by name and value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerSettings<'a> {
    /// The setting with its address.
    pub(crate) url: (&'static str, &'a str),
    /// The setting with the name of the environment variable that holds its key.
    pub(crate) key_env: (&'static str, &'a str),
    /// Whether private and loopback addresses are allowed.
    pub(crate) allow_private: bool,
    /// Where the server takes requests, below its base address.
    pub(crate) path: &'static str,
}

impl ServerSettings<'_> {
    /// The address that requests go to and the key; `None` if no address is given. `variable` gives the value of an
    /// environment variable.
    ///
    /// # Errors
    /// `config.invalid` if the address or the key cannot be used.
    pub(crate) fn read(
        &self,
        variable: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Option<(Url, Option<String>)>> {
        let given = self.url.1.trim();
        if given.is_empty() {
            return Ok(None);
        }
        let url = self.endpoint(given)?;
        let rules = UrlRules { allow_private: self.allow_private };
        rules.check(&url).map_err(|refused| self.not_allowed(&url, refused))?;
        let (setting, name) = self.key_env;
        let key = match name.is_empty() {
            true => None,
            false => Some(variable(name).filter(|key| !key.trim().is_empty()).ok_or_else(|| {
                wrong(format!("the environment variable {name} that {setting} names is not set; set it or leave {setting} empty"))
            })?),
        };
        if key.is_some() && url.scheme() == "http" && !self.allow_private {
            return Err(wrong(format!(
                "{} {} would send the key unencrypted; use https",
                self.url.0,
                redacted(url.as_str())
            )));
        }
        #[cfg(feature = "http")]
        authorization(key.as_deref(), setting)?;
        Ok(Some((url, key)))
    }

    /// The address that requests go to: a base address is completed.
    fn endpoint(&self, given: &str) -> Result<Url> {
        let mut url = Url::parse(given).map_err(|e| {
            wrong(format!(
                "{} {} is no URL ({e}); give one such as https://host/v1",
                self.url.0,
                redacted(given)
            ))
        })?;
        let path = url.path().trim_end_matches('/').to_owned();
        match path.as_str() {
            "" => url.set_path(&format!("/v1{}", self.path)),
            path if path.ends_with(self.path) => {}
            path => url.set_path(&format!("{path}{}", self.path)),
        }
        Ok(url)
    }

    fn not_allowed(&self, url: &Url, refused: UrlRefusal) -> Error {
        let (setting, place) = (self.url.0, redacted(url.as_str()));
        wrong(match refused {
            UrlRefusal::Private | UrlRefusal::Port(_) => format!(
                "{setting} {place} is on this machine or network, or at a port where no public server is expected; set allow_private to ask a model there"
            ),
            other => format!("{setting} {place} {other}"),
        })
    }
}

/// The header with the key; none without one.
///
/// # Errors
/// `config.invalid`, naming `setting`, for a key that no header can hold.
#[cfg(feature = "http")]
pub(crate) fn authorization(
    key: Option<&str>,
    setting: &str,
) -> Result<reqwest::header::HeaderMap> {
    use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.trim())).map_err(|_| {
            wrong(format!(
                "the key that {setting} names holds characters that no header can; set it anew"
            ))
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn wrong(sentence: String) -> Error {
    Error::new(ErrorCode::ConfigInvalid, sentence)
}
