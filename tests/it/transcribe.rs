//! Speech of sources without captions, transcribed by a command and by a server of our own.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::support::counter::ffmpeg;
use super::support::http::{Server, Then, empty, head};
use super::support::{clipflow, query, stderr, stdout};

/// The talk begins so many seconds into its video.
const BEGINS: f64 = 2.0;

/// A video of 20 seconds in which a voice says three sentences from 2 s on.
fn talk(path: &Path) {
    let said = "Why do old bridges fall down. The river moved the sand away from under the stones. \
        Nobody expected that the bridge would stand for another winter.";
    let voice = format!("flite=voice=slt:text='{said}'");
    let sound = "[1:a]aresample=48000,adelay=2000|2000,apad[a]";
    let input = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-f", "lavfi", "-i", &voice];
    let output = ["-t", "20", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];
    let map = ["-filter_complex", sound, "-map", "0:v", "-map", "[a]"];
    ffmpeg(&[&input[..], &map, &output, &[path.to_str().unwrap()]].concat());
}

/// What a transcriber writes of the talk, in the form of openai-whisper.
fn answer() -> String {
    let sentences = [
        (0.1, "Why do old bridges fall down?"),
        (2.3, "The river moved the sand away."),
        (4.0, "From under the stones."),
    ];
    let segment = |(start, text): &(f64, &str)| {
        let words = text.split(' ').enumerate().map(|(n, word)| {
            let at = BEGINS + start + 0.25 * n as f64;
            json!({ "word": format!(" {word}"), "start": at, "end": at + 0.24 })
        });
        let words: Vec<_> = words.collect();
        json!({ "start": BEGINS + start, "end": BEGINS + start + 1.5, "text": text, "words": words })
    };
    let segments: Vec<_> = sentences.iter().map(segment).collect();
    json!({ "language": "en", "segments": segments }).to_string()
}

/// A program that notes how it is called and writes `answer`; its command.
fn transcriber(folder: &Path, answer: &str) -> String {
    fs::write(folder.join("answer.json"), answer).unwrap();
    let program = folder.join("transcriber.sh");
    let here = folder.display();
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {here}/calls.txt\ntest -s \"$1\" || exit 9\ncp {here}/answer.json \"$2/sound.json\"\n"
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{} {{input}} {{output_dir}} --language {{language}}", program.display())
}

fn calls(folder: &Path) -> Vec<String> {
    let calls = fs::read_to_string(folder.join("calls.txt")).unwrap_or_default();
    calls.lines().map(str::to_owned).collect()
}

fn requests(folder: &Path, rows: &str) {
    let header = "request_id,source_url,language,min_clip_length,max_clip_length,max_clips\n";
    fs::write(folder.join("requests.csv"), format!("{header}{rows}")).unwrap();
}

