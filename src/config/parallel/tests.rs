#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::config::setting::SettingKind;

#[test]
fn the_defaults_are_allowed_and_read_back() {
    let defaults = ParallelConfig::default();
    defaults.check().unwrap();
    let mut again = ParallelConfig { max_workers: 7, debug: true, ..defaults.clone() };
    for setting in SETTINGS {
        again.set(setting.name, &defaults.get(setting.name).unwrap()).unwrap();
    }
    assert_eq!(again, defaults);
}

#[test]
fn settings_are_told_apart_and_numbers_have_a_range() {
    let mut names = std::collections::HashSet::new();
    for setting in SETTINGS {
        assert!(names.insert(setting.name.to_owned()), "{} twice", setting.name);
        let flag = setting.flag.replace('-', "_");
        assert!(flag == setting.name || names.insert(flag), "--{} twice", setting.flag);
        let is_number = matches!(setting.kind, SettingKind::Whole | SettingKind::Number);
        assert_eq!(setting.range.is_some(), is_number, "{}", setting.name);
        assert!(setting.description().ends_with('.'), "{}", setting.name);
    }
}

#[test]
fn a_value_beyond_either_end_of_its_range_is_refused_in_a_sentence() {
    for setting in SETTINGS {
        let Some(SettingRange { min, max, .. }) = setting.range else { continue };
        for good in [min, max] {
            ParallelConfig::default().set(setting.name, &good.to_string()).unwrap();
        }
        for bad in [(min - 1.0).to_string(), (max + 1.0).to_string(), "NaN".to_owned()] {
            let error = ParallelConfig::default().set(setting.name, &bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ConfigInvalid);
            let sentence = format!("{} is {bad}; give {}", setting.name, setting.allowed());
            assert_eq!(error.message(), sentence);
        }
    }
    let error = ParallelConfig { trace_sampling_rate: f64::NAN, ..Default::default() }.check();
    assert_eq!(
        error.unwrap_err().message(),
        "trace_sampling_rate is NaN; give a number from 0 to 1"
    );
}

#[test]
fn a_value_of_another_kind_is_refused_and_changes_nothing() {
    let backends = format!("one of {}", BackendType::names());
    let cases = [
        ("max_workers", "4.5", "a whole number of rows from 0 to 1024"),
        ("max_workers", "", "a whole number of rows from 0 to 1024"),
        ("enable_caching", "maybe", "true or false"),
        ("backend", "celery", backends.as_str()),
    ];
    for (name, text, allowed) in cases {
        let mut config = ParallelConfig::default();
        let error = config.set(name, text).unwrap_err();
        assert!(error.message().ends_with(&format!("; give {allowed}")), "{error}");
        assert_eq!(config, ParallelConfig::default());
    }
}

#[test]
fn a_misspelled_name_is_told_the_right_one() {
    let nearest = |name: &str| Setting::nearest(name).map(|s| s.name);
    assert_eq!(nearest("max_worker"), Some("max_workers"));
    assert_eq!(nearest("MAX_RETRYS"), Some("max_retries"));
    assert_eq!(nearest("memory_limit"), Some("memory_limit_gb"));
    assert_eq!(nearest("cache-tll"), Some("cache_ttl_hours"));
    assert_eq!(nearest("colour"), None);
    let mut config = ParallelConfig::default();
    assert_eq!(
        config.set("chunk_sise", "5").unwrap_err().message(),
        "there is no setting chunk_sise; did you mean chunk_size?"
    );
}

#[test]
fn serde_knows_the_same_fields() {
    let json = serde_json::to_value(ParallelConfig::default()).unwrap();
    let mut fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    fields.sort_unstable();
    let mut names: Vec<&str> = SETTINGS.iter().map(|s| s.name).collect();
    names.sort_unstable();
    assert_eq!(fields, names);
    serde_json::from_str::<ParallelConfig>("{\"max_worker\": 1}").unwrap_err();
}

#[test]
fn workers_are_no_more_than_memory_holds() {
    let workers = |max_workers, memory_limit_gb| {
        ParallelConfig { max_workers, memory_limit_gb, ..Default::default() }.workers()
    };
    assert_eq!(workers(3, 4.0), 3);
    assert_eq!(workers(16, 4.0), 6);
    assert_eq!(workers(16, 0.25), 1);
    assert!(workers(0, 1e5) >= 1);
}
