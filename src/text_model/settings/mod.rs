//! Where a language model is and how it is asked, from the settings.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::config::ParallelConfig;
use crate::error::Result;
use crate::location::redacted;
use crate::net::openai::ServerSettings;

/// A model may think before it answers, but not for longer.
const FIRST_BYTE: Duration = Duration::from_secs(60);
/// The setting that names the variable with the key.
pub(super) const KEY_ENV: &str = "text_model_key_env";
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
        let Some((url, key)) = server(config).read(variable)? else { return Ok(None) };
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

/// The settings of the server.
fn server(config: &ParallelConfig) -> ServerSettings<'_> {
    ServerSettings {
        url: ("text_model_url", &config.text_model_url),
        key_env: (KEY_ENV, &config.text_model_key_env),
        allow_private: config.allow_private,
        path: PATH,
    }
}

#[cfg(test)]
mod tests;
