//! Looking after results: `fsck`, `gc` and `compact`, in a folder and in an object store.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clipflow::pipeline;
use clipflow::query::results::register_dataset;
use clipflow::query::{SessionOptions, session};
use clipflow::store::Dataset;
use tempfile::TempDir;

use super::support::s3::S3;
use super::support::{HEAD, clipflow, fake_media, lines, query, show, stderr, stdout, try_rows};

/// The exit code and what is printed by a command over `out`.
fn upkeep(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = clipflow(folder, &[&args[..1], &["out"], &args[1..]].concat());
    (output.status.code(), stdout(&output) + &stderr(&output))
}

/// A folder with the results of a run with answers and failures.
fn ran() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = show::finished();
    let copied =
        Command::new("cp").arg("-a").arg(from.join("out")).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    show::requests(folder.path());
    folder
}

/// The files in a folder of the results whose names end so.
fn files(folder: &Path, of: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("out").join(of)).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    found.retain(|path| path.to_str().unwrap().ends_with(ending));
    found.sort();
    found
}

/// Changes a byte in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(path, bytes).unwrap();
}

/// Results of `runs` runs, of one request each, made without media.
async fn many(runs: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    for n in 0..runs {
        let name = format!("s{n}.txt");
        let requests = fake_media::sources(&path, &[(&name, "12")]);
        let config = fake_media::config(&requests, &path.join("out"));
        assert!(pipeline::run(&config).await.unwrap().is_complete());
    }
    folder
}

/// What the results hold, whatever their files.
fn content(folder: &Path) -> Vec<String> {
    let mut found = vec![];
    for (table, key) in [
        ("requests", "request_id"),
        ("outcomes", "request_id"),
        ("sources", "source_id"),
        ("signals", "source_id || t"),
        ("candidates", "request_id || candidate_id"),
        ("clips", "clip_id || score"),
        ("renditions", "rendition_id || blake3"),
    ] {
        let sql = format!("SELECT {key} AS id FROM {table} ORDER BY 1");
        found.extend(query(folder, &sql).into_iter().map(|id| format!("{table} {id}")));
    }
    found
}

