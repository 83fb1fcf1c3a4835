//! Sources: from the location in a request to a local file.
//!
//! Each kind of location is a [`Source`]; [`Sources`] selects the one that serves a location. Those
//! reached over a network implement [`Remote`] and become sources by [`SpooledSource`].

mod beside;
#[cfg(feature = "http")]
#[doc(hidden)]
pub mod http;
mod local;
pub(crate) mod object;
pub(crate) mod program;
mod remote;
#[doc(hidden)]
pub mod spool;
#[cfg(feature = "youtube")]
#[doc(hidden)]
pub mod ytdlp;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
pub use local::{LocalFiles, folder_of};
pub use remote::{Fetched, Remote, SpooledSource};
use spool::{Lease, Spool};

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::youtube;
use crate::location::{Location, scheme};
use crate::resilience::{FetchSlot, Hosts};
use crate::sandbox::PinnedFile;
use object::{ObjectSource, is_object_url};

/// A source as a local file, which exists as long as this value or a clone of it.
#[derive(Debug, Clone)]
pub struct LocalCopy {
    /// The file.
    pub path: PathBuf,
    /// Changes with the content: size and modification time of a file, the entity tag of an object.
    pub validator: String,
    /// Device and inode of a local file that was checked, so that no other file is read in its place.
    pub(crate) file: Option<(u64, u64)>,
    /// Keeps the file in the spool, and the fetch slot until work on it starts.
    lease: Option<Arc<(Lease, Mutex<Option<FetchSlot>>)>>,
}

impl LocalCopy {
    /// A file of this machine that is not in the spool.
    pub fn new(path: impl Into<PathBuf>, validator: impl Into<String>) -> Self {
        Self { path: path.into(), validator: validator.into(), file: None, lease: None }
    }

    /// A file that was checked, whatever its name leads to later.
    pub(crate) fn pinned(file: PinnedFile, validator: impl Into<String>) -> Self {
        Self { file: Some(file.id), ..Self::new(file.path, validator) }
    }

    /// A file of the spool, with the slot of its fetch.
    pub fn leased(file: Lease, slot: Option<FetchSlot>) -> Self {
        let (path, validator) = (file.path().to_path_buf(), file.validator().to_owned());
        Self { path, validator, file: None, lease: Some(Arc::new((file, Mutex::new(slot)))) }
    }

    /// Whether the file was fetched for this copy, and not found in the spool or on this machine.
    pub(crate) fn is_fetched(&self) -> bool {
        let slot = |lease: &Arc<(Lease, Mutex<Option<FetchSlot>>)>| {
            lease.1.lock().unwrap_or_else(PoisonError::into_inner).is_some()
        };
        self.lease.as_ref().is_some_and(slot)
    }

    /// Releases the fetch slot when work on the file starts.
    pub fn started(&self) {
        if let Some(lease) = &self.lease {
            let slot = lease.1.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(slot);
        }
    }
}

/// One kind of location that sources come from.
#[async_trait]
pub trait Source: Debug + Send + Sync {
    /// Whether this kind serves `location`, an absolute path or URL (see [`crate::location::resolve`]).
    fn serves(&self, location: &str) -> bool;

    /// Whether opening a source may use the network.
    fn is_remote(&self) -> bool {
        false
    }

    /// The validator, without fetching; `Ok(None)` if only a fetch can tell.
    ///
    /// # Errors
    /// As [`Source::open`].
    async fn validator(&self, location: &str) -> Result<Option<String>>;

    /// Makes the source available as a file. Dropping the future cancels the fetch.
    ///
    /// # Errors
    /// A `source.*` code with a sentence for the author of the request.
    async fn open(&self, location: &str) -> Result<LocalCopy>;
}

/// All kinds of sources, in order of precedence.
#[derive(Debug)]
pub struct Sources {
    kinds: Vec<Box<dyn Source>>,
}

impl Sources {
    /// Sources of these kinds.
    pub fn new(kinds: Vec<Box<dyn Source>>) -> Self {
        Self { kinds }
    }

