//! Media files in an object store, and which of them are there already.

use std::collections::HashMap;
use std::path::Path as FilePath;

use serde::{Deserialize, Serialize};

use super::Objects;
use crate::error::{Error, ErrorCode, Result};
use crate::model::Rendition;

/// A media file in an object store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// Stable id of source, span and settings.
    pub media_id: String,
    /// The file, relative to the dataset's root.
    pub uri: String,
    /// What was measured on it.
    pub facts: Rendition,
}

impl Objects {
    /// Upload a rendered file and what lies beside it. It is named after its content, so that other content under the same
    /// id (of another encoder's version) is another file; which one is used from now on is written
    /// down last.
    ///
    /// # Errors
    /// `store.write`.
    pub async fn publish(&self, file: &FilePath, facts: &Rendition) -> Result<Published> {
        let media_id = facts.rendition_id.clone();
        let hash = facts.blake3.get(..16).unwrap_or(&facts.blake3);
        let uri = format!("media/{media_id}-{hash}.{}", facts.container);
        self.send(file, &uri).await?;
        for (extension, uri) in beside(&uri, facts) {
            self.send(&file.with_extension(extension), &uri).await?;
        }
        let published = Published { media_id, uri, facts: facts.clone() };
        let note = serde_json::to_vec(&published).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("facts cannot be written as JSON: {e}"))
        })?;
        let path = self.path(&note_name(&published.media_id));
        self.store.write(&path, note).await.map_err(|f| self.cannot_write(&path, &f))?;
        Ok(published)
    }

    /// The file that shows `media_id`, if a complete one is there with all that lies beside it.
    ///
    /// # Errors
    /// `store.read` if the store cannot be asked.
    pub async fn published(&self, media_id: &str) -> Result<Option<Published>> {
        let path = self.path(&note_name(media_id));
        let Some(note) = self.store.read(&path).await.map_err(|f| self.cannot_read(&path, &f))?
        else {
            return Ok(None);
        };
        // One that cannot be read is written anew.
        let Ok(published) = serde_json::from_slice::<Published>(&note) else { return Ok(None) };
        let size = self.size(&published.uri).await?.map(i64::try_from);
        if published.media_id != media_id || size != Some(Ok(published.facts.bytes)) {
            return Ok(None);
        }
        for (_, uri) in beside(&published.uri, &published.facts) {
            if self.size(&uri).await?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(published))
    }

    /// Bytes of the object at `relative`, if there is one.
    async fn size(&self, relative: &str) -> Result<Option<u64>> {
        let path = self.path(relative);
        let facts = self.store.facts(&path).await.map_err(|f| self.cannot_read(&path, &f))?;
        Ok(facts.map(|facts| facts.size))
    }

    /// Size in bytes of every media file that is there, by its uri.
    ///
    /// # Errors
    /// `store.read` if the store cannot be asked.
    pub async fn media_files(&self) -> Result<HashMap<String, u64>> {
        let folder = self.path("media");
        let files = self.store.children(&folder).await.map_err(|f| self.cannot_list(&folder, f))?;
        let named = |file: &object_store::ObjectMeta| {
            Some((format!("media/{}", file.location.filename()?), file.size))
        };
        Ok(files.iter().filter_map(named).collect())
    }
}

/// What lies beside the file at `uri`: how the names end, and where it is.
fn beside(uri: &str, facts: &Rendition) -> impl Iterator<Item = (&'static str, String)> {
    let captions: &[&str] = if facts.sidecar { &["srt", "vtt"] } else { &[] };
    let stem = uri.strip_suffix(facts.container.as_str()).unwrap_or(uri).to_owned();
    let named = move |extension| (extension, format!("{stem}{extension}"));
    captions.iter().copied().chain(facts.thumbnail.then_some("jpg")).map(named)
}

/// `_media/<media_id>.json`
fn note_name(media_id: &str) -> String {
    format!("_media/{media_id}.json")
}
