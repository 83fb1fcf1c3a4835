//! Variants from the outside: asked for, planned, rendered, rendered later.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use clipflow::model::{AudienceProfile, VideoClipRequest};
use clipflow::processors::ViralVideoProcessor;

use super::support::counter::{ffmpeg, probe};
use super::support::show;
use super::support::{clipflow, query, stderr, stdout};

const REQUESTS: &str =
    "request_id,source_url,min_clip_length,max_clip_length,max_clips,audience_profile,experiment_id
a,show.mp4,8,14,2,,hooks
b,show.mp4,8,14,1,\"{\"\"platforms\"\":[\"\"shorts\"\"]}\",
";

const ASKED: [&str; 6] =
    ["--variants", "3", "--audience", r#"{"age":"18-35"}"#, "--platforms", "tiktok,shorts,x"];

fn prepare(folder: &Path) {
    show::make(&folder.join("show.mp4"));
    fs::write(folder.join("requests.csv"), REQUESTS).unwrap();
}

fn run(folder: &Path, more: &[&str], code: i32) -> String {
    let args = [&["run", "requests.csv", "--out", "out"], ASKED.as_slice(), more].concat();
    let output = clipflow(folder, &args);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    stdout(&output)
}

fn media(folder: &Path) -> usize {
    let Ok(files) = fs::read_dir(folder.join("out/media")) else { return 0 };
    files.flatten().filter(|f| f.path().extension().is_some_and(|x| x == "mp4")).count()
}

/// A folder with a finished run, made once.
pub fn finished() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            prepare(folder.path());
            run(folder.path(), &[], 0);
            folder
        })
        .path()
}

#[test]
fn each_clip_has_its_variants_and_each_variant_its_file() {
    let folder = finished();
    assert_eq!(
        query(folder, "SELECT request_id, clips, variants FROM outcomes ORDER BY 1"),
        ["a,2,6", "b,1,3"]
    );
    let counts = query(
        folder,
        "SELECT count(*), max(rank), count(DISTINCT rank) FROM variants GROUP BY clip_id",
    );
    assert_eq!(counts, ["3,3,3", "3,3,3", "3,3,3"]);
    let off = query(
        folder,
        "SELECT v.variant_id, v.duration, r.duration, v.width, r.width, v.height, r.height
         FROM variants v LEFT JOIN renditions r ON r.variant_id = v.variant_id
         WHERE r.uri IS NULL OR r.width <> v.width OR r.height <> v.height OR abs(r.duration - v.duration) > 1.001 / v.fps",
    );
    assert!(off.is_empty(), "{off:?}");
    // Plain clips stand beside them, once.
    assert_eq!(query(folder, "SELECT count(*) FROM renditions WHERE variant_id IS NULL"), ["3"]);
    for uri in query(folder, "SELECT DISTINCT uri FROM renditions") {
        assert!(folder.join("out").join(&uri).is_file(), "{uri}");
    }
    let experiments =
        query(folder, "SELECT DISTINCT request_id, experiment_id FROM variants ORDER BY 1");
    assert_eq!(experiments, ["a,hooks", "b,"]);
}

#[test]
fn platforms_are_those_of_the_request_else_those_asked_for() {
    let folder = finished();
    let of_a: HashSet<String> =
        query(folder, "SELECT DISTINCT platform FROM variants WHERE request_id = 'a'")
            .into_iter()
            .collect();
    assert!(
        of_a.len() > 1 && of_a.iter().all(|p| ["tiktok", "shorts", "x"].contains(&p.as_str())),
        "{of_a:?}"
    );
}

#[test]
fn variants_of_a_clip_differ_in_what_is_seen_and_in_score() {
    let folder = finished();
    let alike = query(
        folder,
        "SELECT a.variant_id FROM variants a JOIN variants b ON a.clip_id = b.clip_id AND a.rank < b.rank
         WHERE a.viral_score = b.viral_score OR a.reason = b.reason
            OR (a.layout = b.layout AND a.platform = b.platform AND a.caption_style = b.caption_style
                AND a.duration = b.duration AND a.start = b.start AND json_text(a.effects) = json_text(b.effects))",
    );
    assert!(alike.is_empty(), "{alike:?}");
    let range = query(folder, "SELECT min(viral_score) > 0 AND max(viral_score) < 1 FROM variants");
    assert_eq!(range, ["true"]);
}

