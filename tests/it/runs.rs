//! Runs as wholes: nothing is lost, nothing twice, nothing half.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use clipflow::pipeline::{self, RunConfig};
use clipflow::telemetry::{Event, Observer};

use super::support::counter::ffmpeg;
use super::support::waiting::{eventually, until};
use super::support::workers::naming;
use super::support::{HEAD, clipflow, query, show, stderr, stdout};

/// Remembers which sources were worked on in which stage.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<(String, String)>>);

impl Observer for Recorder {
    fn event(&self, event: &Event<'_>) {
        if let Event::RowFinished { stage, location, .. } = event {
            self.0.lock().unwrap().push(((*stage).to_owned(), (*location).to_owned()));
        }
    }
}

fn config(folder: &Path) -> (RunConfig, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let config = RunConfig {
        observer: Arc::clone(&recorder) as Arc<dyn Observer>,
        ..RunConfig::new(folder.join("r.csv"), folder.join("out"))
    };
    (config, recorder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_named_by_many_requests_is_analysed_and_rendered_once() {
    let folder = tempfile::tempdir().unwrap();
    show::make(&folder.path().join("show.mp4"));
    let mut csv = "source_url,min_clip_length,max_clip_length,max_clips\n".to_owned();
    for i in 0..100 {
        csv.push_str(["show.mp4,4,8,1\n", "./show.mp4,4,8,1\n", "x/../show.mp4,4,9,1\n"][i % 3]);
    }
    fs::write(folder.path().join("r.csv"), csv).unwrap();
    let (config, recorder) = config(folder.path());
    let summary = pipeline::run(&config).await.unwrap();
    assert_eq!((summary.rows, summary.answered, summary.clips), (100, 100, 100));
    assert!(summary.files <= 2, "equal clips are one file, not {}", summary.files);
    let stages: Vec<String> =
        recorder.0.lock().unwrap().iter().map(|(stage, _)| stage.clone()).collect();
    assert_eq!(stages, ["analyze", "render"]);
}

#[test]
fn files_are_what_the_tables_say() {
    let folder = show::finished();
    let rows = query(
        folder,
        r#"SELECT r.uri, r.frames, r.bytes, r.blake3, r.duration, c."end" - c.start, r.av_offset
           FROM renditions r JOIN clips c ON c.clip_id = r.clip_id"#,
    );
    assert_eq!(rows.len(), 5);
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let bytes = fs::read(folder.join("out").join(cells[0])).unwrap();
        assert_eq!(bytes.len().to_string(), cells[2]);
        assert_eq!(blake3::hash(&bytes).to_hex().as_str(), cells[3]);
        let (frames, duration, wanted): (f64, f64, f64) =
            (cells[1].parse().unwrap(), cells[4].parse().unwrap(), cells[5].parse().unwrap());
        assert!((duration - wanted).abs() <= 0.04, "{row}");
        assert!((frames - wanted * 25.0).abs() <= 1.0, "{row}");
        assert!(cells[6].parse::<f64>().unwrap().abs() < 0.025, "{row}");
    }
}

#[test]
fn chosen_windows_have_no_reason_and_losers_have_one() {
    let folder = show::finished();
    let wrong = query(folder, "SELECT * FROM candidates WHERE chosen = (reason IS NOT NULL)");
    assert!(wrong.is_empty(), "{wrong:?}");
    let clips = query(
        folder,
        "SELECT request_id, count(*) FROM candidates WHERE chosen GROUP BY 1 ORDER BY 1",
    );
    assert_eq!(clips, ["good,2", "long,1", "same,2"]);
}

#[test]
fn every_window_starts_and_ends_on_a_frame() {
    let folder = show::finished();
    let off = r#"SELECT start, "end" FROM candidates
        WHERE abs(start * 25 - round(start * 25)) > 1e-6 OR abs("end" * 25 - round("end" * 25)) > 1e-6"#;
    assert!(query(folder, off).is_empty(), "{:?}", query(folder, off));
    let kinds = query(folder, "SELECT count(DISTINCT start_kind) > 1 FROM candidates");
    assert_eq!(kinds, ["true"], "not only shots, which are on frames anyway");
    let frames = query(
        folder,
        r#"SELECT count(*) FROM clips c JOIN renditions r ON r.clip_id = c.clip_id
        WHERE r.frames <> round((c."end" - c.start) * 25)"#,
    );
    assert_eq!(frames, ["0"]);
}

#[test]
fn captions_of_the_clip_stand_in_it() {
    let folder = show::finished();
    let rows = query(
        folder,
        r#"SELECT count(*) FROM clips c JOIN cues q ON q.source_id = c.source_id
           WHERE q.start < c."end" AND q."end" > c.start AND position(q.text IN c.transcript) = 0"#,
    );
    assert_eq!(rows, ["0"]);
    let rows =
        query(folder, "SELECT count(*) FROM cues WHERE language = 'eng' AND origin = 'embedded'");
    assert_eq!(rows, ["4"]);
}

#[test]
fn a_second_run_replaces_what_changed_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let run = |csv: &str, code: i32| {
        fs::write(
            path.join("r.csv"),
            format!("request_id,source_url,min_clip_length,max_clip_length,max_clips,note\n{csv}"),
        )
        .unwrap();
        let output = clipflow(path, &["run", "r.csv", "--out", "out"]);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    };
    run("a,show.mp4,4,8,1,one\nb,late.mp4,4,8,1,\n", 3);
    fs::copy(path.join("show.mp4"), path.join("late.mp4")).unwrap();
    // The file that was missing is there now: the same requests are answered.
    run("a,show.mp4,4,8,1,one\nb,late.mp4,4,8,1,\n", 0);
    run("b,late.mp4,4,8,2,\nc,show.mp4,4,8,1,three\n", 0);
    let rows = query(path, "SELECT request_id, status, clips, note FROM outcomes ORDER BY 1");
    assert_eq!(rows, ["a,ok,1,one", "b,ok,2,", "c,ok,1,three"]);
    assert_eq!(query(path, "SELECT count(*), count(DISTINCT source_id) FROM sources"), ["2,2"]);
    for (table, key) in [
        ("signals", "source_id, t"),
        ("clips", "clip_id"),
        ("candidates", "request_id, candidate_id"),
        ("renditions", "rendition_id"),
    ] {
        let twice =
            query(path, &format!("SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1"));
        assert!(twice.is_empty(), "{table}: {twice:?}");
    }
    assert!(!path.join("out/_staging").exists(), "no work in progress is left");
    // A removed file is made again.
    let uri = query(path, "SELECT uri FROM renditions WHERE request_id = 'c'").remove(0);
    fs::remove_file(path.join("out").join(&uri)).unwrap();
    run("b,late.mp4,4,8,2,\nc,show.mp4,4,8,1,three\n", 0);
    assert!(path.join("out").join(&uri).is_file());
    assert_eq!(query(path, "SELECT count(*) FROM outcomes"), ["3"]);
}

