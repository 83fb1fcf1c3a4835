//! Caption tracks within the source and in files beside it.

use std::io::{PipeReader, Read};
use std::path::{Path, PathBuf};

use super::page::{self, MAX_BYTES, read_file};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::{
    CAPTION_ENDINGS, Decoded, RawCue, decode, detect_language, read_captions, to_iso639_3,
    to_short_tag,
};
use crate::media::probe::SubtitleStream;
use crate::model::Cue;

/// What stands in the names of captions that speech recognition made.
const AUTOMATIC: &str = "auto";
/// Endings of caption files that are not read.
const UNREAD: [&str; 7] = ["sub", "smi", "sami", "scc", "stl", "sup", "idx"];
/// Largest number of sidecars that are read.
const MAX_SIDECARS: usize = 32;

/// One caption track.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CaptionTrack {
    /// `embedded`, `sidecar` or `automatic`.
    pub origin: &'static str,
    /// ISO 639-3 code, detected from its text if reliable, else from its tag or file name.
    pub language: Option<String>,
    /// Its lines, in time order.
    pub cues: Vec<RawCue>,
    /// The name of its encoding, where that was guessed.
    pub encoding: Option<&'static str>,
    /// Number of cues that are left out because they do not end after they start.
    pub backwards: usize,
}

impl CaptionTrack {
    fn new(origin: &'static str, named: Option<String>, bytes: &[u8]) -> Self {
        let hint = named.as_deref().and_then(to_short_tag).unwrap_or_default();
        let Decoded { text, guessed } = decode(bytes, &hint);
        let (cues, backwards) = read_captions(&text);
        // A tag may be wrong; a reliable detection takes precedence.
        let language = detect_language(&words(&cues)).or(named);
        Self { origin, language, cues, encoding: guessed, backwards }
    }
}

/// Reads an embedded track to its end.
pub(super) fn read_track(mut pipe: PipeReader, stream: &SubtitleStream) -> Result<CaptionTrack> {
    let mut text = Vec::new();
    let read = (&mut pipe).take(MAX_BYTES).read_to_end(&mut text);
    // The rest is drained, because a closed pipe would make ffmpeg fail.
    let rest = read.and_then(|_| std::io::copy(&mut pipe, &mut std::io::sink()));
    rest.map_err(|cause| {
        Error::new(ErrorCode::Internal, "a caption track could not be read from the decoder")
            .with_source(cause)
    })?;
    Ok(CaptionTrack::new("embedded", stream.language.clone(), &text))
}

/// Reads the caption files beside `source`, in order of their names.
///
/// Their names are that of the source with one of [`CAPTION_ENDINGS`] as extension, optionally after a language
/// (`talk.srt`, `talk.en.vtt`, `talk.pt-BR.forced.srt`, `talk.en.auto.json3`). Unreadable files, files of more than 10 MiB and
/// symbolic links, which could lead anywhere, are skipped.
pub(super) fn sidecars(source: &Path) -> Vec<CaptionTrack> {
    sidecar_files(source)
        .into_iter()
        .filter_map(|(path, language)| {
            let origin = if is_automatic(&path) { "automatic" } else { "sidecar" };
            Some(CaptionTrack::new(origin, language, &read_file(&path)?))
        })
        .filter(|track| !track.cues.is_empty() || track.backwards > 0)
        .collect()
}

/// Whether the name of a caption file says that speech recognition made it.
fn is_automatic(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.rsplit('.').next().is_some_and(|kind| kind.eq_ignore_ascii_case(AUTOMATIC))
}

/// Fingerprint of the caption files and the description beside `source`: names, sizes, modification times.
pub fn sidecar_state(source: &Path) -> String {
    let state = |path: &PathBuf| {
        let facts = std::fs::metadata(path).ok()?;
        let modified = facts.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        let name = path.file_name()?.to_str()?;
        Some(format!("{name}/{}/{}/", facts.len(), modified.as_nanos()))
    };
    let captions = sidecar_files(source).into_iter().map(|(path, _)| path);
    captions.chain([page::description(source)]).filter_map(|path| state(&path)).collect()
}

/// The caption files beside `source` in order of their names, with the language in the name.
fn sidecar_files(source: &Path) -> Vec<(PathBuf, Option<String>)> {
    let (Some(folder), Some(stem)) = (source.parent(), source.file_stem().and_then(|s| s.to_str()))
    else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<(PathBuf, Option<String>)> = entries
        .filter_map(std::result::Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| Some((folder.join(&name), sidecar_language(stem, &name)?)))
        .collect();
    files.sort();
    files.truncate(MAX_SIDECARS);
    files
}

