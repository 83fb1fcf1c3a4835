//! The identity of a host.

use std::fmt;

use url::Url;

/// A scheme, a name and a port (`https://example.com:443`), or a bucket (`s3://videos`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostKey(String);

impl HostKey {
    /// The host of a URL; `None` for a location without one, such as a path.
    ///
    /// ```
    /// use clipflow::resilience::HostKey;
    /// let key = |url| HostKey::of(url).map(|k| k.to_string());
    /// assert_eq!(key("https://Example.com/a.mp4?x=1").as_deref(), Some("https://example.com:443"));
    /// assert_eq!(key("http://u:p@[::1]:8080/").as_deref(), Some("http://[::1]:8080"));
    /// assert_eq!(key("s3://videos/a/b.mp4").as_deref(), Some("s3://videos"));
    /// assert_eq!(key("/videos/a.mp4"), None);
    /// ```
    pub fn of(location: &str) -> Option<Self> {
        Self::of_url(&Url::parse(location).ok()?)
    }

    /// As [`HostKey::of`].
    pub fn of_url(url: &Url) -> Option<Self> {
        let host = url.host_str().filter(|host| !host.is_empty())?;
        Some(Self(match url.port_or_known_default() {
            Some(port) => format!("{}://{host}:{port}", url.scheme()),
            None => format!("{}://{host}", url.scheme()),
        }))
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
