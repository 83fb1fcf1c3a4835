//! Formats, codecs and qualities: real files, read back.

use std::path::{Path, PathBuf};

use clipflow::cancel::CancelToken;
use clipflow::error::{ErrorCode, Result};
use clipflow::media::{
    Encoding, Format, Hardware, MediaTools, Output, Quality, RenderSettings, VideoCodec, probe,
    render,
};
use clipflow::model::edit::{CaptionMode, Edit, Segment};
use clipflow::model::{Cue, Rendition, VideoClipRequest};
use clipflow::processors::{VideoClipProcessor, VideoEncodingProcessor};

use super::support::counter::{self, ffmpeg, make, numbers, ticks};
use super::support::{clipflow, query, show, stderr};

/// Frames 30 to 104 of a counter, with tones at whole seconds of the source.
const SPAN: (f64, f64) = (1.2, 4.2);

fn footage(folder: &Path) -> PathBuf {
    make(folder, "counter.mp4", 150, &[])
}

fn render_one(source: &Path, encoding: Encoding, name: &str) -> (PathBuf, Result<Rendition>) {
    let (tools, cancel) = (MediaTools::find().unwrap(), CancelToken::new());
    let settings = RenderSettings { encoding, ..RenderSettings::default() };
    let probe = probe(&tools, source, &settings.limits, &cancel).unwrap();
    let file = format!("out/{name}.{}", encoding.format.extension());
    let path = source.with_file_name(file);
    let output = Output {
        rendition_id: name.into(),
        start: SPAN.0,
        end: SPAN.1,
        path: path.clone(),
        edit: None,
        cues: Vec::new(),
    };
    let mut all = render(&tools, source, &probe, &[output], &settings, &cancel, &|_| ());
    (path, all.remove(0))
}

fn of(format: Format) -> Encoding {
    Encoding { format, ..Encoding::default() }
}

#[test]
fn every_codec_has_exactly_the_frames_and_the_sound_of_its_span() {
    let folder = tempfile::tempdir().unwrap();
    let source = footage(folder.path());
    for (format, codec, sound) in [
        (Format::Mp4, VideoCodec::H264, "aac"),
        (Format::Mp4, VideoCodec::Hevc, "aac"),
        (Format::Mp4, VideoCodec::Av1, "aac"),
        (Format::Webm, VideoCodec::Vp9, "opus"),
        (Format::Webm, VideoCodec::Av1, "opus"),
    ] {
        let encoding = Encoding { codec: Some(codec), ..of(format) };
        let (path, facts) = render_one(&source, encoding, &format!("{format}-{codec}"));
        let facts = facts.unwrap_or_else(|e| panic!("{format} {codec}: {e}"));
        assert_eq!(numbers(&path, "null"), (30..105).collect::<Vec<_>>(), "{format} {codec}");
        assert_eq!((facts.container.as_str(), facts.frames), (format.as_str(), 75));
        assert_eq!(facts.video_codec, codec.as_str());
        assert_eq!(facts.audio_codec.as_deref(), Some(sound));
        assert!((facts.duration - 3.0).abs() < 0.002, "{format} {codec}: {}", facts.duration);
        // The tones of seconds 2, 3 and 4; a player shows the first frame with the first sample.
        let heard = ticks(&path);
        assert_eq!(heard.len(), 3, "{format} {codec}: {heard:?}");
        for (heard, wanted) in heard.iter().zip([0.8, 1.8, 2.8]) {
            assert!((heard - wanted).abs() < 0.01, "{format} {codec}: {heard} not {wanted}");
        }
    }
}

