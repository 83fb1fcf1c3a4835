//! High dynamic range that is kept: 10 bits, with the colours and the mastering metadata of the source.

use std::path::Path;
use std::process::Command;

use super::super::support::{clipflow, csv_rows, query, stderr};
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

/// The sources `pq.mp4`, `hlg.mp4` and `sdr.mp4`.
fn sources(folder: &Path) {
    let display = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400";
    for (name, transfer, more) in
        [("pq.mp4", "smpte2084", display), ("hlg.mp4", "arib-std-b67", "repeat-headers=1")]
    {
        let params = format!(
            "log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:{more}"
        );
        let input = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3", "-pix_fmt", "yuv420p10le"];
        let codec = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", &params];
        let tags =
            ["-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc"];
        ffmpeg(folder, &[&input[..], &codec, &tags, &["-tag:v", "hvc1", name]].concat());
    }
    ffmpeg(folder, &["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3", "sdr.mp4"]);
}

#[test]
fn high_dynamic_range_is_kept_in_plain_clips_and_refused_for_platforms() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    sources(folder);
    let asked = [
        "run", "pq.mp4", "hlg.mp4", "sdr.mp4", "-o", "out", "--min", "1", "--max", "2", "--hdr",
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

#[test]
fn a_request_says_whether_its_high_dynamic_range_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    sources(folder);
    let rows = "request_id,source_url,start,end,hdr\nkept,pq.mp4,0.5,1.5, Keep\nmapped,pq.mp4,0.5,1.5,sdr\n\
        usual,hlg.mp4,0.5,1.5,\nplain,sdr.mp4,0.5,1.5,keep\nodd,pq.mp4,0.5,1.5,hdr10\n";
    std::fs::write(folder.join("r.csv"), rows).unwrap();
    let asked = ["run", "r.csv", "-o", "out", "--variants", "1", "--platforms", "x"];
    let output = clipflow(folder, &asked);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let said =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("pq.mp4: picture: of high dynamic range (pq), kept in its clips"),
        "{said}"
    );
    assert!(said.contains("pq.mp4: picture: of high dynamic range (pq), tone-mapped"), "{said}");
    let wrong =
        "SELECT request_id, error_code, error_message FROM outcomes WHERE error_code IS NOT NULL";
    assert_eq!(
        query(folder, wrong),
        [
            "odd,invalid_request.bad_value,\"hdr is hdr10; give sdr (tone-mapped to BT.709), keep (10 bits, in plain clips), or nothing\""
        ]
    );
    let files = "SELECT q.request_id, r.variant_id IS NULL, r.video_codec, r.hdr, q.hdr FROM renditions r
        JOIN clips c ON c.clip_id = r.clip_id JOIN requests q ON q.request_id = c.request_id ORDER BY 1, 2 DESC";
    assert_eq!(
        query(folder, files),
        [
            "kept,true,hevc,pq,keep",
            "kept,false,h264,,keep",
            "mapped,true,h264,,sdr",
            "mapped,false,h264,,sdr",
            "plain,true,h264,,keep",
            "plain,false,h264,,keep",
            "usual,true,h264,,",
            "usual,false,h264,,",
        ]
    );
    // Without a word the setting counts, and a row goes before it.
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.current_dir(folder).env("CLIPFLOW_HDR", "keep").args(["run", "r.csv", "-o", "out2"]);
    assert_eq!(command.output().unwrap().status.code(), Some(3));
    let files = "SELECT c.request_id, r.hdr FROM renditions r JOIN clips c ON c.clip_id = r.clip_id ORDER BY 1";
    let found = clipflow(folder, &["sql", "out2", files, "--format", "csv"]);
    assert_eq!(csv_rows(files, &found), ["kept,pq", "mapped,", "plain,", "usual,hlg"]);
    let only =
        clipflow(folder, &[&asked[..3], &["out3", "--variants", "1", "--variants-only"]].concat());
    assert_eq!(only.status.code(), Some(3));
    let found = clipflow(folder, &["sql", "out3", wrong, "--format", "csv"]);
    let found = csv_rows(wrong, &found).join("\n");
    assert!(
        found.contains("kept,invalid_request.bad_value,\"hdr is keep, which is for plain clips"),
        "{found}"
    );
}
