//! Text that is left out is named: cues that end before they begin, captions that have no time, files that are too large.

use std::fs;

use super::super::support::query;
use super::{ffmpeg, run};

#[test]
fn what_is_left_out_of_captions_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let picture =
        ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=6", "-preset", "ultrafast", "talk.mp4"];
    ffmpeg(folder, &picture);
    let mut srt = String::from(
        "1\n00:00:01,000 --> 00:00:03,000\nThis is what the talk is about.\n\n2\n00:00:05,000 --> 00:00:04,000\nBackwards.\n\n",
    );
    // Of a private use: no typeface has them.
    srt += "3\n00:00:03,200 --> 00:00:04,500\n\u{F1234}\u{F1235}\n\n";
    fs::write(folder.join("talk.en.srt"), srt).unwrap();
    fs::write(folder.join("talk.de.srt"), "x".repeat((10 << 20) + 1)).unwrap();
    fs::write(folder.join("talk.fr.smi"), "<SAMI></SAMI>").unwrap();
    fs::write(folder.join("r.csv"), "source_url,start,end\ntalk.mp4,0.5,5.5\n").unwrap();
    let said = run(folder, &["r.csv", "--variants", "1", "--platforms", "x"]);
    let note = "1 cue is left out that ends before beginning; talk.de.srt is larger than 10 MiB and is left out; talk.fr.smi is of a kind that is not read; convert it to .srt";
    assert_eq!(query(folder, "SELECT caption_note FROM sources"), [note]);
    assert!(said.contains(&format!("talk.mp4: captions: {note}")), "{said}");
    let why = "captions are left out: 1 whose characters no installed typeface has (on Debian, install fonts-noto)";
    for table in ["variants", "renditions WHERE variant_id IS NOT NULL"] {
        let notes = query(folder, &format!("SELECT replace(text_note, ',', '') FROM {table}"));
        assert_eq!(notes, [why.replace(',', "")], "{table}");
    }
    assert!(
        said.contains("talk.mp4: variants: some captions are left out: whose characters"),
        "{said}"
    );
}

#[test]
fn what_is_missing_of_a_file_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let input = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=3", "-preset", "ultrafast"];
    ffmpeg(folder, &[&input[..], &["-movflags", "+faststart", "whole.mp4"]].concat());
    let whole = fs::read(folder.join("whole.mp4")).unwrap();
    fs::write(folder.join("cut.mp4"), &whole[..whole.len() * 95 / 100]).unwrap();
    ffmpeg(folder, &["-i", "whole.mp4", "-c:v", "libtheora", "-q:v", "6", "one.ogv"]);
    let one = fs::read(folder.join("one.ogv")).unwrap();
    fs::write(folder.join("two.ogv"), one.repeat(2)).unwrap();
    let said =
        run(folder, &["whole.mp4", "cut.mp4", "one.ogv", "two.ogv", "--min", "1", "--max", "2"]);
    let notes = "SELECT regexp_replace(location, '.*/', ''), file_note FROM sources ORDER BY 1";
    let notes = query(folder, notes);
    assert!(
        notes[0].contains("the file says that it lasts 3.0 s, but what can be read ends at 2."),
        "{notes:?}"
    );
    assert!(notes[2].contains("a second recording behind the first"), "{notes:?}");
    assert_eq!((notes[1].as_str(), notes[3].as_str()), ("one.ogv,", "whole.mp4,"), "{notes:?}");
    assert!(
        said.contains("two.ogv: file: a second recording")
            && said.contains("cut.mp4: file: the file says"),
        "{said}"
    );
}
