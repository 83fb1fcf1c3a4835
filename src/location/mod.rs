//! Locations: paths and URLs of sources, requests and results.
//!
//! The `source_url` of a request is resolved to one absolute spelling, so that requests of the same source
//! form one group.

mod signature;
pub mod youtube;

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

pub use signature::without_signature;

/// Schemes of object stores.
pub const OBJECT_SCHEMES: &[&str] =
    &["s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "memory"];

/// A local path or a URL. A text is a URL if it has the scheme of an object store or of the web; a
/// `file:` URL is its path.
///
/// ```
/// use clipflow::location::Location;
/// assert!(Location::from("talks/talk.mp4").as_path().is_some());
/// let base = Location::from("s3://videos/2024");
/// assert_eq!(base.join("a b.csv").to_string(), "s3://videos/2024/a%20b.csv");
/// assert_eq!(base.join("a.csv").folder(), base);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A local path.
    Path(PathBuf),
    /// An object, a prefix of objects, or a file on the web.
    Url(Url),
}

impl Location {
    /// The path, if it is one.
    pub fn as_path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Url(_) => None,
        }
    }

    /// The URL, if it is one.
    pub fn as_url(&self) -> Option<&Url> {
        match self {
            Self::Path(_) => None,
            Self::Url(url) => Some(url),
        }
    }

    /// The location of `relative` beneath this; its parts are separated by `/` and not percent-encoded.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        match self {
            Self::Path(path) => Self::Path(path.join(relative)),
            Self::Url(url) => {
                let mut url = url.clone();
                if let Ok(mut segments) = url.path_segments_mut() {
                    segments.pop_if_empty().extend(relative.split('/').filter(|s| !s.is_empty()));
                }
                Self::Url(url)
            }
        }
    }

    /// The folder that contains this.
    #[must_use]
    pub fn folder(&self) -> Self {
        match self {
            Self::Path(path) => Self::Path(match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
                _ => PathBuf::from("."),
            }),
            Self::Url(url) => {
                let mut url = url.clone();
                url.set_query(None);
                if let Ok(mut segments) = url.path_segments_mut() {
                    segments.pop_if_empty().pop();
                }
                Self::Url(url)
            }
        }
    }

    /// A path made absolute against the current folder; a URL is unchanged.
    #[must_use]
    pub fn absolute(self) -> Self {
        match self {
            Self::Path(path) => Self::Path(std::path::absolute(&path).unwrap_or(path)),
            url => url,
        }
    }

    /// A `source_url` as one absolute location; without a scheme it is relative to this. See [`resolve`].
    pub fn resolve(&self, source_url: &str) -> String {
        let text = source_url.trim();
        match self {
            Self::Path(base) => resolve(text, base),
            Self::Url(_) if scheme(text).is_some() || text.starts_with('/') => {
                resolve(text, Path::new("/"))
            }
            Self::Url(url) => {
                let mut url = url.clone();
                if let Ok(mut segments) = url.path_segments_mut() {
                    segments.pop_if_empty();
                    for part in text.split('/') {
                        match part {
                            "" | "." => {}
                            ".." => drop(segments.pop()),
                            part => drop(segments.push(part)),
                        }
                    }
                }
                url.to_string()
            }
        }
    }
}

/// A URL without secrets.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(&redacted(url.as_str())),
        }
    }
}

impl From<&str> for Location {
    fn from(text: &str) -> Self {
        let scheme = scheme(text).unwrap_or_default().to_ascii_lowercase();
        let is_url = OBJECT_SCHEMES.contains(&scheme.as_str()) || scheme.starts_with("http");
        match Url::parse(text) {
            Ok(url) if is_url => Self::Url(url),
            Ok(url) if scheme == "file" => match url.to_file_path() {
                Ok(path) => Self::Path(path),
                Err(()) => Self::Path(text.into()),
            },
            _ => Self::Path(text.into()),
        }
    }
}

