#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use arrow::array::{ArrayRef, LargeStringArray, StringViewArray};
use proptest::prelude::*;
use std::sync::Arc;

use super::*;

type Row = (Option<String>, Option<String>, Option<f64>, Option<f64>, Option<i64>);

fn one(change: impl FnOnce(&mut VideoClipRequest)) -> (String, String) {
    let mut request = VideoClipRequest::new("talks/a.mp4");
    change(&mut request);
    let error = validate_one(&request).expect_err("the request is wrong");
    (error.code().to_string(), error.message().to_owned())
}

fn url_code(url: &str) -> Option<ErrorCode> {
    validate_one(&VideoClipRequest::new(url)).err().map(|e| e.code())
}

#[test]
fn places_that_may_hold_a_video() {
    for url in [
        "a.mp4",
        "/videos/a b.mp4",
        "./a:b.mp4",
        "talk: part 1.mp4",
        "C:\\videos\\a.mp4",
        "c:/a.mp4",
        "file:///v/a.mp4",
        "file:a.mp4",
        "https://host/a.mp4?X-Amz-Signature=1",
        "HTTP://host:8080",
        "s3://bucket/key",
        "gs://b/k?x",
        "https://user:pw@host/a",
        "日本.mp4",
        "what?.mp4",
        "rtmp://host/live",
        "50%.mp4",
        "https://[::1]/a",
        "https://[::1]:8443/a",
        "https://host:65535/a",
        "https://host:/a",
        "file://localhost/v/a.mp4",
        "[1",
        "{a}.mp4",
        "[2024] talk.mp4",
    ] {
        assert_eq!(url_code(url), None, "{url}");
    }
}

#[test]
fn places_that_cannot() {
    for url in ["", "  ", "\t\n", "\u{3000}"] {
        assert_eq!(url_code(url), Some(ErrorCode::InvalidRequestMissingUrl), "{url:?}");
    }
    for url in [
        "a\nb.mp4",
        "a.mp4\n",
        "a\0.mp4",
        "a\u{7f}",
        "a\u{85}b",
        "https://",
        "https:///a.mp4",
        "https:a.mp4",
        "s3:bucket/key",
        "://host/a",
        "ht!tp://host/a",
        "1http://host",
        "https://ho st/a.mp4",
        "javascript:alert(1)",
        "data:video/mp4;base64,AA",
        "mailto:a@b",
        "file:",
        "file:///",
        "file://a.mp4",
        "https://host:99999/a.mp4",
        "http://u:p@host:x/a.mp4",
        &"a".repeat(MAX_URL_BYTES + 1),
    ] {
        assert_eq!(url_code(url), Some(ErrorCode::InvalidRequestBadUrl), "{url:?}");
    }
}

