//! What lies beside a rendered file: its captions and a still.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clipflow::cancel::CancelToken;
use clipflow::error::{ErrorCode, Result};
use clipflow::media::MediaTools;
use clipflow::media::probe::{Probe, probe};
use clipflow::media::render::{Output, RenderSettings, render};
use clipflow::model::edit::{CaptionMode, CaptionStyle, Edit, Segment};
use clipflow::model::{Cue, Rendition};

use super::support::counter::ffmpeg;

/// A film of 4 s, grey in grey, with speech in the first three.
struct Film {
    folder: tempfile::TempDir,
    path: PathBuf,
    tools: MediaTools,
    probe: Probe,
    settings: RenderSettings,
}

impl Film {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.mp4");
        let square = "color=0x606060:s=640x360:r=25:d=4[a];color=0x909090:s=90x90:r=25:d=4[b];\
            [a][b]overlay=x=100*t:y=100,format=yuv420p";
        ffmpeg(&["-filter_complex", square, "-preset", "ultrafast", path.to_str().unwrap()]);
        let (tools, cancel) = (MediaTools::find().unwrap(), CancelToken::new());
        let settings = RenderSettings { thumbnails: true, ..RenderSettings::default() };
        let probe = probe(&tools, &path, &settings.limits, &cancel).unwrap();
        Self { folder, path, tools, probe, settings }
    }

    fn output(&self, caption_mode: CaptionMode, caption_style: CaptionStyle) -> Output {
        let all = Segment { start: 0.0, end: 4.0, speed: 1.0 };
        let cue = Cue {
            cue_id: 1,
            start: 0.0,
            end: 3.0,
            text: "All of this is said while a square goes by".into(),
            language: Some("en".into()),
            origin: "test".into(),
            words: None,
        };
        Output {
            rendition_id: "film".into(),
            start: 0.0,
            end: 4.0,
            path: self.folder.path().join("out/film.mp4"),
            edit: Some(Edit {
                caption_mode,
                caption_style,
                ..Edit::plain((640, 360), 25.0, [all])
            }),
            cues: vec![cue],
        }
    }

    fn render(&self, output: &Output) -> Result<Rendition> {
        let (outputs, cancel) = (std::slice::from_ref(output), CancelToken::new());
        let Self { tools, path, probe, settings, .. } = self;
        render(tools, path, probe, outputs, settings, &cancel, &|_| ()).remove(0)
    }
}

/// Which file stands there, and since when.
fn identity(path: &Path) -> (u64, std::time::SystemTime) {
    let facts = fs::metadata(path).unwrap();
    (facts.ino(), facts.modified().unwrap())
}

#[test]
fn what_could_not_be_written_beside_a_file_is_completed_by_the_next_run() {
    let film = Film::new();
    let output = film.output(CaptionMode::Sidecar, CaptionStyle::Off);
    for blocked in ["srt", "vtt", "jpg"] {
        let _ = fs::remove_dir_all(film.folder.path().join("out"));
        let taken = output.path.with_extension(blocked);
        fs::create_dir_all(&taken).unwrap();
        let error = film.render(&output).unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreWrite, "{blocked}: {error}");
        assert!(error.message().contains(&format!("film.{blocked}")), "{error}");
        // The file itself was checked; it is kept, and nothing of what failed is.
        let before = identity(&output.path);
        let names = fs::read_dir(film.folder.path().join("out")).unwrap().flatten();
        let names: Vec<String> = names.map(|e| e.file_name().into_string().unwrap()).collect();
        assert!(names.iter().all(|name| name.starts_with("film.")), "{names:?}");

        fs::remove_dir(&taken).unwrap();
        let facts = film.render(&output).unwrap();
        assert!(facts.sidecar && facts.thumbnail, "{blocked}");
        assert_eq!(identity(&output.path), before, "{blocked}");
        let text = |end: &str| fs::read_to_string(output.path.with_extension(end)).unwrap();
        assert!(text("srt").contains("-->") && text("vtt").starts_with("WEBVTT"), "{blocked}");
        assert!(fs::metadata(output.path.with_extension("jpg")).unwrap().len() > 1000);
    }
}

#[test]
fn captions_beside_a_file_are_never_seen_half_written() {
    let film = Film::new();
    let output = film.output(CaptionMode::Sidecar, CaptionStyle::Off);
    let (srt, reader) = (output.path.with_extension("srt"), film.folder.path().join("open.srt"));
    fs::create_dir_all(srt.parent().unwrap()).unwrap();
    fs::write(&srt, "1\n00:00").unwrap();
    // A reader that has the file open still sees the old one.
    fs::hard_link(&srt, &reader).unwrap();
    film.render(&output).unwrap();
    assert!(fs::read_to_string(&srt).unwrap().contains("goes by"));
    assert_eq!(fs::read_to_string(&reader).unwrap(), "1\n00:00");
}

#[test]
fn a_still_shows_no_caption_where_a_frame_has_none() {
    let film = Film::new();
    for style in CaptionStyle::ALL.iter().filter(|style| **style != CaptionStyle::Off) {
        let _ = fs::remove_dir_all(film.folder.path().join("out"));
        let mut output = film.output(CaptionMode::Burned, *style);
        assert_eq!(white(&film, &output), 0, "{style}");
        // Speech throughout: then one with captions is better than none.
        output.cues[0].end = 4.0;
        fs::remove_dir_all(film.folder.path().join("out")).unwrap();
        assert!(white(&film, &output) > 200, "{style}");
    }
}

/// Pixels of the still that are as white as letters, and nothing else in the film, are.
fn white(film: &Film, output: &Output) -> usize {
    assert!(film.render(output).unwrap().thumbnail);
    let still = output.path.with_extension("jpg");
    let raw = ["-i", still.to_str().unwrap(), "-f", "rawvideo", "-pix_fmt", "gray", "-"];
    ffmpeg(&raw).into_iter().filter(|value| *value > 200).count()
}
