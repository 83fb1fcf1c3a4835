//! A results dataset: a folder, or a prefix of an object store, with a folder per table, media files,
//! and manifests.
//!
//! ```text
//! DIR/requests/<number>-<shard>.parquet   one file per table and commit
//!     outcomes/<number>-<shard>.parquet …
//!     media/<media_id>.mp4
//!     _commit/<number>.json               manifest of a commit; readers see only what manifests name
//!     _staging/run-…/                     work in progress, removed at the end
//!     _replaced/TABLE/…                   files of replaced shards, for readers that opened the results before
//! ```
//!
//! A shard is the output of one run. It becomes visible atomically with its manifest (create-if-absent,
//! after all files it names were flushed). A run that answers requests of older shards, or analyses their
//! sources differently, takes over their other rows and names those shards in `replaces`. Commits are
//! numbered; a commit replaces only earlier ones. Files and manifests of replaced shards are kept for
//! [`KEEP_REPLACED`]. A manifest that lists all live commits makes older ones that it does not list obsolete:
//! compaction writes one, so that the results are opened without a look at all manifests that ever were.
//!
//! In an object store ([`ObjectStoreRoot`]) no name is ever written with two contents: names of table
//! files end in a number of the attempt, those of media files in the hash of the content, and replaced
//! manifests stay until `clipflow gc`.

mod dataset;
mod folder;
mod inventory;
mod manifest;
mod objects;
mod replaced;
mod root;
mod schema;
mod staging;
mod writer;

pub use dataset::Dataset;
pub use inventory::{ManifestFile, StoredFile};
pub use manifest::{FileEntry, Manifest};
pub use objects::{ObjectStoreRoot, PublishedMedia};
pub use replaced::{KEEP_REPLACED, REPLACED_FOLDER, SnapshotStore, is_table_file};
pub use root::{CommitLock, DatasetRoot, ListedFile};
pub use schema::TableSchema;
pub use writer::{ShardWriter, TableWriter};

use std::fmt;
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

use crate::error::{Error, ErrorCode, Result};

/// Creates a temporary file beside `target`, to be renamed to it. Its permissions follow the umask of
/// the process, since it becomes a file of the user.
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
            let message = format!("cannot write {target}: there is no folder {folder}; create it");
            Error::new(ErrorCode::StoreWrite, message).with_source(e)
        }
        // The original message names the temporary file, which the user does not know.
        kind => cannot_write(target, kind.into()),
    })
}

/// A `store.write` error about `path`.
pub(crate) fn cannot_write(path: &Path, cause: io::Error) -> Error {
    let hint = match cause.kind() {
        io::ErrorKind::StorageFull => "free space on the disk and run again",
        io::ErrorKind::PermissionDenied => "choose a folder you may write to",
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "there is a file of that name; choose a folder"
        }
        _ => "check the disk and run again",
    };
    Error::new(ErrorCode::StoreWrite, format!("cannot write {} ({cause}); {hint}", path.display()))
        .with_source(cause)
}

/// Creates a temporary folder, which is removed when it is dropped.
pub(crate) fn temporary_folder() -> Result<TempDir> {
    tempfile::tempdir().map_err(|cause| {
        let message = format!("cannot create a temporary folder ({cause}); set TMPDIR");
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

/// A `store.read` error about a table file that a manifest names; [`Dataset::schema`] adds the hint for
/// the table.
fn lost_file(
    place: impl fmt::Display,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::new(ErrorCode::StoreRead, format!("cannot read {place} ({cause})")).with_source(cause)
}
