//! A file of the spool that is being written.

use std::path::{Path, PathBuf};

use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

use super::{Lease, Reservation, Spool, blocking, cannot_spool};
use crate::error::Result;

/// A source being written. Dropped before [`SpoolFile::keep`], it is removed.
#[derive(Debug)]
pub struct SpoolFile {
    file: tokio::fs::File,
    path: TempPath,
    beside: Vec<TempPath>,
    folder: PathBuf,
    room: Reservation,
    written: u64,
    hasher: blake3::Hasher,
}

impl SpoolFile {
    pub(super) async fn create(folder: &Path, room: Reservation) -> Result<Self> {
        let owned = folder.to_path_buf();
        let (file, path) = blocking(move || {
            let new = tempfile::Builder::new().prefix("fetch-").tempfile_in(&owned);
            new.map(tempfile::NamedTempFile::into_parts).map_err(|e| cannot_spool(&owned, e))
        })
        .await?;
        let file = tokio::fs::File::from_std(file);
        let folder = folder.to_path_buf();
        let (written, hasher) = (0, blake3::Hasher::new());
        Ok(Self { file, path, beside: vec![], folder, room, written, hasher })
    }

    /// Appends bytes, and waits for space if there are more than announced.
    ///
    /// # Errors
    /// `store.write` if the disk is full, else as [`Reservation::grow_to`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let end = self.written + bytes.len() as u64;
        self.room.grow_to(end, false).await?;
        self.file.write_all(bytes).await.map_err(|e| cannot_spool(&self.folder, e))?;
        self.hasher.update(bytes);
        self.written = end;
        Ok(())
    }

    /// Writes a small file beside it, whose name is that of this file and `ending` (`en.vtt`).
    ///
    /// # Errors
    /// `store.write` if the disk is full.
    pub(crate) async fn put_beside(&mut self, ending: &str, bytes: &[u8]) -> Result<()> {
        self.beside.push(put_beside(&self.path, ending, bytes).await?);
        Ok(())
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// A validator for a source whose server sends none: the hash of its content.
    pub fn content_validator(&self) -> String {
        format!("{CONTENT_PREFIX}{}", self.hasher.finalize().to_hex())
    }

    /// Completes the file and keeps it in `spool` as the source of `location` with `validator`.
    ///
    /// # Errors
    /// `store.write` if the disk is full.
    pub async fn keep(mut self, spool: &Spool, location: &str, validator: &str) -> Result<Lease> {
        // Writes run on another thread; the flush reports the result of the last one.
        self.file.flush().await.map_err(|e| cannot_spool(&self.folder, e))?;
        Ok(spool.keep(location, validator, (self.path, self.beside), self.written, self.room))
    }
}

/// Writes a small file beside `file`, whose name is that of `file` and `ending`.
///
/// # Errors
/// `store.write` if the disk is full.
pub(crate) async fn put_beside(file: &Path, ending: &str, bytes: &[u8]) -> Result<TempPath> {
    let folder = file.parent().unwrap_or(file).to_path_buf();
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{ending}"));
    let path = folder.join(name);
    let written = tokio::fs::write(&path, bytes).await;
    written.map_err(|e| cannot_spool(&folder, e))?;
    TempPath::try_from_path(path).map_err(|e| cannot_spool(&folder, e))
}

/// Prefix of [`SpoolFile::content_validator`].
const CONTENT_PREFIX: &str = "blake3-";

/// Whether a validator is a hash of the content, which cannot be requested from a server.
pub(crate) fn is_of_content(validator: &str) -> bool {
    validator.starts_with(CONTENT_PREFIX)
}
