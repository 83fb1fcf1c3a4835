//! What a request's variants are made for, and what becomes of one that gets none.

use std::fs;
use std::path::Path;

use clipflow::error::ErrorCode;
use clipflow::media::{Format, Quality};
use clipflow::model::VideoClipRequest;
use clipflow::processors::{VideoEncodingProcessor, ViralVideoBatchResponse, ViralVideoProcessor};

use super::support::counter::{ffmpeg, probe};
use super::support::{clipflow, query, show, stderr, stdout};

/// `show.mp4` and a request file.
fn prepare(folder: &Path, requests: &str) {
    show::make(&folder.join("show.mp4"));
    fs::write(folder.join("requests.csv"), requests).unwrap();
}

fn run(folder: &Path, more: &[&str], code: i32) -> String {
    let output = clipflow(folder, &[&["run", "requests.csv", "--out", "out"], more].concat());
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    stdout(&output)
}

fn request(id: &str) -> VideoClipRequest {
    VideoClipRequest {
        request_id: Some(id.to_owned()),
        min_clip_length: 4.0,
        max_clip_length: 6.0,
        max_clips: 1,
        ..VideoClipRequest::new("show.mp4")
    }
}

fn processor(folder: &Path) -> ViralVideoProcessor {
    ViralVideoProcessor::new(folder.join("out")).with_base(folder)
}

#[test]
fn a_rows_own_profile_goes_before_platforms_and_those_before_the_batchs_audience() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows = "request_id,source_url,min_clip_length,max_clip_length,max_clips,audience_profile\n\
        own,show.mp4,8,14,1,\"{\"\"platforms\"\":[\"\"linkedin\"\",\"\"x\"\"]}\"\n\
        quiet,show.mp4,8,14,1,\"{\"\"age\"\":\"\"20\"\"}\"\n\
        none,show.mp4,8,14,1,\n";
    prepare(folder, rows);
    let platforms = || {
        query(
            folder,
            "SELECT request_id, string_agg(DISTINCT platform, '+' ORDER BY platform) FROM variants
             GROUP BY 1 ORDER BY 1",
        )
    };
    let audience = ["--plan-only", "--variants", "6", "--audience", r#"{"platforms":["feed"]}"#];
    run(folder, &[&audience[..], &["--platforms", "tiktok,x"]].concat(), 0);
    assert_eq!(platforms(), ["none,tiktok+x", "own,linkedin+x", "quiet,tiktok+x"]);
    // A row's profile takes the place of the whole audience of the batch.
    run(folder, &audience, 0);
    let all = "quiet,feed+linkedin+reels+shorts+tiktok+x";
    assert_eq!(platforms(), ["none,feed", "own,linkedin+x", all]);
}

