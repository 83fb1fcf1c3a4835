#![allow(clippy::unwrap_used)]
use super::*;
use crate::error::ErrorCode;

fn of(url: &str, change: impl FnOnce(&mut ParallelConfig)) -> Result<Option<TextModelConfig>> {
    let mut config = ParallelConfig { text_model_url: url.into(), ..ParallelConfig::default() };
    change(&mut config);
    let variable = |name: &str| (name == "KEY").then(|| "s3cret".to_owned());
    TextModelConfig::from_settings(&config, variable)
}

#[test]
fn a_base_address_is_completed() {
    for (given, wanted) in [
        ("https://a.example", "https://a.example/v1/chat/completions"),
        ("https://a.example/v1/", "https://a.example/v1/chat/completions"),
        ("https://a.example/x/chat/completions", "https://a.example/x/chat/completions"),
    ] {
        let config = of(given, |_| {}).unwrap().unwrap();
        assert_eq!(config.url.as_str(), wanted);
    }
    assert!(of("", |_| {}).unwrap().is_none());
}

#[test]
fn an_address_that_may_not_be_asked_is_refused_with_what_to_do() {
    let refused = |url: &str, key: &str| {
        let key = key.to_owned();
        let error = of(url, |c| c.text_model_key_env = key.into()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigInvalid);
        error.message().to_owned()
    };
    assert!(refused("http://127.0.0.1:11434/v1", "").contains("set allow_private"));
    assert!(refused("https://a.example:1234/v1", "").contains("set allow_private"));
    assert!(refused("ftp://a.example", "").contains("http"));
    assert!(refused("a.example/v1", "").contains("https://host/v1"));
    assert!(refused("https://a.example", "OTHER").contains("OTHER"));
    assert!(refused("http://a.example", "KEY").contains("use https"));
}

#[cfg(feature = "http")]
#[test]
fn a_key_is_not_shown() {
    use crate::resilience::Resilience;
    use crate::text_model::HttpTextModel;
    let local = of("http://127.0.0.1:11434/v1", |c| {
        c.allow_private = true;
        c.text_model_key_env = "KEY".into();
    });
    let local = local.unwrap().unwrap();
    assert_eq!(local.key.as_deref(), Some("s3cret"));
    let model = HttpTextModel::new(local, Resilience::new(&ParallelConfig::default())).unwrap();
    assert!(!format!("{model:?}").contains("s3cret"));
}
