//! Which transcriber is asked, from the settings.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::command::CommandTranscriber;
use super::{KEY_ENV, Transcriber};
use crate::config::ParallelConfig;
use crate::error::{Error, Result};
use crate::media::tools::MediaLimits;
use crate::net::openai::ServerSettings;

/// Where a server takes requests, below its base address.
const PATH: &str = "/audio/transcriptions";
/// Longest time for a source or a piece of one.
const TIMEOUT: Duration = Duration::from_secs(4 * 3600);

/// How speech is transcribed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranscribeSettings {
    /// Who transcribes.
    pub transcriber: TranscriberSettings,
    /// Time for a source, or a piece that is sent to a server.
    pub timeout: Duration,
    /// Limits of the decoder.
    pub limits: MediaLimits,
}

/// Who transcribes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TranscriberSettings {
    /// A program with its arguments; see `transcribe_command`.
    Command(String),
    /// A server of the OpenAI form.
    Server {
        /// Its base address or its endpoint.
        url: String,
        /// The model.
        model: String,
        /// The environment variable with its key; empty for none.
        key_env: String,
        /// Whether it may have a private address.
        allow_private: bool,
    },
}

impl TranscribeSettings {
    /// What the settings of a batch say; `None` if speech is not to be transcribed.
    ///
    /// # Errors
    /// `config.invalid` if both a command and a server are named.
    pub fn from_settings(config: &ParallelConfig, limits: &MediaLimits) -> Result<Option<Self>> {
        let (command, url) = (config.transcribe_command.trim(), config.transcribe_url.trim());
        let transcriber = match (command.is_empty(), url.is_empty()) {
            (true, true) => return Ok(None),
            (false, false) => {
                return Err(Error::setting(
                    "transcribe_command",
                    "stands beside transcribe_url; name a command or a server, not both",
                ));
            }
            (false, true) => TranscriberSettings::Command(command.to_owned()),
            (true, false) => TranscriberSettings::Server {
                url: url.to_owned(),
                model: config.transcribe_model.trim().to_owned(),
                key_env: config.transcribe_key_env.trim().to_owned(),
                allow_private: config.allow_private,
            },
        };
        let limit = Duration::try_from_secs_f64(config.timeout).ok().filter(|t| !t.is_zero());
        let timeout = limit.unwrap_or(TIMEOUT);
        Ok(Some(Self { transcriber, timeout, limits: limits.clone() }))
    }

    /// The transcriber itself, with the key that this process's environment holds.
    ///
    /// # Errors
    /// `config.invalid` for settings that cannot be used, or a build without the feature `http`;
    /// `setup.missing_program` if the command's program is not there.
    pub fn transcriber(&self) -> Result<Arc<dyn Transcriber>> {
        match &self.transcriber {
            TranscriberSettings::Command(line) => {
                Ok(Arc::new(CommandTranscriber::new(line, self.timeout)?))
            }
            TranscriberSettings::Server { url, model, key_env, allow_private } => {
                let server = ServerSettings {
                    url: ("transcribe_url", url),
                    key_env: (KEY_ENV, key_env),
                    allow_private: *allow_private,
                    path: PATH,
                };
                let found = server.read(|name| std::env::var(name).ok())?;
                let Some((url, key)) = found else {
                    return Err(Error::setting("transcribe_url", "is empty; name a server"));
                };
                #[cfg(feature = "http")]
                return Ok(Arc::new(super::server::ServerTranscriber::new(
                    url,
                    model,
                    key,
                    *allow_private,
                    self.timeout,
                )?));
                #[cfg(not(feature = "http"))]
                {
                    let _ = (url, key, model);
                    Err(Error::setting(
                        "transcribe_url",
                        "needs HTTP, which this build of clipflow leaves out; build it with the feature http",
                    ))
                }
            }
        }
    }
}
