//! Signatures and keys in the queries of URLs.

use url::{Url, form_urlencoded};

use super::scheme;

/// Replaces a signature.
const HIDDEN: &str = "…";

/// Names, in lower case, of parameters whose value grants access: those of S3 and CloudFront, Google
/// Cloud, Azure (`sig`), Akamai, and common names of web servers.
const SECRETS: &[&str] = &[
    "access_token",
    "apikey",
    "api_key",
    "auth",
    "auth_token",
    "authorization",
    "awsaccesskeyid",
    "googleaccessid",
    "hdnea",
    "hdnts",
    "hmac",
    "jwt",
    "key",
    "key-pair-id",
    "password",
    "policy",
    "secret",
    "sig",
    "sign",
    "signature",
    "token",
];

/// A location without secrets, for tables: without the values of signatures and keys in the query of a
/// URL, its user and its fragment. Other parameters identify the video and stay.
///
/// ```
/// use clipflow::location::without_signature;
/// let url = "https://example.com/get?id=7&X-Amz-Signature=5f3c&t=10";
/// assert_eq!(without_signature(url), "https://example.com/get?id=7&X-Amz-Signature=…&t=10");
/// let url = "https://youtube.com/watch?v=dQw4w9WgXcQ";
/// assert_eq!(without_signature(url), url);
/// ```
pub fn without_signature(location: &str) -> String {
    let text = location.trim();
    let Some(scheme) = scheme(text) else { return location.to_owned() };
    // In a text that is not a URL, the start of a signature is unknown.
    let Ok(url) = Url::parse(text) else { return format!("{scheme}:{HIDDEN}") };
    let holds_user = !url.username().is_empty() || url.password().is_some();
    let hidden = url.query().and_then(hide);
    if hidden.is_none() && !holds_user && url.fragment().is_none() {
        return location.to_owned();
    }
    let query = hidden.or_else(|| url.query().map(str::to_owned));
    let shown = super::redacted(text);
    let place = shown.split('?').next().unwrap_or(&shown);
    query.map_or_else(|| place.to_owned(), |query| format!("{place}?{query}"))
}

/// The query without its secrets; `None` if it has none.
fn hide(query: &str) -> Option<String> {
    let mut found = false;
    let shown: Vec<String> = query
        .split('&')
        .map(|pair| match form_urlencoded::parse(pair.as_bytes()).next() {
            Some((name, value)) if !value.is_empty() && is_secret(&name) => {
                found = true;
                let name = pair.split('=').next().unwrap_or_default();
                format!("{name}={HIDDEN}")
            }
            _ => pair.to_owned(),
        })
        .collect();
    found.then(|| shown.join("&"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_a_vendor = ["x-amz-", "x-goog-"].iter().any(|prefix| name.starts_with(prefix));
    of_a_vendor || SECRETS.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_of_all_vendors_are_hidden_and_nothing_else() {
        for (given, shown) in [
            ("/videos/what?sig=1.mp4", "/videos/what?sig=1.mp4"),
            ("talk.mp4", "talk.mp4"),
            ("s3://videos/a.mp4", "s3://videos/a.mp4"),
            ("https://h/a.mp4?v=1&V=2&&empty", "https://h/a.mp4?v=1&V=2&&empty"),
            (
                "https://h/a?X-Goog-Credential=me&X-Goog-Signature=s",
                "https://h/a?X-Goog-Credential=…&X-Goog-Signature=…",
            ),
            ("https://h/a?sv=2024&se=2030&sig=a%2Bb%3D", "https://h/a?sv=2024&se=2030&sig=…"),
            (
                "https://h/a?Expires=1&Signature=x~y&Key-Pair-Id=K",
                "https://h/a?Expires=1&Signature=…&Key-Pair-Id=…",
            ),
            ("https://h/a?%74oken=secret", "https://h/a?%74oken=…"),
            ("https://h/a?token=", "https://h/a?token="),
            ("https://h/a?v=1#token=secret", "https://h/a?v=1"),
            ("https://u:p@h/a.mp4", "https://h/a.mp4"),
            ("https://u:p@h/a.mp4?v=1", "https://h/a.mp4?v=1"),
            (" https://h/a?sig=x ", "https://h/a?sig=…"),
            ("https://[h/a?sig=x", "https:…"),
            (
                "abfss://c@x.dfs.core.windows.net/a?sig=x",
                "abfss://c@x.dfs.core.windows.net/a?sig=…",
            ),
        ] {
            assert_eq!(without_signature(given), shown);
        }
    }
}
