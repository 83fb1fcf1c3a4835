#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::resilience::HostLimits;
use crate::source::{Source, SpooledSource};

fn source(
    roots: &[&str],
    config: &ParallelConfig,
) -> (tempfile::TempDir, SpooledSource<ObjectSource>) {
    let roots: Vec<Location> = roots.iter().map(|r| Location::from(*r)).collect();
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path(), 1 << 20);
    let source = ObjectSource::new(&roots, config, Hosts::new(HostLimits::from(config)));
    (dir, SpooledSource::new(source, spool))
}

async fn put(url: &str, content: &str) {
    let opened = ObjectStores::default().open(&Url::parse(url).unwrap()).unwrap();
    opened.store.put(&opened.path, content.to_owned().into()).await.unwrap();
}

async fn code(source: &SpooledSource<ObjectSource>, location: &str) -> (ErrorCode, String) {
    let error = source.open(location).await.unwrap_err();
    let asked = source.validator(location).await;
    if error.code() != ErrorCode::SourceTooLarge && error.code() != ErrorCode::SourceTruncated {
        assert_eq!(asked.unwrap_err().code(), error.code());
    }
    (error.code(), error.to_string())
}

#[tokio::test]
async fn an_object_is_brought_here_and_known_by_its_tag() {
    let (_dir, source) = source(&["memory://videos"], &ParallelConfig::default());
    put("memory://videos/a/talk%20one.mp4", "video").await;
    let location = "memory://videos/a/talk%20one.mp4";
    let copy = source.open(location).await.unwrap();
    assert_eq!(std::fs::read(&copy.path).unwrap(), b"video");
    assert_eq!(source.validator(location).await.unwrap().as_ref(), Some(&copy.validator));
    put(location, "other").await;
    let changed = source.open(location).await.unwrap();
    assert_ne!(changed.validator, copy.validator);
    assert_eq!(std::fs::read(&changed.path).unwrap(), b"other");
    assert_eq!(std::fs::read(&copy.path).unwrap(), b"video");
}

#[tokio::test]
async fn only_what_lies_beneath_a_root_is_asked_for() {
    let (_dir, source) =
        source(&["memory://open", "memory://partly/public/", "/data"], &ParallelConfig::default());
    for url in
        ["memory://open/a.mp4", "memory://partly/public/a.mp4", "memory://partly/publicity.mp4"]
    {
        put(url, "video").await;
    }
    put("memory://closed/a.mp4", "video").await;
    assert!(source.open("memory://open/a.mp4").await.is_ok());
    assert!(source.open("memory://partly/public/a.mp4").await.is_ok());
    for outside in [
        "memory://closed/a.mp4",
        "memory://closed/none.mp4",
        "memory://partly/publicity.mp4",
        "memory://partly/public/../publicity.mp4",
        "memory://partly/public/..%2Fpublicity.mp4",
        "s3://closed/a.mp4",
    ] {
        let (code, message) = code(&source, outside).await;
        assert_eq!(code, ErrorCode::SourceForbidden, "{message}");
        assert!(message.contains("allow_roots"), "{message}");
    }
}

#[tokio::test]
async fn what_cannot_be_brought_has_its_code() {
    let config = ParallelConfig { max_source_gb: 4e-9, ..ParallelConfig::default() };
    let (_dir, source) = source(&["memory://faults", "az://faults"], &config);
    put("memory://faults/large.mp4", "video").await;
    put("memory://faults/empty.mp4", "").await;
    for (location, expected, word) in [
        ("memory://faults/none.mp4", ErrorCode::SourceNotFound, "there is no object"),
        ("memory://faults/large.mp4", ErrorCode::SourceTooLarge, "max_source_gb"),
        ("memory://faults/empty.mp4", ErrorCode::SourceTruncated, "is empty"),
        ("memory://faults", ErrorCode::SourceUnsupported, "name the video"),
        ("memory://faults/a.mp4?x", ErrorCode::SourceForbidden, "%3F"),
        ("az://faults/a.mp4", ErrorCode::SourceForbidden, "AZURE_STORAGE_ACCOUNT_NAME"),
    ] {
        let (code, message) = code(&source, location).await;
        assert_eq!(code, expected, "{message}");
        assert!(message.contains(word), "{message}");
    }
}
