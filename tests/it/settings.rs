//! Settings from files, the environment, flags and SQL, and the errors about them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use clipflow::config::ParallelConfig;
use clipflow::media::Format;
use clipflow::model::edit::CaptionMode;
use clipflow::pipeline::RunConfig;
use clipflow::query::{SessionOptions, query_error, register_media_relations, session};
use clipflow::resilience::Resilience;
use clipflow::source::{LocalCopy, Source, Sources};
use clipflow::{Error, ErrorCode};

use super::support::{bare_runtime, stderr, stdout};

/// `clipflow ARGS` in `folder` with these variables and no settings but those.
fn run(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CLIPFLOW_") {
            command.env_remove(name);
        }
    }
    command.env("XDG_CONFIG_HOME", folder.join("home")).envs(variables.iter().copied());
    command.current_dir(folder).args(args).output().unwrap()
}

/// The line of `--print-config` about a setting, spaces put together.
fn line(text: &str, name: &str) -> String {
    let line = text.lines().find(|l| l.starts_with(&format!("{name} = "))).expect(name);
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_place_wins_over_those_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("r.csv"), "source_url\na.mp4\n").unwrap();
    let user = "max_workers = 1\n";
    let own = "max_workers = 2\n";
    let other = "max_workers = 3\n";
    let variable = [("CLIPFLOW_MAX_WORKERS", "4")];
    // What is there; what counts; where it says that comes from.
    let table: [(&[&str], &str); 6] = [
        (&[], "max_workers = 0 # default"),
        (&["user"], "max_workers = 1 # file PATH/home/clipflow/config.toml"),
        (&["user", "own"], "max_workers = 2 # file clipflow.toml"),
        (&["user", "own", "other"], "max_workers = 3 # file other.toml"),
        (
            &["user", "own", "other", "variable"],
            "max_workers = 4 # environment CLIPFLOW_MAX_WORKERS",
        ),
        (&["user", "own", "other", "variable", "flag"], "max_workers = 5 # flag --workers"),
    ];
    for (places, expected) in table {
        let has = |place: &str| places.contains(&place);
        if has("user") {
            fs::create_dir_all(path.join("home/clipflow")).unwrap();
            fs::write(path.join("home/clipflow/config.toml"), user).unwrap();
        }
        if has("own") {
            fs::write(path.join("clipflow.toml"), own).unwrap();
        }
        fs::write(path.join("other.toml"), other).unwrap();
        let config: &[&str] = if has("other") { &["--config", "other.toml"] } else { &[] };
        let flags: &[&str] = if has("flag") { &["--workers", "5"] } else { &[] };
        let variables: &[(&str, &str)] = if has("variable") { &variable } else { &[] };
        for command in [&["run", "r.csv", "--out", "out"][..], &["validate", "r.csv"]] {
            let args = [command, &["--print-config"], config, flags].concat();
            let output = run(path, &args, variables);
            assert!(output.status.success(), "{}", stderr(&output));
            let expected = expected.replace("PATH", &path.to_string_lossy());
            assert_eq!(line(&stdout(&output), "max_workers"), expected);
        }
    }
    assert!(!path.join("out").exists(), "--print-config does nothing else");
}

#[test]
fn what_is_printed_is_a_settings_file() {
    let folder = tempfile::tempdir().unwrap();
    let print = |args: &[&str]| {
        let output =
            run(folder.path(), &[&["validate", "r.csv", "--print-config"], args].concat(), &[]);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let flags = [
        "--cache",
        "--no-circuit-breaker",
        "--cache-dir",
        "/kept here",
        "--backend",
        "Thread",
        "--trace-sampling",
        "0.25",
    ];
    let first = print(&flags);
    assert_eq!(line(&first, "enable_caching"), "enable_caching = true # flag --cache");
    let off = "circuit_breaker_enabled = false # flag --no-circuit-breaker";
    assert_eq!(line(&first, "circuit_breaker_enabled"), off);
    fs::write(folder.path().join("clipflow.toml"), &first).unwrap();
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|l| l.split(" # ").next().unwrap().trim_end().to_owned()).collect()
    };
    let second = print(&[]);
    assert_eq!(values(&first), values(&second));
    assert_eq!(line(&second, "backend"), "backend = \"thread\" # file clipflow.toml");
    // The last of two flags counts.
    let third = print(&["--no-cache", "--cache", "--no-cache"]);
    assert_eq!(line(&third, "enable_caching"), "enable_caching = false # flag --no-cache");
    let guide = print(&["--enable-caching", "--max-workers", "3"]);
    assert_eq!(line(&guide, "max_workers"), "max_workers = 3 # flag --workers");
}

