//! Media files in an object store.

use std::collections::HashMap;
use std::path::Path as FilePath;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::ObjectStoreRoot;
use crate::error::{Error, ErrorCode, Result};
use crate::model::Rendition;
use crate::source::object::StoreFault;

/// A media file in an object store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedMedia {
    /// Stable id of source, span and settings.
    pub media_id: String,
    /// The file, relative to the dataset's root.
    pub uri: String,
    /// Its measurements.
    pub facts: Rendition,
}

impl ObjectStoreRoot {
    /// Uploads a rendered file and its sidecars. The name contains the hash of the content, so that other
    /// content with the same id (of another version of the encoder) is another file; the record of the
    /// current file is written last.
    ///
    /// # Errors
    /// `store.write`.
    pub async fn publish(&self, file: &FilePath, facts: &Rendition) -> Result<PublishedMedia> {
        let media_id = facts.rendition_id.clone();
        let hash = facts.blake3.get(..16).unwrap_or(&facts.blake3);
        let uri = format!("media/{media_id}-{hash}.{}", facts.container);
        self.send(file, &uri).await?;
        for (extension, uri) in sidecars(&uri, facts) {
            self.send(&file.with_extension(extension), &uri).await?;
        }
        let published = PublishedMedia { media_id, uri, facts: facts.clone() };
        let record = serde_json::to_vec(&published).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("measurements cannot be written as JSON: {e}"))
        })?;
        let path = self.path(&record_name(&published.media_id));
        self.store.write(&path, record).await.map_err(|f| self.cannot_write(&path, &f))?;
        Ok(published)
    }

    /// The published file of `media_id`, if it is complete with its sidecars.
    ///
    /// # Errors
    /// `store.read` if the store cannot be read.
    pub async fn published(&self, media_id: &str) -> Result<Option<PublishedMedia>> {
        let path = self.path(&record_name(media_id));
        let Some(record) = self.store.read(&path).await.map_err(|f| self.cannot_read(&path, &f))?
        else {
            return Ok(None);
        };
        // An unreadable record is replaced.
        let Ok(published) = serde_json::from_slice::<PublishedMedia>(&record) else {
            return Ok(None);
        };
        let size = self.size(&published.uri).await?.map(i64::try_from);
        if published.media_id != media_id || size != Some(Ok(published.facts.bytes)) {
            return Ok(None);
        }
        for (_, uri) in sidecars(&published.uri, &published.facts) {
            if self.size(&uri).await?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(published))
    }

    /// See [`DatasetRoot::remove_media`](super::super::DatasetRoot::remove_media). The record of a file goes
    /// first: without it the file is not found and rendered again.
    pub(in crate::store) async fn remove_media(&self, uris: &[String]) -> Result<()> {
        let fault = |path: &Path, fault: &StoreFault| self.cannot_write(path, fault);
        for uri in uris {
            let name = uri.rsplit('/').next().unwrap_or(uri);
            let Some((media_id, _)) = name.rsplit_once('-') else { continue };
            let path = self.path(&record_name(media_id));
            let record = self.store.read(&path).await.map_err(|f| self.cannot_read(&path, &f))?;
            let record = record.and_then(|r| serde_json::from_slice::<PublishedMedia>(&r).ok());
            if record.is_some_and(|record| record.uri == *uri) {
                let removed = self.store.remove(std::slice::from_ref(&path)).await;
                removed.map_err(|f| fault(&path, &f))?;
            }
        }
        let paths: Vec<Path> = uris.iter().map(|uri| self.path(uri)).collect();
        let first = paths.first().cloned().unwrap_or_default();
        self.store.remove(&paths).await.map_err(|f| fault(&first, &f))
    }

    /// Size of the object `relative` in bytes, if it exists.
    async fn size(&self, relative: &str) -> Result<Option<u64>> {
        let path = self.path(relative);
        let facts = self.store.facts(&path).await.map_err(|f| self.cannot_read(&path, &f))?;
        Ok(facts.map(|facts| facts.size))
    }

    /// Size in bytes of every media file, by uri.
    ///
    /// # Errors
    /// `store.read` if the store cannot be read.
    pub async fn media_files(&self) -> Result<HashMap<String, u64>> {
        let folder = self.path("media");
        let files = self.store.children(&folder).await.map_err(|f| self.cannot_list(&folder, f))?;
        let named = |file: &object_store::ObjectMeta| {
            Some((format!("media/{}", file.location.filename()?), file.size))
        };
        Ok(files.iter().filter_map(named).collect())
    }
}

/// The sidecars of the file at `uri`: extension and uri.
fn sidecars(uri: &str, facts: &Rendition) -> impl Iterator<Item = (&'static str, String)> {
    let captions: &[&str] = if facts.sidecar { &["srt", "vtt"] } else { &[] };
    let stem = uri.strip_suffix(facts.container.as_str()).unwrap_or(uri).to_owned();
    let named = move |extension| (extension, format!("{stem}{extension}"));
    captions.iter().copied().chain(facts.thumbnail.then_some("jpg")).map(named)
}

/// The record of a media file: `_media/<media_id>.json`.
fn record_name(media_id: &str) -> String {
    format!("_media/{media_id}.json")
}