#[test]
fn whole_results_are_whole() {
    let folder = ran();
    let (code, said) = upkeep(folder.path(), &["fsck"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("checked 1") && said.ends_with(": nothing is wrong\n"), "{said}");
    assert_eq!(upkeep(folder.path(), &["fsck", "--fast", "-q"]), (Some(0), String::new()));
    let none = clipflow(folder.path(), &["fsck", "nowhere", "--repair"]);
    assert_eq!(none.status.code(), Some(2), "{}", stderr(&none));
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn damage_is_found_and_media_files_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("a.mp4"), show::short()).unwrap();
    fs::write(path.join("r.csv"), format!("{HEAD}a,a.mp4,2,3,1\nb,a.mp4,4,5,1\n")).unwrap();
    let run = ["run", "r.csv", "--out", "out"];
    assert_eq!(clipflow(path, &run).status.code(), Some(0));
    let media = files(path, "media", ".mp4");
    damage(&media[0]);
    fs::remove_file(&media[1]).unwrap();
    damage(&files(path, "clips", ".parquet")[0]);
    fs::remove_file(&files(path, "shots", ".parquet")[0]).unwrap();
    let (code, said) = upkeep(path, &["fsck"]);
    assert_eq!(code, Some(3), "{said}");
    for told in [
        "wrong: media.damaged: media/",
        "its content is not what was written; remove it (--repair does), then run its requests",
        "wrong: media.missing: media/",
        "wrong: table.damaged: clips/",
        "wrong: table.missing: shots/",
        "run the requests that wrote it again",
        ": 4 findings are wrong",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let (code, said) = upkeep(path, &["fsck", "--fast"]);
    assert!(code == Some(3) && said.contains("wrong: media.missing"), "{said}");
    assert!(!said.contains("media.damaged"), "sizes alone: {said}");

    let (code, said) = upkeep(path, &["fsck", "--repair"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("it is removed now: run its requests again"), "{said}");
    let output = clipflow(path, &run);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (code, said) = upkeep(path, &["fsck"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(files(path, "media", ".mp4"), media);
}

#[test]
fn damaged_manifests_and_rows_that_stand_twice_are_found() {
    let folder = ran();
    let path = folder.path();
    let first = files(path, "_commit", ".json").remove(0);
    let second = first.with_file_name("00000002.json");
    let text = fs::read_to_string(&first).unwrap().replacen("\"number\": 1", "\"number\": 2", 1);
    fs::write(&second, text.replace("/00000001-", "/00000002-")).unwrap();
    for table in ["requests", "outcomes", "sources", "signals", "shots", "cues", "candidates"]
        .into_iter()
        .chain(["clips", "variants", "renditions", "run_stats"])
    {
        let file = files(path, table, ".parquet").remove(0);
        let copy = file.to_str().unwrap().replace("/00000001-", "/00000002-");
        fs::copy(&file, copy).unwrap();
    }
    let (code, said) = upkeep(path, &["fsck"]);
    assert_eq!(code, Some(3), "{said}");
    for told in [
        "wrong: key.twice: clips: ",
        "wrong: key.twice: signals: ",
        "wrong: request.inconsistent: outcomes: ",
        "request_id that have the outcome of another row of their request too, e.g. ",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    fs::write(&second, "{").unwrap();
    let (code, said) = upkeep(path, &["fsck"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("wrong: manifest.damaged: _commit/00000002.json: "), "{said}");
    assert_ne!(clipflow(path, &["sql", "out", "SELECT 1"]).status.code(), Some(0));
    let (code, said) = upkeep(path, &["fsck", "--repair"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("repaired: manifest.damaged: _commit/00000002.json: set aside"));
    assert_eq!(upkeep(path, &["fsck"]).0, Some(0));
}

#[test]
fn rows_without_their_source_or_clip_are_found() {
    let folder = ran();
    let path = folder.path();
    // The tables of a manifest that names no sources and no clips.
    let manifest = files(path, "_commit", ".json").remove(0);
    let mut json: serde_json::Value =
        serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    for table in ["sources", "clips"] {
        json["tables"].as_object_mut().unwrap().remove(table).unwrap();
    }
    fs::write(&manifest, json.to_string()).unwrap();
    let (code, said) = upkeep(path, &["fsck"]);
    assert_eq!(code, Some(3), "{said}");
    for told in [
        "wrong: reference.broken: signals: 1 × source_id that sources does not have, e.g. ",
        "wrong: reference.broken: renditions: ",
        "wrong: request.inconsistent: clips: ",
        "note: stray: clips/",
        "1 × table file that no manifest names",
    ] {
        assert!(said.contains(told) || told.starts_with("1 ×"), "{told}: {said}");
    }
}

#[test]
fn what_nothing_names_is_removed_after_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("a.mp4"), show::short()).unwrap();
    let run = |length: u32| {
        let row = format!("{HEAD}a,a.mp4,{length},{},1\n", length + 1);
        fs::write(path.join("r.csv"), row).unwrap();
        let output = clipflow(path, &["run", "r.csv", "-o", "out"]);
        assert!(output.status.success(), "{}", stderr(&output));
    };
    run(2);
    let media = files(path, "media", "");
    run(4);
    // Other programs see what the results hold, and nothing twice.
    assert_eq!(files(path, "clips", ".parquet").len(), 1);
    assert_eq!(files(path, "_replaced/clips", ".parquet").len(), 1);
    fs::write(path.join("out/clips/notes.txt"), "mine").unwrap();
    let stray = path.join("out/clips/00000009-0123456789abcdef.parquet");
    fs::write(&stray, "half").unwrap();
    fs::create_dir_all(path.join("out/_staging/run-x")).unwrap();
    fs::write(path.join("out/_staging/run-x/lock"), "").unwrap();

    let (code, said) = upkeep(path, &["fsck"]);
    assert_eq!(code, Some(0), "strays are no damage: {said}");
    assert!(said.contains("note: stray: clips/00000009-"), "{said}");
    let (code, said) = upkeep(path, &["gc", "--dry-run"]);
    assert!(code == Some(0) && said.contains("1 × work of a killed run"), "{said}");
    assert!(!said.contains("replaced"), "{said}");
    let (_, said) = upkeep(path, &["gc", "--grace", "0", "--dry-run"]);
    for told in [
        "1 × manifest of a replaced shard",
        "× table file of a replaced shard",
        "1 × table file that no manifest names",
        "would remove ",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(stray.exists());
    let before = content(path);
    let (code, said) = upkeep(path, &["gc", "--grace", "0"]);
    assert!(code == Some(0) && said.contains("\nremoved "), "{said}");
    assert!(!stray.exists() && files(path, "_replaced/clips", ".parquet").is_empty());
    assert_eq!(files(path, "_commit", ".json").len(), 1);
    assert!(!path.join("out/_staging").exists());
    assert!(path.join("out/clips/notes.txt").exists(), "of no name that clipflow gives");
    assert!(files(path, "media", "").iter().all(|file| !media.contains(file)));
    assert_eq!(content(path), before);
    let (code, said) = upkeep(path, &["fsck"]);
    assert!(code == Some(0) && !said.contains("stray"), "{said}");
    assert!(upkeep(path, &["gc", "--grace", "0"]).1.starts_with("nothing to remove"));
    let (code, said) = upkeep(path, &["gc", "--grace", "soon"]);
    assert!(code == Some(2) && said.contains("give a time such as"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_files_become_large_ones_under_readers() {
    let folder = many(6).await;
    let path = folder.path();
    let before = content(path);
    // A reader that opened the results, and one in the middle of a query.
    let open = async || {
        let ctx = session(&SessionOptions::default(), None).unwrap();
        register_dataset(&ctx, &Dataset::open(&path.join("out")).unwrap()).await.unwrap();
        ctx
    };
    let reader = open().await;
    let count = "SELECT count(*) FROM clips";
    let clips = lines(&reader, count).await;
    let (code, said) = upkeep(path, &["compact"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("6 shards in ") && said.contains(" became 1 shard in "), "{said}");
    assert_eq!(lines(&reader, count).await, clips, "the old files are kept");
    assert_eq!(content(path), before);
    assert_eq!(files(path, "clips", ".parquet").len(), 1);
    let (code, said) = upkeep(path, &["fsck"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(upkeep(path, &["compact"]).1.starts_with("nothing to compact"), "{said}");

    // One run of before the compaction is still known as done.
    let real = path.canonicalize().unwrap();
    let requests = real.join("requests.csv");
    fs::write(&requests, format!("{HEAD}s2,s2.txt,3,5,2\n")).unwrap();
    let config = fake_media::config(&requests, &real.join("out"));
    assert!(pipeline::run(&config).await.unwrap().reused);

    let kept = open().await;
    assert!(upkeep(path, &["gc", "--grace", "0"]).1.contains("removed "));
    let error = try_rows(&reader, count).await.unwrap_err();
    assert_eq!(error.code(), clipflow::ErrorCode::StoreRead, "{error}");
    assert!(error.to_string().contains("open them again"), "{error}");
    assert_eq!(lines(&kept, count).await, clips);
    assert_eq!(files(path, "_commit", ".json").len(), 1);
    assert_eq!(content(path), before);

    // A run over one of the requests takes the place of the large shard, with all others.
    let fake = fake_media::sources(&real, &[("s3.txt", "8")]);
    let config = fake_media::config(&fake, &real.join("out"));
    pipeline::run(&config).await.unwrap();
    assert_eq!(query(path, "SELECT count(*) FROM outcomes WHERE status = 'ok'"), ["6"]);
    assert_eq!(upkeep(path, &["fsck"]).0, Some(0));
    // Replaced manifests of before and after the compaction do not come alive again.
    assert!(upkeep(path, &["gc", "--grace", "0"]).1.contains("removed "));
    assert_eq!(query(path, "SELECT count(*) FROM outcomes"), ["6"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_compaction_loses_and_doubles_nothing() {
    let folder = many(5).await;
    let path = folder.path();
    let before = content(path);
    let mut done = 0;
    for step in 0..12 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_clipflow"))
            .args(["compact", "out"])
            .current_dir(path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 * step));
        let _ = child.kill();
        child.wait().unwrap();
        let (code, said) = upkeep(path, &["fsck"]);
        assert_eq!(code, Some(0), "after {step}: {said}");
        assert_eq!(content(path), before, "after {step}");
        done += usize::from(Dataset::open(&path.join("out")).unwrap().shards().len() == 1);
    }
    assert_eq!(upkeep(path, &["compact"]).0, Some(0));
    assert!(done <= 12);
    let (code, said) = upkeep(path, &["gc", "--grace", "0"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(content(path), before);
    let live: BTreeSet<_> = files(path, "clips", ".parquet").into_iter().collect();
    assert_eq!(live.len(), 1);
}

#[test]
fn an_object_store_is_looked_after_like_a_folder() {
    let server = S3::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("a.mp4"), show::short()).unwrap();
    let url = format!("s3://{}/results", super::support::s3::BUCKET);
    let ask = |args: &[&str]| {
        let output = server.clipflow(path, args);
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    for (id, length) in [("a", 3), ("b", 4), ("a", 4)] {
        fs::write(path.join("r.csv"), format!("{HEAD}{id},a.mp4,2,{length},1\n")).unwrap();
        let (code, said) = ask(&["run", "r.csv", "-o", &url]);
        assert_eq!(code, Some(0), "{said}");
    }
    let rows = ["sql", &url, "SELECT request_id, clip_id FROM clips ORDER BY 1", "--format", "csv"];
    let (_, before) = ask(&rows);
    assert_eq!(before.lines().count(), 3, "{before}");
    let (code, said) = ask(&["fsck", &url]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = ask(&["compact", &url]);
    assert!(code == Some(0) && said.contains("2 shards") && said.contains("became 1"), "{said}");
    assert_eq!(ask(&rows).1, before);
    let kept = server.bucket().join("results/_replaced/clips");
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 3);
    let (code, said) = ask(&["gc", &url, "--grace", "0"]);
    assert!(code == Some(0) && said.contains("4 × ") || said.contains("3 × manifest"), "{said}");
    assert_eq!(ask(&rows).1, before);
    let (code, said) = ask(&["fsck", &url]);
    assert!(code == Some(0) && !said.contains("stray"), "{said}");

    let media = server.bucket().join("results/media");
    let file = fs::read_dir(&media)
        .unwrap()
        .flatten()
        .find(|f| f.path().extension().is_some_and(|x| x == "mp4"));
    damage(&file.unwrap().path());
    let (code, said) = ask(&["fsck", &url, "--repair"]);
    assert!(code == Some(3) && said.contains("wrong: media.damaged: media/"), "{said}");
    let (code, said) = ask(&["run", "r.csv", "-o", &url]);
    assert_eq!(code, Some(0), "{said}");
}