#[test]
fn a_nested_value_as_text_names_no_source() {
    let (code, sentence) = one(|r| r.source_url = r#"{"a":1}"#.into());
    assert_eq!(code, "invalid_request.bad_value");
    assert!(sentence.ends_with("is a list or an object; name the video by a path or URL"));
    assert_eq!(one(|r| r.source_url = "[1]".into()).0, "invalid_request.bad_value");
}

#[test]
fn the_bound_that_was_given_is_the_one_at_fault() {
    // As rows come in which the other one is left out.
    let long = one(|r| (r.min_clip_length, r.max_clip_length) = (700.0, 700.0));
    assert_eq!(long.1, "min_clip_length is 700 s; make it at most 600 s");
    let short = one(|r| (r.min_clip_length, r.max_clip_length) = (0.2, 0.2));
    assert_eq!(short.1, "max_clip_length is 0.2 s; make it at least 0.5 s");
}

#[test]
fn sentences_name_the_value_and_the_way_out() {
    let order = one(|r| r.max_clip_length = 5.0);
    assert_eq!(order.0, "invalid_request.bad_length");
    assert_eq!(
        order.1,
        "max_clip_length is 5 s but min_clip_length is 15 s; make the maximum at least the minimum"
    );
    assert_eq!(
        one(|r| r.min_clip_length = -1.0).1,
        "min_clip_length is -1 s; make it at least 0.5 s"
    );
    assert_eq!(
        one(|r| r.max_clip_length = 1e300).1,
        "max_clip_length is 1e300 s; make it at most 600 s"
    );
    assert!(
        one(|r| r.min_clip_length = f64::NAN)
            .1
            .starts_with("min_clip_length is NaN s; give a number")
    );
    assert!(
        one(|r| r.max_clip_length = f64::INFINITY)
            .1
            .starts_with("max_clip_length is inf s; give a number")
    );
    let clips = one(|r| r.max_clips = 0);
    assert_eq!(
        (clips.0.as_str(), clips.1.as_str()),
        ("invalid_request.bad_max_clips", "max_clips is 0; make it a number from 1 to 100")
    );
    let language = one(|r| r.language = "english\n".into());
    assert_eq!(language.0, "invalid_request.bad_language");
    assert_eq!(
        language.1,
        "language is \"english\\n\"; give an ISO 639 or BCP 47 tag such as en, eng or pt-BR"
    );
}

#[test]
fn limits_themselves_pass() {
    for (min, max, clips) in [(0.5, 600.0, 1), (600.0, 600.0, 100), (0.5, 0.5, 3)] {
        let request = VideoClipRequest {
            min_clip_length: min,
            max_clip_length: max,
            max_clips: clips,
            ..VideoClipRequest::new("a.mp4")
        };
        assert!(validate_one(&request).is_ok(), "{request:?}");
    }
}

#[test]
fn secrets_stay_out_of_messages() {
    let message = one(|r| r.source_url = "https://me:hunter2@ho st/a.mp4?sig=deadbeef".into()).1;
    assert!(!message.contains("hunter2") && !message.contains("deadbeef"), "{message}");
    assert!(message.contains("ho st/a.mp4"), "{message}");
    let long = one(|r| r.source_url = "x".repeat(10_000)).1;
    assert!(long.len() < 300, "{long}");
}

#[test]
fn the_default_is_named_where_it_matters() {
    let urls = StringArray::from(vec!["a.mp4"]);
    let max = Float64Array::from(vec![5.0]);
    let columns = RequestColumns {
        source_url: &urls,
        language: None,
        min_clip_length: None,
        max_clip_length: Some(&max),
        max_clips: None,
    };
    let answer = validate(&columns).unwrap();
    let message = answer.error_message.value(0);
    assert!(message.contains("min_clip_length is 15 s (the default)"), "{message}");
}

#[test]
fn columns_that_do_not_fit_are_named() {
    let urls = StringArray::from(vec!["a.mp4"]);
    let numbers = Int64Array::from(vec![1, 2]);
    let mut columns = RequestColumns {
        source_url: &urls,
        language: None,
        min_clip_length: None,
        max_clip_length: None,
        max_clips: Some(&numbers),
    };
    let error = validate(&columns).unwrap_err();
    assert!(
        error.code() == ErrorCode::InputColumn && error.message().contains("max_clips"),
        "{error}"
    );
    columns.max_clips = None;
    columns.source_url = &numbers;
    let error = validate(&columns).unwrap_err();
    assert!(
        error.code() == ErrorCode::InputColumn && error.message().contains("source_url"),
        "{error}"
    );
    let nothing = arrow::array::NullArray::new(2);
    columns.source_url = &nothing;
    assert_eq!(validate(&columns).unwrap().error_code.value(1), "invalid_request.missing_url");
}

/// The rules said again, slowly and without sharing code.
fn reference((url, language, min, max, clips): &Row) -> Option<&'static str> {
    let url = url.clone().unwrap_or_default();
    if url.trim().is_empty() {
        return Some("invalid_request.missing_url");
    }
    let opaque =
        ["javascript:", "data:", "mailto:"].iter().any(|p| url.to_lowercase().starts_with(p));
    let hostless = url == "https://" || url.starts_with("https:///") || url.starts_with("https:a");
    if url.chars().any(char::is_control) || opaque || hostless || url.starts_with("://") {
        return Some("invalid_request.bad_url");
    }
    let (min, max) = (min.unwrap_or(15.0), max.unwrap_or(60.0));
    if !(min.is_finite() && max.is_finite() && 0.5 <= min && min <= max && max <= 600.0) {
        return Some("invalid_request.bad_length");
    }
    if clips.is_some_and(|c| !(1..=100).contains(&c)) {
        return Some("invalid_request.bad_max_clips");
    }
    match language.as_deref() {
        None | Some("" | "en" | "pt-BR" | "eng" | "zh_Hant") => None,
        Some(_) => Some("invalid_request.bad_language"),
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let url = prop::option::weighted(
        0.9,
        prop_oneof![
            4 => Just("a.mp4".to_owned()),
            2 => Just("https://host/a.mp4".to_owned()),
            1 => prop::sample::select(vec!["", " ", "https://", "https:///x", "https:a", "data:x", "://x", "a\nb", "é\u{9f}"])
                .prop_map(str::to_owned),
        ],
    );
    let language = prop::option::of(prop_oneof![
        6 => prop::sample::select(vec!["en", "pt-BR", "eng", "zh_Hant"]),
        1 => prop::sample::select(vec!["", "english", "e", "xx", "en US", "日本"]),
    ])
    .prop_map(|l| l.map(str::to_owned));
    let length = || {
        prop::option::of(prop_oneof![
            8 => 0.0..100.0f64,
            1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 0.5, 600.0, 600.1]),
        ])
    };
    let clips = prop::option::of(prop_oneof![8 => 1..=100i64, 1 => any::<i64>(), 1 => 0..2i64]);
    prop::collection::vec((url, language, length(), length(), clips), 0..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_row_is_answered_as_the_reference_says(rows in rows(), kind in 0..3usize) {
        let text = |cells: Vec<Option<&str>>| -> ArrayRef {
            match kind {
                0 => Arc::new(StringArray::from(cells)),
                1 => Arc::new(LargeStringArray::from(cells)),
                _ => Arc::new(StringViewArray::from(cells)),
            }
        };
        let urls = text(rows.iter().map(|r| r.0.as_deref()).collect());
        let languages = text(rows.iter().map(|r| r.1.as_deref()).collect());
        let min: Float64Array = rows.iter().map(|r| r.2).collect();
        let max: Float64Array = rows.iter().map(|r| r.3).collect();
        let clips: Int64Array = rows.iter().map(|r| r.4).collect();
        let columns = RequestColumns {
            source_url: &urls,
            language: Some(&languages),
            min_clip_length: Some(&min),
            max_clip_length: Some(&max),
            max_clips: Some(&clips),
        };
        let answer = validate(&columns).unwrap();
        prop_assert_eq!(answer.error_code.len(), rows.len());
        for (i, row) in rows.iter().enumerate() {
            let code = answer.error_code.is_valid(i).then(|| answer.error_code.value(i));
            prop_assert_eq!(code, reference(row), "{:?}", row);
            prop_assert_eq!(answer.error_message.is_valid(i), code.is_some());
            if let (Some(url), Some(language), Some(min), Some(max), Some(clips)) = row {
                let request = VideoClipRequest {
                    source_url: url.clone(), language: language.clone(), min_clip_length: *min,
                    max_clip_length: *max, max_clips: *clips, ..VideoClipRequest::default()
                };
                let error = validate_one(&request).err();
                prop_assert_eq!(error.as_ref().map(|e| e.code().as_str()), code);
                prop_assert_eq!(error.as_ref().map(Error::message), code.map(|_| answer.error_message.value(i)));
            }
        }
    }

    #[test]
    fn any_text_is_answered_in_one_short_printable_line(url in any::<String>(), language in any::<String>()) {
        let request = VideoClipRequest { language, ..VideoClipRequest::new(url) };
        if let Err(error) = validate_one(&request) {
            prop_assert!(!error.message().chars().any(char::is_control), "{:?}", error.message());
            prop_assert!(error.message().len() < 1500);
        }
    }
}
