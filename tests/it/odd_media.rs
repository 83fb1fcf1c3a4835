//! Sources as recorders, phones and subtitlers make them: silent tracks, channels that cancel each other, high dynamic
//! range, old encodings, karaoke.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::support::{clipflow, query, stderr, stdout};

fn ffmpeg(folder: &Path, args: &[&str]) {
    let mut command = Command::new("ffmpeg");
    command.current_dir(folder).args(["-nostdin", "-v", "error", "-y"]).args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const PICTURE: [&str; 4] = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=8"];
const CODEC: [&str; 6] = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];

/// Talk: a tone that comes and goes.
const TALK: &str = "aevalsrc='0.3*sin(2*PI*440*t)*gt(mod(t,3),1)':s=48000:d=8";

/// What a run over videos says.
fn run(folder: &Path, videos: &[&str], more: &[&str]) -> String {
    let lengths = ["--min", "2", "--max", "4"];
    run_with(folder, &[videos, &lengths, more].concat())
}

fn run_with(folder: &Path, args: &[&str]) -> String {
    let output = clipflow(folder, &[&["run", "-o", "out"], args].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output) + &stderr(&output)
}

#[test]
fn the_track_that_has_sound_is_heard_and_channels_do_not_cancel() {
    let folder = tempfile::tempdir().unwrap();
    let silence = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo:d=8"];
    let talk = ["-f", "lavfi", "-i", TALK];
    let maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-disposition:a:0", "default"];
    ffmpeg(
        folder.path(),
        &[&PICTURE[..], &silence, &talk, &maps, &CODEC, &["tracks.mkv"]].concat(),
    );
    let pan = ["-af", "pan=stereo|c0=c0|c1=-1*c0"];
    ffmpeg(folder.path(), &[&PICTURE[..], &talk, &pan, &CODEC, &["phase.mp4"]].concat());
    let pan = ["-af", "pan=stereo|c0=c0|c1=0*c0"];
    ffmpeg(folder.path(), &[&PICTURE[..], &talk, &pan, &CODEC, &["left.mp4"]].concat());
    ffmpeg(folder.path(), &[&PICTURE[..], &talk, &CODEC, &["usual.mp4"]].concat());
    let said = run(folder.path(), &["tracks.mkv", "phase.mp4", "left.mp4", "usual.mp4"], &[]);
    let name = "regexp_replace(location, '.*/', '')";
    let about =
        format!("SELECT {name}, audio_track, audio_tracks, audio_note FROM sources ORDER BY 1");
    assert_eq!(
        query(folder.path(), &about),
        [
            "left.mp4,1,1,\"only the left channel has sound, which clips have on both\"",
            "phase.mp4,1,1,\"one channel is the other upside down, so that on one speaker nothing is heard; it is turned in clips\"",
            "tracks.mkv,2,2,track 1 of 2 is silent and track 2 was taken (audio_track names another)",
            "usual.mp4,1,1,",
        ]
    );
    assert!(said.contains("tracks.mkv: sound: track 1 of 2 is silent"), "{said}");
    // All hear the pauses of the same talk.
    let heard = format!(
        "SELECT {name} AS name, round(avg(silence), 1) FROM signals JOIN sources USING (source_id) GROUP BY name ORDER BY name"
    );
    let heard = query(folder.path(), &heard);
    let share = |row: &String| row.split_once(',').unwrap().1.to_owned();
    assert!(heard.iter().all(|row| share(row) == share(&heard[3])), "{heard:?}");
    // The clips have the sound too.
    let clip = "SELECT r.uri FROM renditions r JOIN clips c USING (clip_id) JOIN sources s USING (source_id) WHERE s.location LIKE '%tracks.mkv'";
    let uri = query(folder.path(), clip).remove(0);
    let output = Command::new("ffmpeg")
        .current_dir(folder.path().join("out"))
        .args(["-v", "info", "-i", &uri, "-vn", "-af", "volumedetect", "-f", "null", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let peak = text.split("max_volume: ").nth(1).and_then(|t| t.split(' ').next()).unwrap();
    assert!(peak.parse::<f64>().unwrap() > -20.0, "{peak}");
}

#[test]
fn pictures_of_high_dynamic_range_become_standard_ones() {
    let folder = tempfile::tempdir().unwrap();
    let tags = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc,format=yuv420p10le";
    let x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"];
    let marks =
        ["-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"];
    ffmpeg(folder.path(), &[&PICTURE[..], &["-vf", tags], &x265, &marks, &["hlg.mp4"]].concat());
    let said = run(folder.path(), &["hlg.mp4"], &["--variants", "1"]);
    assert!(
        said.contains("hlg.mp4: picture: of high dynamic range (hlg), tone-mapped to BT.709"),
        "{said}"
    );
    assert_eq!(query(folder.path(), "SELECT hdr FROM sources"), ["hlg"]);
    let files = query(folder.path(), "SELECT DISTINCT uri FROM renditions");
    assert!(files.len() >= 2, "{files:?}");
    for uri in files {
        let entries = "stream=pix_fmt,color_space,color_transfer,color_primaries";
        let output = Command::new("ffprobe")
            .current_dir(folder.path().join("out"))
            .args([
                "-v",
                "error",
                "-select_streams",
                "v",
                "-show_entries",
                entries,
                "-of",
                "csv=p=0",
                &uri,
            ])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "yuv420p,bt709,bt709,bt709",
            "{uri}"
        );
    }
}

#[test]
fn captions_beside_a_source_are_read_in_old_encodings_and_as_substation() {
    let folder = tempfile::tempdir().unwrap();
    ffmpeg(folder.path(), &[&PICTURE[..], &CODEC, &["ru.mp4"]].concat());
    fs::copy(folder.path().join("ru.mp4"), folder.path().join("song.mp4")).unwrap();
    let text = "1\n00:00:00,500 --> 00:00:03,500\nСегодня мы говорим о том, как растут города.\n\n\
        2\n00:00:04,000 --> 00:00:07,500\nПочему это важно для всех нас?\n";
    let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(text);
    fs::write(folder.path().join("ru.srt"), bytes).unwrap();
    let ass = "[Script Info]\nScriptType: v4.00+\n\n[Events]\n\
        Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
        Comment: 0,0:00:00.00,0:00:05.00,Default,,0,0,0,,never shown\n\
        Dialogue: 0,0:00:01.00,0:00:04.00,Default,,0,0,0,,{\\k50}Sing {\\k100}with {\\k50}me\n\
        Dialogue: 0,0:00:01.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}\n";
    fs::write(folder.path().join("song.ass"), ass).unwrap();
    // The same track within a file.
    let track = ["-i", "ru.mp4", "-i", "song.ass", "-c", "copy", "within.mkv"];
    ffmpeg(folder.path(), &track);
    let said = run(folder.path(), &["ru.mp4", "song.mp4", "within.mkv"], &["--plan-only"]);
    let cues = "SELECT regexp_replace(location, '.*/', ''), c.text, array_length(c.words) FROM cues c JOIN sources USING (source_id) ORDER BY location, c.start";
    assert_eq!(
        query(folder.path(), cues),
        [
            "ru.mp4,\"Сегодня мы говорим о том, как растут города.\",",
            "ru.mp4,Почему это важно для всех нас?,",
            "song.mp4,Sing with me,3",
            "within.mkv,Sing with me,3",
        ]
    );
    let encodings =
        "SELECT language, caption_encoding FROM sources WHERE caption_encoding IS NOT NULL";
    assert_eq!(query(folder.path(), encodings), ["rus,windows-1251"]);
    assert!(
        said.contains(
            "ru.mp4: captions: no mark says their encoding and their letters are of windows-1251"
        ),
        "{said}"
    );
}

