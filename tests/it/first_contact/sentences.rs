//! What the summary, `--explain` and `-q` say.

use std::fs;

use super::super::support::{clipflow, query, stderr, stdout};
use super::with_talk;

const SUBTITLES: &str = "1\n00:00:01,000 --> 00:00:04,000\nA solar panel pays for itself.\n\n\
    2\n00:00:04,500 --> 00:00:08,000\nThe sun sends no bill for it.\n\n\
    3\n00:00:08,500 --> 00:00:11,500\nThat is why panels are on every roof.\n";

#[test]
fn what_a_person_must_know_is_said() {
    let folder = with_talk();
    let args = [
        "run",
        "talk.mp4",
        "-o",
        "out",
        "--min",
        "4",
        "--max",
        "6",
        "--max-clips",
        "1",
        "--variants",
        "1",
        "--platforms",
        "instagram,tiktok",
    ];
    let silent = clipflow(folder.path(), &args);
    assert!(silent.status.success(), "{}", stderr(&silent));
    let said = stdout(&silent);
    for note in [
        "note: of the platforms asked for instagram is reels here; there are tiktok, shorts, reels,",
        "note: 1 source has no captions (talk.mp4): put talk.srt or talk.vtt beside it, or name a transcriber (--transcribe-command), and run again",
        "note: the variants have no captions burned in, though that was asked for",
        "note: 1 variant has no title, description and hashtags",
    ] {
        assert!(said.contains(note), "{note} is not in\n{said}");
    }
    // Facts of the file are no text: neither in the tables nor in what is posted.
    let texts = "SELECT title IS NULL AND description IS NULL AND hashtags IS NULL, text_origin FROM variants";
    assert_eq!(query(folder.path(), texts), ["true,facts"]);
    assert_eq!(
        query(
            folder.path(),
            "SELECT count(*) FROM posts WHERE title IS NOT NULL OR hashtags IS NOT NULL"
        ),
        ["0"]
    );
    let sheet = fs::read_to_string(folder.path().join("out/posts/posts.csv")).unwrap();
    assert!(!sheet.contains(" · "), "{sheet}");

    fs::write(folder.path().join("talk.srt"), SUBTITLES).unwrap();
    let spoken = clipflow(folder.path(), &args);
    let said = stdout(&spoken);
    assert!(!said.contains("captions") && !said.contains("no title"), "{said}");
    let texts = "SELECT title IS NOT NULL AND hashtags IS NOT NULL, text_origin, caption_style <> 'off' FROM variants";
    assert_eq!(query(folder.path(), texts), ["true,captions,true"]);
}

#[test]
fn explain_begins_with_the_cost_and_gives_the_plan_when_asked() {
    let folder = with_talk();
    let explain = ["run", "talk.mp4", "-o", "out", "--min", "4", "--max", "6", "--explain"];
    let text = stdout(&clipflow(folder.path(), &explain));
    assert!(text.starts_with("── cost\n"), "{text}");
    for part in [
        "distinct sources                 1",
        "source-seconds to decode      12.0",
        "clip-seconds to encode        12.0   at the most",
        "estimated time ",
        "estimated size ",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("MediaExec"), "{text}");
    let full = stdout(&clipflow(folder.path(), &[&explain[..], &["-v"]].concat()));
    assert!(full.starts_with(&text.trim_end()[..40]), "{full}");
    assert!(full.contains("MediaExec: analyze") && full.contains("logical plan"), "{full}");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn quiet_runs_say_what_failed_and_no_folder_is_promised_that_is_not_there() {
    let folder = with_talk();
    let quiet = clipflow(
        folder.path(),
        &[
            "run",
            "talk.mp4",
            "-o",
            "out",
            "--min",
            "1",
            "--max",
            "2",
            "--variants",
            "1",
            "--platforms",
            "tiktok",
            "--variants-only",
            "-q",
        ],
    );
    assert_eq!(quiet.status.code(), Some(3));
    assert_eq!(stdout(&quiet), "");
    let said = stderr(&quiet);
    assert!(
        said.contains("1 request failed: selection.no_candidate, e.g. no clip of 1 to 2 s"),
        "{said}"
    );
    let planned =
        clipflow(folder.path(), &["run", "talk.mp4", "-o", "plan", "--max", "8", "--plan-only"]);
    assert!(planned.status.success());
    let said = stdout(&planned);
    assert!(!said.contains("media:") && !said.contains("posts:"), "{said}");
}
