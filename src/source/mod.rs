//! From the place a request names to bytes on this machine.
//!
//! Each kind of place is a [`Source`]; [`Sources`] asks the one that serves a location. Places that
//! are reached over a network are [`Remote`]s, which [`Spooled`] makes sources of.

pub mod http;
mod local;
pub mod object;
pub(crate) mod program;
mod remote;
pub mod spool;
pub mod ytdlp;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
pub use local::{LocalFiles, folder_of};
pub use remote::{Fetched, Remote, Spooled};
use spool::{Lease, Spool};

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::youtube;
use crate::location::{Location, scheme};
use crate::net::HttpConfig;
use crate::resilience::{FetchSlot, Hosts};
use http::Http;
use object::{ObjectSource, is_object_url};
use ytdlp::{YtDlp, YtDlpConfig};

/// A source that can be read as a file, for as long as this value or a clone of it lives.
#[derive(Debug, Clone)]
pub struct LocalCopy {
    /// Where the bytes are.
    pub path: PathBuf,
    /// What changes when the content does: size and modification time of a file, the entity tag of
    /// an object.
    pub validator: String,
    /// Keeps a file of the spool, and holds back fetches of others while it waits for its turn.
    lease: Option<Arc<(Lease, Mutex<Option<FetchSlot>>)>>,
}

impl LocalCopy {
    /// A file of this machine.
    pub fn new(path: impl Into<PathBuf>, validator: impl Into<String>) -> Self {
        Self { path: path.into(), validator: validator.into(), lease: None }
    }

    /// A file of the spool, and the slot that its fetch took.
    pub fn leased(file: Lease, slot: Option<FetchSlot>) -> Self {
        let (path, validator) = (file.path().to_path_buf(), file.validator().to_owned());
        Self { path, validator, lease: Some(Arc::new((file, Mutex::new(slot)))) }
    }

    /// Work on the file begins: another one may be fetched.
    pub fn started(&self) {
        if let Some(lease) = &self.lease {
            let slot = lease.1.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(slot);
        }
    }
}

/// One kind of place sources come from.
#[async_trait]
pub trait Source: Debug + Send + Sync {
    /// Whether this is the one to ask for `location` (an absolute path or URL, see
    /// [`crate::location::resolve`]).
    fn serves(&self, location: &str) -> bool;

    /// Whether opening a source may take the network.
    fn is_remote(&self) -> bool {
        false
    }

    /// The validator alone, without fetching. `Ok(None)` if it takes a fetch to know.
    ///
    /// # Errors
    /// As [`Source::open`].
    async fn validator(&self, location: &str) -> Result<Option<String>>;

    /// Make the bytes available. Dropping the future ends the fetch.
    ///
    /// # Errors
    /// A `source.*` code with a sentence for the person who wrote the request.
    async fn open(&self, location: &str) -> Result<LocalCopy>;
}

/// All kinds of places, asked in order.
#[derive(Debug)]
pub struct Sources {
    kinds: Vec<Box<dyn Source>>,
}

impl Sources {
    /// Sources of these kinds.
    pub fn new(kinds: Vec<Box<dyn Source>>) -> Self {
        Self { kinds }
    }

    /// Every kind there is: files and objects under `roots`, YouTube, web servers. What is fetched
    /// goes through one spool, and through `hosts`.
    pub fn standard(
        roots: impl IntoIterator<Item = impl Into<Location>>,
        config: &ParallelConfig,
        hosts: &Hosts,
    ) -> Self {
        let roots: Vec<Location> = roots.into_iter().map(Into::into).collect();
        let folders = roots.iter().filter_map(Location::as_path).map(Path::to_path_buf);
        let spool = Spool::from_config(config);
        let youtube = YtDlp::new(YtDlpConfig::from(config), hosts.clone());
        let http = Http::new(HttpConfig::from(config), hosts.clone());
        Self::new(vec![
            Box::new(LocalFiles::new(folders)),
            Box::new(Spooled::new(ObjectSource::new(&roots, config, hosts.clone()), spool.clone())),
            Box::new(Spooled::new(youtube, spool.clone())),
            Box::new(Spooled::new(http, spool)),
        ])
    }

    /// The kind that serves `location`.
    fn find(&self, location: &str) -> Result<&dyn Source> {
        let kind = self.kinds.iter().find(|k| k.serves(location)).map(AsRef::as_ref);
        kind.ok_or_else(|| unserved(location))
    }

    /// Whether opening `location` may take the network; `false` if nobody serves it.
    pub fn is_remote(&self, location: &str) -> bool {
        self.find(location).is_ok_and(Source::is_remote)
    }

    /// See [`Source::validator`].
    ///
    /// # Errors
    /// `source.unsupported` for a scheme nobody serves, else as [`Source::validator`].
    pub async fn validator(&self, location: &str) -> Result<Option<String>> {
        self.find(location)?.validator(location).await
    }

    /// See [`Source::open`].
    ///
    /// # Errors
    /// `source.unsupported` for a scheme nobody serves, else as [`Source::open`].
    pub async fn open(&self, location: &str) -> Result<LocalCopy> {
        self.find(location)?.open(location).await
    }
}

/// Why none of [`Sources::standard`] opens `location`, as far as it tells itself: no disk and no network
/// is asked. The error is the one that opening it would give.
pub fn refusal(location: &str, allow_private: bool) -> Option<Error> {
    let scheme = scheme(location)?.to_ascii_lowercase();
    if is_object_url(location) {
        return None;
    }
    if youtube::is_youtube(location) {
        return ytdlp::video_id(location).err();
    }
    match scheme.as_str() {
        "http" | "https" => http::check(location, allow_private).err(),
        _ => Some(unserved(location)),
    }
}

fn unserved(location: &str) -> Error {
    let scheme = scheme(location).unwrap_or("this");
    Error::new(
        ErrorCode::SourceUnsupported,
        format!("clipflow cannot fetch {scheme}:// sources; download the video and name the file"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_unseen_and_what_takes_a_look() {
        let code = |location: &str, private| refusal(location, private).map(|e| e.code());
        use ErrorCode::{SourceBlocked, SourceUnsupported};
        for (location, wanted, on_private) in [
            ("/videos/a.mp4", None, None),
            ("s3://bucket/a.mp4", None, None),
            ("https://example.com/a.mp4?sig=x", None, None),
            ("https://youtu.be/dQw4w9WgXcQ", None, None),
            ("htp://example.com/a.mp4", Some(SourceUnsupported), Some(SourceUnsupported)),
            ("ftp://example.com/a.mp4", Some(SourceUnsupported), Some(SourceUnsupported)),
            (
                "https://www.youtube.com/playlist?list=PL1",
                Some(SourceUnsupported),
                Some(SourceUnsupported),
            ),
            ("https://u:p@example.com/a.mp4", Some(SourceBlocked), Some(SourceBlocked)),
            ("http://127.0.0.1/a.mp4", Some(SourceBlocked), None),
            ("http://nas:9000/a.mp4", Some(SourceBlocked), None),
            ("http://169.254.169.254/a", Some(SourceBlocked), Some(SourceBlocked)),
        ] {
            assert_eq!(code(location, false), wanted, "{location}");
            assert_eq!(code(location, true), on_private, "{location}");
        }
    }
}
