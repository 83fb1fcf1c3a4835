#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn sentence(loader: &ConfigLoader) -> String {
    let error = loader.load().unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    error.message().to_owned()
}

fn with_file(text: &str) -> (tempfile::TempDir, ConfigLoader) {
    let folder = folder_with(&[("clipflow.toml", text)]);
    let loader = ConfigLoader::empty().folder(folder.path());
    (folder, loader)
}

fn with_variable(name: &str, text: &str) -> ConfigLoader {
    ConfigLoader::empty().environment([(name.into(), text.into())])
}

#[test]
fn each_place_wins_over_those_below_it() {
    let folder = folder_with(&[
        (
            "home/clipflow/config.toml",
            "max_workers = 1\nchunk_size = 1\ntimeout = 1\nmax_retries = 1\n",
        ),
        ("work/clipflow.toml", "max_workers = 2\nchunk_size = 2\ntimeout = 2\n"),
    ]);
    let loaded = ConfigLoader::empty()
        .folder(folder.path().join("work"))
        .environment([
            ("XDG_CONFIG_HOME".into(), folder.path().join("home").into()),
            ("CLIPFLOW_MAX_WORKERS".into(), "3".into()),
            ("CLIPFLOW_CHUNK_SIZE".into(), "3".into()),
        ])
        .flag("workers", "--workers", "4")
        .load()
        .unwrap();
    let config = &loaded.config;
    assert_eq!((config.max_workers, config.chunk_size, config.timeout), (4, 3, 2.0));
    assert_eq!((config.max_retries, config.max_fetches), (1, 16));
    let expected = [
        ("max_workers", Origin::Flag("--workers".into())),
        ("chunk_size", Origin::Environment("CLIPFLOW_CHUNK_SIZE".into())),
        ("timeout", Origin::File(folder.path().join("work/clipflow.toml"))),
        ("max_retries", Origin::File(folder.path().join("home/clipflow/config.toml"))),
        ("max_fetches", Origin::Default),
    ];
    for (name, origin) in expected {
        assert_eq!(*loaded.origin(name), origin, "{name}");
    }
}

#[test]
fn a_named_file_takes_the_place_of_the_others() {
    let folder =
        folder_with(&[("clipflow.toml", "max_workers = 2\n"), ("other.toml", "timeout = 9")]);
    let loader = ConfigLoader::empty().folder(folder.path());
    let loaded = loader.clone().file(folder.path().join("other.toml")).load().unwrap();
    assert_eq!((loaded.config.max_workers, loaded.config.timeout), (0, 9.0));
    assert!(sentence(&loader.file("/nowhere.toml")).contains("/nowhere.toml cannot be read"));
}

#[test]
fn without_xdg_the_user_file_lies_in_home() {
    let folder = folder_with(&[(".config/clipflow/config.toml", "backend = \"thread\"\n")]);
    let loader = ConfigLoader::empty().folder(folder.path());
    let home = [("HOME".into(), folder.path().into()), ("XDG_CONFIG_HOME".into(), "".into())];
    let loaded = loader.environment(home).load().unwrap();
    assert_eq!(loaded.config.backend, crate::config::BackendType::Thread);
}

#[test]
fn flags_and_guide_names_are_keys_too() {
    let (_folder, loader) =
        with_file("workers = 3\nrate-limit = 2.5\ncache = true\nbackend = \"Joblib\"\n");
    let config = loader.load().unwrap().config;
    assert_eq!((config.max_workers, config.rate_limit_per_host), (3, 2.5));
    assert!(config.enable_caching);
    assert_eq!(config.backend, crate::config::BackendType::Joblib);
    assert_eq!(with_variable("CLIPFLOW_WORKERS", "5").load().unwrap().config.max_workers, 5);
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    let (folder, loader) = with_file("timeout = -3\n");
    let path = folder.path().join("clipflow.toml");
    assert_eq!(
        sentence(&loader),
        format!(
            "timeout is -3 (file {}); give a number of seconds from 0 to 604800",
            path.display()
        )
    );
    assert_eq!(
        sentence(&with_variable("CLIPFLOW_DEBUG", "perhaps")),
        "debug is perhaps (environment CLIPFLOW_DEBUG); give true or false"
    );
    assert_eq!(
        sentence(&ConfigLoader::empty().flag("workers", "--workers", "2000")),
        "max_workers is 2000 (flag --workers); give a whole number of rows from 0 to 1024"
    );
    let (_folder, loader) = with_file("timeout = [1, 2]\n");
    assert!(sentence(&loader).starts_with("timeout is not a single value (file "));
    // What counts less is not looked at.
    let (_folder, loader) = with_file("timeout = -3\n");
    assert_eq!(loader.flag("timeout", "--timeout", "3").load().unwrap().config.timeout, 3.0);
}

#[test]
fn a_file_that_is_no_toml_is_refused_in_one_line() {
    let (folder, loader) = with_file("max_workers = 1\ntimeout == 3\n");
    let said = sentence(&loader);
    assert!(!said.contains('\n') && said.contains("line 2"), "{said}");
    assert!(said.contains(folder.path().to_str().unwrap()), "{said}");
}