#[test]
fn lossless_is_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    let source = footage(folder.path());
    let pictures = |path: &Path, seek: &str| {
        let filter = format!("{seek}format=yuv420p");
        ffmpeg(&[
            "-i",
            path.to_str().unwrap(),
            "-vf",
            &filter,
            "-fps_mode",
            "passthrough",
            "-an",
            "-f",
            "rawvideo",
            "-",
        ])
    };
    let wanted = pictures(&source, "trim=start_frame=30:end_frame=105,");
    for (format, codec) in [
        (Format::Mp4, VideoCodec::H264),
        (Format::Mp4, VideoCodec::Hevc),
        (Format::Webm, VideoCodec::Vp9),
    ] {
        let codec = Some(codec);
        let encoding = Encoding { codec, quality: Quality::Lossless, ..of(format) };
        let (path, facts) = render_one(&source, encoding, "lossless");
        facts.unwrap();
        assert!(pictures(&path, "") == wanted, "{codec:?}");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn animations_play_as_long_without_sound() {
    let folder = tempfile::tempdir().unwrap();
    let source = footage(folder.path());
    for format in [Format::Gif, Format::Webp] {
        let (path, facts) = render_one(&source, of(format), "animation");
        let facts = facts.unwrap_or_else(|e| panic!("{format}: {e}"));
        assert_eq!((facts.container.as_str(), facts.audio_codec), (format.as_str(), None));
        assert_eq!((facts.width, facts.height, facts.frames), (256, 96, 60), "{format}");
        assert!((facts.duration - 3.0).abs() < 0.051, "{format}: {}", facts.duration);
        if format == Format::Gif {
            // 20 a second of 25: the first and the last are those of the span.
            let shown = numbers(&path, "null");
            assert_eq!((shown.len(), shown[0]), (60, 30));
            assert!((102..=104).contains(&shown[59]), "{shown:?}");
        }
    }
}

#[test]
fn an_animated_webp_shows_the_frames_of_its_span_in_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let source = footage(folder.path());
    for quality in [Quality::High, Quality::Lossless] {
        let encoding = Encoding { quality, ..of(Format::Webp) };
        let (path, facts) = render_one(&source, encoding, quality.as_str());
        let facts = facts.unwrap();
        // ffmpeg 5.1 writes animations and cannot read them.
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut decoder = image_webp::WebPDecoder::new(file).unwrap();
        assert!(decoder.is_animated());
        assert_eq!(decoder.dimensions(), (256, 96), "{quality}");
        assert_eq!(i64::from(decoder.num_frames()), facts.frames, "{quality}");
        let channels = if decoder.has_alpha() { 4 } else { 3 };
        let mut picture = vec![0; decoder.output_buffer_size().unwrap()];
        let mut shown = Vec::new();
        while let Ok(milliseconds) = decoder.read_frame(&mut picture) {
            shown.push((counter::number(&picture, channels), milliseconds));
        }
        assert_eq!(shown.len(), facts.frames as usize, "{quality}: all of them decode");
        // Frames differ, in the order of the source, and what is shown is what the span holds.
        assert!(shown.is_sorted_by(|a, b| a.0 < b.0), "{quality}: {shown:?}");
        assert!(shown[0].0 == 30 && (102..105).contains(&shown[shown.len() - 1].0), "{shown:?}");
        let total: u32 = shown.iter().map(|(_, milliseconds)| milliseconds).sum();
        assert!((f64::from(total) / 1000.0 - facts.duration).abs() < 1e-9, "{quality}: {total} ms");
        assert!(total.abs_diff(3000) <= 50, "{quality}: {total} ms");
    }
}

#[test]
fn sound_alone_is_cut_to_the_sample_and_has_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    let source = footage(folder.path());
    for (format, codec) in [(Format::Mp3, "mp3"), (Format::Aac, "aac"), (Format::Opus, "opus")] {
        let (path, facts) = render_one(&source, of(format), "sound");
        let facts = facts.unwrap_or_else(|e| panic!("{format}: {e}"));
        assert_eq!(facts.audio_codec.as_deref(), Some(codec));
        assert_eq!((facts.video_codec.as_str(), facts.frames, facts.width), ("", 0, 0));
        let heard = ticks(&path);
        assert_eq!(heard.len(), 3, "{format}: {heard:?}");
        assert!((heard[0] - 0.8).abs() < 0.03, "{format}: {heard:?}");
        // A whole file is kept, a part of it is not.
        let written = std::fs::read(&path).unwrap();
        let (_, again) = render_one(&source, of(format), "sound");
        assert_eq!(again.unwrap().blake3, facts.blake3);
        std::fs::write(&path, &written[..written.len() / 2]).unwrap();
        render_one(&source, of(format), "sound").1.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), written, "{format}");
    }
    let silent = folder.path().join("silent.mp4");
    ffmpeg(&["-i", source.to_str().unwrap(), "-an", "-c", "copy", silent.to_str().unwrap()]);
    let error = render_one(&silent, of(Format::Mp3), "silent").1.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RenderFailed);
    assert!(error.message().contains("no sound"), "{error}");
}