#[test]
fn request_files_with_other_columns_make_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let run = |name: &str, text: &str| {
        fs::write(path.join(name), text).unwrap();
        let output = clipflow(path, &["run", name, "--out", "out", "--max-clips", "1"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    run("1.csv", "request_id,source_url,min_clip_length,team,season\na,show.mp4,9,red,7\n");
    run(
        "2.ndjson",
        "{\"request_id\":\"b\",\"source_url\":\"show.mp4\",\"min_clip_length\":9,\"campaign\":\"x\",\"season\":8}\n",
    );
    // The second request shares its source with the first, the third has one of its own.
    fs::copy(path.join("show.mp4"), path.join("other.mp4")).unwrap();
    run(
        "3.ndjson",
        "{\"request_id\":\"c\",\"source_url\":\"other.mp4\",\"min_clip_length\":9,\"season\":9}\n",
    );
    let rows = query(path, "SELECT request_id, team, campaign, season FROM outcomes ORDER BY 1");
    assert_eq!(rows, ["a,red,,7", "b,,x,8", "c,,,9"]);
}

#[test]
fn going_back_to_an_earlier_request_file_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let run = |name: &str| {
        let output = clipflow(path, &["run", name, "--out", "out"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let lengths = |sql: &str| query(path, sql);
    fs::write(path.join("a.csv"), "request_id,source_url,min_clip_length,max_clip_length,max_clips\nx,show.mp4,4,5,1\nz,show.mp4,4,8,1\n").unwrap();
    fs::write(
        path.join("b.csv"),
        "request_id,source_url,min_clip_length,max_clip_length,max_clips\nx,show.mp4,7,8,1\n",
    )
    .unwrap();
    for name in ["a.csv", "b.csv", "a.csv", "b.csv", "b.csv", "a.csv"] {
        run(name);
        let wanted = if name == "a.csv" { "x,5.0" } else { "x,8.0" };
        let found =
            lengths("SELECT request_id, max_clip_length FROM requests WHERE request_id = 'x'");
        assert_eq!(found, [wanted], "after {name}");
        assert_eq!(lengths("SELECT clips FROM outcomes WHERE request_id = 'z'"), ["1"]);
    }
    assert!(run("a.csv").contains("nothing to do"));
    // A media file that is removed or damaged comes back, as often as that happens, and then all is done again.
    for round in 0..4 {
        let uri = query(path, "SELECT uri FROM renditions WHERE request_id = 'z'").remove(0);
        let file = path.join("out").join(&uri);
        let whole = fs::read(&file).unwrap();
        match round % 2 {
            0 => fs::remove_file(&file).unwrap(),
            _ => fs::write(&file, &whole[..whole.len() / 2]).unwrap(),
        }
        assert!(!run("a.csv").contains("nothing to do"));
        assert_eq!(fs::read(&file).unwrap().len(), whole.len());
        assert!(run("a.csv").contains("nothing to do"));
    }
    assert_eq!(query(path, "SELECT count(*) FROM outcomes"), ["2"]);
}

#[test]
fn a_run_over_two_older_shards_keeps_the_columns_of_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for name in ["a1", "a2", "b1", "b2"] {
        show::make(&path.join(format!("{name}.mp4")));
    }
    let run = |name: &str, text: &str| {
        fs::write(path.join(name), text).unwrap();
        let output = clipflow(path, &["run", name, "--out", "out", "--max-clips", "1"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    run("1.csv", "request_id,source_url,min_clip_length,x\na1,a1.mp4,9,XA1\na2,a2.mp4,9,XA2\n");
    run("2.csv", "request_id,source_url,min_clip_length,y\nb1,b1.mp4,9,YB1\nb2,b2.mp4,9,YB2\n");
    run("3.csv", "request_id,source_url,min_clip_length\na1,a1.mp4,9\nb1,b1.mp4,9\n");
    let rows = query(path, "SELECT request_id, x, y FROM outcomes ORDER BY 1");
    assert_eq!(rows, ["a1,,", "a2,XA2,", "b1,,", "b2,,YB2"]);
}

#[test]
fn folders_and_files_may_have_odd_names() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("a [1] *?#%20 ü");
    fs::create_dir(&path).unwrap();
    show::make(&path.join("show [x] 'y'*.mp4"));
    let text = "request_id,source_url,min_clip_length\na,show [x] 'y'*.mp4,9\n";
    fs::write(path.join("r*[1]?.csv"), text).unwrap();
    for round in ["", "nothing to do"] {
        let output = clipflow(&path, &["run", "r*[1]?.csv", "--out", "out"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).contains(round));
    }
    assert_eq!(query(&path, "SELECT request_id, status FROM outcomes"), ["a,ok"]);
}

#[test]
fn two_runs_at_a_time_lose_nothing_and_write_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let row = |id: &str| format!("{id},show.mp4,4,8,1\n");
    for round in 0..3 {
        let files = [
            [format!("a{round}"), "b".into()],
            ["b".into(), format!("c{round}")],
            ["b".into(), format!("c{round}")],
        ];
        let runs: Vec<_> = files
            .iter()
            .enumerate()
            .map(|(i, ids)| {
                let name = format!("{round}-{i}.csv");
                fs::write(path.join(&name), format!("{HEAD}{}{}", row(&ids[0]), row(&ids[1])))
                    .unwrap();
                let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_clipflow"));
                command
                    .current_dir(path)
                    .args(["run", &name, "--out", "out", "--quiet"])
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut run in runs {
            assert!(run.wait().unwrap().success());
        }
    }
    let rows = query(path, "SELECT request_id FROM outcomes ORDER BY 1");
    assert_eq!(rows, ["a0", "a1", "a2", "b", "c0", "c1", "c2"]);
    assert_eq!(query(path, "SELECT count(*) = count(DISTINCT t) FROM signals"), ["true"]);
}

#[test]
fn a_failing_source_costs_its_own_rows_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let good = fs::read(path.join("show.mp4")).unwrap();
    fs::write(path.join("empty.mp4"), "").unwrap();
    fs::write(path.join("text.mp4"), "no video").unwrap();
    fs::write(path.join("header.mp4"), &good[..40]).unwrap();
    fs::write(path.join("half.mp4"), &good[..good.len() / 2]).unwrap();
    fs::create_dir(path.join("dir.mp4")).unwrap();
    fs::copy(path.join("show.mp4"), path.join("show.txt")).unwrap();
    let audio = path.join("audio.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=20", "-c:a", "aac", audio.to_str().unwrap()]);
    let outside = tempfile::tempdir().unwrap();
    fs::copy(path.join("show.mp4"), outside.path().join("show.mp4")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("show.mp4"), path.join("link.mp4")).unwrap();
    let expected = [
        ("empty.mp4", "source.truncated"),
        ("text.mp4", "source.unsupported"),
        ("header.mp4", "source.truncated|media.corrupt"),
        ("half.mp4", "source.truncated|media.corrupt"),
        ("dir.mp4", "source.unsupported"),
        ("audio.mp4", "media.no_video"),
        ("none.mp4", "source.not_found"),
        ("link.mp4", "source.forbidden"),
        ("/etc/passwd", "source.forbidden"),
        ("file:///etc/passwd", "source.forbidden"),
        ("s3://bucket/a.mp4", "source.forbidden"),
        ("show.txt", ""),
        ("show.mp4", ""),
    ];
    let mut csv = "source_url,min_clip_length,max_clip_length,max_clips\n".to_owned();
    for (source, _) in expected {
        csv.push_str(&format!("{source},4,8,1\n"));
    }
    fs::write(path.join("r.csv"), csv).unwrap();
    let output = clipflow(path, &["run", "r.csv", "--out", "out", "--quiet"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let rows = query(
        path,
        r#"SELECT source_url, coalesce(error_code, ''), error_message FROM outcomes ORDER BY "row""#,
    );
    assert_eq!(rows.len(), expected.len());
    for (row, (source, codes)) in rows.iter().zip(expected) {
        let cells: Vec<&str> = row.splitn(3, ',').collect();
        assert_eq!(cells[0], source);
        assert!(codes.split('|').any(|c| c == cells[1]), "{row}");
        assert_eq!(cells[2].len() > 20, !codes.is_empty(), "a sentence: {row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_dropped_leaves_no_process_and_nothing_visible() {
    let folder = tempfile::tempdir().unwrap();
    let video = long_video(folder.path(), 600);
    fs::write(folder.path().join("r.csv"), "source_url\nlong.mp4\n").unwrap();
    let (config, recorder) = config(folder.path());
    let run = tokio::spawn(async move { pipeline::run(&config).await });
    eventually("the video is decoded", || naming(&video) > 0).await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    eventually("its processes end", || naming(&video) == 0).await;
    assert!(!folder.path().join("out/_commit").exists());
    eventually("nothing is staged", || !folder.path().join("out/_staging").exists()).await;
    drop(recorder);
}

#[test]
fn what_a_killed_run_leaves_is_removed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let video = long_video(folder.path(), 120);
    fs::write(
        folder.path().join("r.csv"),
        "source_url,min_clip_length,max_clip_length\nlong.mp4,5,9\n",
    )
    .unwrap();
    let start = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_clipflow"));
        command
            .current_dir(folder.path())
            .args(["run", "r.csv", "--out", "out", "--quiet"])
            .spawn()
            .unwrap()
    };
    let mut killed = start();
    until("the video is decoded", || naming(&video) > 0);
    killed.kill().unwrap();
    killed.wait().unwrap();
    until("its processes end", || naming(&video) == 0);
    assert_eq!(fs::read_dir(folder.path().join("out/_staging")).unwrap().count(), 1);
    assert!(start().wait().unwrap().success());
    assert!(!folder.path().join("out/_staging").exists());
    assert_eq!(query(folder.path(), "SELECT status FROM outcomes"), ["ok"]);
}

/// Writes `long.mp4`, which takes a while to decode.
fn long_video(folder: &Path, seconds: u32) -> String {
    let video = folder.join("long.mp4").to_str().unwrap().to_owned();
    let source = format!("testsrc2=s=1280x720:r=30:d={seconds}");
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", &video];
    ffmpeg(&[&["-f", "lavfi", "-i", &source], &coded[..]].concat());
    video
}
