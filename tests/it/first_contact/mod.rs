//! What a person meets first: a video in, named files out, sentences where something else was meant.

mod sentences;
mod sizes;
mod spans;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

use super::support::{clipflow, query, stderr, stdout};

/// A folder with two short videos and the results of one run over the first, plain and as variants.
static POSTED: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("clips in")).unwrap();
    video(&folder.path().join("clips in/My talk, part 1.mp4"), "testsrc2");
    video(&folder.path().join("clips in/b.MOV"), "smptebars");
    let run = clipflow(
        folder.path(),
        &[
            "run",
            "clips in/My talk, part 1.mp4",
            "-o",
            "out",
            "--min",
            "4",
            "--max",
            "0:08",
            "--topic",
            "a talk",
        ],
    );
    assert!(run.status.success(), "{}", stderr(&run));
    folder
});

/// Makes a video of 12 s in 320x180 at 25 frames a second, without captions.
fn video(path: &Path, picture: &str) {
    let source = format!("{picture}=s=320x180:r=25:d=12");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &source, "-f", "lavfi", "-i", "sine=d=12"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-shortest"])
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

/// A folder with the video `talk.mp4`.
fn with_talk() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    video(&folder.path().join("talk.mp4"), "testsrc2");
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

#[test]
fn a_video_is_a_request_and_its_clips_have_names() {
    let folder = POSTED.path();
    let lengths = query(folder, "SELECT min_clip_length, max_clip_length, topic FROM requests");
    assert_eq!(lengths, ["4.0,8.0,a talk"]);
    let posts = names(&folder.join("out/posts"));
    assert!(posts.contains(&"My-talk-part-1_1_clip_320x180.mp4".to_owned()), "{posts:?}");
    assert!(posts.contains(&"posts.csv".to_owned()) && posts.contains(&"posts.parquet".to_owned()));
    let uri = &query(folder, "SELECT uri FROM posts WHERE post = 1")[0];
    let named = folder.join("out/posts/My-talk-part-1_1_clip_320x180.mp4");
    let [there, here] =
        [folder.join("out").join(uri), named].map(|p| fs::metadata(p).unwrap().ino());
    assert_eq!(there, here, "a hard link takes no space");
    let sheet = fs::read_to_string(folder.join("out/posts/posts.csv")).unwrap();
    let lines: Vec<&str> = sheet.lines().collect();
    assert!(lines[0].starts_with(
        "file,platform,title,description,hashtags,hook_text,score,why,source,start,end,language"
    ));
    assert!(lines[1].starts_with("My-talk-part-1_1_clip_320x180.mp4,clip,"), "{}", lines[1]);
    assert_eq!(lines.len(), 1 + query(folder, "SELECT * FROM renditions").len());
}

#[test]
fn a_folder_or_pattern_of_videos_is_a_request_each() {
    let folder = POSTED.path();
    for (input, out) in [("clips in", "out-folder"), ("clips in/*", "out-pattern")] {
        let run = clipflow(folder, &["run", input, "-o", out, "--max", "8", "--plan-only"]);
        assert!(run.status.success(), "{}", stderr(&run));
        let rows = clipflow(
            folder,
            &["sql", out, "SELECT source_url FROM requests ORDER BY 1", "--format", "csv"],
        );
        let text = stdout(&rows);
        assert!(text.contains("My talk, part 1.mp4") && text.contains("b.MOV"), "{text}");
        assert!(!folder.join(out).join("posts").exists(), "nothing was rendered");
    }
}

#[test]
fn names_follow_the_template_and_old_ones_go() {
    let folder = POSTED.path();
    let run = |args: &[&str]| {
        let head =
            ["run", "clips in/My talk, part 1.mp4", "-o", "named", "--min", "4", "--max", "8"];
        clipflow(folder, &[&head[..], args].concat())
    };
    assert!(run(&[]).status.success());
    fs::write(folder.join("named/posts/mine.txt"), "kept").unwrap();
    let again = run(&["--name", "{rank}-{source}-{start}"]);
    assert!(again.status.success(), "{}", stderr(&again));
    let posts = names(&folder.join("named/posts"));
    assert!(posts.iter().any(|name| name.starts_with("1-My-talk-part-1-")), "{posts:?}");
    assert!(!posts.iter().any(|name| name.starts_with("My-talk")), "{posts:?}");
    assert!(posts.contains(&"mine.txt".to_owned()), "files of the user stay");
    for (template, why) in [
        ("{sauce}", "{sauce}, which is not known"),
        ("a/{rank}", "slash"),
        ("clip", "names every file the same"),
    ] {
        let wrong = run(&["--name", template]);
        assert_eq!(wrong.status.code(), Some(2));
        assert!(stderr(&wrong).contains(why), "{}", stderr(&wrong));
    }
}

#[test]
fn what_is_no_table_gets_a_hint() {
    let folder = POSTED.path();
    let wrong = clipflow(folder, &["validate", "clips in/b.MOV"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("is a video, not a table of requests"), "{}", stderr(&wrong));
    fs::write(folder.join("r.csv"), "source_url\na.mp4\n").unwrap();
    let wrong = clipflow(folder, &["run", "r.csv", "-o", "none", "--min", "4"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("its column min_clip_length"), "{}", stderr(&wrong));
    for missing in ["missing.mp4", "missing/*.mp4"] {
        let wrong = clipflow(folder, &["run", missing, "-o", "none"]);
        assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
        assert!(!folder.join("none").exists());
    }
}

#[test]
fn an_unknown_ending_is_an_error_and_files_hold_all_rows() {
    let folder = POSTED.path();
    let wrong = clipflow(folder, &["sql", "out", "SELECT 1", "-o", "x.xlsx"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("x.xlsx") && !folder.join("x.xlsx").exists());
    let many = "SELECT * FROM generate_series(1, 1500)";
    let cut = clipflow(folder, &["sql", "out", many]);
    assert!(stderr(&cut).contains("only the first 1000 rows"), "{}", stderr(&cut));
    assert!(clipflow(folder, &["sql", "out", many, "-o", "all.txt"]).status.success());
    let lines = fs::read_to_string(folder.join("all.txt")).unwrap().lines().count();
    assert_eq!(lines, 1504, "rows, header and three rules");
}

#[test]
fn statements_come_from_standard_input_and_may_be_several() {
    let folder = POSTED.path();
    let mut child = Command::new(env!("CARGO_BIN_EXE_clipflow"))
        .args(["sql", "out", "-f", "-", "--format", "csv"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"SELECT 1 AS a; SELECT 2 AS b;").unwrap();
    assert_eq!(stdout(&child.wait_with_output().unwrap()), "a\n1\nb\n2\n");
}

#[test]
fn completions_and_man_pages_name_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&clipflow(folder.path(), &["completions", shell]));
        assert!(script.contains("import-events") && script.contains("variants-only"), "{shell}");
    }
    assert!(clipflow(folder.path(), &["man", "pages"]).status.success());
    let run = fs::read_to_string(folder.path().join("pages/clipflow-run.1")).unwrap();
    assert!(run.contains("plan\\-only"), "{run}");
    for (given, meant) in [("rn", "'run'"), ("valdate", "'validate'")] {
        let wrong = clipflow(folder.path(), &[given]);
        assert_eq!(wrong.status.code(), Some(2));
        assert!(stderr(&wrong).contains(meant), "{}", stderr(&wrong));
    }
    let help = stdout(&clipflow(folder.path(), &["run", "--help"]));
    assert!(help.contains("joblib") && !help.contains("celery"), "what is not built in");
}