#[test]
fn the_same_run_again_does_nothing_and_another_number_keeps_the_clips_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    run(folder, &["--plan-only"], 0);
    assert!(run(folder, &["--plan-only"], 0).contains("nothing to do"));
    let planned = query(folder, "SELECT variant_id FROM variants ORDER BY variant_id");
    assert_eq!(planned.len(), 9);
    assert_eq!(
        (media(folder), query(folder, "SELECT count(*) FROM renditions")),
        (0, vec!["0".to_owned()])
    );
    assert_eq!(query(folder, "SELECT DISTINCT status FROM outcomes"), ["ok"]);

    let render = |condition: &str| {
        let output = clipflow(folder, &["render", "out", "--where", condition]);
        (output.status.code(), stdout(&output), stderr(&output))
    };
    let (code, said, error) = render("rank = 1");
    assert_eq!(code, Some(0), "{error}");
    assert!(said.starts_with("3 variants chosen, 3 rendered"), "{said}");
    let listed =
        "SELECT v.rank FROM renditions r JOIN variants v ON v.variant_id = r.variant_id ORDER BY 1";
    assert_eq!(query(folder, listed), ["1", "1", "1"]);
    // What else the results say is what they said.
    assert_eq!(query(folder, "SELECT variant_id FROM variants ORDER BY variant_id"), planned);
    assert_eq!(query(folder, "SELECT count(*) FROM outcomes"), ["2"]);
    assert!(query(folder, "SELECT count(*) FROM signals")[0].parse::<u32>().unwrap() > 100);

    let file = folder
        .join("out")
        .join(&query(folder, "SELECT uri FROM renditions ORDER BY uri LIMIT 1")[0]);
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    let (code, said, _) = render("rank <= 2");
    assert_eq!(
        (code, said.starts_with("6 variants chosen, 6 rendered")),
        (Some(0), true),
        "{said}"
    );
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before, "it was there");
    assert_eq!(query(folder, listed), ["1", "1", "1", "2", "2", "2"]);

    let (code, _, error) = render("rank = 'x' AND");
    assert_eq!(code, Some(2));
    assert!(error.contains("the condition rank = 'x' AND cannot be understood: "), "{error}");
    let (code, _, error) = render("shoe_size > 3");
    assert!(code == Some(2) && error.contains("shoe_size"), "{error}");
}

#[test]
fn a_profile_that_cannot_be_read_is_the_rows_error() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    show::make(&folder.join("show.mp4"));
    let text = "request_id,source_url,min_clip_length,max_clip_length,max_clips,audience_profile\n\
        a,show.mp4,4,8,1,{\"\"age\"\":\n\
        b,show.mp4,4,8,1,\"{\"\"platforms\"\":[\"\"myspace\"\"]}\"\n\
        c,show.mp4,4,8,1,\"{\"\"ag\"\":\"\"18\"\"}\"\n";
    fs::write(folder.join("requests.csv"), text).unwrap();
    let wanted = [
        "a,invalid_request.bad_value,true,false",
        "b,invalid_request.bad_value,false,true",
        "c,,,",
    ];
    let said = "SELECT request_id, error_code, error_message LIKE 'audience_profile cannot be read%',
            error_message LIKE '%the platform myspace, which clipflow does not know; there are tiktok, %'
        FROM outcomes ORDER BY 1";
    run(folder, &["--plan-only"], 3);
    assert_eq!(query(folder, said), wanted);
    // Also where no variants are asked for: what is wrong is wrong before it is read.
    fs::remove_dir_all(folder.join("out")).unwrap();
    let output = clipflow(folder, &["run", "requests.csv", "--out", "out", "--plan-only"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(query(folder, said), wanted);
    let checked = clipflow(folder, &["validate", "requests.csv", "--quiet"]);
    assert!(stdout(&checked).ends_with("3 rows: 1 valid, 2 invalid\n"), "{}", stdout(&checked));
}

#[test]
fn a_variant_that_could_not_be_rendered_later_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    run(folder, &["--plan-only"], 0);
    let render = |condition: &str, code: i32| {
        let output = clipflow(folder, &["render", "out", "--where", condition]);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    };
    let errors =
        "SELECT count(*), count(error_code) FILTER (WHERE error_code = 'source.not_found'),
            count(error_message) FROM variants";
    render("request_id = 'b' AND rank = 1", 0);
    fs::rename(folder.join("show.mp4"), folder.join("away.mp4")).unwrap();
    // That of a file that is there already needs no source; its error is no variant's.
    render("request_id = 'b'", 3);
    assert_eq!(query(folder, errors), ["9,2,2"]);
    fs::rename(folder.join("away.mp4"), folder.join("show.mp4")).unwrap();
    render("request_id = 'b'", 0);
    assert_eq!(query(folder, errors), ["9,0,0"]);
    assert_eq!(query(folder, "SELECT count(*) FROM renditions"), ["3"]);
}