#[test]
fn a_wrong_setting_ends_the_command_with_2_and_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.csv"), "source_url\na.mp4\n").unwrap();
    fs::write(folder.path().join("bad.toml"), "chunk_size = 0\n").unwrap();
    fs::write(folder.path().join("typo.toml"), "chunk_sizes = 5\n").unwrap();
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 6] = [
        (
            &["--workers", "-1"],
            &[],
            "max_workers is -1 (flag --workers); give a whole number of rows from 0 to 1024",
        ),
        (
            &["--timeout", "soon"],
            &[],
            "timeout is soon (flag --timeout); give a number of seconds from 0 to 604800",
        ),
        (
            &["--config", "bad.toml"],
            &[],
            "chunk_size is 0 (file bad.toml); give a whole number of rows from 1 to 1000000",
        ),
        (
            &["--config", "typo.toml"],
            &[],
            "there is no setting chunk_sizes; did you mean chunk_size?",
        ),
        (&[], &[("CLIPFLOW_MAX_SOURCES_GB", "1")], "did you mean CLIPFLOW_MAX_SOURCE_GB?"),
        (
            &[],
            &[("CLIPFLOW_ALLOW_PRIVATE", "perhaps")],
            "allow_private is perhaps (environment CLIPFLOW_ALLOW_PRIVATE); give true or false",
        ),
    ];
    for (flags, variables, sentence) in cases {
        let output = run(folder.path(), &[&["validate", "r.csv"], flags].concat(), variables);
        assert_eq!(output.status.code(), Some(2), "{flags:?} {variables:?}");
        let said = stderr(&output);
        assert!(said.starts_with("error[config.invalid]") && said.contains(sentence), "{said}");
    }
    let output = run(folder.path(), &["validate", "r.csv", "--backend", "celery"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("auto, thread, process, joblib, async"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_check_refuses_a_backend_that_a_run_refuses() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.csv"), "source_url\na.mp4\n").unwrap();
    let said = [&["validate", "r.csv"][..], &["run", "r.csv", "--out", "out"]].map(|command| {
        let output = run(folder.path(), &[command, &["--backend", "dask"]].concat(), &[]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        stderr(&output)
    });
    assert!(
        said[0].starts_with("error[config.invalid]: ") && said[0].contains("backend dask"),
        "{}",
        said[0]
    );
    assert_eq!(said[0], said[1]);
}

#[test]
fn a_stray_variable_is_mentioned_and_the_work_is_done() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.csv"), "source_url\na.mp4\n").unwrap();
    let output = run(folder.path(), &["validate", "r.csv"], &[("CLIPFLOW_USE_NUMBA", "1")]);
    assert!(output.status.success(), "{}", stderr(&output));
    let said = "warning: CLIPFLOW_USE_NUMBA in the environment has no counterpart in a native program and sets nothing\n";
    assert_eq!(stderr(&output), said);
}

#[test]
fn debug_logs_everything() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.csv"), "source_url\na.mp4\n").unwrap();
    let quiet = run(folder.path(), &["validate", "r.csv"], &[]);
    assert_eq!(stderr(&quiet), "");
    let loud = run(folder.path(), &["validate", "r.csv"], &[("CLIPFLOW_DEBUG", "true")]);
    assert!(stderr(&loud).contains("DEBUG"), "{}", stderr(&loud));
}

/// Counts how many sources are opened at a time; there are none.
#[derive(Debug, Clone, Default)]
struct Counting {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

#[async_trait]
impl Source for Counting {
    fn serves(&self, _: &str) -> bool {
        true
    }

    async fn validator(&self, _: &str) -> clipflow::Result<Option<String>> {
        Ok(None)
    }

    async fn open(&self, _: &str) -> clipflow::Result<LocalCopy> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        Err(Error::new(ErrorCode::SourceNotFound, "there is nothing; give something"))
    }
}

#[tokio::test]
async fn a_session_sets_how_many_rows_a_media_relation_works_on() {
    let counting = Counting::default();
    let resilience = Resilience::new(&ParallelConfig::default());
    let runtime = bare_runtime(Sources::new(vec![Box::new(counting.clone())]), 4, resilience);
    let options = SessionOptions::default();
    let ctx = session(&options, Some(Arc::new(runtime))).unwrap();
    register_media_relations(&ctx, &options).unwrap();
    let most = async |before: &str| {
        if !before.is_empty() {
            ctx.sql(before).await.unwrap();
        }
        counting.most.store(0, Ordering::SeqCst);
        let sql = "SELECT error_code FROM analyze_media((SELECT 'x' || value AS location FROM generate_series(1, 20)))";
        let rows = ctx.sql(sql).await?.collect().await?;
        assert_eq!(rows.iter().map(|b| b.num_rows()).sum::<usize>(), 20);
        Ok::<_, datafusion::error::DataFusionError>(counting.most.load(Ordering::SeqCst))
    };
    assert_eq!(most("").await.unwrap(), 8, "four at work and four being fetched");
    assert_eq!(most("SET clipflow.max_workers = 1").await.unwrap(), 1);
    assert_eq!(most("SET clipflow.max_workers = 3").await.unwrap(), 3);
    let error = query_error(most("SET clipflow.max_workers = 5").await.unwrap_err());
    let said = "clipflow.max_workers is 5 but the media runtime of this session has 4 workers; set at most 4 or make the runtime with more";
    assert_eq!((error.code(), error.message()), (ErrorCode::QueryInvalid, said));
    assert_eq!(most("SET clipflow.max_workers = 0").await.unwrap(), 8);
}

/// A caller of the library reads the name of the setting; the user of the command reads the flag.
#[test]
fn errors_of_the_library_name_settings() {
    let with = |change: fn(&mut RunConfig)| {
        let mut config = RunConfig::new("requests.csv", "out");
        change(&mut config);
        let error = config.check().unwrap_err();
        assert!(!error.message().contains("--"), "{error}");
        (error.message().to_owned(), error.settings().collect::<Vec<_>>())
    };
    let (message, settings) = with(|c| c.variants.count = 60);
    assert_eq!(message, "variants is 60; give a number from 0 to 50");
    assert_eq!(settings, ["variants"]);
    let (message, _) = with(|c| c.max_clips = Some(0));
    assert!(message.starts_with("max_clips is 0; give a number from 1 to "), "{message}");
    let (message, settings) = with(|c| c.variants.platforms = vec!["x".to_owned()]);
    assert!(
        message.starts_with("platforms has no effect while variants is 0; set it"),
        "{message}"
    );
    assert_eq!(settings, ["variants", "platforms"]);
    let (_, settings) = with(|c| {
        c.variants.count = 1;
        c.variants.captions = Some(CaptionMode::Soft);
        c.render.encoding.format = Format::Gif;
    });
    assert_eq!(settings, ["captions", "format"]);
}
