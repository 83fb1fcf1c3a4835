//! High dynamic range that is kept: 10 bits, with the colours and the mastering metadata of the source.

use std::path::Path;
use std::process::Command;

use super::super::support::{clipflow, query, stderr};
use super::ffmpeg;

/// What ffprobe says of the first frame of a file.
fn frame(file: &Path) -> String {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "v", "-read_intervals", "%+#1"]);
    command.args([
        "-show_entries",
        "stream=codec_name,pix_fmt,color_range,color_space,color_transfer,color_primaries",
    ]);
    command.args(["-show_entries", "frame_side_data", "-show_frames", "-of", "default=nk=0:nw=1"]);
    String::from_utf8(command.arg(file).output().unwrap().stdout).unwrap()
}

#[test]
fn high_dynamic_range_is_kept_in_plain_clips_and_refused_for_platforms() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let display = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400";
    for (name, transfer, more) in
        [("pq.mp4", "smpte2084", display), ("hlg.mp4", "arib-std-b67", "repeat-headers=1")]
    {
        let params = format!(
            "log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:{more}"
        );
        let input = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=6", "-pix_fmt", "yuv420p10le"];
        let codec = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", &params];
        let tags =
            ["-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc"];
        ffmpeg(folder, &[&input[..], &codec, &tags, &["-tag:v", "hvc1", name]].concat());
    }
    ffmpeg(folder, &["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=6", "sdr.mp4"]);
    let asked = [
        "run", "pq.mp4", "hlg.mp4", "sdr.mp4", "-o", "out", "--min", "2", "--max", "3", "--hdr",
        "keep",
    ];
    let output = clipflow(folder, &asked);
    assert!(output.status.success(), "{}", stderr(&output));
    let files = "SELECT regexp_replace(s.location, '.*/', ''), min(r.uri) FROM renditions r
        JOIN clips c ON c.clip_id = r.clip_id JOIN sources s ON s.source_id = c.source_id GROUP BY 1 ORDER BY 1";
    let files = query(folder, files);
    assert_eq!(files.len(), 3, "{files:?}");
    for row in files {
        let (source, uri) = row.split_once(',').unwrap();
        let found = frame(&folder.join("out").join(uri));
        let says = |line: &str| assert!(found.contains(line), "{row}: no {line} in {found}");
        if source == "sdr.mp4" {
            says("codec_name=h264");
            says("pix_fmt=yuv420p\n");
            continue;
        }
        says("codec_name=hevc");
        says("pix_fmt=yuv420p10le");
        says("color_primaries=bt2020");
        says("color_space=bt2020nc");
        if source == "hlg.mp4" {
            says("color_transfer=arib-std-b67");
            continue;
        }
        says("color_transfer=smpte2084");
        says("red_x=34000/50000");
        says("max_luminance=10000000/10000");
        says("min_luminance=50/10000");
        says("max_content=1000");
    }
    let refused =
        clipflow(folder, &[&asked[..], &["--variants", "1", "--platforms", "tiktok"]].concat());
    assert_eq!(refused.status.code(), Some(2));
    let sentence = "variants for tiktok are made for players of standard range";
    assert!(stderr(&refused).contains(sentence), "{}", stderr(&refused));
}
