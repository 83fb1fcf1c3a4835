//! A results dataset: a folder with a folder per table, media files, and manifests.
//!
//! ```text
//! DIR/requests/<number>-<shard>.parquet   one file per table and commit
//!     outcomes/<number>-<shard>.parquet …
//!     media/<media_id>.mp4
//!     _commit/<number>.json               what a commit consists of; nothing else is read
//!     _staging/run-…/                 work in progress, removed at the end
//! ```
//!
//! A shard is what one run wrote. It becomes visible when its manifest does, in one step
//! (create-if-absent after everything it names was flushed). A run that answers requests which older
//! shards hold too, or analyses their sources in another way, takes over their other rows and names
//! those shards in `replaces`. Commits are numbered; one replaces earlier ones only.

mod dataset;
mod manifest;
mod schema;
mod writer;

pub use dataset::{CommitLock, Dataset};
pub use manifest::{FileEntry, Manifest};
pub use schema::TableSchema;
pub use writer::{ShardWriter, TableWriter};

use std::path::Path;

use crate::error::{Error, ErrorCode};

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

/// A `store.read` error about `path`.
pub(crate) fn cannot_read(
    path: &Path,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::new(
        ErrorCode::StoreRead,
        format!(
            "cannot read {} ({cause}); is it a folder that `clipflow run --out` wrote?",
            path.display()
        ),
    )
    .with_source(cause)
}