#[test]
fn sound_alone_needs_no_picture_that_can_be_decoded() {
    let folder = tempfile::tempdir().unwrap();
    // Late enough for a seek; MPEG-TS does not begin at 0.
    for (name, start) in [("counter.mp4", 0.0), ("counter.ts", 0.0), ("late.mp4", 10.0)] {
        let whole = make(folder.path(), &format!("whole-{name}"), 500, &["-g", "50"]);
        let path = folder.path().join(name);
        // Every byte of the pictures is wrong, the container is not. (In MPEG-TS they are part of it.)
        let damage = ["-c", "copy", "-bsf:v", "noise=amount=1"];
        let damage = if name.ends_with("ts") { &damage[..2] } else { &damage[..] };
        let args = [&["-i", whole.to_str().unwrap()], damage, &[path.to_str().unwrap()]];
        ffmpeg(&args.concat());
        let (tools, cancel) = (MediaTools::find().unwrap(), CancelToken::new());
        let encoding = of(Format::Opus);
        let settings = RenderSettings { encoding, ..RenderSettings::default() };
        let probe = probe(&tools, &whole, &settings.limits, &cancel).unwrap();
        let output = |name: &str, start: f64, end: f64| Output {
            rendition_id: name.into(),
            start,
            end,
            path: folder.path().join(format!("{name}.opus")),
            edit: None,
            cues: Vec::new(),
        };
        let heard = output(&format!("{name}-heard"), start + SPAN.0, start + SPAN.1);
        let rendered = |path: &Path, output: &Output| {
            let outputs = std::slice::from_ref(output);
            render(&tools, path, &probe, outputs, &settings, &cancel, &|_| ()).remove(0)
        };
        rendered(&path, &heard).unwrap_or_else(|e| panic!("{name}: {e}"));
        // The source ends at 20 s.
        let short = output("short", start + 8.0, 23.0);
        let error = rendered(&whole, &short).unwrap_err();
        assert!(error.message().contains("ends before the clip does"), "{name}: {error}");
        let heard = ticks(&heard.path);
        assert_eq!(heard.len(), 3, "{name}: {heard:?}");
        assert!((heard[0] - 0.8).abs() < 0.03, "{name}: {heard:?}");
    }
}

/// An edit that shows all of the counter's picture from 1.2 s to 4.2 s.
fn shown() -> Edit {
    let (start, end) = SPAN;
    Edit {
        caption_mode: CaptionMode::Soft,
        ..Edit::plain((256, 96), 25.0, [Segment { start, end, speed: 1.0 }])
    }
}

#[test]
fn captions_are_a_text_track_with_times_and_a_language() {
    let folder = tempfile::tempdir().unwrap();
    let source = footage(folder.path());
    let (tools, cancel) = (MediaTools::find().unwrap(), CancelToken::new());
    let cue = |start: f64, end: f64, text: &str| Cue {
        cue_id: 1,
        start,
        end,
        text: text.into(),
        language: Some("de".into()),
        origin: "test".into(),
        words: None,
    };
    for (format, codec) in [(Format::Webm, "webvtt"), (Format::Mp4, "mov_text")] {
        let settings = RenderSettings { encoding: of(format), ..RenderSettings::default() };
        let probe = probe(&tools, &source, &settings.limits, &cancel).unwrap();
        let path = folder.path().join(format!("soft.{}", format.extension()));
        let output = Output {
            rendition_id: "soft".into(),
            start: SPAN.0,
            end: SPAN.1,
            path: path.clone(),
            edit: Some(Edit { language: Some("de".into()), ..shown() }),
            cues: vec![cue(1.7, 2.7, "Guten Tag"), cue(3.0, 4.0, "Danke")],
        };
        let mut all = render(&tools, &source, &probe, &[output], &settings, &cancel, &|_| ());
        all.remove(0).unwrap_or_else(|e| panic!("{format}: {e}"));
        let file = path.to_str().unwrap();
        let entries =
            ["-select_streams", "s", "-show_entries", "stream=codec_name:stream_tags=language"];
        assert_eq!(counter::probe(file, &entries), [codec, "deu"]);
        // As they stand in the file: the sound's lead is before its start.
        let read = ["-copyts", "-i", file, "-map", "0:s", "-f", "srt", "-"];
        let text = String::from_utf8(ffmpeg(&read));
        let text = text.unwrap().replace("\r\n", "\n");
        let wanted = "1\n00:00:00,500 --> 00:00:01,500\nGuten Tag\n\n\
                      2\n00:00:01,800 --> 00:00:02,800\nDanke";
        assert_eq!(text.trim(), wanted, "{format}");
    }
}