/// The names of files beside `source` that hold captions of kinds that are not read, in order.
fn unread(source: &Path) -> Vec<String> {
    let stem = source.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder = source.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(entries) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else { return vec![] };
    let is_unread = |name: &String| {
        let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
        let ending = rest.and_then(|rest| rest.rsplit('.').next());
        ending.is_some_and(|ending| UNREAD.iter().any(|known| ending.eq_ignore_ascii_case(known)))
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(is_unread).collect();
    names.sort();
    names.truncate(MAX_SIDECARS);
    names
}

/// The language in the file name, if `name` is a caption file of the source `stem`.
fn sidecar_language(stem: &str, name: &str) -> Option<Option<String>> {
    let rest = name.strip_prefix(stem)?.strip_prefix('.')?;
    let mut parts: Vec<&str> = rest.split('.').collect();
    let extension = parts.pop()?;
    if !CAPTION_ENDINGS.iter().any(|known| extension.eq_ignore_ascii_case(known)) {
        return None;
    }
    const KINDS: [&str; 6] = ["forced", "sdh", "cc", "hi", "default", AUTOMATIC];
    if parts.len() > 1 {
        let last = parts.pop()?;
        if !KINDS.iter().any(|kind| last.eq_ignore_ascii_case(kind)) {
            return None;
        }
    }
    match parts.as_slice() {
        [] => Some(None),
        // `talk.part2.srt` belongs to `talk.part2.mp4`.
        [tag] => to_iso639_3(tag).map(Some),
        _ => None,
    }
}

/// The lines of all tracks as rows, in time order.
pub(super) fn cues(tracks: &[CaptionTrack]) -> Vec<Cue> {
    let mut cues: Vec<Cue> = tracks
        .iter()
        .flat_map(|track| {
            track.cues.iter().map(|cue| Cue {
                cue_id: 0,
                start: cue.start,
                end: cue.end,
                text: cue.text.clone(),
                language: track.language.clone(),
                origin: track.origin.to_owned(),
                words: cue.words.clone(),
            })
        })
        .collect();
    // Stable: lines of the same time stay in the order of their tracks.
    cues.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.end.total_cmp(&b.end)));
    for (id, cue) in (0..).zip(&mut cues) {
        cue.cue_id = id;
    }
    cues
}

/// What is left out of the captions of `source`, and why, beside what its page says (`known`).
pub(super) fn note(
    source: &Path,
    tracks: &[CaptionTrack],
    known: Option<String>,
) -> Option<String> {
    let backwards: usize = tracks.iter().map(|track| track.backwards).sum();
    let cues = (backwards > 0).then(|| {
        let (cues, end) = if backwards == 1 { ("cue is", "ends") } else { ("cues are", "end") };
        format!("{backwards} {cues} left out that {end} before beginning")
    });
    let files = sidecar_files(source).into_iter().filter_map(|(path, _)| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let is_large = std::fs::metadata(&path).is_ok_and(|facts| facts.len() > MAX_BYTES);
        let why = if is_large { "is larger than 10 MiB" } else { "cannot be read" };
        read_file(&path).is_none().then(|| format!("{name} {why} and is left out"))
    });
    let unread = unread(source).into_iter();
    let unread =
        unread.map(|name| format!("{name} is of a kind that is not read; convert it to .srt"));
    let notes: Vec<String> = known.into_iter().chain(cues).chain(files).chain(unread).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// The encodings that were guessed, each once.
