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
pub use place::{CommitLock, ListedFile, Place};
pub use schema::TableSchema;
pub use writer::{ShardWriter, TableWriter};

use std::fmt;
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

use crate::error::{Error, ErrorCode, Result};

/// A new file beside `target`, to be written and then given its name. Unlike other temporary files it
/// is for everybody whom the process's umask lets read: it will be a file of the user's.
///
/// # Errors
/// `store.write` about `target`.
pub(crate) fn new_file(target: &Path) -> Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder);
    file.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            let (target, folder) = (target.display(), folder.display());
            let message = format!("cannot write {target}: there is no folder {folder}; make it");
            Error::new(ErrorCode::StoreWrite, message).with_source(e)
        }
        // What it says otherwise names a file that nobody knows.
        kind => cannot_write(target, kind.into()),
    })
}

/// A `store.write` error about `path`.
pub(crate) fn cannot_write(path: &Path, cause: io::Error) -> Error {
    let hint = match cause.kind() {
        io::ErrorKind::StorageFull => "free space on the disk and run again",
        io::ErrorKind::PermissionDenied => "choose a folder you may write to",
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "a file is in the way; name a folder"
        }
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
        format!("cannot read {place} ({cause}); is it the folder or URL that a run has written its results to?"),
    )
    .with_source(cause)
}

/// A `store.read` error about a file of a table, which its manifest names; see [`Dataset::schema`] for what
/// is said of the table then.
fn lost_file(
    place: impl fmt::Display,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::new(ErrorCode::StoreRead, format!("cannot read {place} ({cause})")).with_source(cause)
}