fn run(folder: &Path, more: &[&str]) -> String {
    let output = clipflow(folder, &[&["run", "requests.csv", "--out", "out"], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn a_command_transcribes_each_source_once_and_its_words_become_captions() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    talk(&folder.join("talk.mp4"));
    requests(folder, "a,talk.mp4,en,4,8,1\nb,talk.mp4,,3,6,1\n");
    let command = transcriber(folder, &answer());
    let asked = ["--plan-only", "--variants", "2", "--transcribe-command", &command];
    let said = run(folder, &asked);
    assert!(!said.contains("no captions"), "{said}");
    assert_eq!(calls(folder).len(), 1, "{:?}", calls(folder));
    assert!(calls(folder)[0].ends_with("--language en"), "{:?}", calls(folder));
    let cues = "SELECT origin, language, text, cardinality(words) FROM cues ORDER BY start";
    assert_eq!(
        query(folder, cues),
        [
            "transcriber,eng,Why do old bridges fall down?,6",
            "transcriber,eng,The river moved the sand away.,6",
            "transcriber,eng,From under the stones.,4",
        ]
    );
    let sources = "SELECT language, transcriber LIKE '%transcriber.sh%', transcript_note, transcript_error FROM sources";
    assert_eq!(query(folder, sources), ["eng,true,,"]);
    let titled =
        "SELECT count(*) FROM variants WHERE text_origin = 'captions' AND title IS NOT NULL";
    assert_ne!(query(folder, titled), ["0"]);
    // Nothing has changed.
    run(folder, &asked);
    assert_eq!(calls(folder).len(), 1);
    let wrong =
        ["run", "requests.csv", "--out", "out", "--transcribe-command", "no-such-program {input}"];
    let output = clipflow(folder, &wrong);
    assert!(
        stderr(&output).contains("no-such-program of --transcribe-command cannot be run"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn captions_in_the_language_that_is_asked_for_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    talk(&folder.join("talk.mp4"));
    fs::write(
        folder.join("talk.es.srt"),
        "1\n00:00:02,000 --> 00:00:06,000\nAhora vemos un conjunto muy hermoso.\n",
    )
    .unwrap();
    let command = transcriber(folder, &answer());
    let asked = ["--plan-only", "--transcribe-command", &command];
    requests(folder, "own,talk.mp4,es,4,8,1\nnone,talk.mp4,,4,8,1\n");
    run(folder, &asked);
    assert_eq!(calls(folder), Vec::<String>::new());
    requests(folder, "own,talk.mp4,es,4,8,1\nother,talk.mp4,en,4,8,1\n");
    run(folder, &asked);
    assert_eq!(calls(folder).len(), 1);
    let origins = "SELECT origin, language, count(*) FROM cues GROUP BY 1, 2 ORDER BY 1";
    assert_eq!(query(folder, origins), ["sidecar,spa,1", "transcriber,eng,3"]);
}

#[test]
fn nothing_is_invented_where_nothing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = [
        ("tone.mp4", "sine=f=440:r=48000"),
        ("noise.mp4", "anoisesrc=r=48000:a=0.3"),
        ("drums.mp4", "aevalsrc='0.8*sin(2*PI*60*t)*exp(-20*mod(t,0.5))':s=48000"),
        ("silence.mp4", "anullsrc=r=48000"),
    ];
    let mut rows = String::new();
    for (name, sound) in made {
        let input = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25", "-f", "lavfi", "-i", sound];
        let coding = ["-t", "12", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];
        ffmpeg(&[&input[..], &coding, &[folder.join(name).to_str().unwrap()]].concat());
        rows += &format!("{name},{name},en,4,8,1\n");
    }
    requests(folder, &rows);
    let command = transcriber(folder, &answer());
    let said = run(folder, &["--plan-only", "--transcribe-command", &command]);
    assert_eq!(calls(folder), Vec::<String>::new(), "no transcriber is asked");
    assert_eq!(query(folder, "SELECT count(*) FROM cues"), ["0"]);
    let notes = "SELECT DISTINCT transcript_note FROM sources";
    assert_eq!(query(folder, notes), ["no voice is heard"]);
    assert!(said.contains("4 sources, e.g. drums.mp4: speech: no voice is heard"), "{said}");
}

#[test]
fn words_that_no_voice_says_are_left_out_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    talk(&folder.join("talk.mp4"));
    requests(folder, "a,talk.mp4,en,4,8,1\n");
    let invented = r#"{"segments":[{"start":2.2,"end":3.2,"text":"Old bridges fall."},
        {"start":16.5,"end":18.0,"text":"Thanks for watching!"}]}"#;
    let command = transcriber(folder, invented);
    let said = run(folder, &["--plan-only", "--transcribe-command", &command]);
    assert_eq!(query(folder, "SELECT text FROM cues"), ["Old bridges fall."]);
    assert!(said.contains("talk.mp4: speech: 3 words were left out"), "{said}");
}

