//! What the page of a video has beside it: captions, chapters, and which parts are replayed most.
//!
//! The languages of captions are chosen from what the page offers: all that people made, and the automatic ones in
//! the language of the video where people made none in it. Automatic translations are left alone. All of this is
//! an addition: a page that gives none of it, or refuses, costs the video nothing but a note.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tempfile::TempPath;

use super::process::{NAME, YtDlpFetch, files, quoted_error};
use crate::error::Result;
use crate::source::spool;

/// Largest description of a video that is read, in bytes.
const MAX_DESCRIPTION: u64 = 32 << 20;
/// Largest number of caption tracks that are fetched.
const MAX_TRACKS: usize = 16;
/// Time limit of the fetch of captions.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Formats of captions in order of preference: the first has the times of words.
const FORMATS: &str = "json3/vtt/ttml/srt/ass/best";

/// What yt-dlp writes about a video, as far as it is used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct VideoPage {
    /// Language of the video.
    language: Option<String>,
    /// Captions made by people, by language.
    subtitles: Option<BTreeMap<String, IgnoredAny>>,
    /// Captions made by speech recognition, and their translations.
    automatic_captions: Option<BTreeMap<String, IgnoredAny>>,
    chapters: Option<Value>,
    heatmap: Option<Value>,
}

/// The caption tracks to fetch, by their keys at the page.
#[derive(Debug, Default, PartialEq)]
struct ChosenCaptions {
    made: Vec<String>,
    automatic: Option<String>,
}

impl VideoPage {
    async fn read(path: &Path) -> Option<Self> {
        let bytes = tokio::fs::metadata(path).await.ok()?.len();
        if bytes > MAX_DESCRIPTION {
            return None;
        }
        serde_json::from_slice(&tokio::fs::read(path).await.ok()?).ok()
    }

    fn captions(&self) -> ChosenCaptions {
        let own = self.language.as_deref().map(base);
        let keys = |tracks: &Option<BTreeMap<String, IgnoredAny>>| -> Vec<String> {
            tracks.iter().flat_map(BTreeMap::keys).filter(|key| is_language(key)).cloned().collect()
        };
        let mut made = keys(&self.subtitles);
        // Stable: the language of the video first, the others in order.
        made.sort_by_key(|key| Some(base(key)) != own);
        made.truncate(MAX_TRACKS);
        let offered = keys(&self.automatic_captions);
        let original = offered.iter().find(|key| key.ends_with("-orig"));
        let automatic = original.or_else(|| offered.iter().find(|key| Some(base(key)) == own));
        let automatic = automatic.filter(|key| made.iter().all(|m| base(m) != base(key))).cloned();
        ChosenCaptions { made, automatic }
    }

    /// The part that analyses read, in the form that yt-dlp gives it.
    fn reduced(&self, note: Option<&str>) -> Option<Vec<u8>> {
        if self.chapters.is_none() && self.heatmap.is_none() && note.is_none() {
            return None;
        }
        let reduced = json!({
            "chapters": self.chapters, "heatmap": self.heatmap, "caption_note": note,
        });
        serde_json::to_vec(&reduced).ok()
    }
}

