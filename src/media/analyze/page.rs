//! What the page of a source says about it, in a file beside it: `talk.info.json` of `talk.mp4`, as yt-dlp writes it.

use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::media::ffprobe::{ProbeChapter, number};
use crate::model::{Chapter, Replay};

/// Largest part of a caption track or a file beside a source that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 10 << 20;
/// Largest number of chapters, and of parts of the heat map, that are read.
const MAX_ROWS: usize = 10_000;

/// What the page says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct SourcePage {
    /// The chapters.
    pub chapters: Option<Vec<Chapter>>,
    /// How often parts are replayed.
    pub replays: Option<Vec<Replay>>,
    /// Captions that could not be fetched.
    pub caption_note: Option<String>,
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PageFile {
    chapters: Option<Vec<PageChapter>>,
    heatmap: Option<Vec<PagePart>>,
    caption_note: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PageChapter {
    start_time: f64,
    end_time: Option<f64>,
    title: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PagePart {
    start_time: f64,
    end_time: f64,
    value: f64,
}

/// The path of the description of `source`.
pub(super) fn description(source: &Path) -> PathBuf {
    source.with_extension("info.json")
}

impl SourcePage {
    /// Reads the description beside `source`, which lasts `duration` seconds; empty where there is none that can be
    /// read.
    pub(super) fn beside(source: &Path, duration: f64) -> Self {
        let file = read_file(&description(source)).and_then(|b| serde_json::from_slice(&b).ok());
        let PageFile { chapters, heatmap, caption_note } = file.unwrap_or_default();
        let chapters = chapters.unwrap_or_default().into_iter();
        let spans = chapters.map(|c| (c.start_time, c.end_time, c.title)).collect();
        let parts = heatmap.unwrap_or_default().into_iter().filter_map(|part| {
            let (start, end) = clipped(part.start_time, part.end_time, duration)?;
            part.value.is_finite().then(|| Replay { start, end, value: part.value.clamp(0.0, 1.0) })
        });
        let mut replays: Vec<Replay> = parts.take(MAX_ROWS).collect();
        replays.sort_by(|a, b| a.start.total_cmp(&b.start));
        let replays = (!replays.is_empty()).then_some(replays);
        Self { chapters: in_order(spans, duration), replays, caption_note }
    }
}

/// The chapters of a container that starts at `offset` on its own clock and lasts `duration` seconds.
pub(super) fn of_container(
    chapters: &[ProbeChapter],
    offset: f64,
    duration: f64,
) -> Option<Vec<Chapter>> {
    let time = |text: &Option<String>| number(text.as_deref()).map(|t| t - offset);
    let spans = chapters.iter().filter_map(|chapter| {
        let title = chapter.tags.get("title").cloned();
        Some((time(&chapter.start_time)?, time(&chapter.end_time), title))
    });
    in_order(spans.collect(), duration)
}

/// Chapters in time order within the source; one without an end lasts until the next.
fn in_order(
    mut spans: Vec<(f64, Option<f64>, Option<String>)>,
    duration: f64,
) -> Option<Vec<Chapter>> {
    spans.retain(|(start, ..)| start.is_finite());
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let nexts: Vec<f64> = spans.iter().skip(1).map(|s| s.0).chain([duration]).collect();
    let timed = spans.into_iter().zip(nexts).filter_map(|((start, end, title), next)| {
        let (start, end) = clipped(start, end.unwrap_or(next), duration)?;
        let title = title.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        Some((start, end, title))
    });
    let chapters: Vec<Chapter> = (0..)
        .zip(timed.take(MAX_ROWS))
        .map(|(chapter_id, (start, end, title))| Chapter { chapter_id, start, end, title })
        .collect();
    (!chapters.is_empty()).then_some(chapters)
}

/// The span within the source; `None` if nothing of it is.
fn clipped(start: f64, end: f64, duration: f64) -> Option<(f64, f64)> {
    let (start, end) = (start.max(0.0), end.min(duration));
    (end > start).then_some((start, end))
}

/// The content of a file that is no link and not too large.
pub(super) fn read_file(path: &Path) -> Option<Vec<u8>> {
    // A link would lead to a file that was not checked.
    let no_link = nix::fcntl::OFlag::O_NOFOLLOW.bits();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(no_link).open(path).ok()?;
    let mut text = Vec::new();
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut text).ok()?;
    (read as u64 <= MAX_BYTES).then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_description_gives_chapters_and_replays_within_the_source() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("talk.mp4");
        assert_eq!(SourcePage::beside(&source, 60.0), SourcePage::default());
        let json = r#"{"title": "Talk", "chapters": [
            {"start_time": 20, "title": " Second "}, {"start_time": 0.0, "end_time": 20.0, "title": "First"},
            {"start_time": 70, "end_time": 80, "title": "Beyond"}],
            "heatmap": [{"start_time": 0, "end_time": 30, "value": 0.25}, {"start_time": 30, "end_time": 99, "value": 1.5}]}"#;
        std::fs::write(folder.path().join("talk.info.json"), json).unwrap();
        let page = SourcePage::beside(&source, 60.0);
        let chapter = |chapter_id, start, end, title: &str| Chapter {
            chapter_id,
            start,
            end,
            title: Some(title.to_owned()),
        };
        // The chapter that begins beyond the end still ends the one before.
        let wanted = vec![chapter(0, 0.0, 20.0, "First"), chapter(1, 20.0, 60.0, "Second")];
        assert_eq!(page.chapters, Some(wanted));
        let parts: Vec<_> =
            page.replays.unwrap().iter().map(|r| (r.start, r.end, r.value)).collect();
        assert_eq!(parts, [(0.0, 30.0, 0.25), (30.0, 60.0, 1.0)]);
        std::fs::write(folder.path().join("talk.info.json"), "{\"chapters\": 3}").unwrap();
        assert_eq!(SourcePage::beside(&source, 60.0), SourcePage::default());
    }
}
