//! Runs into one folder: what each adds, replaces and leaves alone; failed requests tried again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::support::{HEAD, clipflow, query, show, stderr, stdout};

fn run(folder: &Path, requests: &str, text: &str, code: i32) -> String {
    fs::write(folder.join(requests), text).unwrap();
    let output = clipflow(folder, &["run", requests, "--out", "out"]);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    stdout(&output)
}

/// Rows of each table's live files, summed over commits.
fn rows(folder: &Path) -> Vec<BTreeMap<String, u64>> {
    let mut manifests: Vec<_> = fs::read_dir(folder.join("out/_commit"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|x| x == "json"))
        .collect();
    manifests.sort();
    manifests
        .iter()
        .map(|path| {
            let manifest: serde_json::Value =
                serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let tables = manifest["tables"].as_object().unwrap();
            tables.iter().map(|(n, e)| (n.clone(), e["rows"].as_u64().unwrap())).collect()
        })
        .collect()
}

#[test]
fn other_requests_of_a_source_add_their_own_rows_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    for n in 0..6 {
        run(path, "r.csv", &format!("{HEAD}a{n},show.mp4,4,{},1\n", 8 + n), 0);
    }
    let commits = rows(path);
    assert_eq!(commits.len(), 6, "no commit had to be written again");
    let (first, others) = commits.split_first().unwrap();
    assert!(first["signals"] > 0 && first["sources"] == 1);
    for commit in others {
        assert_eq!((commit["sources"], commit["signals"], commit["cues"]), (0, 0, 0));
        assert_eq!((commit["requests"], commit["outcomes"]), (1, 1));
    }
    assert_eq!(query(path, "SELECT count(*) FROM outcomes WHERE status = 'ok'"), ["6"]);
    let joined = "SELECT count(*) FROM clips c JOIN sources s ON s.source_id = c.source_id";
    assert_eq!(query(path, joined), ["6"]);
    // The request whose run brought the source goes elsewhere: the others still have their source.
    fs::copy(path.join("show.mp4"), path.join("other.mp4")).unwrap();
    run(path, "r.csv", &format!("{HEAD}a0,other.mp4,4,8,1\n"), 0);
    assert_eq!(query(path, joined), ["6"]);
    assert_eq!(query(path, "SELECT count(*) FROM sources"), ["2"]);
    let all: String = (1..6).map(|n| format!("a{n},other.mp4,4,8,1\n")).collect();
    run(path, "r.csv", &format!("{HEAD}{all}"), 0);
    assert_eq!(query(path, joined), ["6"]);
    let used = "SELECT count(*) FROM sources WHERE source_id IN (SELECT source_id FROM outcomes)";
    assert_eq!(query(path, used), ["1"]);
    let twice = "SELECT source_id FROM signals GROUP BY source_id, t HAVING count(*) > 1";
    assert!(query(path, twice).is_empty());
}

#[test]
fn new_captions_beside_a_source_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let text = format!("{HEAD}a,show.mp4,4,8,1\n");
    run(path, "r.csv", &text, 0);
    assert!(run(path, "r.csv", &text, 0).contains("nothing to do"));
    let before = query(path, "SELECT count(*) FROM cues WHERE origin = 'sidecar'");
    fs::write(path.join("show.en.srt"), "1\n00:00:01,000 --> 00:00:02,000\nHello there.\n")
        .unwrap();
    assert!(!run(path, "r.csv", &text, 0).contains("nothing to do"));
    let after = query(path, "SELECT count(*) FROM cues WHERE origin = 'sidecar'");
    assert_eq!((before, after), (vec!["0".to_owned()], vec!["1".to_owned()]));
    assert_eq!(query(path, "SELECT count(*) FROM sources"), ["1"]);
}

#[test]
fn dead_letters_are_requests_that_can_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let requests = path.join("requests");
    fs::create_dir(&requests).unwrap();
    show::make(&requests.join("show.mp4"));
    let text = "request_id,source_url,min_clip_length,max_clip_length,max_clips,campaign,may_change\n\
        good,show.mp4,4,9,1,spring,mine\n\
        late,late.mp4,4,9,1,summer,mine\n\
        late,show.mp4,4,8,1,autumn,mine\n\
        bad,show.mp4,9,4,1,winter,mine\n";
    run(path, "requests/r.csv", text, 3);
    let letters = "SELECT request_id, campaign, error_code, attempts, may_change, input_may_change
        FROM dead_letters ORDER BY campaign";
    let expected = [
        ",autumn,invalid_request.duplicate_id,0,false,mine",
        "late,summer,source.not_found,1,false,mine",
        "bad,winter,invalid_request.bad_length,0,false,mine",
    ];
    assert_eq!(query(path, letters), expected);
    let good = "SELECT clip_id, start FROM clips WHERE request_id = 'good'";
    let before = query(path, good);
    // What was wrong is mended; the file is written somewhere else than the first one.
    fs::copy(requests.join("show.mp4"), requests.join("late.mp4")).unwrap();
    for (name, format) in [("again.parquet", "parquet"), ("again.csv", "csv")] {
        let all = "SELECT * FROM dead_letters WHERE error_code <> 'invalid_request.bad_length'";
        let args = ["sql", "out", all, "--format", format, "-o", name];
        let output = clipflow(path, &args);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let output =
        clipflow(path, &["run", "again.parquet", "--out", "out", "--allow-root", "requests"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("2 requests: 2 answered"), "{}", stdout(&output));
    let rows = query(
        path,
        "SELECT campaign, request_id, status, attempts, input_may_change FROM outcomes ORDER BY 1, 3",
    );
    let id = rows[0].split(',').nth(1).unwrap();
    assert_eq!(id.len(), 16, "the row whose id was taken got one of its own");
    let expected = [
        format!("autumn,{id},ok,1,mine"),
        "spring,good,ok,1,mine".to_owned(),
        "summer,late,ok,1,mine".to_owned(),
        "winter,bad,failed,0,mine".to_owned(),
    ];
    assert_eq!(rows, expected);
    assert_eq!(query(path, good), before, "what was answered is left alone");
    let columns = query(
        path,
        "SELECT count(*) FROM information_schema.columns
         WHERE table_name = 'outcomes' AND column_name LIKE 'input_%'",
    );
    assert_eq!(columns, ["1"], "what became of a row before is not carried along");
    assert_eq!(query(path, letters), [expected_bad()]);
    // The same as CSV: the whole is idempotent.
    let output = clipflow(path, &["run", "again.csv", "--out", "out", "--allow-root", "requests"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(query(path, "SELECT count(*) FROM outcomes"), ["4"]);
}

fn expected_bad() -> String {
    "bad,winter,invalid_request.bad_length,0,false,mine".to_owned()
}

#[test]
fn a_request_that_fails_now_has_no_clips_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let both = format!("{HEAD}a,show.mp4,4,8,1\nb,show.mp4,4,9,1\n");
    run(path, "r.csv", &both, 0);
    // The same request is asked for more than the source has.
    run(path, "r.csv", &format!("{HEAD}a,show.mp4,60,90,1\n"), 3);
    for table in ["clips", "renditions"] {
        let left = query(path, &format!("SELECT DISTINCT request_id FROM {table}"));
        assert_eq!(left, ["b"], "{table}");
    }
}