impl From<String> for Location {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&String> for Location {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

/// As from its text: `s3://bucket` names a bucket also where a path is expected.
impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        path.to_str().map_or_else(|| Self::Path(path.to_path_buf()), Self::from)
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<Url> for Location {
    fn from(url: Url) -> Self {
        url.as_str().into()
    }
}

/// A `source_url` as one absolute location: a local path becomes absolute against `base` (the folder of
/// the request file) with `.` and `..` resolved lexically, a `file:` URL becomes its path, any other URL
/// is normalized. The disk is not read, so symbolic links are not followed.
///
/// ```
/// use clipflow::location::resolve;
/// let base = std::path::Path::new("/data");
/// assert_eq!(resolve("a/../talk.mp4", base), "/data/talk.mp4");
/// assert_eq!(resolve("file:///data/talk%20one.mp4", base), "/data/talk one.mp4");
/// assert_eq!(resolve("HTTPS://Example.com/a.mp4", base), "https://example.com/a.mp4");
/// let video = "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=7";
/// assert_eq!(resolve(video, base), "https://youtu.be/dQw4w9WgXcQ");
/// ```
pub fn resolve(source_url: &str, base: &Path) -> String {
    let trimmed = source_url.trim();
    if let Some(scheme) = scheme(trimmed) {
        let Ok(url) = Url::parse(trimmed) else { return trimmed.to_owned() };
        if let Some(video) = youtube::canonical(trimmed) {
            return video;
        }
        if !scheme.eq_ignore_ascii_case("file") {
            return url.to_string();
        }
        if let Ok(path) = url.to_file_path() {
            return normal(&path).to_string_lossy().into_owned();
        }
    }
    normal(&base.join(trimmed)).to_string_lossy().into_owned()
}

/// The scheme of a URL, or `None` for a path. One letter is a drive, not a scheme.
///
/// ```
/// use clipflow::location::scheme;
/// assert_eq!(scheme("s3://bucket/a.mp4"), Some("s3"));
/// assert_eq!(scheme("talk: part 1.mp4"), None);
/// ```
pub fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.chars();
    let first = letters.next()?;
    let valid = first.is_ascii_alphabetic()
        && scheme.len() > 1
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    // `file:/a` is a URL without an authority; other names with a colon are probably files.
    (valid && (rest.starts_with("//") || scheme.eq_ignore_ascii_case("file"))).then_some(scheme)
}

/// A location without secrets: without the query and the user of a URL.
///
/// ```
/// use clipflow::location::redacted;
/// assert_eq!(redacted("https://u:p@example.com/a.mp4?sig=x"), "https://example.com/a.mp4?…");
/// assert_eq!(redacted("/videos/what?.mp4"), "/videos/what?.mp4");
/// ```
pub fn redacted(location: &str) -> String {
    let url = scheme(location).and_then(|_| Url::parse(location).ok());
    let Some(mut url) = url else { return location.to_owned() };
    let had_query = url.query().is_some();
    url.set_query(None);
    url.set_fragment(None);
    // These fail only for URLs without an authority. The user of an Azure URL is the container.
    if !matches!(url.scheme(), "az" | "azure" | "adl" | "abfs" | "abfss") {
        let _ = url.set_username("");
    }
    let _ = url.set_password(None);
    if had_query { format!("{url}?…") } else { url.to_string() }
}

fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// As text.
impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_a_request_file_in_a_bucket_is_found_there() {
        let base = Location::from("s3://videos/2024/requests.csv").folder();
        for (text, wanted) in [
            ("talk.mp4", "s3://videos/2024/talk.mp4"),
            (" ./a/../talk.mp4 ", "s3://videos/2024/talk.mp4"),
            ("../../../talk.mp4", "s3://videos/talk.mp4"),
            ("what? 100%.mp4", "s3://videos/2024/what%3F%20100%25.mp4"),
            ("a//b.mp4", "s3://videos/2024/a/b.mp4"),
            ("/data/talk.mp4", "/data/talk.mp4"),
            ("file:///data/talk.mp4", "/data/talk.mp4"),
            ("gs://other/a.mp4", "gs://other/a.mp4"),
            ("S3://videos/a.mp4", "s3://videos/a.mp4"),
        ] {
            assert_eq!(base.resolve(text), wanted, "{text}");
        }
        assert_eq!(Location::from("/data").resolve("a.mp4"), "/data/a.mp4");
    }

    #[test]
    fn only_known_schemes_are_urls() {
        for url in ["s3://b/x", "memory://m/x", "abfss://c@a.dfs.core.windows.net/x", "https://h/x"]
        {
            assert!(Location::from(url).as_url().is_some(), "{url}");
            assert!(Location::from(Path::new(url)).as_url().is_some(), "{url}");
        }
        for path in ["x", "/a/b", "C:/x", "talk: part 1.mp4", "s3:", "file:///x", "odd://x"] {
            assert!(Location::from(path).as_path().is_some(), "{path}");
        }
    }

    #[test]
    fn folders_of_buckets_and_paths() {
        let folder = |text: &str| Location::from(text).folder().to_string();
        assert_eq!(folder("s3://b/x/y.csv"), "s3://b/x");
        assert_eq!(folder("s3://b/x/y/"), "s3://b/x");
        assert_eq!(folder("x.csv"), ".");
        assert_eq!(folder("/data/x.csv"), "/data");
        assert_eq!(Location::from("abfss://c@a.host/x").to_string(), "abfss://c@a.host/x");
    }
}
