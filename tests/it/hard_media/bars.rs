//! Baked-in bars are found and variants frame what is between them.

use super::super::support::query;
use super::{ffmpeg, luma, run};

const CODEC: [&str; 4] = ["-c:v", "libx264", "-preset", "ultrafast"];

fn source(folder: &std::path::Path, name: &str, filter: &str) {
    let picture = ["-f", "lavfi", "-i", "mandelbrot=s=640x360:r=25:start_scale=0.4", "-t", "6"];
    // Bright everywhere, so that the edge of the picture is that of what is drawn.
    let filter = format!("lutyuv=y='90+val/3',{filter}");
    ffmpeg(folder, &[&picture[..], &["-vf", &filter], &CODEC, &[name]].concat());
}

#[test]
fn bars_are_measured_said_once_and_cut_away_before_framing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    source(folder, "letterbox.mp4", "crop=640:272,pad=640:360:0:44");
    source(folder, "pillars.mp4", "crop=480:360,pad=640:360:80:0");
    source(folder, "window.mp4", "crop=500:280,pad=640:360:70:40");
    source(folder, "none.mp4", "null");
    let videos = ["letterbox.mp4", "pillars.mp4", "window.mp4", "none.mp4"];
    let asked = ["--min", "3", "--max", "5", "--variants", "5", "--platforms", "tiktok,feed"];
    let said = run(folder, &[&videos[..], &asked].concat());
    let areas = "SELECT regexp_replace(location, '.*/', ''), active_x, active_y, active_width, active_height
        FROM sources ORDER BY 1";
    let wanted = [
        "letterbox.mp4,0,44,640,272",
        "none.mp4,,,,",
        "pillars.mp4,80,0,480,360",
        "window.mp4,70,40,500,280",
    ];
    assert_eq!(query(folder, areas), wanted);
    assert!(
        said.contains("letterbox.mp4: picture: black bars are baked in around 640x272"),
        "{said}"
    );
    assert!(!said.contains("none.mp4: picture"), "{said}");
    // No frame of a variant has black in it.
    let files = query(
        folder,
        "SELECT r.uri, v.layout, v.duration, v.area['width'] FROM renditions r
         JOIN variants v ON v.variant_id = r.variant_id WHERE v.reason NOT LIKE '%darker corners%'",
    );
    assert!(files.len() >= 10, "{files:?}");
    for row in files {
        let fields: Vec<&str> = row.split(',').collect();
        let length: f64 = fields[2].parse().unwrap();
        for share in [0.1, 0.5, 0.7] {
            let (_, pixels) = luma(&folder.join("out"), fields[0], share * length);
            let black = pixels.iter().filter(|p| **p < 40).count() as f64 / pixels.len() as f64;
            assert!(black < 0.005, "{black} of the frame is black: {row}");
        }
    }
}

#[test]
fn bars_that_change_are_those_of_each_shot() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    source(folder, "a.mp4", "crop=640:272,pad=640:360:0:44");
    let other = ["-f", "lavfi", "-i", "smptebars=s=640x360:r=25", "-t", "6"];
    let pillars = ["-vf", "lutyuv=y='90+val/3',crop=480:360,pad=640:360:80:0"];
    ffmpeg(folder, &[&other[..], &pillars, &CODEC, &["b.mp4"]].concat());
    let join = "[0:v][1:v]concat=n=2:v=1:a=0[v]";
    let inputs = ["-i", "a.mp4", "-i", "b.mp4", "-filter_complex", join, "-map", "[v]"];
    ffmpeg(folder, &[&inputs[..], &CODEC, &["both.mp4"]].concat());
    let said = run(folder, &["both.mp4", "--min", "3", "--max", "5", "--plan-only"]);
    let areas =
        "SELECT area['x'], area['y'], area['width'], area['height'] FROM shots ORDER BY start";
    let found = query(folder, areas);
    assert_eq!(found.first().map(String::as_str), Some("0,44,640,272"), "{found:?}");
    assert_eq!(found.last().map(String::as_str), Some("80,0,480,360"), "{found:?}");
    assert!(said.contains("black bars are baked in that change from shot to shot"), "{said}");
}