pub(super) fn encodings(tracks: &[CaptionTrack]) -> Option<String> {
    let mut names: Vec<&str> = tracks.iter().filter_map(|track| track.encoding).collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The language of the longest track, detected from its text, else from its tag.
pub(super) fn language(tracks: &[CaptionTrack]) -> Option<String> {
    let length = |track: &&CaptionTrack| track.cues.iter().map(|cue| cue.text.len()).sum::<usize>();
    let longest = tracks.iter().rev().max_by_key(length)?;
    detect_language(&words(&longest.cues)).or_else(|| longest.language.clone())
}

/// Caption characters per second on screen in each of `buckets` buckets.
///
/// The characters of a line are spread evenly over its display time. Of several tracks the densest counts,
/// because they repeat the same text in several languages.
pub(super) fn density(
    tracks: &[CaptionTrack],
    buckets: usize,
    buckets_per_second: f64,
) -> Vec<f64> {
    let mut densest = vec![0.0_f64; buckets];
    for track in tracks {
        let mut own = vec![0.0_f64; buckets];
        for cue in &track.cues {
            let speed = cue.text.chars().filter(|c| !c.is_whitespace()).count() as f64
                / (cue.end - cue.start).max(1e-3);
            let (from, to) = (cue.start * buckets_per_second, cue.end * buckets_per_second);
            let first = from.max(0.0).floor() as usize;
            let last = (to.max(0.0).ceil() as usize).min(buckets);
            for (k, value) in own.iter_mut().enumerate().take(last).skip(first) {
                let shared = to.min(k as f64 + 1.0) - from.max(k as f64);
                *value += speed * shared.max(0.0);
            }
        }
        for (most, value) in densest.iter_mut().zip(own) {
            *most = most.max(value);
        }
    }
    densest
}

fn words(cues: &[RawCue]) -> String {
    let lines: Vec<&str> = cues.iter().map(|cue| cue.text.as_str()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn track(cues: &[(f64, f64, &str)]) -> CaptionTrack {
        let cues = cues
            .iter()
            .map(|(start, end, text)| RawCue {
                start: *start,
                end: *end,
                text: (*text).to_owned(),
                words: None,
            })
            .collect();
        CaptionTrack { origin: "embedded", language: None, cues, encoding: None, backwards: 0 }
    }

    #[test]
    fn sidecars_are_recognised_by_their_names() {
        for (name, wanted) in [
            ("talk.srt", Some(None)),
            ("talk.VTT", Some(None)),
            ("talk.ass", Some(None)),
            ("talk.en.ssa", Some(Some("eng"))),
            ("talk.en.srt", Some(Some("eng"))),
            ("talk.pt-BR.forced.srt", Some(Some("por"))),
            ("talk.en.auto.json3", Some(Some("eng"))),
            ("talk.info.json", None),
            ("talk.part2.srt", None),
            ("talk.en.txt", None),
            ("talks.srt", None),
            ("talk2.en.srt", None),
            ("talk.en.de.srt", None),
            ("other.srt", None),
        ] {
            let found = sidecar_language("talk", name);
            assert_eq!(found, wanted.map(|l: Option<&str>| l.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn only_real_files_beside_the_source_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let srt = "1\n00:00:01,000 --> 00:00:02,000\nHello\n";
        std::fs::write(at("talk.mp4"), "").unwrap();
        std::fs::write(at("talk.en.srt"), srt).unwrap();
        std::fs::write(at("talk.fr.vtt"), "WEBVTT\n\n00:01.000 --> 00:02.000\nBonjour\n").unwrap();
        std::fs::write(at("talk.de.srt"), "no cues").unwrap();
        std::fs::write(at("secret"), srt).unwrap();
        std::os::unix::fs::symlink(at("secret"), at("talk.it.srt")).unwrap();
        std::fs::create_dir(at("talk.srt")).unwrap();
        std::fs::write(at("talk.es.srt"), vec![b'x'; (MAX_BYTES + 1) as usize]).unwrap();
        let found = sidecars(&at("talk.mp4"));
        let languages: Vec<_> = found.iter().filter_map(|t| t.language.as_deref()).collect();
        assert_eq!(languages, ["eng", "fra"]);
        assert_eq!(cues(&found).len(), 2);
        assert!(sidecars(Path::new("/no/such/folder/a.mp4")).is_empty());
    }

    #[test]
    fn cues_of_all_tracks_are_in_time_order() {
        let rows = cues(&[track(&[(0.0, 1.0, "a"), (5.0, 6.0, "c")]), track(&[(2.0, 3.0, "b")])]);
        let seen: Vec<_> = rows.iter().map(|cue| (cue.cue_id, cue.text.as_str())).collect();
        assert_eq!(seen, [(0, "a"), (1, "b"), (2, "c")]);
    }

    #[test]
    fn density_spreads_characters_over_their_time() {
        // Ten characters in 2.5 s are 4 a second.
        let one = track(&[(0.5, 3.0, "abcde fghij")]);
        let values = density(&[one.clone(), track(&[(0.0, 1.0, "a")])], 4, 1.0);
        assert_eq!(values, [2.0, 4.0, 4.0, 0.0]);
        // All that is on screen within the video adds up, whatever the grid.
        for rate in [1.0, 4.0, 7.0] {
            let sum: f64 = density(std::slice::from_ref(&one), 40, rate).iter().sum();
            assert!((sum / rate - 10.0).abs() < 1e-9, "{rate}");
        }
        assert_eq!(density(&[track(&[(90.0, 91.0, "late")])], 2, 1.0), [0.0, 0.0]);
    }
}