#[test]
fn wrong_wishes_are_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("requests.csv"), "source_url\nx.mp4\n").unwrap();
    for (args, said) in [
        (vec!["--variants", "500"], "--variants is 500; give a number from 0 to 50"),
        (vec!["--variants", "1", "--platforms", "myspace"], "myspace"),
        (vec!["--variants", "1", "--audience", "{"], "--audience cannot be read"),
        (
            vec!["--variants", "1", "--audience", r#"{"ag":"18"}"#],
            "--audience has no part ag; its parts are age, interests, language and platforms",
        ),
    ] {
        let output =
            clipflow(folder, &[&["run", "requests.csv", "--out", "out"], args.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(!folder.join("out").exists());
    }
}

#[test]
fn the_viral_processor_answers_with_variants() {
    let folder = tempfile::tempdir().unwrap();
    show::make(&folder.path().join("show.mp4"));
    let out = folder.path().join("out");
    let mut processor = ViralVideoProcessor::new(&out).with_base(folder.path());
    processor.config_mut().plan_only = true;
    processor.config_mut().variants.count = 4;
    let request = VideoClipRequest {
        min_clip_length: 8.0,
        max_clip_length: 14.0,
        max_clips: 1,
        ..VideoClipRequest::new("show.mp4")
    };
    let requests = [request, VideoClipRequest::new("none.mp4")];
    let audience = AudienceProfile::parse(r#"{"platforms":["tiktok"]}"#).unwrap();
    let responses = processor.process_batch_parallel(&requests, 2, Some(&audience)).unwrap();
    let [good, bad] = responses.as_slice() else { panic!("{responses:?}") };
    assert_eq!((good.clips.len(), good.variants.len()), (1, 2));
    assert!(good.variants.iter().all(|v| v.platform == "tiktok" && v.location().is_none()));
    assert!((bad.success, bad.variants.is_empty()) == (false, true));
    // More of them, without touching the source.
    fs::remove_file(folder.path().join("show.mp4")).unwrap();
    let generated = processor.batch_generate_variants(&responses).unwrap();
    let ranks: Vec<Vec<i64>> =
        generated.iter().map(|of| of.iter().map(|v| v.rank).collect()).collect();
    assert_eq!(ranks, [vec![1, 2, 3, 4], vec![]]);
    assert!(generated[0].iter().all(|v| v.clip_id == good.clips[0].clip_id));
}

#[test]
fn views_say_why_and_where() {
    let folder = finished();
    let said = query(folder, "SELECT count(*), count(strengths), count(reason) FROM why_variants");
    assert_eq!(said, ["9,9,9"]);
    assert_eq!(query(folder, "SELECT count(*), count(uri) FROM variant_files"), ["9,9"]);
    // As long as the request wants them, and with the captions that there are.
    let off = "SELECT duration FROM variants WHERE duration < 7.9 OR duration > 14.1 OR caption_style = 'off'";
    assert!(query(folder, off).is_empty());
}

#[test]
fn planning_again_goes_on_listing_the_files_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    run(folder, &[], 0);
    let listed = "SELECT uri FROM renditions ORDER BY 1";
    let before = query(folder, listed);
    run(folder, &["--plan-only"], 0);
    assert_eq!(query(folder, listed), before);
    // Not those of variants that are none any more.
    let output = clipflow(folder, &["run", "requests.csv", "--out", "out", "--plan-only"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let plain = query(
        folder,
        "SELECT count(*), count(variant_id), count(DISTINCT clip_id) FROM renditions",
    );
    assert_eq!(plain, ["3,0,3"]);
}

#[test]
fn a_variant_that_cannot_be_rendered_says_so_and_the_others_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    run(folder, &[], 0);
    let files = "SELECT variant_id, uri FROM variant_files ORDER BY variant_id";
    let before = query(folder, files);
    let (_, uri) = before[0].split_once(',').unwrap();
    // One file may be a variant of two requests.
    let lost: Vec<_> = before.iter().filter(|row| row.ends_with(uri)).collect();
    fs::remove_dir_all(folder.join("out")).unwrap();
    // Nothing can be written where a folder is.
    let taken = folder.join("out").join(uri);
    fs::create_dir_all(&taken).unwrap();
    let said = run(folder, &[], 3);
    assert!(said.contains("could not be rendered\n"), "{said}");
    assert_eq!(query(folder, "SELECT DISTINCT status FROM outcomes"), ["ok"]);
    let failed =
        "SELECT variant_id, uri FROM variant_files WHERE error_code = 'store.write' ORDER BY 1";
    let expected: Vec<String> = lost.iter().map(|row| row.replace(uri, "")).collect();
    assert_eq!(query(folder, failed), expected);
    let there = query(folder, "SELECT count(*) FROM renditions WHERE variant_id IS NOT NULL");
    assert_eq!(there, [(before.len() - lost.len()).to_string()]);
    // It is tried again, by the same run or by itself.
    fs::remove_dir(&taken).unwrap();
    let output = clipflow(folder, &["render", "out", "--where", "error_code IS NOT NULL"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(query(folder, files), before);
    assert!(query(folder, failed).is_empty());
}

#[test]
fn captions_go_into_a_track_or_beside_the_file_or_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let only = ["--variants-only", "--thumbnails"];
    run(folder, &[&only[..], &["--captions", "soft"]].concat(), 0);
    let tracks = |uri: &str| {
        let path = folder.join("out").join(uri);
        let show =
            ["-select_streams", "s", "-show_entries", "stream=codec_name:stream_tags=language"];
        probe(path.to_str().unwrap(), &show).join(",")
    };
    let spoken = "SELECT r.uri FROM renditions r JOIN clips c ON c.clip_id = r.clip_id WHERE c.transcript IS NOT NULL";
    let soft = query(folder, spoken);
    assert!(!soft.is_empty());
    let words = ["scene", "zoom", "loudest", "automaton"];
    for uri in &soft {
        assert_eq!(tracks(uri), "mov_text,eng", "{uri}");
        // The words on the variant's clock.
        let path = format!("file:{}", folder.join("out").join(uri).display());
        let srt = folder.join("track.srt");
        ffmpeg(&["-i", &path, "-map", "0:s:0", "-y", srt.to_str().unwrap()]);
        let text = fs::read_to_string(srt).unwrap();
        assert!(text.contains("-->") && words.iter().any(|word| text.contains(word)), "{text}");
    }
    let looks =
        "SELECT DISTINCT caption_style, caption_mode, reason LIKE '%text track%' FROM variants";
    assert_eq!(query(folder, looks), ["off,soft,true"]);
    // Of the same plans a format without a text track is refused, but not for who only listens.
    let render =
        |format| clipflow(folder, &["render", "out", "--where", "true", "--format", format]);
    let refused = render("gif");
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("gif has no text track"), "{}", stderr(&refused));
    assert!(render("mp3").status.success());
    run(folder, &[&only[..], &["--captions", "soft"]].concat(), 0);
    // A still of each file, which is its size.
    let stills = query(folder, "SELECT DISTINCT thumbnail_uri, width, height FROM renditions");
    for still in &stills {
        let [uri, width, height] = still.split(',').collect::<Vec<_>>()[..] else {
            panic!("{still}")
        };
        let path = folder.join("out").join(uri);
        let size = probe(path.to_str().unwrap(), &["-show_entries", "stream=width,height"]);
        assert_eq!(size, [width, height], "{uri}");
    }
    run(folder, &["--variants-only", "--captions", "sidecar"], 0);
    let beside = query(
        folder,
        "SELECT DISTINCT captions_uri, thumbnail_uri IS NULL FROM renditions WHERE captions_uri IS NOT NULL",
    );
    assert!(!beside.is_empty());
    for row in beside {
        let (uri, no_still) = row.split_once(',').unwrap();
        assert_eq!(no_still, "true");
        let path = folder.join("out").join(uri);
        assert!(fs::read_to_string(&path).unwrap().contains("-->"), "{uri}");
        // One that was lost is written again.
        fs::remove_file(path.with_extension("vtt")).unwrap();
    }
    run(folder, &["--variants-only", "--captions", "sidecar"], 0);
    for uri in query(folder, "SELECT captions_uri FROM renditions WHERE captions_uri IS NOT NULL") {
        assert!(folder.join("out").join(uri).with_extension("vtt").is_file());
    }
    run(folder, &["--plan-only", "--captions", "off"], 0);
    let looks = "SELECT DISTINCT caption_style, reason LIKE '%no captions%' FROM variants";
    assert_eq!(query(folder, looks), ["off,true"]);
}

#[test]
fn a_text_track_is_refused_where_the_format_has_none() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let args = [
        "run",
        "requests.csv",
        "--out",
        "out",
        "--variants",
        "1",
        "--captions",
        "soft",
        "--format",
        "gif",
    ];
    let output = clipflow(folder.path(), &args);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("gif has no text track"), "{}", stderr(&output));
}
