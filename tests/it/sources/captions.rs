//! Captions and chapters that lie beside a source, wherever that is.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clipflow::config::ParallelConfig;
use clipflow::pipeline::{self, RunConfig};

use crate::support::http::{Server, Then, empty, file, head};
use crate::support::s3::S3;
use crate::support::{HEAD, query, show, stderr};

const VTT: &str = "WEBVTT\n\n00:01.000 --> 00:03.000\nHere is the first scene of the show.\n\n\
    00:03.500 --> 00:05.000\nAnd this is where it ends.\n";
const CUES: &str = "SELECT language, origin, text FROM cues ORDER BY start";

fn config(folder: &Path, url: &str) -> RunConfig {
    fs::write(folder.join("r.csv"), format!("{HEAD}a,{url},2,4,1\n")).unwrap();
    let mut config = RunConfig::new(folder.join("r.csv"), folder.join("out"));
    config.parallel = ParallelConfig {
        allow_private: true,
        spool_dir: folder.join("spool").to_string_lossy().into_owned(),
        ..ParallelConfig::default()
    };
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_beside_a_source_on_the_web_are_read() {
    let server = Server::start(|request, stream| match request.path.as_str() {
        "/a.mp4" => file(request, stream, show::short(), "\"v1\""),
        "/a.en.vtt" => file(request, stream, VTT.as_bytes(), "\"c1\""),
        // A page that says "not found" with status 200.
        "/a.vtt" => {
            let page = "<p>00:01.000 --> 00:03.000</p>";
            let length = format!("Content-Length: {}", page.len());
            head(stream, 200, &["Content-Type: text/html; charset=utf-8", &length]);
            stream.write_all(page.as_bytes()).unwrap();
            Then::Keep
        }
        _ => empty(stream, 404, &[]),
    });
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &server.url("/a.mp4"));
    assert_eq!(pipeline::run(&config).await.unwrap().answered, 1);
    let cues = query(folder.path(), CUES);
    let wanted = [
        "eng,sidecar,Here is the first scene of the show.",
        "eng,sidecar,And this is where it ends.",
    ];
    assert_eq!(cues, wanted);
    assert_eq!(fs::read_dir(folder.path().join("spool")).unwrap().count(), 0, "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn fetches_that_look_for_captions_do_not_wait_for_each_other() {
    let server = Server::start(|request, stream| match request.path.ends_with(".mp4") {
        true => file(request, stream, show::short(), "\"v1\""),
        false => empty(stream, 404, &[]),
    });
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), &server.url("/0.mp4"));
    let rows = (1..4).map(|n| format!("{n},{},2,4,1\n", server.url(&format!("/{n}.mp4"))));
    let first = fs::read_to_string(folder.path().join("r.csv")).unwrap();
    fs::write(folder.path().join("r.csv"), first + &rows.collect::<String>()).unwrap();
    // One place at the host, and one of all.
    config.parallel.max_fetches = 1;
    let run = tokio::time::timeout(Duration::from_secs(60), pipeline::run(&config));
    assert_eq!(run.await.expect("the run ends").unwrap().answered, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_at_captions_costs_the_source_a_note() {
    let server = Server::start(|request, stream| match request.path.as_str() {
        "/a.mp4" => file(request, stream, show::short(), "\"v1\""),
        _ => empty(stream, 500, &[]),
    });
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &server.url("/a.mp4"));
    assert_eq!(pipeline::run(&config).await.unwrap().answered, 1);
    let note = query(folder.path(), "SELECT caption_note FROM sources");
    assert!(note[0].contains("vtt beside the source was not read"), "{note:?}");
    // A signature is that of one address: nothing else is asked for.
    let before = server.requests().len();
    let signed = self::config(folder.path(), &server.url("/a.mp4?signature=1"));
    pipeline::run(&signed).await.unwrap();
    assert!(server.requests()[before..].iter().all(|r| r.path.starts_with("/a.mp4?")));
}

