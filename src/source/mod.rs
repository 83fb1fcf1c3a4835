//! From the place a request names to bytes on this machine.
//!
//! Each kind of place is a [`Source`]; [`Sources`] asks the one that serves a location.

mod local;
pub mod object;

use std::fmt::Debug;
use std::path::PathBuf;

use async_trait::async_trait;
pub use local::{LocalFiles, folder_of};

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::location::scheme;

/// A source that can be read as a file, for as long as this value lives.
#[derive(Debug, Clone)]
pub struct LocalCopy {
    /// Where the bytes are.
    pub path: PathBuf,
    /// What changes when the content does: size and modification time of a file, the entity tag of
    /// an object.
    pub validator: String,
}

/// One kind of place sources come from.
#[async_trait]
pub trait Source: Debug + Send + Sync {
    /// Whether this is the one to ask for `location` (an absolute path or URL, see
    /// [`crate::kernels::location::resolve`]).
    fn serves(&self, location: &str) -> bool;

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

    /// The kind that serves `location`.
    fn find(&self, location: &str) -> Result<&dyn Source> {
        self.kinds.iter().find(|k| k.serves(location)).map(AsRef::as_ref).ok_or_else(|| {
            let scheme = scheme(location).unwrap_or("this");
            Error::new(
                ErrorCode::SourceUnsupported,
                format!("clipflow cannot fetch {scheme}:// sources; download the video and name the file"),
            )
        })
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