#[test]
fn the_audiences_language_is_that_of_captions_and_texts_unless_the_row_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows = "request_id,source_url,language,min_clip_length,max_clip_length,max_clips,audience_profile\n\
        row,show.mp4,en,20,29,1,\"{\"\"language\"\":\"\"es\"\"}\"\n\
        profile,show.mp4,,20,29,1,\"{\"\"language\"\":\"\"es\"\"}\"\n\
        batch,show.mp4,,20,29,1,\n";
    prepare(folder, rows);
    let spanish = "1\n00:00:07,000 --> 00:00:10,000\nAhora vemos un conjunto muy hermoso.\n\n\
        2\n00:00:13,500 --> 00:00:16,000\nEsta es la parte más ruidosa de todas.\n";
    fs::write(folder.join("show.es.srt"), spanish).unwrap();
    let said = "SELECT r.request_id, r.language, v.language, bool_or(v.hook_text LIKE '%conjunto%')
        FROM requests r JOIN variants v ON v.request_id = r.request_id GROUP BY 1, 2, 3 ORDER BY 1";
    let asked = ["--plan-only", "--variants", "2"];
    run(folder, &[&asked[..], &["--audience", r#"{"language":"es"}"#]].concat(), 0);
    assert_eq!(query(folder, said), ["batch,es,es,true", "profile,es,es,true", "row,en,en,false"]);
    run(folder, &asked, 0);
    assert_eq!(query(folder, said), ["batch,en,en,false", "profile,es,es,true", "row,en,en,false"]);
    let wrong = ["run", "requests.csv", "--out", "out", "--variants", "2", "--audience"];
    let output = clipflow(folder, &[&wrong[..], &[r#"{"language":"spanish"}"#]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("--audience has the language \"spanish\""),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_clip_that_no_platform_takes_is_told_and_a_request_without_any_file_is_failed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = folder.join("long.mp4");
    let picture = ["-f", "lavfi", "-t", "240", "-i", "testsrc2=s=160x90:r=5"];
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", file.to_str().unwrap()];
    ffmpeg(&[&picture[..], &coding].concat());
    let rows = "request_id,source_url,min_clip_length,max_clip_length,max_clips\n\
        long,long.mp4,200,230,1\nshort,long.mp4,20,30,1\n";
    fs::write(folder.join("requests.csv"), rows).unwrap();
    let why = "no clip of 200 to 230 s can be shaped for tiktok (3 to 180 s); change its lengths or the platforms";
    let asked = ["--plan-only", "--variants", "2", "--platforms", "tiktok"];
    let ended =
        "SELECT request_id, clips, variants, error_code, error_message FROM outcomes ORDER BY 1";
    let said = run(folder, &asked, 0);
    assert!(
        said.contains(&format!("1 clip has no variants, e.g. of request long: {why}\n")),
        "{said}"
    );
    assert_eq!(query(folder, ended), ["long,1,0,,", "short,1,2,,"]);
    let said = run(folder, &[&asked[..], &["--variants-only"]].concat(), 3);
    assert!(!said.contains("no variants, e.g."), "{said}");
    let failed = format!("long,0,0,selection.no_candidate,\"{why}\"").replace('"', "");
    let lines: Vec<String> =
        query(folder, ended).iter().map(|line| line.replace('"', "")).collect();
    assert_eq!(lines, [failed.as_str(), "short,1,2,,"]);
}

#[test]
fn an_encoded_batch_has_the_variants_of_requests_without_plain_clips_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    show::make(&folder.join("show.mp4"));
    let mut processor = processor(folder);
    let mut results = processor.process_batch_parallel(&[request("plain")], 0, None).unwrap();
    processor.config_mut().variants.plain_clips = false;
    results.extend(processor.process_batch_parallel(&[request("only")], 1, None).unwrap());
    let encoder = VideoEncodingProcessor::new(folder.join("out")).with_base(folder);
    let files = encoder.batch_encode_videos(&results, Format::Gif, Quality::Low, 1).unwrap();
    let mut made: Vec<_> = files
        .iter()
        .map(|f| (f.request_id.as_str(), f.variant_id.is_some(), f.uri.is_some()))
        .collect();
    made.sort_unstable();
    // The clip of the second is the same span, and its plain file was not asked for.
    assert_eq!(made, [("only", true, true), ("plain", false, true)], "{files:?}");
}

#[test]
fn variants_are_generated_once_a_request_however_often_its_id_stood_in_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    show::make(&folder.join("show.mp4"));
    let mut processor = processor(folder);
    processor.config_mut().plan_only = true;
    let requests = [request("a"), request("a"), request("b")];
    let results = processor.process_batch_parallel(&requests, 1, None).unwrap();
    assert_eq!(results.iter().map(|r| r.success).collect::<Vec<_>>(), [true, false, true]);
    let error = processor.batch_generate_variants(&results).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    assert!(
        error.message().starts_with("variants.count is 0, so there are no variants"),
        "{error}"
    );
    processor.config_mut().variants.count = 3;
    // A response that is given twice is answered twice.
    let asked: Vec<ViralVideoBatchResponse> =
        results.iter().chain(&results[..1]).cloned().collect();
    let ranks: Vec<Vec<i64>> = processor
        .batch_generate_variants(&asked)
        .unwrap()
        .iter()
        .map(|of| of.iter().map(|v| v.rank).collect())
        .collect();
    assert_eq!(ranks, [vec![1, 2, 3], vec![], vec![1, 2, 3], vec![1, 2, 3]]);
}

#[test]
fn slides_at_a_frame_every_few_seconds_become_variants() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = folder.join("slides.mp4");
    let slides = ["-f", "lavfi", "-t", "40", "-i", "testsrc2=s=320x180:r=1/4", "-fps_mode", "vfr"];
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", file.to_str().unwrap()];
    ffmpeg(&[&slides[..], &coding].concat());
    let rows =
        "request_id,source_url,min_clip_length,max_clip_length,max_clips\na,slides.mp4,12,30,1\n";
    fs::write(folder.join("requests.csv"), rows).unwrap();
    run(folder, &["--variants", "3", "--platforms", "tiktok,x", "--variants-only"], 0);
    assert_eq!(
        query(folder, "SELECT count(*), count(error_code), min(fps), max(fps) FROM variants"),
        ["3,0,10.0,10.0"]
    );
    for row in query(
        folder,
        "SELECT v.duration, r.uri FROM variants v JOIN renditions r ON r.variant_id = v.variant_id",
    ) {
        let (seconds, uri) = row.split_once(',').unwrap();
        let path = folder.join("out").join(uri);
        let show =
            ["-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames"];
        let frames: f64 = probe(path.to_str().unwrap(), &show)[0].parse().unwrap();
        let seconds: f64 = seconds.parse().unwrap();
        assert!((frames - seconds * 10.0).abs() <= 1.5, "{frames} frames in {seconds} s");
    }
}

#[test]
fn a_language_tag_makes_no_other_file_where_no_captions_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows = "request_id,source_url,language,min_clip_length,max_clip_length,max_clips\n\
        en,show.mp4,en,4,6,1\nbritish,show.mp4,en-GB,4,6,1\n";
    prepare(folder, rows);
    run(
        folder,
        &["--variants", "1", "--platforms", "x", "--variants-only", "--captions", "off"],
        0,
    );
    let files = "SELECT count(*), count(DISTINCT uri) FROM renditions";
    assert_eq!(query(folder, files), ["2,1"]);
}

#[test]
fn a_line_that_is_seen_mostly_before_or_after_a_clip_is_not_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(
        folder,
        "request_id,source_url,min_clip_length,max_clip_length,max_clips\na,show.mp4,5,7,4\n",
    );
    // Lines that overlap: wherever a clip begins, another one is still seen.
    let line = |n: u32| {
        format!(
            "{n}\n00:00:{:02},000 --> 00:00:{:02},000\nline {} of many\n\n",
            3 * n,
            3 * n + 5,
            char::from(b'a' + n as u8)
        )
    };
    fs::write(folder.join("show.en.srt"), (0..8).map(line).collect::<String>()).unwrap();
    run(folder, &["--plan-only"], 0);
    let mine = r#"(q.start + q."end") / 2 >= c.start AND (q.start + q."end") / 2 < c."end""#;
    let seen = format!(
        r#"SELECT count(*) FILTER (WHERE NOT {mine}) > 0, count(*) FILTER (WHERE {mine}) > 0,
            count(*) FILTER (WHERE (strpos(c.transcript, q.text) > 0) <> ({mine})),
            count(*) FILTER (WHERE c.hook_text = q.text AND NOT {mine})
        FROM clips c JOIN cues q ON q.source_id = c.source_id AND q.start < c."end" AND q."end" > c.start
        WHERE q.origin = 'sidecar'"#
    );
    assert_eq!(query(folder, &seen), ["true,true,0,0"]);
}