#[test]
fn a_transcriber_that_fails_costs_its_captions_alone_and_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    talk(&folder.join("talk.mp4"));
    requests(folder, "a,talk.mp4,en,4,8,1\n");
    let failing = "sh -c 'echo no such model >&2; exit 3' {input}";
    let said = run(folder, &["--plan-only", "--transcribe-command", failing]);
    let note = "talk.mp4: speech: not transcribed, the transcriber sh ended with exit status: 3 (no such model)";
    assert!(said.contains(note), "{said}");
    assert_eq!(query(folder, "SELECT status, clips FROM outcomes"), ["ok,1"]);
    assert_eq!(query(folder, "SELECT transcript_error FROM sources"), ["transcribe.failed"]);
    // The same command, which works now.
    let command = transcriber(folder, &answer());
    fs::set_permissions(folder.join("transcriber.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(folder.join("answer.json"), folder.join("hidden.json")).unwrap();
    run(folder, &["--plan-only", "--transcribe-command", &command]);
    assert_eq!(query(folder, "SELECT transcript_error FROM sources"), ["transcribe.failed"]);
    fs::rename(folder.join("hidden.json"), folder.join("answer.json")).unwrap();
    run(folder, &["--plan-only", "--transcribe-command", &command]);
    let failed = "SELECT count(*) FROM sources WHERE transcript_error IS NOT NULL";
    assert_eq!(query(folder, failed), ["0"]);
    assert_eq!(query(folder, "SELECT count(*) FROM cues"), ["3"]);
}

#[test]
fn a_server_of_the_openai_form_is_asked_again_after_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    talk(&folder.join("talk.mp4"));
    requests(folder, "a,talk.mp4,en,4,8,1\n");
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_, stream| {
        if asked.fetch_add(1, Ordering::SeqCst) == 0 {
            return empty(stream, 503, &["Retry-After: 0"]);
        }
        let body = answer();
        head(
            stream,
            200,
            &["Content-Type: application/json", &format!("Content-Length: {}", body.len())],
        );
        let _ = stream.write_all(body.as_bytes());
        Then::Keep
    });
    let url = server.url("/v1");
    let flags =
        ["--plan-only", "--allow-private", "--transcribe-url", &url, "--transcribe-model", "tiny"];
    run(folder, &flags);
    assert_eq!(query(folder, "SELECT count(*) FROM cues"), ["3"]);
    let sources = "SELECT transcriber LIKE '%/v1/audio/transcriptions tiny' FROM sources";
    assert_eq!(query(folder, sources), ["true"]);
    assert_eq!(server.count("POST"), 2);
    let request = server.requests().pop().unwrap();
    assert_eq!(request.path, "/v1/audio/transcriptions");
    let form = String::from_utf8_lossy(&request.body).into_owned();
    for part in [
        "name=\"model\"\r\n\r\ntiny\r\n",
        "name=\"language\"\r\n\r\nen\r\n",
        "name=\"response_format\"\r\n\r\nverbose_json\r\n",
        "filename=\"sound.wav\"",
    ] {
        assert!(form.contains(part), "{part}");
    }
    let both = [
        &["run", "requests.csv", "--out", "out", "--transcribe-command", "cat {input}"],
        &flags[..],
    ]
    .concat();
    let output = clipflow(folder, &both);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("name a command or a server, not both"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_voice_in_noise_is_heard_and_noise_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    talk(&folder.join("plain.mp4"));
    let noise = "anoisesrc=r=48000:a=0.02:d=20[n];[0:a][n]amix=inputs=2:normalize=0[a]";
    let input = ["-i", folder.join("plain.mp4").to_str().unwrap(), "-filter_complex", noise]
        .map(str::to_owned);
    let map = ["-map", "0:v", "-map", "[a]", "-c:v", "copy", "-c:a", "aac"].map(str::to_owned);
    let file = folder.join("talk.mp4").to_str().unwrap().to_owned();
    let args: Vec<String> = input.into_iter().chain(map).chain([file]).collect();
    ffmpeg(&args.iter().map(String::as_str).collect::<Vec<_>>());
    requests(folder, "a,talk.mp4,en,4,8,1\n");
    run(folder, &["--plan-only"]);
    let speech = "SELECT round(avg(speech) FILTER (WHERE t BETWEEN 2.5 AND 8), 1) > 0.6,
        max(speech) FILTER (WHERE t < 1.5) < 0.2, max(speech) FILTER (WHERE t > 15) < 0.2 FROM signals";
    assert_eq!(query(folder, speech), ["true,true,true"]);
}