    /// Every kind of this build: files and objects under `roots`, YouTube, web servers. Fetches share one
    /// spool and the limits of `hosts`.
    pub fn standard(
        roots: impl IntoIterator<Item = impl Into<Location>>,
        config: &ParallelConfig,
        hosts: &Hosts,
    ) -> Self {
        let roots: Vec<Location> = roots.into_iter().map(Into::into).collect();
        let folders = roots.iter().filter_map(Location::as_path).map(Path::to_path_buf);
        let spool = Spool::from_config(config);
        let objects = ObjectSource::new(&roots, config, hosts.clone());
        Self::new(vec![
            Box::new(LocalFiles::new(folders)),
            Box::new(SpooledSource::new(objects, spool.clone())),
            #[cfg(feature = "youtube")]
            Box::new(SpooledSource::new(
                ytdlp::YtDlp::new(config.into(), hosts.clone()),
                spool.clone(),
            )),
            #[cfg(feature = "http")]
            Box::new(SpooledSource::new(http::Http::new(config.into(), hosts.clone()), spool)),
        ])
    }

    /// The kind that serves `location`.
    fn find(&self, location: &str) -> Result<&dyn Source> {
        if let Some(error) = left_out(location) {
            return Err(error);
        }
        let kind = self.kinds.iter().find(|k| k.serves(location)).map(AsRef::as_ref);
        kind.ok_or_else(|| unserved(location))
    }

    /// Whether opening `location` may take the network; `false` if it is not served.
    pub fn is_remote(&self, location: &str) -> bool {
        self.find(location).is_ok_and(Source::is_remote)
    }

    /// See [`Source::validator`].
    ///
    /// # Errors
    /// `source.unsupported` for a scheme that is not served, else as [`Source::validator`].
    pub async fn validator(&self, location: &str) -> Result<Option<String>> {
        self.find(location)?.validator(location).await
    }

    /// See [`Source::open`].
    ///
    /// # Errors
    /// `source.unsupported` for a scheme that is not served, else as [`Source::open`].
    pub async fn open(&self, location: &str) -> Result<LocalCopy> {
        self.find(location)?.open(location).await
    }
}

/// Why [`Sources::standard`] cannot open `location`, judged by its text without disk or network. The
/// error is the one that opening it would return.
pub fn refusal(location: &str, allow_private: bool) -> Option<Error> {
    scheme(location)?;
    if is_object_url(location) {
        return None;
    }
    if let Some(error) = left_out(location) {
        return Some(error);
    }
    #[cfg(feature = "youtube")]
    if youtube::is_youtube(location) {
        return ytdlp::video_id(location).err();
    }
    if is_web(location) {
        #[cfg(feature = "http")]
        return http::check(location, allow_private).err();
    }
    #[cfg(not(feature = "http"))]
    let _ = allow_private;
    Some(unserved(location))
}

fn is_web(location: &str) -> bool {
    scheme(location)
        .is_some_and(|s| s.eq_ignore_ascii_case("http") || s.eq_ignore_ascii_case("https"))
}

/// The error for a location whose kind this build leaves out.
fn left_out(location: &str) -> Option<Error> {
    let (is_there, what, feature) = match youtube::is_youtube(location) {
        true => (cfg!(feature = "youtube"), "YouTube videos", "youtube"),
        false if is_web(location) => (cfg!(feature = "http"), "web addresses", "http"),
        false => return None,
    };
    let message = format!(
        "this build of clipflow does not fetch {what}; download the video and name the file, or build it with the feature {feature}"
    );
    (!is_there).then(|| Error::new(ErrorCode::SourceUnsupported, message))
}

fn unserved(location: &str) -> Error {
    let scheme = scheme(location).unwrap_or("this");
    Error::new(
        ErrorCode::SourceUnsupported,
        format!("clipflow cannot fetch {scheme}:// sources; download the video and name the file"),
    )
}

#[cfg(all(test, feature = "http", feature = "youtube"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_rejected_by_its_text_alone() {
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