/// The language of a tag without its region.
fn base(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// Whether a key is a tag of a language; what else a page lists, such as a chat, is none.
fn is_language(key: &str) -> bool {
    (2..=3).contains(&base(key).len())
        && key.len() <= 24
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl YtDlpFetch<'_> {
    /// Fetches what is beside the video in `folder`, and moves it beside `kept`, the fetched video.
    ///
    /// # Errors
    /// `store.write` if the disk is full.
    pub(super) async fn beside(self, folder: &Path, kept: &Path) -> Result<Vec<TempPath>> {
        let description = folder.join(format!("{NAME}.info.json"));
        let Some(page) = VideoPage::read(&description).await else { return Ok(vec![]) };
        let chosen = page.captions();
        let note = self.fetch_captions(folder, &chosen).await;
        let mut beside = vec![];
        for (path, ending) in caption_files(folder, &chosen).await {
            if let Ok(bytes) = tokio::fs::read(path).await {
                beside.push(spool::put_beside(kept, &ending, &bytes).await?);
            }
        }
        if let Some(reduced) = page.reduced(note.as_deref()) {
            beside.push(spool::put_beside(kept, "info.json", &reduced).await?);
        }
        Ok(beside)
    }

    /// Lets yt-dlp fetch captions; returns what there is to say if it could not.
    async fn fetch_captions(self, folder: &Path, chosen: &ChosenCaptions) -> Option<String> {
        let keys: Vec<&str> =
            chosen.made.iter().chain(&chosen.automatic).map(String::as_str).collect();
        if keys.is_empty() {
            return None;
        }
        let ended = tokio::time::timeout(TIMEOUT, self.say(folder, caption_arguments(&keys)));
        let why = match ended.await {
            Ok(Ok((status, _))) if status.success() => return None,
            Ok(Ok((_, said))) => quoted_error(&said),
            Ok(Err(error)) => error.message().to_owned(),
            Err(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
        };
        tracing::warn!(id = self.id, why, "captions of a video were not fetched");
        Some(format!("captions in {} were not fetched: {why}", keys.join(", ")))
    }
}

/// The arguments of a fetch of captions of a video that has been described.
fn caption_arguments(keys: &[&str]) -> Vec<OsString> {
    let (languages, output) = (keys.join(","), format!("{NAME}.%(ext)s"));
    let description = format!("{NAME}.info.json");
    let args = [
        &["--load-info-json", &description] as &[&str],
        &["--skip-download", "--write-subs", "--write-auto-subs", "--sub-langs", &languages],
        &["--sub-format", FORMATS, "-o", &output],
    ];
    args.concat().iter().map(OsString::from).collect()
}

/// The fetched captions, with the endings of their names beside a source: language, `auto` for automatic ones, format.
async fn caption_files(folder: &Path, chosen: &ChosenCaptions) -> Vec<(PathBuf, String)> {
    let mut found = vec![];
    for (path, _) in files(folder).await {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let parts: Vec<&str> = name.split('.').collect();
        let [NAME, key, format] = parts.as_slice() else { continue };
        let language = base(key);
        if chosen.automatic.as_deref() == Some(*key) {
            found.push((path.clone(), format!("{language}.auto.{format}")));
        } else if chosen.made.iter().any(|made| made == key) {
            found.push((path.clone(), format!("{key}.{format}")));
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn chosen(page: &str) -> (Vec<String>, Option<String>) {
        let ChosenCaptions { made, automatic } =
            serde_json::from_str::<VideoPage>(page).unwrap().captions();
        (made, automatic)
    }

    #[test]
    fn captions_that_people_made_come_before_automatic_ones() {
        let none: [&str; 0] = [];
        for (page, made, automatic) in [
            (r#"{}"#, none.as_slice(), None),
            (r#"{"subtitles": null, "automatic_captions": null}"#, &[], None),
            (
                r#"{"language": "fr", "subtitles": {"de": [], "fr-CA": [], "live_chat": []},
                    "automatic_captions": {"fr-orig": [], "en": []}}"#,
                &["fr-CA", "de"],
                None,
            ),
            (
                r#"{"language": "fr", "subtitles": {"de": []},
                    "automatic_captions": {"en": [], "fr": [], "fr-orig": []}}"#,
                &["de"],
                Some("fr-orig"),
            ),
            (
                r#"{"language": "en-US", "automatic_captions": {"en": [], "de": []}}"#,
                &[],
                Some("en"),
            ),
            // Without a language no translation is taken for what is said.
            (r#"{"automatic_captions": {"en": [], "de": []}}"#, &[], None),
            (r#"{"subtitles": {"../../x": [], "en;rm": [], "e": []}}"#, &[], None),
        ] {
            let (found, asr) = chosen(page);
            assert_eq!(found, made, "{page}");
            assert_eq!(asr.as_deref(), automatic, "{page}");
        }
    }
}
