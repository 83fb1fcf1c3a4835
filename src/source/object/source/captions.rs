//! Captions beside an object: one listing of the names that begin like its own.

use std::fmt::Write;

use futures::StreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use url::Url;

use super::super::stores::OpenedStore;
use super::ObjectSource;
use crate::error::Result;
use crate::kernels::ids::stable_id;
use crate::kernels::text::CAPTION_ENDINGS;
use crate::source::beside::{MAX_CAPTION_BYTES, caption_note};
use crate::source::spool::SpoolFile;

/// Largest number of caption files of an object.
const MAX_FILES: usize = 32;

/// A caption file, with the ending of its name after that of the video.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CaptionObject {
    object: ObjectMeta,
    ending: String,
}

impl ObjectSource {
    /// The caption files beside the object at `url`, in order of their names.
    ///
    /// # Errors
    /// Those of a listing, which a user of the bucket need not be allowed.
    pub(super) async fn captions(
        &self,
        url: &Url,
        opened: &OpenedStore,
    ) -> Result<Vec<CaptionObject>> {
        let name = opened.path.filename().unwrap_or_default();
        let Some((stem, _)) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) else {
            return Ok(vec![]);
        };
        let folder = opened.path.as_ref().strip_suffix(name).unwrap_or_default();
        let begin = format!("{folder}{stem}.");
        let list = async {
            let within = Path::from(folder);
            let mut names =
                opened.store.list_with_offset(Some(&within), &Path::from(begin.as_str()));
            let mut found = vec![];
            // Names come in order: what begins alike is together.
            while let Some(object) = names.next().await.transpose()? {
                let Some(ending) = object.location.as_ref().strip_prefix(&begin) else { break };
                let ending = ending.to_owned();
                if is_caption(&ending) && object.size <= MAX_CAPTION_BYTES {
                    found.push(CaptionObject { object, ending });
                }
                if found.len() == MAX_FILES {
                    break;
                }
            }
            Ok(found)
        };
        self.within_limit(url, list).await
    }

    /// Puts `captions` beside `file`. What cannot be read is noted and costs the source nothing else.
    ///
    /// # Errors
    /// `store.write` if the disk is full.
    pub(super) async fn bring_captions(
        &self,
        captions: Result<Vec<CaptionObject>>,
        url: &Url,
        opened: &OpenedStore,
        file: &mut SpoolFile,
    ) -> Result<()> {
        let mut note = String::new();
        let captions = captions.unwrap_or_else(|error| {
            let _ = write!(note, "captions beside the source were not listed: {error}");
            vec![]
        });
        for CaptionObject { object, ending } in captions {
            let answer = async { opened.store.get(&object.location).await?.bytes().await };
            match self.within_limit(url, answer).await {
                Ok(bytes) => file.put_beside(&ending, &bytes).await?,
                Err(error) => {
                    let _ = write!(note, "{ending} beside the source was not read: {error}; ");
                }
            }
        }
        if note.is_empty() {
            return Ok(());
        }
        tracing::warn!(note, "captions of an object were not read");
        file.put_beside("info.json", &caption_note(note.trim_end_matches("; "))).await
    }
}

/// What `captions` add to the validator of their video: other captions make it another source.
pub(super) fn state(captions: &[CaptionObject]) -> String {
    if captions.is_empty() {
        return String::new();
    }
    let known = captions.iter().map(|CaptionObject { object, ending }| {
        format!("{ending}/{}", super::object_validator(object))
    });
    let known: Vec<String> = known.collect();
    format!("+{}", stable_id([Some(known.join("/").as_str())]))
}

/// Whether the rest of a name after that of a video is that of captions: `vtt`, `en.vtt`, `en.auto.json3`.
fn is_caption(ending: &str) -> bool {
    let format = ending.rsplit('.').next().unwrap_or_default();
    !ending.contains('/')
        && ending.len() <= 40
        && CAPTION_ENDINGS.iter().any(|known| format.eq_ignore_ascii_case(known))
}
