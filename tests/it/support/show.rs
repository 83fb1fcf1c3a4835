//! A short programme with cuts, sound and captions, and a finished run over it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::counter::ffmpeg;
use super::{clipflow, stderr};

/// Starts of the scenes of [`make`] after the first, in seconds.
pub const CUTS: [f64; 4] = [6.0, 13.0, 18.0, 26.0];

/// Writes a video of 30 s with five scenes, sound that is loud in the third and English captions.
pub fn make(path: &Path) {
    let captions = path.with_extension("captions");
    fs::write(&captions, CAPTIONS).expect("room for test media");
    let scenes = [
        ("testsrc2=s=320x180:r=25", 6),
        ("mandelbrot=s=320x180:r=25:start_scale=0.4", 7),
        ("smptebars=s=320x180:r=25", 5),
        ("cellauto=s=320x180:r=25:rule=110", 8),
        ("rgbtestsrc=s=320x180:r=25", 4),
    ];
    let mut args: Vec<String> = vec![];
    for (scene, seconds) in scenes {
        args.extend(["-f", "lavfi", "-t", &seconds.to_string(), "-i", scene].map(str::to_owned));
    }
    let sound =
        "aevalsrc='(0.05+0.6*between(t,13,18))*sin(2*PI*440*t)*gt(mod(t,2),0.3)':s=48000:d=30";
    args.extend(["-f", "lavfi", "-i", sound, "-f", "srt", "-i"].map(str::to_owned));
    args.push(captions.to_string_lossy().into_owned());
    let filter = "[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];[2:v]format=yuv420p[c];[3:v]format=yuv420p[d];\
        [4:v]format=yuv420p[e];[a][b][c][d][e]concat=n=5:v=1:a=0[v]";
    args.extend(
        ["-filter_complex", filter, "-map", "[v]", "-map", "5:a", "-map", "6:s"].map(str::to_owned),
    );
    args.extend(
        ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-c:s", "mov_text"]
            .map(str::to_owned),
    );
    args.extend(["-metadata:s:s:0", "language=eng", "-f", "mp4"].map(str::to_owned));
    args.push(path.to_string_lossy().into_owned());
    ffmpeg(&args.iter().map(String::as_str).collect::<Vec<_>>());
    fs::remove_file(captions).expect("the captions are there");
}

/// A video of 6 s with something to choose from, made once.
pub fn short() -> &'static [u8] {
    static VIDEO: OnceLock<Vec<u8>> = OnceLock::new();
    VIDEO.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("short.mp4");
        let file = path.to_str().expect("UTF-8");
        let picture = ["-f", "lavfi", "-t", "6", "-i", "testsrc2=s=160x90:r=10"];
        ffmpeg(&[&picture[..], &["-c:v", "libx264", "-preset", "ultrafast", file]].concat());
        fs::read(path).expect("ffmpeg has written it")
    })
}

const CAPTIONS: &str = "1\n00:00:00,500 --> 00:00:03,000\nHere is the first scene of the show.\n\n\
2\n00:00:07,000 --> 00:00:10,000\nNow we zoom into a beautiful set.\n\n\
3\n00:00:13,500 --> 00:00:16,000\nThis is the loudest part of all!\n\n\
4\n00:00:19,000 --> 00:00:22,000\nAnd the automaton goes its way.\n";

/// The requests of [`finished`].
pub const REQUESTS: &str =
    "request_id,source_url,language,min_clip_length,max_clip_length,max_clips,campaign
good,show.mp4,en,4,9,2,spring
same,./show.mp4,en,4,9,2,summer
long,show.mp4,en,5,15,1,spring
short,show.mp4,en,60,90,1,
missing,no-such.mp4,en,4,9,2,
bad,show.mp4,en,9,4,1,
text,notes.mp4,en,4,9,1,autumn
";

/// A folder with `show.mp4`, `requests.csv` ([`REQUESTS`]) and the results in `out`, made once.
pub fn finished() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // A static is not dropped: what processes that are gone have left is removed here.
        let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
        for old in fs::read_dir(all).expect("cargo makes it").flatten().map(|e| e.path()) {
            let name = old.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
            if name.strip_prefix("show-").is_some_and(|pid| !Path::new("/proc").join(pid).exists())
            {
                let _ = fs::remove_dir_all(&old);
            }
        }
        let folder = all.join(format!("show-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        requests(&folder);
        let run = ["run", "requests.csv", "--out", "out", "--trace", "trace.json"];
        let output = clipflow(&folder, &run);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        folder
    })
}

/// Writes the programme and the requests into `folder`.
pub fn requests(folder: &Path) {
    make(&folder.join("show.mp4"));
    fs::write(folder.join("notes.mp4"), "this is not a video at all\n").expect("room");
    fs::write(folder.join("requests.csv"), REQUESTS).expect("room");
}