#[test]
fn the_same_clip_has_the_same_bytes_in_every_codec() {
    let folder = tempfile::tempdir().unwrap();
    let source = footage(folder.path());
    let codec = |format, codec| Encoding { codec: Some(codec), ..of(format) };
    for encoding in [
        codec(Format::Mp4, VideoCodec::Hevc),
        codec(Format::Mp4, VideoCodec::Av1),
        codec(Format::Webm, VideoCodec::Vp9),
        codec(Format::Webm, VideoCodec::Av1),
        of(Format::Gif),
        of(Format::Webp),
        of(Format::Mp3),
        of(Format::Aac),
        of(Format::Opus),
    ] {
        let mut hashes = (0..3).map(|_| {
            let (path, facts) = render_one(&source, encoding, "again");
            let hash = facts.unwrap_or_else(|e| panic!("{encoding:?}: {e}")).blake3;
            std::fs::remove_file(path).unwrap();
            hash
        });
        let first = hashes.next().unwrap();
        assert!(hashes.all(|hash| hash == first), "{encoding:?}");
    }
}

#[test]
fn quality_is_paid_in_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let source = footage(folder.path());
    for format in [Format::Mp4, Format::Mp3] {
        let sizes = [Quality::Low, Quality::Medium, Quality::High, Quality::Best].map(|quality| {
            let encoding = Encoding { quality, ..of(format) };
            render_one(&source, encoding, quality.as_str()).1.unwrap().bytes
        });
        assert!(sizes.is_sorted_by(|a, b| a < b), "{format}: {sizes:?}");
    }
}

#[test]
fn hardware_that_is_not_there_is_said_before_any_work_and_auto_goes_on() {
    let (tools, cancel) = (MediaTools::find().unwrap(), CancelToken::new());
    let limits = RenderSettings::default().limits;
    let decide =
        |hardware| Encoding { hardware, ..Encoding::default() }.decided(&tools, &limits, &cancel);
    // No build of ffmpeg for this system has it.
    let error = decide(Hardware::Videotoolbox).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    assert!(error.message().contains("set hardware to off or auto"), "{error}");
    assert_ne!(decide(Hardware::Auto).unwrap().hardware, Hardware::Auto);
}

#[test]
fn a_run_writes_the_format_it_is_asked_for_and_results_are_encoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    show::make(&at.join("show.mp4"));
    let requests =
        "request_id,source_url,min_clip_length,max_clip_length,max_clips\na,show.mp4,5,8,1\n";
    std::fs::write(at.join("requests.csv"), requests).unwrap();
    let refused = clipflow(
        at,
        &["run", "requests.csv", "--out", "out", "--format", "webm", "--codec", "h264"],
    );
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("webm cannot hold h264; set --codec to vp9 or av1"));
    assert!(!at.join("out").exists());

    let args = ["run", "requests.csv", "--out", "out", "--format", "mp3", "--quality", "low"];
    let run = clipflow(at, &args);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let sql = "SELECT container, video_codec, width, frames, audio_codec FROM renditions";
    assert_eq!(query(at, sql), ["mp3,,,,mp3"]);
    let uri = query(at, "SELECT uri FROM renditions").remove(0);
    assert!(uri.ends_with(".mp3") && at.join("out").join(&uri).is_file(), "{uri}");

    let mut request = VideoClipRequest::new("show.mp4");
    (request.min_clip_length, request.max_clip_length) = (5.0, 8.0);
    let out = at.join("other");
    let clips = VideoClipProcessor::new(out.as_path()).with_base(at);
    let results = clips.process_batch_parallel(&[request], Default::default()).unwrap();
    let encoder = VideoEncodingProcessor::new(out.as_path()).with_base(at);
    let encode = |format, quality| encoder.batch_encode_videos(&results, format, quality, 1);
    let error = encode(Format::Gif, Quality::Lossless).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    let files = encode(Format::Gif, Quality::Low).unwrap();
    assert_eq!(files.len(), results[0].clips.len());
    for file in &files {
        assert_eq!((file.error_code.as_deref(), file.container.as_deref()), (None, Some("gif")));
        assert!(Path::new(file.uri.as_deref().unwrap()).is_file(), "{file:?}");
    }
    // A clip says which file it is now.
    let stale = "SELECT count(*) AS stale FROM clips c JOIN renditions r ON r.clip_id = c.clip_id
                 WHERE r.uri NOT LIKE '%' || c.media_id || '%'";
    let stale = clipflow(at, &["sql", "other", stale, "--format", "csv"]);
    assert_eq!(String::from_utf8_lossy(&stale.stdout).trim(), "stale\n0", "{}", stderr(&stale));
    let listed = clipflow(
        at,
        &["sql", "other", "SELECT DISTINCT container FROM renditions", "--format", "csv"],
    );
    assert_eq!(String::from_utf8_lossy(&listed.stdout).trim(), "container\ngif");
}
