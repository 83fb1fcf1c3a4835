//! The guarded HTTP client: the only code that talks HTTP to servers named by requests or settings.
//!
//! Requests come from untrusted users, so the client takes no proxy from the environment, follows no
//! redirect by itself, checks every URL ([`target`]), connects to allowed addresses only
//! ([`address`]), and limits size, time and slowness. It retries nothing; see
//! [`crate::resilience::Hosts`].

pub(crate) mod address;
#[cfg(feature = "http")]
pub(crate) mod answer;
pub(crate) mod body;
#[cfg(feature = "http")]
pub(crate) mod client;
pub(crate) mod openai;
pub(crate) mod target;

use std::time::Duration;

use crate::config::ParallelConfig;

/// Limits of requests to web servers.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpConfig {
    /// Whether private and loopback addresses are allowed.
    pub allow_private: bool,
    /// Largest body in bytes.
    pub max_bytes: u64,
    /// Time limit of connecting, including name resolution and TLS.
    pub connect: Duration,
    /// Time limit from then until the head of the answer.
    pub first_byte: Duration,
    /// Lowest transfer rate in bytes per second, averaged over `window`.
    pub least_rate: u64,
    /// Window of `least_rate`.
    pub window: Duration,
    /// Time limit of the whole body; `None`: no limit while bytes arrive.
    pub timeout: Option<Duration>,
}

impl From<&ParallelConfig> for HttpConfig {
    fn from(config: &ParallelConfig) -> Self {
        let timeout = Duration::try_from_secs_f64(config.timeout).ok();
        Self {
            allow_private: config.allow_private,
            max_bytes: (config.max_source_gb * 1e9) as u64,
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(15),
            least_rate: 16 << 10,
            window: Duration::from_secs(30),
            timeout: timeout.filter(|t| !t.is_zero()),
        }
    }
}

impl HttpConfig {
    #[cfg(feature = "http")]
    pub(crate) fn rules(&self) -> target::UrlRules {
        target::UrlRules { allow_private: self.allow_private }
    }
}