#[test]
fn a_misspelled_setting_is_refused_with_the_right_name() {
    let (_folder, loader) = with_file("max_worker = 1\n");
    assert!(
        sentence(&loader).contains("there is no setting max_worker; did you mean max_workers?")
    );
    assert_eq!(
        sentence(&with_variable("CLIPFLOW_MAX_WORKER", "1")),
        "there is no setting CLIPFLOW_MAX_WORKER; did you mean CLIPFLOW_MAX_WORKERS?"
    );
    let (_folder, loader) = with_file("[parallel]\nmax_workers = 1\n");
    assert!(sentence(&loader).contains("there is no setting parallel; there are backend, "));
}

#[test]
fn one_setting_under_two_names_is_refused() {
    let (_folder, loader) = with_file("workers = 1\nmax_workers = 2\n");
    assert!(sentence(&loader).contains("sets max_workers twice"));
    let both =
        [("CLIPFLOW_WORKERS".into(), "1".into()), ("CLIPFLOW_MAX_WORKERS".into(), "2".into())];
    assert!(sentence(&ConfigLoader::empty().environment(both)).contains("sets max_workers twice"));
}

#[test]
fn variables_of_other_parts_are_left_alone_and_strangers_are_mentioned() {
    let others = ["LOG", "FFMPEG", "FFPROBE", "YTDLP", "WORKER", "BENCH_ROWS", "SLT_COMPLETE"];
    for name in others {
        let loaded = with_variable(&format!("CLIPFLOW_{name}"), "x").load().unwrap();
        assert_eq!(loaded.notices, Vec::<String>::new(), "{name}");
    }
    let loaded = with_variable("CLIPFLOW_COLOUR", "red").load().unwrap();
    assert_eq!(loaded.notices, ["CLIPFLOW_COLOUR is not a setting of clipflow and sets nothing"]);
    assert_eq!(with_variable("CLIPFLOW_TIMEOUT", "").load().unwrap().config.timeout, 0.0);
    assert!(with_variable("OTHER_MAX_WORKER", "x").load().unwrap().notices.is_empty());
}

#[test]
fn what_only_python_needs_is_mentioned_and_sets_nothing() {
    let (_folder, loader) = with_file("use_uvloop = true\nuse_numba = false\nenable_gc = true\n");
    let loaded = loader.load().unwrap();
    assert_eq!(loaded.config, ParallelConfig::default());
    assert_eq!(loaded.notices.len(), 3);
    assert!(loaded.notices.iter().any(|n| n.starts_with("use_uvloop in ")));
    let loaded = with_variable("CLIPFLOW_USE_UVLOOP", "1").load().unwrap();
    assert!(loaded.notices[0].contains("no counterpart"), "{:?}", loaded.notices);
}

#[test]
fn a_folder_in_a_file_starts_from_the_file() {
    let (folder, loader) = with_file("cache_dir = \"kept\"\nspool_dir = \"/spool\"\n");
    let config = loader.clone().load().unwrap().config;
    assert_eq!(Path::new(&config.cache_dir), folder.path().join("kept"));
    assert_eq!(config.spool_dir, "/spool");
    let config = loader.flag("cache_dir", "--cache-dir", "here").load().unwrap().config;
    assert_eq!(config.cache_dir, "here");
    let (_folder, loader) = with_file("cache_dir = \"s3://bucket/kept\"\n");
    assert_eq!(loader.load().unwrap().config.cache_dir, "s3://bucket/kept");
}

#[test]
fn what_is_displayed_is_a_settings_file() {
    let loaded = ConfigLoader::empty()
        .flag("cache_dir", "--cache-dir", "a \"quoted\" \\ name")
        .flag("backend", "--backend", "process")
        .flag("memory_limit_gb", "--memory-limit", "2.5")
        .load()
        .unwrap();
    let text = loaded.to_string();
    assert!(text.contains("# flag --memory-limit\n") && text.contains("# default\n"), "{text}");
    let (_folder, again) = with_file(&text);
    let again = again.load().unwrap().config;
    assert!(again.cache_dir.ends_with("a \"quoted\" \\ name"), "{}", again.cache_dir);
    assert_eq!(
        ParallelConfig { cache_dir: loaded.config.cache_dir.clone(), ..again },
        loaded.config
    );
}

#[test]
fn the_file_of_a_folder_opens_no_doors() {
    for line in [
        "allow_private = true\n",
        "worker_program = \"/tmp/evil\"\n",
        "text_model_url = \"https://evil.example\"\n",
        "text_model_key_env = \"AWS_SECRET_ACCESS_KEY\"\n",
        "trace_file = \"../.bashrc\"\n",
        "metrics_file = \"../.bashrc\"\n",
        "metrics_listen = \"0.0.0.0:80\"\n",
        "datadog = \"udp://evil.example:53\"\n",
    ] {
        let (folder, loader) = with_file(line);
        assert!(sentence(&loader).contains("may not be set by "), "{line}");
        // Named by the person, it may.
        loader.file(folder.path().join("clipflow.toml")).load().unwrap();
    }
    let folder = folder_with(&[("clipflow/config.toml", "allow_private = true\n")]);
    let home = [("XDG_CONFIG_HOME".into(), folder.path().into())];
    let loader = ConfigLoader::empty().environment(home).folder(folder.path());
    assert!(loader.load().unwrap().config.allow_private);
}
