//! What is on screen at a moment is the last picture at or before it.

use super::super::support::query;
use super::{ffmpeg, luma, run};

const CODEC: [&str; 6] = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"];

/// Mean luma of a frame, from 16 (black) to 235 (white).
fn mean(folder: &std::path::Path, file: &str, at: f64) -> f64 {
    let (_, pixels) = luma(folder, file, at);
    let mean = pixels.iter().map(|p| f64::from(*p)).sum::<f64>() / pixels.len() as f64;
    16.0 + mean * 219.0 / 255.0
}

#[test]
fn a_picture_stands_until_the_next_in_clips_and_variants() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Level 40 + 10 for each second; nothing comes from 3 to 7, and from 11 to 15.
    let picture = "color=black:s=320x180:r=30:d=16,geq=lum='40+10*floor(T)':cb=128:cr=128,\
        select='not(between(t,3,6.99)+between(t,11,14.99))'";
    let sound = "aevalsrc='0.3*sin(2*PI*440*t)*gt(mod(t,2),0.4)':s=48000:d=16";
    let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound];
    let timing = ["-fps_mode", "vfr", "-c:a", "aac", "gap.mp4"];
    ffmpeg(folder, &[&inputs[..], &CODEC, &timing].concat());
    // A slide every five seconds, the last of which stands to the end.
    let slides = "color=black:s=320x180:r=1/5:d=25,geq=lum='60+30*N':cb=128:cr=128";
    ffmpeg(
        folder,
        &[&["-f", "lavfi", "-i", slides][..], &CODEC, &["-fps_mode", "vfr", "slides.mp4"]].concat(),
    );
    std::fs::write(
        folder.join("r.csv"),
        "request_id,source_url,start,end\ngap,gap.mp4,5,9\nover,gap.mp4,2,8\ninside,gap.mp4,12,16\n\
         slide,slides.mp4,6,9\nslides,slides.mp4,8,13\nlast,slides.mp4,21,24\n",
    )
    .unwrap();
    run(folder, &["r.csv", "--variants", "3", "--platforms", "tiktok"]);
    let failed = "SELECT request_id || error_message FROM outcomes WHERE error_code IS NOT NULL
        UNION ALL SELECT request_id || error_message FROM variants WHERE error_code IS NOT NULL";
    assert!(query(folder, failed).is_empty(), "{:?}", query(folder, failed));
    let rates = "SELECT DISTINCT r.request_id, v.fps FROM variants v JOIN requests r USING (request_id) ORDER BY 1";
    let rates = query(folder, rates);
    assert!(
        rates.contains(&"gap,30.0".to_owned()) && rates.contains(&"slide,10.0".to_owned()),
        "{rates:?}"
    );
    let level = |source: &str, t: f64| match source {
        "slides.mp4" => 60.0 + 30.0 * (t / 5.0).floor(),
        _ if (3.0..7.0).contains(&t) => 60.0,
        _ if (11.0..15.0).contains(&t) => 140.0,
        _ => 40.0 + 10.0 * t.floor(),
    };
    let files = query(
        folder,
        "SELECT r.uri, regexp_replace(q.source_url, '.*/', ''), coalesce(v.start, c.start), r.duration,
            v.variant_id IS NULL, coalesce(v.segments[1]['speed'], 1), q.request_id
         FROM renditions r JOIN clips c ON c.clip_id = r.clip_id JOIN requests q ON q.request_id = c.request_id
         LEFT JOIN variants v ON v.variant_id = r.variant_id
         WHERE v.variant_id IS NULL OR (array_length(v.segments) = 1 AND coalesce(array_length(v.effects), 0) = 0)",
    );
    assert!(files.iter().filter(|row| row.contains(",true,")).count() == 6, "{files:?}");
    assert!(files.iter().filter(|row| row.contains(",false,")).count() >= 3, "{files:?}");
    for row in files {
        let fields: Vec<&str> = row.split(',').collect();
        let (start, length): (f64, f64) = (fields[2].parse().unwrap(), fields[3].parse().unwrap());
        let speed: f64 = fields[5].parse().unwrap();
        // The first frame, and what stands at its time: a player holds it.
        let first = mean(&folder.join("out"), fields[0], 0.0);
        let wanted = level(fields[1], start + 0.02);
        assert!((first - wanted).abs() < 5.0, "{first} instead of {wanted}: {row}");
        if fields[4] == "false" {
            for share in [0.3, 0.6, 0.9] {
                let at = share * length;
                // When that is in the source.
                let t = start + at * speed;
                let near = t.fract() < 0.15 || t.fract() > 0.85;
                let (found, wanted) =
                    (mean(&folder.join("out"), fields[0], at), level(fields[1], t));
                assert!(
                    near || (found - wanted).abs() < 5.0,
                    "{found} instead of {wanted} at {at}: {row}"
                );
            }
        }
    }
}
