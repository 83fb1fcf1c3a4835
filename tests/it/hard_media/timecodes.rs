//! Times that count frames: resolved with the rate of the source.

use std::fs;
use std::path::Path;

use super::super::support::{clipflow, query, stderr, stdout};
use super::{ffmpeg, luma};

/// Frames that tell their number: by their light, five steps a frame.
fn numbered(folder: &Path, rate: &str, seconds: u32, name: &str) {
    let picture =
        format!("color=black:s=160x90:r={rate}:d={seconds},geq=lum='30+5*mod(N,40)':cb=128:cr=128");
    let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "-pix_fmt", "yuv420p"];
    ffmpeg(folder, &[&["-f", "lavfi", "-i", &picture][..], &codec, &[name]].concat());
}

/// The number of the first frame of a file, modulo 40.
fn first(folder: &Path, file: &str) -> usize {
    let (_, pixels) = luma(folder, file, 0.0);
    let mean = pixels.iter().map(|p| f64::from(*p)).sum::<f64>() / pixels.len() as f64;
    // Gray is of full range.
    let luma = 16.0 + mean * 219.0 / 255.0;
    ((luma - 30.0) / 5.0).round() as usize
}

#[test]
fn times_that_count_frames_are_those_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    numbered(folder, "25", 3, "pal.mp4");
    numbered(folder, "30000/1001", 3, "ntsc.mp4");
    let rows = "request_id,source_url,start,end,within_start,within_end,min_clip_length,max_clip_length\n\
        pal,pal.mp4,00:00:01:07,0:00:02:12,,,,\n\
        mixed,pal.mp4,0.28,00:00:01:07,,,,\n\
        drop,ntsc.mp4,00:00:00;29,00:00:02;01,,,,\n\
        full,ntsc.mp4,00:00:00:29,00:00:02:01,,,,\n\
        window,pal.mp4,,,0:00:01:00,0:00:02:20,1,1.5\n\
        late,pal.mp4,00:00:01:25,00:00:02:12,,,,\n\
        rate,pal.mp4,00:00:01;05,00:00:02;12,,,,\n\
        short,pal.mp4,00:00:01:05,00:00:01:06,,,,\n\
        twice,pal.mp4,00:00:01:05,00:00:02:06,00:00:00:01,,,\n\
        half,pal.mp4,00:00:01:05,,,,,\n\
        none,gone.mp4,00:00:01:05,00:00:02:06,,,,\n";
    fs::write(folder.join("r.csv"), rows).unwrap();
    let output = clipflow(folder, &["run", "r.csv", "-o", "out"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let clips = "SELECT c.request_id, round(c.start, 4), r.frames, r.uri, q.start FROM clips c
        JOIN renditions r ON r.clip_id = c.clip_id JOIN requests q ON q.request_id = c.request_id ORDER BY 1";
    let found = query(folder, clips);
    let want = [
        ("drop", 0.9676, 32, 29),
        ("full", 0.9676, 32, 29),
        ("mixed", 0.28, 25, 7),
        ("pal", 1.28, 30, 32),
    ];
    for (id, start, frames, number) in want {
        let row = found.iter().find(|row| row.starts_with(&format!("{id},"))).unwrap();
        let cells: Vec<&str> = row.split(',').collect();
        assert!((cells[1].parse::<f64>().unwrap() - start).abs() < 2e-4, "{row}");
        assert_eq!(cells[2], frames.to_string(), "{row}");
        assert_eq!(first(&folder.join("out"), cells[3]), number, "{row}");
    }
    let window =
        "SELECT q.within_start, q.within_end, c.start >= 1.0 AND c.\"end\" <= 2.8 FROM clips c
        JOIN requests q ON q.request_id = c.request_id WHERE q.request_id = 'window'";
    assert_eq!(query(folder, window)[0], "1.0,2.8,true");
    let failed = "SELECT request_id, error_code, error_message FROM outcomes WHERE error_code IS NOT NULL ORDER BY 1";
    let failed = query(folder, failed);
    for (id, code, sentence) in [
        ("half", "invalid_request.bad_span", "start is given without end"),
        (
            "late",
            "invalid_request.bad_value",
            "start 00:00:01:25 has the frame 25, but the source has 25 frames a second; give 00 to 24",
        ),
        ("none", "source.", "gone.mp4"),
        ("rate", "invalid_request.bad_value", "this one has 25: write it with a colon"),
        ("short", "invalid_request.bad_span", "make it at least 0.5 s"),
        ("twice", "invalid_request.bad_span", "give one of the two"),
    ] {
        let row = failed.iter().find(|row| row.starts_with(&format!("{id},{code}")));
        let row = row.unwrap_or_else(|| panic!("{id}: {failed:?}"));
        assert!(row.contains(sentence), "{row}");
    }
    assert_eq!(failed.len(), 6, "{failed:?}");
    // The same again is known; a malformed time says what is allowed.
    let again = clipflow(folder, &["run", "r.csv", "-o", "out"]);
    assert_eq!(again.status.code(), Some(3), "{}", stderr(&again));
    fs::write(folder.join("bad.csv"), "source_url,start,end\npal.mp4,00:00:1.5:2,5\n").unwrap();
    let said = stdout(&clipflow(folder, &["validate", "bad.csv"]));
    assert!(said.contains("or, with frames, 00:01:05:12"), "{said}");
    let flags = ["run", "pal.mp4", "-o", "one", "--start", "0:00:01:07", "--end", "2.6"];
    let output = clipflow(folder, &flags);
    assert!(output.status.success(), "{}", stderr(&output));
    let sql = "SELECT round(start, 3), round(\"end\", 3) FROM clips";
    let found = stdout(&clipflow(folder, &["sql", "one", sql, "--format", "csv"]));
    assert!(found.contains("1.28,2.6\n"), "{found}");
}
