//! A results dataset: a folder, or a prefix of an object store, with a folder per table, media files,
//! and manifests.
//!
//! ```text
//! DIR/requests/<number>-<shard>.parquet   one file per table and commit
//!     outcomes/<number>-<shard>.parquet …
//!     media/<media_id>.mp4
//!     _commit/<number>.json               what a commit consists of; nothing else is read
//!     _staging/run-…/                     work in progress, removed at the end
//! ```
//!
//! A shard is what one run wrote. It becomes visible when its manifest does, in one step
//! (create-if-absent after everything it names was flushed). A run that answers requests which older
//! shards hold too, or analyses their sources in another way, takes over their other rows and names
//! those shards in `replaces`. Commits are numbered; one replaces earlier ones only.
//!
//! In an object store ([`Objects`]) no name is ever written twice with different content: table
//! files end in a number of the attempt, media files in the hash of their content, and manifests
//! stay when they are replaced.

mod dataset;
mod folder;
mod manifest;
mod objects;
mod place;
mod schema;
mod staging;
mod writer;

pub use dataset::Dataset;
pub use manifest::{FileEntry, Manifest};
pub use objects::{Objects, Published};
pub use place::{CommitLock, Place};
pub use schema::TableSchema;
pub use writer::{ShardWriter, TableWriter};

use std::fmt;
use std::path::Path;

use tempfile::TempDir;

use crate::error::{Error, ErrorCode, Result};

/// A `store.write` error about `path`.
pub(crate) fn cannot_write(path: &Path, cause: std::io::Error) -> Error {
    let hint = match cause.kind() {
        std::io::ErrorKind::StorageFull => "free space on the disk and run again",
        std::io::ErrorKind::PermissionDenied => "choose a folder you may write to",
        _ => "check the disk and run again",
    };
    Error::new(ErrorCode::StoreWrite, format!("cannot write {} ({cause}); {hint}", path.display()))
        .with_source(cause)
}

/// A folder of the system's for temporary files, removed when it is dropped.
pub(crate) fn temporary_folder() -> Result<TempDir> {
    tempfile::tempdir().map_err(|cause| {
        let message = format!("cannot make a temporary folder ({cause}); set TMPDIR");
        Error::new(ErrorCode::StoreWrite, message).with_source(cause)
    })
}

/// A `store.read` error about `place`.
pub(crate) fn cannot_read(
    place: impl fmt::Display,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::new(
        ErrorCode::StoreRead,
        format!("cannot read {place} ({cause}); is it what `clipflow run --out` wrote?"),
    )
    .with_source(cause)
}
