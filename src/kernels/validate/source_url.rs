//! Whether a text can name a source at all. Whether the source is there and may be read is
//! decided when it is opened.

use std::fmt;

use super::shown::Quoted;

/// The longest `source_url` accepted, in bytes.
pub const MAX_URL_BYTES: usize = 8192;

/// Schemes of which a URL always has `//` and a host after the colon; `https:talk.mp4` is a slip.
const WITH_HOST: &[&str] =
    &["http", "https", "ftp", "ftps", "sftp", "s3", "gs", "az", "abfs", "abfss", "hdfs"];

/// Schemes of links that name no file: what they hold, do or address is not a video to read.
const NO_SOURCE: &[&str] = &["about", "blob", "data", "javascript", "mailto", "tel"];

/// Why a text names no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlFault {
    Missing,
    TooLong,
    ControlCharacter,
    /// `://` after something that is no scheme.
    BadScheme,
    /// A scheme that cannot lead to a file.
    NoSource,
    /// A scheme that needs `//host` without it, or with a host that has a space.
    BadHost,
    /// A port that is none.
    BadPort,
    /// `file:` without a path.
    NoPath,
    /// `file://` with the name of a host where the path should begin.
    NotAbsolute,
    /// A JSON list or object.
    NotText,
}

/// Passes what may be a path or URL. Does not allocate.
pub(super) fn check(url: &str) -> Result<(), UrlFault> {
    if url.trim_start().is_empty() {
        return Err(UrlFault::Missing);
    }
    if url.len() > MAX_URL_BYTES {
        return Err(UrlFault::TooLong);
    }
    if has_control(url) {
        return Err(UrlFault::ControlCharacter);
    }
    if is_json(url) {
        return Err(UrlFault::NotText);
    }
    let Some(colon) = url.bytes().position(|b| b == b':') else {
        return Ok(());
    };
    let (scheme, rest) = (url[..colon].trim_start(), &url[colon + 1..]);
    let is = |name: &&str| scheme.eq_ignore_ascii_case(name);
    // One letter is a drive on Windows, no scheme.
    if !is_scheme(scheme) || scheme.len() == 1 {
        return if rest.starts_with("//") { Err(UrlFault::BadScheme) } else { Ok(()) };
    }
    if is(&"file") {
        return check_file(rest);
    }
    match rest.strip_prefix("//") {
        Some(_) if NO_SOURCE.iter().any(is) => Err(UrlFault::NoSource),
        Some(rest) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if host.is_empty() || host.contains(char::is_whitespace) {
                Err(UrlFault::BadHost)
            } else if (is(&"http") || is(&"https")) && !has_good_port(host) {
                Err(UrlFault::BadPort)
            } else {
                Ok(())
            }
        }
        None if NO_SOURCE.iter().any(is) => Err(UrlFault::NoSource),
        None if WITH_HOST.iter().any(is) => Err(UrlFault::BadHost),
        // A file name may hold a colon.
        None => Ok(()),
    }
}

/// What follows `file:`.
fn check_file(rest: &str) -> Result<(), UrlFault> {
    if rest.trim_matches('/').is_empty() {
        return Err(UrlFault::NoPath);
    }
    let Some(path) = rest.strip_prefix("//") else { return Ok(()) };
    let host = path.split('/').next().unwrap_or_default();
    // This machine may go by its name.
    let is_here = host.is_empty() || host.eq_ignore_ascii_case("localhost");
    if is_here { Ok(()) } else { Err(UrlFault::NotAbsolute) }
}

/// Whether the port of a host, if it has one, is a number that a port can have.
fn has_good_port(host: &str) -> bool {
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    match host.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((_, port)) => port.is_empty() || port.contains(']') || port.parse::<u16>().is_ok(),
        None => true,
    }
}

/// Whether a text is a JSON list or object: what a nested value is as text. No file has such a name.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

impl UrlFault {
    /// The sentence about `url`.
    pub(super) fn explain(self, url: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Redacted(url);
        match self {
            Self::Missing => write!(f, "source_url is empty; name the video by a path or URL"),
            Self::TooLong => {
                write!(
                    f,
                    "source_url {url} is longer than {MAX_URL_BYTES} bytes; give a shorter path or URL"
                )
            }
            Self::ControlCharacter => write!(
                f,
                "source_url {url} holds a line break or another control character; remove it or percent-encode it"
            ),
            Self::BadScheme => {
                write!(
                    f,
                    "source_url {url} has no scheme before ://; give a path or a URL such as https://host/video.mp4"
                )
            }
            Self::NoSource => {
                write!(
                    f,
                    "source_url {url} is a link that names no video file; give a path or a URL such as https://host/video.mp4"
                )
            }
            Self::BadHost => {
                write!(f, "source_url {url} names no valid host; write it as scheme://host/path")
            }
            Self::BadPort => write!(
                f,
                "source_url {url} names no valid port; leave it out or give a number from 1 to 65535"
            ),
            Self::NotAbsolute => write!(
                f,
                "source_url {url} names a host, not a path; write it as file:///folder/video.mp4, or as a plain path"
            ),
            Self::NotText => {
                write!(
                    f,
                    "source_url {url} is a list or an object; name the video by a path or URL"
                )
            }
            Self::NoPath => {
                write!(f, "source_url {url} names no file; write it as file:///folder/video.mp4")
            }
        }
    }
}

/// RFC 3986, 3.1.
fn is_scheme(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn has_control(url: &str) -> bool {
    // One pass without branches for the usual case of plain ASCII.
    let (control, ascii) = url.bytes().fold((false, true), |(control, ascii), b| {
        (control | (b < 0x20) | (b == 0x7F), ascii & b.is_ascii())
    });
    control
        || (!ascii && url.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')))
}

/// A URL without what may be secret: credentials and the query, which may be a signature.
struct Redacted<'a>(&'a str);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, cut) = match self.0.find(['?', '#']) {
            Some(i) if self.0.contains(':') => (&self.0[..i], true),
            _ => (self.0, false),
        };
        let host = url.find("//").map_or(0, |i| i + 2);
        let end = url[host..].find('/').map_or(url.len(), |i| host + i);
        let secret_ends = url[host..end].rfind('@').map(|i| host + i + 1);
        match secret_ends {
            Some(at) if host > 0 => {
                write!(f, "{}", Quoted(&format!("{}…@{}", &url[..host], &url[at..])))?
            }
            _ => write!(f, "{}", Quoted(url))?,
        }
        if cut { f.write_str(" (query left out)") } else { Ok(()) }
    }
}
