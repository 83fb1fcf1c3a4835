//! YouTube videos, fetched by yt-dlp.
//!
//! yt-dlp is confined to fetching one video into an empty folder. It never sees the text of a request: the
//! address is rebuilt from the id of the video. It reads no configuration, cookies, netrc or plugins, and
//! its environment holds only `PATH` and a home directory, which is the empty folder.

mod page;
mod process;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use process::{FetchedVideo, YtDlpFetch};

use super::spool::Spool;
use super::{Fetched, Remote, program};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::redacted;
use crate::location::youtube;
use crate::resilience::{FetchSlot, HostKey, Hosts};
use crate::sandbox::SandboxMode;

/// Environment variable with the program, if it is not on `PATH`.
const VARIABLE: &str = "CLIPFLOW_YTDLP";
/// Default time limit of one video.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// Program and limits of yt-dlp.
#[derive(Debug, Clone, PartialEq)]
pub struct YtDlpConfig {
    /// The program; `None` if it is not installed.
    pub program: Option<PathBuf>,
    /// Largest video, in bytes.
    pub max_bytes: u64,
    /// Largest height of the requested picture, in pixels.
    pub max_height: u32,
    /// Time limit of one video.
    pub timeout: Duration,
    /// Whether it may write to its own folder only.
    pub sandbox: SandboxMode,
}

impl From<&ParallelConfig> for YtDlpConfig {
    fn from(config: &ParallelConfig) -> Self {
        let path = std::env::var_os("PATH");
        let timeout = Duration::try_from_secs_f64(config.timeout).ok().filter(|t| !t.is_zero());
        Self {
            program: program::find("yt-dlp", std::env::var_os(VARIABLE), path.as_deref()),
            max_bytes: (config.max_source_gb * 1e9) as u64,
            max_height: 1080,
            timeout: timeout.unwrap_or(TIMEOUT),
            sandbox: config.sandbox,
        }
    }
}

/// Fetches from YouTube; see the module.
#[derive(Debug)]
pub struct YtDlp {
    config: YtDlpConfig,
    hosts: Hosts,
}

impl YtDlp {
    /// Runs yt-dlp within the limits of `hosts`.
    pub fn new(config: YtDlpConfig, hosts: Hosts) -> Self {
        Self { config, hosts }
    }

    async fn bring(
        &self,
        fetch: YtDlpFetch<'_>,
        location: &str,
        spool: &Spool,
        slot: FetchSlot,
    ) -> Result<Fetched> {
        let validator = validator(fetch.id);
        let FetchedVideo { path, beside, bytes, room } = fetch.run(spool).await?;
        Ok(Fetched { file: spool.keep(location, &validator, (path, beside), bytes, room), slot })
    }
}

#[async_trait]
impl Remote for YtDlp {
    fn serves(&self, location: &str) -> bool {
        youtube::is_youtube(location)
    }

    /// The id: a video that changes gets a new one.
    async fn validator(&self, location: &str) -> Result<Option<String>> {
        Ok(Some(validator(&video_id(location)?)))
    }

    async fn fetch(&self, location: &str, spool: &Spool) -> Result<Fetched> {
        let id = video_id(location)?;
        let program = self.config.program.as_deref().ok_or_else(missing)?;
        let url = format!("https://www.youtube.com/watch?v={id}");
        // All fetches count for one host, whichever servers yt-dlp contacts.
        let key = HostKey::of("https://youtu.be/")
            .ok_or_else(|| Error::new(ErrorCode::Internal, "the address of YouTube has no host"))?;
        let fetch = YtDlpFetch { config: &self.config, program, id: &id, url: &url };
        self.hosts.guard(&key).fetch(|slot| self.bring(fetch, location, spool, slot)).await
    }
}

fn validator(id: &str) -> String {
    format!("youtube-{id}")
}

/// The id of the one video that `location` names.
///
/// # Errors
/// `source.unsupported` if it names none, or a playlist.
pub(super) fn video_id(location: &str) -> Result<String> {
    youtube::video_id(location).ok_or_else(|| {
        Error::new(
            ErrorCode::SourceUnsupported,
            format!(
                "{} names no single video; give the address of one, such as https://youtu.be/dQw4w9WgXcQ",
                redacted(location)
            ),
        )
    })
}

fn missing() -> Error {
    let message = if std::env::var_os(VARIABLE).is_some() {
        format!("{VARIABLE} does not name a program that can be run; correct or unset it")
    } else {
        format!(
            "yt-dlp, which fetches YouTube videos, is not installed: run `pipx install yt-dlp`, or set {VARIABLE} to its path"
        )
    };
    Error::new(ErrorCode::SetupMissingProgram, message)
}
