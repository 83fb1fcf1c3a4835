//! Limits on the body of an answer: how large, how slow, how long.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::HttpConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::redacted;

/// Checks the transfer rate of a body, window by window, and its total time.
pub(crate) struct TransferPace {
    window: Duration,
    least: u64,
    window_ends: Instant,
    bytes: u64,
    limit: Option<Duration>,
    ends: Option<Instant>,
}

impl TransferPace {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        let now = Instant::now();
        Self {
            window: config.window,
            least: (config.least_rate as f64 * config.window.as_secs_f64()) as u64,
            window_ends: now + config.window,
            bytes: 0,
            limit: config.timeout,
            ends: config.timeout.map(|limit| now + limit),
        }
    }

    pub(crate) fn next_check(&self) -> Instant {
        self.ends.map_or(self.window_ends, |end| end.min(self.window_ends))
    }

    pub(crate) fn forgive(&mut self, waited: Duration) {
        self.window_ends += waited;
        self.ends = self.ends.map(|end| end + waited);
    }

    /// Records that `bytes` have arrived.
    ///
    /// # Errors
    /// `source.unreachable` if the transfer is too slow or takes too long.
    pub(crate) fn check(&mut self, bytes: u64, url: &Url) -> Result<()> {
        let now = Instant::now();
        self.bytes += bytes;
        if let (Some(limit), true) = (self.limit, self.ends.is_some_and(|end| now >= end)) {
            let place = redacted(url.as_str());
            return Err(Error::new(
                ErrorCode::SourceUnreachable,
                format!("{place} was not fetched within {} s; raise timeout", limit.as_secs_f64()),
            ));
        }
        if now < self.window_ends {
            return Ok(());
        }
        if self.bytes < self.least {
            let place = redacted(url.as_str());
            let rate = self.least as f64 / self.window.as_secs_f64() / 1024.0;
            return Err(Error::new(
                ErrorCode::SourceUnreachable,
                format!("{place} transfers less than {rate:.0} KiB per second; run again later"),
            ));
        }
        self.bytes = 0;
        self.window_ends = now + self.window;
        Ok(())
    }
}

pub(crate) fn too_large(url: &Url, config: &HttpConfig) -> Error {
    let (place, gb) = (redacted(url.as_str()), config.max_bytes as f64 / 1e9);
    Error::new(
        ErrorCode::SourceTooLarge,
        format!("{place} is larger than {gb} GB; shorten it or raise max_source_gb"),
    )
}

pub(crate) fn empty(url: &Url) -> Error {
    let place = redacted(url.as_str());
    Error::new(ErrorCode::SourceTruncated, format!("{place} is empty; upload the file again"))
}

/// The connection ended before the content did; a retry may succeed.
pub(crate) fn broken(
    url: &Url,
    written: u64,
    length: Option<u64>,
    cause: Option<&dyn std::fmt::Display>,
) -> Error {
    let place = redacted(url.as_str());
    let of = length.map_or_else(String::new, |n| format!(" of {n}"));
    let why = cause.map_or_else(String::new, |c| format!(" ({c})"));
    Error::new(
        ErrorCode::SourceTruncated,
        format!("{place} broke off after {written}{of} bytes{why}; run again later"),
    )
    .with_retry_after(Duration::ZERO)
}
