//! YouTube addresses, of which one video has many.

use url::Url;

/// Hosts of YouTube, without `www.`, `m.` and `music.`.
const HOSTS: [&str; 2] = ["youtube.com", "youtube-nocookie.com"];
/// First parts of paths whose second part is a video id.
const FOLDERS: [&str; 5] = ["shorts", "live", "embed", "v", "e"];
/// Length of a video id in characters.
const ID_LENGTH: usize = 11;

/// Whether a URL is one of YouTube.
///
/// ```
/// use clipflow::location::youtube::is_youtube;
/// assert!(is_youtube("https://m.youtube.com/playlist?list=x"));
/// assert!(!is_youtube("https://example.com/watch?v=dQw4w9WgXcQ"));
/// ```
pub fn is_youtube(url: &str) -> bool {
    parse(url).is_some()
}

/// The id of the video that a URL of YouTube names.
///
/// ```
/// use clipflow::location::youtube::video_id;
/// let id = Some("dQw4w9WgXcQ".to_owned());
/// assert_eq!(video_id("https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=x&t=4s"), id);
/// assert_eq!(video_id("https://youtu.be/dQw4w9WgXcQ?si=y"), id);
/// assert_eq!(video_id("https://www.youtube.com/@channel"), None);
/// ```
pub fn video_id(url: &str) -> Option<String> {
    let (host, url) = parse(url)?;
    let mut parts = url.path_segments()?.filter(|part| !part.is_empty());
    let first = parts.next();
    let id = match first {
        Some(id) if host == "youtu.be" => id.to_owned(),
        Some("watch") => url.query_pairs().find(|(key, _)| key == "v")?.1.into_owned(),
        Some(folder) if FOLDERS.contains(&folder) => parts.next()?.to_owned(),
        _ => return None,
    };
    let valid = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    (valid && id.len() == ID_LENGTH).then_some(id)
}

/// The canonical (shortest) address of the video that a URL of YouTube names.
pub(crate) fn canonical(url: &str) -> Option<String> {
    Some(format!("https://youtu.be/{}", video_id(url)?))
}

/// The host without insignificant prefixes, and the URL.
fn parse(url: &str) -> Option<(String, Url)> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?.trim_end_matches('.');
    let host = ["www.", "m.", "music."].iter().find_map(|p| host.strip_prefix(p)).unwrap_or(host);
    let ours = host == "youtu.be" || HOSTS.contains(&host);
    let plain = url.port().is_none() && url.username().is_empty() && url.password().is_none();
    (ours && plain).then(|| (host.to_owned(), url.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_addresses_are_recognized() {
        for url in [
            "https://www.youtube.com/watch?v=a-b_c1234XY",
            "http://youtube.com/watch/?v=a-b_c1234XY",
            "https://m.youtube.com/watch?feature=share&v=a-b_c1234XY#t=1",
            "https://music.youtube.com/watch?v=a-b_c1234XY&list=RD",
            "https://WWW.YouTube.com./watch?v=a-b_c1234XY",
            "https://youtu.be/a-b_c1234XY",
            "https://www.youtu.be/a-b_c1234XY/?t=7",
            "https://www.youtube.com/shorts/a-b_c1234XY",
            "https://www.youtube.com/live/a-b_c1234XY?si=x",
            "https://www.youtube.com/embed/a-b_c1234XY?start=3",
            "https://www.youtube-nocookie.com/embed/a-b_c1234XY",
            "https://www.youtube.com/v/a-b_c1234XY",
        ] {
            assert_eq!(video_id(url).as_deref(), Some("a-b_c1234XY"), "{url}");
            assert_eq!(canonical(url).as_deref(), Some("https://youtu.be/a-b_c1234XY"), "{url}");
        }
    }

    #[test]
    fn other_addresses_have_no_id() {
        for url in [
            "https://www.youtube.com/",
            "https://www.youtube.com/watch",
            "https://www.youtube.com/watch?v=",
            "https://www.youtube.com/watch?v=short",
            "https://www.youtube.com/watch?v=a-b_c1234XYZ",
            "https://www.youtube.com/watch?v=--exec=rm+x",
            "https://www.youtube.com/watch?v=%2d%2dexec+rm1",
            "https://youtu.be/a%2Fb_c1234X",
            "https://www.youtube.com/playlist?list=PLa-b_c1234XY",
            "https://www.youtube.com/@a-b_c1234XY",
            "https://www.youtube.com/channel/a-b_c1234XY",
        ] {
            assert!(is_youtube(url), "{url}");
            assert_eq!(video_id(url), None, "{url}");
        }
        for url in [
            "https://youtube.com.evil.org/watch?v=a-b_c1234XY",
            "https://evilyoutube.com/watch?v=a-b_c1234XY",
            "https://youtu.be:8443/a-b_c1234XY",
            "https://u@youtu.be/a-b_c1234XY",
            "ftp://youtu.be/a-b_c1234XY",
            "/videos/youtu.be/a-b_c1234XY",
        ] {
            assert!(!is_youtube(url), "{url}");
        }
    }
}
