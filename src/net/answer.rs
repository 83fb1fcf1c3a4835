//! The head of a server's answer: status and headers.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName,
    LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use url::Url;

use crate::error::{Error, ErrorCode};
use crate::location::redacted;

/// Pause for a host that asks for fewer requests without a time.
const UNASKED_PAUSE: Duration = Duration::from_secs(1);

/// The target of an answer that is a redirect.
pub(crate) fn redirect(status: StatusCode, headers: &HeaderMap, from: &Url) -> Option<Url> {
    let leads = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let mut to = from.join(text(headers, &LOCATION).filter(|_| leads)?).ok()?;
    to.set_fragment(None);
    Some(to)
}

/// The validator of the content: a strong entity tag, else the time of the last change with the length;
/// `None` if the server gives neither.
pub(crate) fn validator(headers: &HeaderMap, length: Option<u64>) -> Option<String> {
    // A weak tag may stay the same when bytes change (RFC 9110, 8.8.1).
    let tag = text(headers, &ETAG).filter(|tag| !tag.starts_with("W/") && tag.len() > 2);
    let dated = || Some(format!("{}-{}", text(headers, &LAST_MODIFIED)?, length?));
    tag.map(str::to_owned).or_else(dated)
}

/// The length of the whole content, also for an answer with a part of it.
pub(crate) fn length(status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    match status {
        StatusCode::PARTIAL_CONTENT => {
            text(headers, &CONTENT_RANGE)?.rsplit_once('/')?.1.parse().ok()
        }
        _ => text(headers, &CONTENT_LENGTH)?.parse().ok(),
    }
}

/// The pause that the server asks for, in seconds or as a date, which is compared with the server's clock
/// if the answer has a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = text(headers, &RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let now = text(headers, &DATE).and_then(date).unwrap_or_else(SystemTime::now);
    Some(date(asked)?.duration_since(now).unwrap_or_default())
}

