//! Where a source is: the `source_url` of a request made absolute, so that requests that name the
//! same source in different spellings are one group.

use std::path::{Component, Path, PathBuf};

use url::Url;

/// A `source_url` as one absolute place: a local path becomes absolute against `base` (the folder of
/// the request file) with `.` and `..` resolved by spelling, a `file:` URL becomes its path, any other
/// URL is returned in its normal form. Looks at no disk: symbolic links are not followed.
///
/// ```
/// use clipflow::kernels::location::resolve;
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
        if let Some(video) = super::youtube::canonical(trimmed) {
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
/// use clipflow::kernels::location::scheme;
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
    // `file:/a` is a URL without an authority; for the others a name with a colon is likelier a file.
    (valid && (rest.starts_with("//") || scheme.eq_ignore_ascii_case("file"))).then_some(scheme)
}

/// A location without what may be secret in it: the query and the user of a URL.
///
/// ```
/// use clipflow::kernels::location::redacted;
/// assert_eq!(redacted("https://u:p@example.com/a.mp4?sig=x"), "https://example.com/a.mp4?…");
/// assert_eq!(redacted("/videos/what?.mp4"), "/videos/what?.mp4");
/// ```
pub fn redacted(location: &str) -> String {
    let url = scheme(location).and_then(|_| Url::parse(location).ok());
    let Some(mut url) = url else { return location.to_owned() };
    let had_query = url.query().is_some();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only for URLs that can hold no user.
    let _ = url.set_username("");
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