#[test]
fn requests_without_a_language_go_by_that_of_the_captions() {
    let folder = tempfile::tempdir().unwrap();
    ffmpeg(folder.path(), &[&PICTURE[..], &CODEC, &["hola.mp4"]].concat());
    let text = "1\n00:00:00,500 --> 00:00:03,500\nHola amigos, esto es una prueba de idioma para todos.\n\n\
        2\n00:00:04,000 --> 00:00:07,500\n¿Por qué nadie te lo dice cuando lo necesitas?\n";
    fs::write(folder.path().join("hola.srt"), text).unwrap();
    fs::write(
        folder.path().join("r.csv"),
        "request_id,source_url,language,min_clip_length,max_clip_length\n\
         none,hola.mp4,,2,4\nenglish,hola.mp4,en,2,4\nspanish,hola.mp4,es,2,4\n",
    )
    .unwrap();
    run_with(folder.path(), &["r.csv", "--variants", "1", "--platforms", "x", "--plan-only"]);
    let rows = query(
        folder.path(),
        "SELECT r.request_id, r.language, r.asked_language, bool_and(c.hook_text IS NOT NULL), bool_and(v.title IS NOT NULL) FROM clips c JOIN requests r ON r.request_id = c.request_id JOIN variants v ON v.clip_id = c.clip_id GROUP BY 1, 2, 3 ORDER BY 1",
    );
    assert_eq!(
        rows,
        ["english,en,en,false,false", "none,en,,true,true", "spanish,es,es,true,true"]
    );
}
