//! Files of a place made plain where they are not (see `plain_files`).

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::object_store::ObjectStoreUrl;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};
use tempfile::TempDir;

use super::list::{Found, FoundFile};
use super::{FileKind, unreadable};
use crate::error::Result;
use crate::location::Location;
use crate::query::plain_files::{Numbers, PlainFile, is_further_name, make_plain_apart};

/// Bytes of a file in a store by which it is told whether it is plain.
const HEAD: u64 = 1 << 18;

/// The files, with those in place of which a plain one is read, and the folder of these. What was guessed goes to
/// `notes`, one sentence a file.
///
/// # Errors
/// `input.unreadable`, naming the file; `store.write` if there is no room for plain files.
pub(super) async fn made_plain(
    mut found: Found,
    place: &Location,
    notes: &mut Vec<String>,
) -> Result<(Found, Option<Arc<TempDir>>)> {
    if !matches!(found.kind, FileKind::Csv | FileKind::Json) {
        return Ok((found, None));
    }
    let folder = tempfile::Builder::new().prefix("clipflow-tables-").tempdir();
    let folder =
        Arc::new(folder.map_err(|e| crate::store::cannot_write(&std::env::temp_dir(), e))?);
    let here: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let mut kinds = vec![];
    for (n, file) in found.files.iter_mut().enumerate() {
        let Some(plain) = plain(file, folder.path().join(n.to_string()), place).await? else {
            kinds.push(found.kind);
            continue;
        };
        notes.extend(said(&file.shown, &plain.guessed));
        let is_json = plain.path.extension().is_some_and(|ending| ending == "ndjson");
        kinds.push(if is_json { FileKind::Json } else { FileKind::Csv });
        let at = Path::from_absolute_path(&plain.path).map_err(|e| unreadable(place, e))?;
        file.meta = here.head(&at).await.map_err(|e| unreadable(place, e))?;
        (file.store, file.url) = (Arc::clone(&here), ObjectStoreUrl::local_filesystem());
    }
    if let Some(other) = kinds.iter().position(|kind| Some(kind) != kinds.first()) {
        let names = [0, other].map(|n| found.files.get(n).map_or("", |f| f.shown.as_str()));
        let cause = format!("it mixes kinds of files: {} and {}", names[0], names[1]);
        return Err(unreadable(place, cause));
    }
    found.kind = kinds.first().copied().unwrap_or(found.kind);
    let is_kept =
        found.files.iter().any(|file| file.meta.location.as_ref().contains("clipflow-tables-"));
    Ok((found, is_kept.then_some(folder)))
}

/// A sentence about what was guessed of a file.
fn said(name: &str, guessed: &[String]) -> Option<String> {
    (!guessed.is_empty()).then(|| format!("{name}: {}", guessed.join("; ")))
}

async fn plain(file: &FoundFile, folder: PathBuf, place: &Location) -> Result<Option<PlainFile>> {
    let fault = |e: &dyn std::fmt::Display| unreadable(place, format!("{}: {e}", file.shown));
    if file.meta.size == 0 {
        return Ok(None);
    }
    std::fs::create_dir_all(&folder).map_err(|e| crate::store::cannot_write(&folder, e))?;
    let (name, numbers) = (file.shown.clone(), Numbers::WithPoints);
    let found = file.store.get(&file.meta.location).await.map_err(|e| fault(&e))?;
    if let GetResultPayload::File(_, path) = found.payload {
        return make_plain_apart(path, name, folder, numbers).await;
    }
    let copy = folder.join("copy");
    if !is_further_name(&name) {
        let head = file.store.get_range(&file.meta.location, 0..file.meta.size.min(HEAD)).await;
        let head = head.map_err(|e| fault(&e))?;
        std::fs::write(&copy, &head).map_err(|e| crate::store::cannot_write(&copy, e))?;
        if make_plain_apart(copy.clone(), name.clone(), folder.clone(), numbers).await?.is_none() {
            return Ok(None);
        }
    }
    let mut chunks = found.into_stream();
    let mut to = tokio::fs::File::create(&copy).await.map_err(|e| fault(&e))?;
    while let Some(chunk) = chunks.try_next().await.map_err(|e| fault(&e))? {
        let written = tokio::io::AsyncWriteExt::write_all(&mut to, &chunk).await;
        written.map_err(|e| crate::store::cannot_write(&copy, e))?;
    }
    let flushed = tokio::io::AsyncWriteExt::flush(&mut to).await;
    flushed.map_err(|e| crate::store::cannot_write(&copy, e))?;
    let plain = make_plain_apart(copy.clone(), name, folder, numbers).await;
    // Its rows are in the plain file.
    let _ = std::fs::remove_file(&copy);
    plain
}
