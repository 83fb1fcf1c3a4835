//! Words that are wider than the picture stay inside the safe zone, and can be read.

use std::fs;

use super::super::support::query;
use super::{ffmpeg, luma, run};

#[test]
fn burned_words_stay_in_the_safe_zone_at_a_size_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let picture = ["-f", "lavfi", "-i", "color=gray:s=640x360:r=25:d=9"];
    ffmpeg(folder, &[&picture[..], &["-c:v", "libx264", "-preset", "ultrafast", "w.mp4"]].concat());
    let words = [
        "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzesentwurfsverfasser",
        "look at https://videos.example.org/watch/2024/11/some-quite-long-title?list=a8f7&index=12",
        &"W".repeat(50),
    ];
    let line = |(n, word): (usize, &&str)| {
        format!("{}\n00:00:0{},000 --> 00:00:0{},900\n{word}\n\n", n + 1, 3 * n, 3 * n + 2)
    };
    fs::write(folder.join("w.srt"), words.iter().enumerate().map(line).collect::<String>())
        .unwrap();
    let lengths = ["--min", "8", "--max", "9", "--variants", "4", "--platforms", "tiktok,x"];
    run(folder, &[&["w.mp4", "--language", "de"][..], &lengths].concat());
    let files = query(
        folder,
        "SELECT r.uri, v.safe_zone['left'], v.safe_zone['right'], v.caption_style, v.layout FROM renditions r
         JOIN variants v ON v.variant_id = r.variant_id WHERE v.caption_style <> 'off'",
    );
    assert!(files.len() >= 3, "{files:?}");
    for row in files {
        let fields: Vec<&str> = row.split(',').collect();
        let margins: Vec<f64> = fields[1..3].iter().map(|share| share.parse().unwrap()).collect();
        let mut seen = 0;
        for at in [0.6, 1.0, 1.4, 3.6, 4.0, 4.4, 6.6, 7.0] {
            let (width, pixels) = luma(&folder.join("out"), fields[0], at);
            let height = pixels.len() / width;
            // Letters are brighter than the grey around them; lines between windows are at the edges of windows.
            let bright = |i: &usize| pixels[*i] > 190;
            let columns =
                (0..pixels.len()).filter(bright).map(|i| (i % width) as f64 / width as f64);
            let (first, last) = columns.fold((1.0_f64, 0.0_f64), |(a, b), x| (a.min(x), b.max(x)));
            if last <= 0.0
                || fields[4] == "split"
                || fields[4] == "grid"
                || fields[4] == "picture_in_picture"
            {
                continue;
            }
            seen += 1;
            assert!(
                first >= margins[0] - 0.005 && last <= 1.0 - margins[1] + 0.005,
                "{first} {last} {row}"
            );
            let rows: Vec<usize> = (0..height)
                .filter(|y| pixels[y * width..(y + 1) * width].iter().any(|p| *p > 190))
                .collect();
            assert!(
                rows.len() as f64 > 0.018 * width.min(height) as f64,
                "{} rows: {row}",
                rows.len()
            );
        }
        assert!(seen > 3 || fields[4] != "fit", "{row}");
    }
}
