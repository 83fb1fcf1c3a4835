//! Pictures whose size or pixels change in mid-stream keep their shape.

use super::super::support::query;
use super::{ffmpeg, luma, run};

/// Five seconds of a disc on grey as MPEG-TS, `size` pixels large.
fn disc(folder: &std::path::Path, size: (u32, u32), pixels: &str, at: u32, name: &str) {
    let (wide, high) = size;
    let grey = format!("color=gray:s={wide}x{high}:r=25:d=5");
    // A circle where pixels are square, else what is shown as one.
    let (over, under) = pixels.split_once(':').unwrap();
    let radius = high / 4;
    let draw = format!(
        "geq=lum='if(lt(hypot((X-W/2)*{over}/{under},Y-H/2),{radius}),220,110)':cb=128:cr=128,setsar={over}/{under}"
    );
    let start = format!("{at}");
    let coding =
        ["-c:v", "mpeg2video", "-q:v", "3", "-output_ts_offset", &start, "-f", "mpegts", name];
    ffmpeg(folder, &[&["-f", "lavfi", "-i", &grey, "-vf", &draw][..], &coding].concat());
}

#[test]
fn a_circle_stays_one_when_the_size_or_the_pixels_change() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    disc(folder, (640, 360), "1:1", 0, "a.ts");
    disc(folder, (480, 360), "1:1", 5, "b.ts");
    disc(folder, (360, 288), "16:11", 10, "c.ts");
    let mut whole = vec![];
    for name in ["a.ts", "b.ts", "c.ts"] {
        whole.extend(std::fs::read(folder.join(name)).unwrap());
    }
    std::fs::write(folder.join("sizes.ts"), whole).unwrap();
    std::fs::write(
        folder.join("r.csv"),
        "request_id,source_url,start,end\na,sizes.ts,1,4\nb,sizes.ts,6,9\nc,sizes.ts,11,14\nab,sizes.ts,3.5,7\n",
    )
    .unwrap();
    run(folder, &["r.csv", "--variants", "2", "--platforms", "feed"]);
    let failed = "SELECT request_id FROM outcomes WHERE error_code IS NOT NULL
        UNION ALL SELECT variant_id FROM variants WHERE error_code IS NOT NULL";
    assert!(query(folder, failed).is_empty(), "{:?}", query(folder, failed));
    let files = query(
        folder,
        "SELECT r.uri, r.duration, r.request_id, v.layout FROM renditions r
         LEFT JOIN variants v ON v.variant_id = r.variant_id",
    );
    assert!(files.len() >= 8, "{files:?}");
    for row in files {
        let fields: Vec<&str> = row.split(',').collect();
        let length: f64 = fields[1].parse().unwrap();
        if ["split", "grid", "picture_in_picture"].contains(&fields[3]) {
            continue;
        }
        for share in [0.1, 0.8] {
            let (width, pixels) = luma(&folder.join("out"), fields[0], share * length);
            let lit = |i: usize| pixels[i] > 200;
            let height = pixels.len() / width;
            // Through the middle, where the blurred copy of a background does not reach.
            let across = (0..width).filter(|x| lit(height / 2 * width + x)).count() as f64;
            let down = (0..height).filter(|y| lit(y * width + width / 2)).count() as f64;
            assert!(
                across > 20.0 && (across / down - 1.0).abs() < 0.08,
                "{across} x {down}: {row}"
            );
        }
    }
}

#[test]
fn a_circle_stays_one_in_a_turned_source_whose_size_changes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (size, at, name) in [("320x180", "0", "a.ts"), ("240x180", "3", "b.ts")] {
        let grey = format!("color=gray:s={size}:r=25:d=3");
        let draw = "geq=lum='if(lt(hypot(X-W/2,Y-H/2),45),220,110)':cb=128:cr=128";
        let coding = [
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-output_ts_offset",
            at,
            "-f",
            "mpegts",
            name,
        ];
        ffmpeg(folder, &[&["-f", "lavfi", "-i", &grey, "-vf", draw][..], &coding].concat());
    }
    let mut whole = std::fs::read(folder.join("a.ts")).unwrap();
    whole.extend(std::fs::read(folder.join("b.ts")).unwrap());
    std::fs::write(folder.join("both.ts"), whole).unwrap();
    ffmpeg(folder, &["-i", "both.ts", "-c", "copy", "-metadata:s:v", "rotate=90", "turned.mp4"]);
    std::fs::write(
        folder.join("r.csv"),
        "request_id,source_url,start,end\na,turned.mp4,0.5,2\nb,turned.mp4,3.5,5\n",
    )
    .unwrap();
    run(folder, &["r.csv"]);
    let files = query(folder, "SELECT r.uri, r.width, r.height FROM renditions r");
    assert_eq!(files.len(), 2, "{files:?}");
    for row in files {
        let cells: Vec<&str> = row.split(',').collect();
        assert_eq!(cells[1..], ["180", "320"], "{row}");
        let (width, pixels) = luma(&folder.join("out"), cells[0], 0.5);
        let (lit, height) = (|i: usize| pixels[i] > 200, pixels.len() / width);
        let across = (0..width).filter(|x| lit(height / 2 * width + x)).count() as f64;
        let down = (0..height).filter(|y| lit(y * width + width / 2)).count() as f64;
        assert!(across > 20.0 && (across / down - 1.0).abs() < 0.08, "{across} x {down}: {row}");
    }
}
