//! Where a language model is and how it is asked, from the settings.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::redacted;
use crate::net::target::{UrlRefusal, UrlRules};

/// A model may think before it answers, but not for longer.
const FIRST_BYTE: Duration = Duration::from_secs(60);
/// Where an OpenAI-compatible server takes requests, below its base address.
const PATH: &str = "/chat/completions";

/// Where a language model is, and how it is asked.
#[derive(Clone)]
pub struct TextModelConfig {
    /// The endpoint.
    pub url: Url,
    /// Name of the model.
    pub model: String,
    /// Sent as a bearer token; never shown.
    pub key: Option<String>,
    /// Whether private and loopback addresses may be asked.
    pub allow_private: bool,
    /// Time until an answer is complete.
    pub timeout: Duration,
}

impl fmt::Debug for TextModelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextModelConfig")
            .field("url", &redacted(self.url.as_str()))
            .field("model", &self.model)
            .field("key", &self.key.as_ref().map(|_| "…"))
            .field("allow_private", &self.allow_private)
            .field("timeout", &self.timeout)
            .finish()
    }
}

impl TextModelConfig {
    /// What the settings say; `None` if no model is to be asked. `variable` gives the value of an
    /// environment variable.
    ///
    /// # Errors
    /// `config.invalid` if the address or the key cannot be used.
    pub fn from_settings(
        config: &ParallelConfig,
        variable: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Option<Self>> {
        let given = config.text_model_url.trim();
        if given.is_empty() {
            return Ok(None);
        }
        let url = endpoint(given)?;
        let rules = UrlRules { allow_private: config.allow_private };
        rules.check(&url).map_err(|refused| not_allowed(&url, refused))?;
        let name = &*config.text_model_key_env;
        let key = match name.is_empty() {
            true => None,
            false => Some(variable(name).filter(|key| !key.trim().is_empty()).ok_or_else(|| {
                wrong(format!("the environment variable {name} that text_model_key_env names is not set; set it or leave text_model_key_env empty"))
            })?),
        };
        if key.is_some() && url.scheme() == "http" && !config.allow_private {
            return Err(wrong(format!(
                "text_model_url {} would send the key unencrypted; use https",
                redacted(url.as_str())
            )));
        }
        let limit = Duration::try_from_secs_f64(config.timeout).ok().filter(|t| !t.is_zero());
        Ok(Some(Self {
            url,
            model: config.text_model_name.to_string(),
            key,
            allow_private: config.allow_private,
            timeout: limit.map_or(FIRST_BYTE, |limit| limit.min(FIRST_BYTE)),
        }))
    }
}

/// The address that requests go to: a base address is completed.
fn endpoint(given: &str) -> Result<Url> {
    let mut url = Url::parse(given).map_err(|e| {
        wrong(format!(
            "text_model_url {} is no URL ({e}); give one such as https://host/v1",
            redacted(given)
        ))
    })?;
    let path = url.path().trim_end_matches('/').to_owned();
    match path.as_str() {
        "" => url.set_path(&format!("/v1{PATH}")),
        path if path.ends_with(PATH) => {}
        path => url.set_path(&format!("{path}{PATH}")),
    }
    Ok(url)
}

pub(super) fn not_allowed(url: &Url, refused: UrlRefusal) -> Error {
    let place = redacted(url.as_str());
    wrong(match refused {
        UrlRefusal::Private | UrlRefusal::Port(_) => format!(
            "text_model_url {place} is on this machine or network, or at a port where no public server is expected; set allow_private to ask a model there"
        ),
        other => format!("text_model_url {place} {other}"),
    })
}

pub(super) fn wrong(sentence: String) -> Error {
    Error::new(ErrorCode::ConfigInvalid, sentence)
}

#[cfg(test)]
mod tests;
