//! Sources with several sound tracks: by language, by number, mixed, and the first that is not silent.

use std::fs;
use std::process::Command;

use super::super::support::{clipflow, query, stderr};
use super::ffmpeg;

/// Mean volume in dB of a file around a frequency in Hz.
fn volume(folder: &std::path::Path, file: &str, hertz: u32) -> f64 {
    let filter = format!(
        "bandpass=f={hertz}:width_type=h:w=40,bandpass=f={hertz}:width_type=h:w=40,volumedetect"
    );
    let mut command = Command::new("ffmpeg");
    command
        .current_dir(folder)
        .args(["-nostdin", "-i", file, "-vn", "-af", &filter, "-f", "null", "-"]);
    let text = String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned();
    let mean = text.split("mean_volume: ").nth(1).and_then(|t| t.split(' ').next()).unwrap();
    mean.parse().unwrap()
}

/// A film whose first track is silent; English is at 440 Hz, Spanish at 1100 Hz, an interview at 2500 Hz begins late.
fn film(folder: &std::path::Path) {
    let tone =
        |hertz: u32| format!("aevalsrc='0.3*sin(2*PI*{hertz}*t)*gt(mod(t,2),0.5)':s=48000:d=10");
    let (english, spanish, late) = (tone(440), tone(1100), tone(2500));
    let mut args = vec!["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=10"];
    for input in ["anullsrc=r=48000:cl=stereo:d=10", &english, &spanish] {
        args.extend(["-f", "lavfi", "-i", input]);
    }
    args.extend(["-itsoffset", "2", "-f", "lavfi", "-t", "8", "-i", &late]);
    for stream in ["0:v", "1:a", "2:a", "3:a", "4:a"] {
        args.extend(["-map", stream]);
    }
    for (stream, language) in [
        ("-metadata:s:a:0", "language=eng"),
        ("-metadata:s:a:1", "language=eng"),
        ("-metadata:s:a:2", "language=spa"),
        ("-metadata:s:a:3", "language=und"),
    ] {
        args.extend([stream, language]);
    }
    args.extend(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "film.mkv"]);
    ffmpeg(folder, &args);
}

#[test]
fn the_track_of_a_request_is_heard_in_its_clips_and_stands_in_sources() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    film(folder);
    let rows = "request_id,source_url,language,audio_track,min_clip_length,max_clip_length,max_clips\n\
        any,film.mkv,,,4,5,1\nenglish,film.mkv,en,,4,5,1\nspanish,film.mkv,es,,4,5,1\nthird,film.mkv,en,3,4,5,1\n\
        mixed,film.mkv,,mix,4,5,1\nfrench,film.mkv,,fr,4,5,1\nninth,film.mkv,,9,4,5,1\nodd,film.mkv,,track 2,4,5,1\n";
    fs::write(folder.join("requests.csv"), rows).unwrap();
    let args = ["run", "requests.csv", "-o", "out", "--variants", "1", "--platforms", "x"];
    let output = clipflow(folder, &args);
    let said = stderr(&output);
    let about = "SELECT o.request_id, s.audio_track, s.audio_language, s.audio_choice, s.audio_note
        FROM outcomes o LEFT JOIN sources s ON s.source_id = o.source_id WHERE o.status = 'ok' ORDER BY 1";
    let note = "track 1 of 4 is silent and track 2 was taken (audio_track names another)";
    assert_eq!(
        query(folder, about),
        [
            format!("any,2,eng,first,{note}"),
            "english,2,eng,first,".to_owned() + note,
            format!("french,2,eng,instead,there is no track in fra; {note}"),
            "mixed,,,mix,".to_owned(),
            "spanish,3,spa,language,".to_owned(),
            "third,3,spa,language,".to_owned(),
        ],
        "{said}"
    );
    let twice = "SELECT source_id FROM sources GROUP BY source_id HAVING count(*) > 1";
    assert_eq!(query(folder, twice), [""; 0]);
    let failed = "SELECT request_id, error_code, error_message FROM outcomes WHERE status <> 'ok' ORDER BY 1";
    let failed = query(folder, failed);
    assert!(
        failed[0].starts_with(
            "ninth,invalid_request.bad_value,\"audio_track is 9, but the source has 4 sound tracks"
        ),
        "{failed:?}"
    );
    assert!(failed[1].starts_with("odd,invalid_request.bad_value,"), "{failed:?}");
    let files = query(folder, "SELECT request_id, uri FROM renditions ORDER BY 1, 2");
    assert_eq!(files.len(), 12, "{files:?}");
    for row in files {
        let (request, uri) = row.split_once(',').unwrap();
        let heard = [440, 1100, 2500].map(|hertz| volume(&folder.join("out"), uri, hertz) > -40.0);
        let want = match request {
            "mixed" => [true, true, true],
            "spanish" | "third" => [false, true, false],
            _ => [true, false, false],
        };
        assert_eq!(heard, want, "{row}");
    }
}

#[test]
fn the_setting_names_the_track_where_no_row_does() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    film(folder);
    let args = [
        "run",
        "film.mkv",
        "-o",
        "out",
        "--min",
        "4",
        "--max",
        "5",
        "--audio-track",
        "es",
        "--smart-cut",
    ];
    let output = clipflow(folder, &args);
    assert!(output.status.success(), "{}", stderr(&output));
    let sources = query(folder, "SELECT audio_track, audio_choice FROM sources");
    assert_eq!(sources, ["3,language"]);
    for uri in query(folder, "SELECT uri FROM renditions") {
        let heard = [440, 1100].map(|hertz| volume(&folder.join("out"), &uri, hertz) > -40.0);
        assert_eq!(heard, [false, true], "{uri}");
    }
}