/// The error of an answer without the content.
pub(crate) fn refusal(status: StatusCode, headers: &HeaderMap, url: &Url) -> Option<Error> {
    let place = redacted(url.as_str());
    let number = status.as_u16();
    let (code, sentence) = match number {
        200 if text(headers, &CONTENT_ENCODING)
            .is_none_or(|e| e.eq_ignore_ascii_case("identity")) =>
        {
            return None;
        }
        200 => (
            ErrorCode::SourceUnsupported,
            format!(
                "{place} is sent compressed although that was not requested; download it and name the file"
            ),
        ),
        404 | 410 => (
            ErrorCode::SourceNotFound,
            format!("there is nothing at {place} (status {number}); check the address"),
        ),
        401 | 402 | 403 | 407 | 451 => (
            ErrorCode::SourceForbidden,
            format!(
                "{place} may not be read (status {number}); make it public or use a signed URL that is still valid"
            ),
        ),
        429 => (
            ErrorCode::SourceThrottled,
            format!(
                "the server of {place} asks for fewer requests; set rate_limit_per_host or run again later"
            ),
        ),
        408 | 500..=599 => (
            ErrorCode::SourceUnreachable,
            format!("the server of {place} failed (status {number}); run again later"),
        ),
        _ => (
            ErrorCode::SourceUnsupported,
            format!("{place} is answered with status {number}, not with a file; check the address"),
        ),
    };
    let error = Error::new(code, sentence);
    let may_wait = matches!(number, 429 | 503);
    let asked = retry_after(headers).filter(|_| may_wait);
    Some(match asked.or_else(|| (number == 429).then_some(UNASKED_PAUSE)) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use reqwest::header::HeaderValue;

    fn headers(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn wait(lines: &[(HeaderName, &'static str)]) -> Option<u64> {
        retry_after(&headers(lines)).map(|w| w.as_secs())
    }

    #[test]
    fn a_wait_may_be_given_in_seconds_or_as_a_date() {
        assert_eq!(wait(&[(RETRY_AFTER, "17")]), Some(17));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let (now, past) = ("Sun, 06 Nov 1994 08:49:30 GMT", "Sun, 06 Nov 1994 08:50:37 GMT");
        assert_eq!(wait(&[(RETRY_AFTER, date), (DATE, now)]), Some(7));
        assert_eq!(wait(&[(RETRY_AFTER, date), (DATE, past)]), Some(0));
        assert_eq!(wait(&[(RETRY_AFTER, date)]), Some(0), "by our own clock it is long past");
        assert_eq!(wait(&[(RETRY_AFTER, "soon")]), None);
        assert_eq!(wait(&[(RETRY_AFTER, "-1")]), None);
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn each_status_has_its_code() {
        let url = Url::parse("http://a/film.mp4?sig=secret").unwrap();
        let code = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            let error = refusal(status, &headers(&[(RETRY_AFTER, "3")]), &url)?;
            assert!(!error.message().contains("secret"), "{error}");
            Some((error.code().as_str(), error.retry_after().map(|w| w.as_secs())))
        };
        assert_eq!(code(200), None);
        for status in [404, 410] {
            assert_eq!(code(status), Some(("source.not_found", None)));
        }
        for status in [401, 403] {
            assert_eq!(code(status), Some(("source.forbidden", None)));
        }
        assert_eq!(code(429), Some(("source.throttled", Some(3))));
        assert_eq!(code(503), Some(("source.unreachable", Some(3))));
        for status in [500, 502, 504, 599, 408] {
            assert_eq!(code(status), Some(("source.unreachable", None)));
        }
        for status in [204, 206, 304, 400, 416, 302] {
            assert_eq!(code(status), Some(("source.unsupported", None)));
        }
        let packed = refusal(StatusCode::OK, &headers(&[(CONTENT_ENCODING, "gzip")]), &url);
        assert_eq!(packed.unwrap().code(), ErrorCode::SourceUnsupported);
    }

    #[test]
    fn the_strong_tag_is_the_validator_else_the_date_with_the_length() {
        let date = (LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT");
        let of = |lines: &[_], length| validator(&headers(lines), length);
        assert_eq!(of(&[(ETAG, "\"a1\""), date.clone()], Some(5)).as_deref(), Some("\"a1\""));
        let dated = Some("Sun, 06 Nov 1994 08:49:37 GMT-5");
        assert_eq!(of(&[(ETAG, "W/\"a1\""), date.clone()], Some(5)).as_deref(), dated);
        assert_eq!(of(&[(ETAG, "\"\""), date.clone()], Some(5)).as_deref(), dated);
        assert_eq!(of(&[date], None), None);
        assert_eq!(of(&[], Some(5)), None);
    }

    #[test]
    fn the_length_of_a_part_is_that_of_the_whole() {
        let part = headers(&[(CONTENT_RANGE, "bytes 0-0/1234"), (CONTENT_LENGTH, "1")]);
        assert_eq!(length(StatusCode::PARTIAL_CONTENT, &part), Some(1234));
        let unknown = headers(&[(CONTENT_RANGE, "bytes 0-0/*")]);
        assert_eq!(length(StatusCode::PARTIAL_CONTENT, &unknown), None);
        assert_eq!(length(StatusCode::OK, &part), Some(1));
    }

    #[test]
    fn redirects_lead_relative_to_where_they_come_from() {
        let from = Url::parse("https://a/x/film.mp4?s=1").unwrap();
        let to = |status: u16, location| {
            let status = StatusCode::from_u16(status).unwrap();
            redirect(status, &headers(&[(LOCATION, location)]), &from).map(|u| u.to_string())
        };
        assert_eq!(to(302, "b.mp4#t=3").as_deref(), Some("https://a/x/b.mp4"));
        assert_eq!(to(301, "//b/c").as_deref(), Some("https://b/c"));
        assert_eq!(to(308, "http://b:81/").as_deref(), Some("http://b:81/"));
        assert_eq!(to(304, "b.mp4"), None);
        assert_eq!(to(200, "b.mp4"), None);
        assert_eq!(redirect(StatusCode::FOUND, &headers(&[]), &from), None);
    }
}