#[test]
fn captions_beside_an_object_are_read_and_other_captions_make_it_another_source() {
    let store = S3::start();
    let folder = tempfile::tempdir().unwrap();
    let bucket = store.bucket();
    fs::create_dir_all(bucket.join("talks")).unwrap();
    fs::write(bucket.join("talks/a.mp4"), show::short()).unwrap();
    fs::write(bucket.join("talks/a.de.auto.vtt"), VTT).unwrap();
    for (name, content) in [("a-b.vtt", VTT), ("a2.en.vtt", VTT), ("a.en.txt", VTT)] {
        fs::write(bucket.join("talks").join(name), content).unwrap();
    }
    let csv = format!("{HEAD}a,talks/a.mp4,2,4,1\n");
    fs::write(bucket.join("r.csv"), csv).unwrap();
    let run = || {
        let output = store.clipflow(folder.path(), &["run", "s3://bucket/r.csv", "--out", "out"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    run();
    let cues = query(folder.path(), "SELECT DISTINCT origin, text FROM cues ORDER BY text");
    let wanted =
        ["automatic,And this is where it ends.", "automatic,Here is the first scene of the show."];
    assert_eq!(cues, wanted);
    let source = query(folder.path(), "SELECT source_id, validator FROM sources");
    fs::write(bucket.join("talks/a.en.vtt"), VTT.replace("ends", "begins")).unwrap();
    run();
    let latest = "SELECT source_id, validator FROM sources JOIN outcomes USING (source_id)";
    assert_ne!(query(folder.path(), latest), source);
    let said = query(folder.path(), "SELECT text FROM cues WHERE origin = 'sidecar'");
    assert!(said.iter().any(|text| text.contains("begins")), "{said:?}");
}

/// A stand-in for yt-dlp that describes a video with `page` and has captions for the languages of `files`.
fn ytdlp(folder: &Path, page: &str, captions: &str) {
    use std::os::unix::fs::PermissionsExt;
    show::make(&folder.join("show.mp4"));
    fs::write(folder.join("page.json"), page).unwrap();
    fs::write(folder.join("said.json3"), JSON3).unwrap();
    let here = folder.display();
    let body = format!(
        "#!/bin/sh\necho \"$@\" >> {here}/args\ncase \"$*\" in\n*--load-info-json*) {captions};;\n\
         *) cp {here}/show.mp4 video.mp4; cp {here}/page.json video.info.json;;\nesac\n"
    );
    let path = folder.join("yt-dlp");
    fs::write(&path, body).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

const JSON3: &str = r#"{"events": [{"tStartMs": 6000, "dDurationMs": 3000, "segs": [
    {"utf8": "Bonjour", "tOffsetMs": 0}, {"utf8": " tout", "tOffsetMs": 500}, {"utf8": " le monde.", "tOffsetMs": 900}]}]}"#;
const PAGE: &str = r#"{"id": "x", "language": "fr",
    "automatic_captions": {"en": [], "fr": [], "fr-orig": []}, "subtitles": {"live_chat": []},
    "chapters": [{"start_time": 0, "end_time": 13, "title": "Début"}, {"start_time": 13, "end_time": 99, "title": "Fin"}],
    "heatmap": [{"start_time": 0, "end_time": 15, "value": 0.2}, {"start_time": 15, "end_time": 30, "value": 1}]}"#;

fn run_youtube(folder: &Path) {
    fs::write(folder.join("r.csv"), format!("{HEAD}a,https://youtu.be/a-b_c1234XY,4,9,1\n"))
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.current_dir(folder).args(["run", "r.csv", "--out", "out"]);
    command.env("CLIPFLOW_YTDLP", folder.join("yt-dlp")).env("CLIPFLOW_SANDBOX", "off");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_video_comes_with_the_captions_chapters_and_replays_of_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let here = path.display();
    ytdlp(path, PAGE, &format!("cp {here}/said.json3 video.fr-orig.json3"));
    run_youtube(path);
    let args = fs::read_to_string(path.join("args")).unwrap();
    let args: Vec<&str> = args.lines().collect();
    assert_eq!(args.len(), 2, "{args:?}");
    assert!(
        args[1].contains("--sub-langs fr-orig ") && args[1].contains("--skip-download"),
        "{args:?}"
    );
    assert!(!args[1].contains("youtube.com"), "{args:?}");
    let said = "SELECT language, text, cardinality(words) FROM cues WHERE origin = 'automatic'";
    assert_eq!(query(path, said), ["fra,Bonjour tout le monde.,3"]);
    let chapters =
        query(path, "SELECT chapter_id, start, \"end\", title FROM chapters ORDER BY start");
    assert_eq!(chapters, ["0,0.0,13.0,Début", "1,13.0,30.0,Fin"]);
    let replayed = query(path, "SELECT start, value FROM replays ORDER BY value DESC LIMIT 1");
    assert_eq!(replayed, ["15.0,1.0"]);
    assert_eq!(
        query(path, "SELECT validator, caption_note FROM sources"),
        ["youtube-a-b_c1234XY,"]
    );
}

#[test]
fn captions_that_a_page_refuses_cost_the_video_a_note() {
    let folder = tempfile::tempdir().unwrap();
    ytdlp(folder.path(), PAGE, "echo 'ERROR: HTTP Error 429: Too Many Requests' >&2; exit 1");
    run_youtube(folder.path());
    let note = query(folder.path(), "SELECT caption_note FROM sources");
    assert!(note[0].contains("fr-orig") && note[0].contains("429"), "{note:?}");
}

#[test]
fn chapters_of_a_container_are_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("plain.mp4"));
    let chapters = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=12000\ntitle=Opening\n\
        [CHAPTER]\nTIMEBASE=1/1000\nSTART=12000\nEND=30000\ntitle=Rest\n";
    fs::write(path.join("chapters.txt"), chapters).unwrap();
    let at = |name: &str| path.join(name).to_string_lossy().into_owned();
    crate::support::counter::ffmpeg(&[
        "-i",
        &at("plain.mp4"),
        "-i",
        &at("chapters.txt"),
        "-map_metadata",
        "1",
        "-map_chapters",
        "1",
        "-map",
        "0:v",
        "-map",
        "0:a",
        "-c",
        "copy",
        &at("show.mp4"),
    ]);
    let run = Command::new(env!("CARGO_BIN_EXE_clipflow"))
        .current_dir(path)
        .args(["run", "show.mp4", "--out", "out"])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let said = "SELECT start, \"end\", title FROM chapters ORDER BY start";
    assert_eq!(query(path, said), ["0.0,12.0,Opening", "12.0,30.0,Rest"]);
}
