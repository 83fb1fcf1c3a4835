//! What `clipflow sql` and its kin say and write: sentences for people, files for others, results of which a
//! part is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clipflow::query::{SessionOptions, session};
use datafusion::execution::memory_pool::MemoryConsumer;

use super::support::show;
use super::support::{clipflow, query, stderr, stdout};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// What is said of a query over the finished run that is refused.
fn refused(sql: &str) -> String {
    let output = clipflow(show::finished(), &["sql", "out", sql]);
    assert!(!output.status.success(), "{sql}: {}", stdout(&output));
    stderr(&output)
}

/// A copy of the finished run, to be damaged.
fn copied() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = show::finished();
    for name in ["out", "show.mp4", "notes.mp4"] {
        let copy = Command::new("cp").arg("-rp").arg(from.join(name)).arg(folder.path()).status();
        assert!(copy.unwrap().success());
    }
    folder
}

fn table_file(folder: &Path, table: &str) -> PathBuf {
    let mut files = fs::read_dir(folder.join("out").join(table)).unwrap();
    files.next().unwrap().unwrap().path()
}

#[test]
fn manifests_and_answers_are_for_everybody_whom_the_umask_lets_read() {
    let folder = show::finished();
    fs::write(folder.join("usual"), "").unwrap();
    let usual = mode(&folder.join("usual"));
    for entry in fs::read_dir(folder.join("out/_commit")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), usual, "{}", path.display());
    }
    let output = clipflow(folder, &["sql", "out", "SELECT 1 AS a", "-o", "everybody.csv"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(mode(&folder.join("everybody.csv")), usual);
}

#[test]
fn a_query_may_begin_with_a_comment_and_a_wrong_flag_is_none() {
    let folder = show::finished();
    let recipe = "-- How many?\nSELECT count(*) AS n FROM outcomes";
    for args in [vec![recipe, "--format", "csv"], vec!["--format", "csv", recipe]] {
        let output = clipflow(folder, &[&["sql", "out"], args.as_slice()].concat());
        assert_eq!(stdout(&output), "n\n7\n", "{}", stderr(&output));
    }
    for flag in ["--fromat=csv", "--fromat", "-q"] {
        let output = clipflow(folder, &["sql", "out", flag, "csv", recipe]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("unexpected argument '-"), "{}", stderr(&output));
    }
}

#[test]
fn a_file_has_the_format_that_its_name_says() {
    let folder = show::finished();
    let write = |args: &[&str], file: &str| {
        let output = clipflow(folder, &[args, &["-o", file]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        fs::read(folder.join(file)).unwrap()
    };
    let ask = ["sql", "out", "SELECT 1 AS a"];
    assert_eq!(write(&ask, "named.csv"), b"a\n1\n");
    assert_eq!(write(&ask, "named.ndjson"), b"{\"a\":1}\n");
    assert_eq!(&write(&ask, "named.parquet")[..4], b"PAR1");
    assert_eq!(write(&[&ask[..], &["--format", "csv"]].concat(), "other.parquet"), b"a\n1\n");
    assert!(write(&["shots", "show.mp4"], "shots.csv").starts_with(b"start,end,"));
    let export = "Video ID,variant_id,Date,Video Views\n1,00000000000000aa,2026-05-01,20\n";
    fs::write(folder.join("named-export.csv"), export).unwrap();
    let import = ["import-events", "named-export.csv", "--from", "tiktok"];
    assert!(write(&import, "named-events.csv").starts_with(b"variant_id,"));
    assert_eq!(&write(&import, "named-events.parquet")[..4], b"PAR1");
}

#[test]
fn no_timeout_is_0_seconds_and_a_missing_folder_is_named() {
    let folder = show::finished();
    let output = clipflow(folder, &["sql", "out", "SELECT 1 AS a", "--timeout", "0"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = clipflow(folder, &["sql", "out", "SELECT 1 AS a", "-o", "no-such-folder/x.csv"]);
    let said = stderr(&output);
    assert!(said.contains("there is no folder no-such-folder"), "{said}");
    assert!(!said.contains(".tmp"), "{said}");
}

#[test]
fn a_refused_query_is_told_why_in_one_sentence() {
    let cases = [
        ("SELECT start FROM clips WHERE start > 'abc'", "'abc' cannot be read as Float64"),
        ("SELECT start FROM clips LIMIT -1", "LIMIT must be >= 0"),
        ("SELECT nope FROM outcomes", "there is no column nope; there are request_id, "),
        (
            "SELECT select_clips(1, 2)",
            "select_clips takes 6 or 7 arguments, not 2; it is called as select_clips(signals, shots, cues, min, max, n[, weights])",
        ),
        (
            "SELECT engagement_rate('many', 1, 1, 1, 1)",
            "engagement_rate takes a number as likes, not Utf8; it is called as engagement_rate(likes, comments, shares, saves, views)",
        ),
        ("SELECT strftime(now(), '%Y')", "there is no function strftime; use to_char("),
        ("SELECT * FROM events", "--events FILE"),
        ("SELECT * FROM event_days", "--events FILE"),
        (
            "SELECT sum(audience_reach(x)) OVER () FROM (VALUES (1)) t(x) GROUP BY x",
            "error[query.invalid]: sum(audience_reach(t.x)) would count a viewer once for each row",
        ),
    ];
    for (sql, part) in cases {
        let said = refused(sql);
        assert!(said.contains(part), "{sql}: {said}");
        for jargon in ["caused by", "Optimizer rule", "Error during planning", "Schema error"] {
            assert!(!said.contains(jargon), "{sql}: {said}");
        }
        assert_eq!(said.lines().count(), 1, "{sql}: {said}");
    }
}

#[test]
fn many_idle_operators_do_not_starve_one_that_works() {
    let options = SessionOptions { memory_bytes: Some(1_000_000), ..SessionOptions::default() };
    let pool = &session(&options, None).unwrap().runtime_env().memory_pool.clone();
    let sorts = (0..150)
        .map(|i| MemoryConsumer::new(format!("sort {i}")).with_can_spill(true).register(pool));
    let sorts: Vec<_> = sorts.collect();
    sorts[0].try_grow(100_000).unwrap();
    sorts[1].try_grow(2_000_000).unwrap_err();
}

#[test]
fn sql_takes_the_memory_limit_that_other_commands_take() {
    for flag in ["--memory-limit", "--memory-limit-gb"] {
        let ask = |gb| clipflow(show::finished(), &["sql", "out", "SELECT 1", flag, gb]);
        assert!(ask("0.5").status.success());
        let said = stderr(&ask("0"));
        assert!(said.starts_with("error[config.invalid]: memory_limit_gb is 0"), "{said}");
    }
}

#[test]
fn a_lost_table_file_leaves_the_other_tables_readable_and_says_how_to_make_it_anew() {
    let folder = copied();
    let path = folder.path();
    let lost = table_file(path, "clips");
    fs::remove_file(&lost).unwrap();
    let damaged = table_file(path, "signals");
    fs::write(&damaged, &fs::read(&damaged).unwrap()[..100]).unwrap();
    assert_eq!(query(path, "SELECT count(*) FROM outcomes"), ["7"]);
    assert!(!query(path, "SELECT * FROM failures").is_empty());
    for (sql, file) in [
        ("SELECT count(*) FROM clips", &lost),
        ("SELECT * FROM clip_files", &lost),
        ("SELECT t FROM signals", &damaged),
    ] {
        let output = clipflow(path, &["sql", "out", sql]);
        let said = stderr(&output);
        assert!(said.starts_with("error[store.read]: cannot read "), "{sql}: {said}");
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(said.contains(&name) && said.contains("SELECT * FROM requests"), "{sql}: {said}");
    }
    // Without the file of the requests the way out is one.
    let kept = clipflow(path, &["sql", "out", "SELECT * FROM requests", "-o", "again.parquet"]);
    assert!(kept.status.success(), "{}", stderr(&kept));
    let anew = clipflow(path, &["run", "again.parquet", "--out", "new", "--plan-only"]);
    assert!(stdout(&anew).contains("3 answered with 5 clips"), "{}", stderr(&anew));
    // Other requests go into the same folder as ever.
    fs::write(path.join("more.csv"), "request_id,source_url\nmore,none.mp4\n").unwrap();
    let more = clipflow(path, &["run", "more.csv", "--out", "out"]);
    assert_eq!(more.status.code(), Some(3), "{}", stderr(&more));
    assert_eq!(query(path, "SELECT count(*) FROM outcomes"), ["8"]);
    // With it the tables are made anew, and what others have added stays.
    fs::write(path.join("requests.csv"), show::REQUESTS).unwrap();
    let again = clipflow(path, &["run", "requests.csv", "--out", "out"]);
    let said = stdout(&again);
    assert!(said.contains("3 answered with 5 clips"), "{said}{}", stderr(&again));
    assert_eq!(query(path, "SELECT count(*) FROM clips"), ["5"]);
    assert_eq!(query(path, "SELECT count(*), count(DISTINCT request_id) FROM outcomes"), ["8,8"]);
}

#[test]
fn a_table_that_is_lost_or_damaged_is_made_anew_by_a_run_over_the_same_requests() {
    let folder = copied();
    let path = folder.path();
    fs::write(path.join("requests.csv"), show::REQUESTS).unwrap();
    let run = |flags: &[&str]| {
        let output = clipflow(path, &[&["run", "requests.csv", "--out", "out"], flags].concat());
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        (stdout(&output), stderr(&output))
    };
    // A copy of the folder is another one to the sources in it.
    run(&[]);
    assert!(run(&[]).0.contains("nothing to do"));
    let all = ["requests", "outcomes", "sources", "signals", "candidates", "clips", "renditions"];
    let counts = || all.map(|table| query(path, &format!("SELECT count(*) FROM {table}")).concat());
    let before = counts();
    let lose = |tables: &[&str], how: &dyn Fn(&Path)| {
        tables.iter().for_each(|table| how(&table_file(path, table)));
        let (said, noted) = run(&[]);
        for table in tables {
            let rows = format!("the rows of the table {table} are made anew");
            assert!(!said.contains("nothing to do") && noted.contains(&rows), "{said}{noted}");
        }
        assert_eq!(counts(), before, "{tables:?}");
        assert!(run(&[]).0.contains("nothing to do"));
    };
    lose(&all[1..], &|file| {
        let mut bytes = fs::read(file).unwrap();
        bytes.iter_mut().skip(60).take(80).for_each(|byte| *byte ^= 0xff);
        fs::write(file, bytes).unwrap();
    });
    lose(&["requests", "sources", "clips"], &|file| fs::remove_file(file).unwrap());
    lose(&["outcomes"], &|file| fs::remove_file(file).unwrap());
}

#[test]
fn rows_of_other_requests_are_never_dropped_with_a_lost_table() {
    let folder = copied();
    let path = folder.path();
    let one: String = show::REQUESTS.lines().take(2).map(|line| format!("{line}\n")).collect();
    fs::write(path.join("one.csv"), one).unwrap();
    let run = || clipflow(path, &["run", "one.csv", "--out", "out", "--plan-only"]);
    // Who replaces one request takes over the rows of the others.
    assert!(run().status.success());
    let clips = table_file(path, "clips");
    let kept = fs::read(&clips).unwrap();
    fs::remove_file(&clips).unwrap();
    let said = stderr(&run());
    assert!(said.contains("error[store.read]") && said.contains("table clips is lost"), "{said}");
    assert!(said.contains("run all requests that wrote it again"), "{said}");
    fs::write(&clips, kept).unwrap();
    // Outcomes that are gone are not an empty table.
    fs::remove_file(table_file(path, "outcomes")).unwrap();
    let said = stderr(&run());
    assert!(said.contains("table outcomes is lost"), "{said}");
    fs::write(path.join("requests.csv"), show::REQUESTS).unwrap();
    let all = clipflow(path, &["run", "requests.csv", "--out", "out"]);
    assert!(stdout(&all).contains("3 answered with 5 clips"), "{}", stderr(&all));
    assert_eq!(query(path, "SELECT count(*) FROM requests"), ["7"]);
}

#[test]
fn performance_groups_by_a_column_of_ones_own_and_takes_a_metric_named_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let requests = "request_id,source_url,min_clip_length,max_clip_length,max_clips,campaign\n\
        a,show.mp4,4,9,1,spring\nb,show.mp4,10,14,1,summer\n";
    fs::write(path.join("requests.csv"), requests).unwrap();
    let variants = ["--variants", "1", "--platforms", "x", "--plan-only"];
    let run = [&["run", "requests.csv", "--out", "out"], variants.as_slice()].concat();
    let run = clipflow(path, &run);
    assert!(run.status.success(), "{}", stderr(&run));
    let ids = query(path, "SELECT variant_id FROM variants ORDER BY request_id");
    let [a, b] = ids.as_slice() else { panic!("{ids:?}") };
    let events =
        format!("variant_id,event,viewer_id\n{a},view,u\n{a},view,w\n{a},view,w\n{b},view,u\n");
    fs::write(path.join("events.csv"), events).unwrap();
    let ask = |by: &str| {
        let metrics = ["--metrics", "views,audience_reach,views", "--format", "csv"];
        let ask = ["performance", "out", "--events", "events.csv", "--by", by];
        clipflow(path, &[&ask, metrics.as_slice()].concat())
    };
    let answer = ask("campaign");
    let text = stdout(&answer);
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[0].starts_with("campaign,variants,views,audience_reach,metric"), "{text}");
    assert!(rows[1].starts_with("spring,1,3,2,"), "{text}{}", stderr(&answer));
    assert!(rows[2].starts_with("summer,1,1,1,"), "{text}");
    let said = stderr(&ask("colour"));
    assert!(said.contains("colour") && said.contains("columns of your own"), "{said}");
}
