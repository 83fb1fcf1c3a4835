//! Request files made plain where they are not, and folders of folders read as one table.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use datafusion::prelude::SessionContext;

use super::Requests;
use crate::error::Result;
use crate::location::Location;
use crate::pipeline::normalize::files as request_files;
use crate::query::files::is_video_file;
use crate::query::plain_files::{Numbers, make_plain_apart};
use crate::query::user_files::{UserFiles, UserTable, open};
use crate::store::cannot_write;

/// Where plain files lie.
const FOLDER: &str = "plain_requests";

/// Requests that can be read as they are.
#[derive(Debug)]
pub(super) struct PlainRequests {
    pub(super) requests: Requests,
    /// Names that errors about them have, and those that users know.
    pub(super) names: Vec<(String, String)>,
    /// What was guessed or left out, as sentences.
    pub(super) notes: Vec<String>,
}

/// The requests at `path` made plain in `folder`; none if they are plain.
///
/// # Errors
/// `input.unreadable`, `input.column`; `store.write` if `folder` cannot be written.
pub(super) async fn plain(path: &Path, folder: &Path) -> Result<Option<PlainRequests>> {
    let folder = folder.join(FOLDER);
    if path.is_dir() && has_nested(path) {
        return table(path).await.map(Some);
    }
    let files = match path.is_dir() {
        true => request_files(path),
        false => vec![path.to_path_buf()],
    };
    let (mut copies, mut notes, mut names) = (vec![], vec![], vec![]);
    for (n, file) in files.iter().enumerate() {
        let scratch = folder.join(format!("file-{n}"));
        // What is missing, empty or a video is told by who reads it.
        if is_video_file(file) || !file.metadata().is_ok_and(|facts| facts.len() > 0) {
            continue;
        }
        fs::create_dir_all(&scratch).map_err(|e| cannot_write(&scratch, e))?;
        let Some(plain) = make_plain_apart(
            file.clone(),
            file.display().to_string(),
            scratch,
            Numbers::WithPoints,
        )
        .await?
        else {
            continue;
        };
        if !plain.guessed.is_empty() {
            notes.push(format!("{}: {}", file.display(), plain.guessed.join("; ")));
        }
        copies.push((file.clone(), plain.path));
    }
    if copies.is_empty() {
        return Ok(None);
    }
    let named = |from: &Path, to: &Path| (from.display().to_string(), to.display().to_string());
    if !path.is_dir() {
        let Some((_, copy)) = copies.pop() else { return Ok(None) };
        names.push(named(&copy, path));
        let requests = Requests::At(Location::Path(copy));
        return Ok(Some(PlainRequests { requests, names, notes }));
    }
    let together = folder.join("together");
    fs::create_dir_all(&together).map_err(|e| cannot_write(&together, e))?;
    for file in &files {
        let name = file.file_name().unwrap_or_default();
        let plain = copies.iter().find(|(original, _)| original == file).map(|(_, copy)| copy);
        let to = match plain.and_then(|copy| copy.extension()) {
            // Files keep their order, which is that of their names.
            Some(ending) => {
                together.join([name, ending].map(|part| part.to_string_lossy()).join("."))
            }
            None => together.join(name),
        };
        let from = plain.unwrap_or(file);
        let moved =
            if plain.is_some() { fs::rename(from, &to) } else { fs::copy(from, &to).map(|_| ()) };
        moved.map_err(|e| cannot_write(&to, e))?;
        names.push(named(&to, file));
    }
    names.push(named(&together, path));
    let requests = Requests::At(Location::Path(together));
    Ok(Some(PlainRequests { requests, names, notes }))
}

/// All files beneath a folder as one table, with the keys of its folders as columns.
async fn table(path: &Path) -> Result<PlainRequests> {
    let files: UserFiles = open(&SessionContext::new(), &Location::from(path), &[]).await?;
    let notes = files.notes.clone();
    let table = UserTable::of_all(files)?;
    let requests = Requests::Table(Arc::new(table));
    let names = vec![(requests.to_string(), path.display().to_string())];
    Ok(PlainRequests { requests, names, notes })
}

/// Whether a folder beneath that is not hidden has request files.
fn has_nested(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let folders = entries.flatten().filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
    let is_hidden =
        |name: &str| name.starts_with('.') || (name.starts_with('_') && !name.contains('='));
    folders
        .filter(|entry| !is_hidden(&entry.file_name().to_string_lossy()))
        .any(|entry| !request_files(&entry.path()).is_empty() || has_nested(&entry.path()))
}
