//! Captions beside a source on a web server.
//!
//! A server has no listing that could be asked, so a few usual names are tried: that of the source with `vtt` or `srt`
//! in place of its ending, without a language and in English. Addresses with a query, which may be a signature of
//! that one address, are left alone.
//!
//! These requests are part of the call that fetches the source, one after the other and to the same host. They enter
//! no call of their own: that would wait for the place at the host that the fetch itself holds.

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use url::Url;

use super::{Http, RedirectStep};
use crate::error::{Error, ErrorCode, Result};
use crate::net::answer;
use crate::source::beside::{MAX_CAPTION_BYTES, caption_note};
use crate::source::spool::SpoolFile;

/// The endings that are tried.
const ENDINGS: [&str; 4] = ["vtt", "srt", "en.vtt", "en.srt"];

impl Http {
    /// Puts the captions that are beside the source at `source` beside `file`. A server that fails is noted and costs
    /// the source nothing else.
    ///
    /// # Errors
    /// `store.write` if the disk is full.
    pub(super) async fn bring_captions(&self, source: &Url, file: &mut SpoolFile) -> Result<()> {
        for ending in ENDINGS {
            let Some(url) = sibling(source, ending) else { return Ok(()) };
            match self.small_file(&url).await {
                Ok(Some(bytes)) => file.put_beside(ending, &bytes).await?,
                Ok(None) => {}
                Err(error) if is_absent(error.code()) => {}
                Err(error) => {
                    tracing::warn!(ending, %error, "captions were not looked for");
                    let note = format!("{ending} beside the source was not read: {error}");
                    return file.put_beside("info.json", &caption_note(&note)).await;
                }
            }
        }
        Ok(())
    }

    /// The content of a text file; `None` if there is none, or only somewhere else.
    async fn small_file(&self, url: &Url) -> Result<Option<Vec<u8>>> {
        let response = match self.content(url).await? {
            RedirectStep::Redirect(_) => return Ok(None),
            RedirectStep::Done(response) => response,
        };
        let (status, headers) = (response.status(), response.headers());
        let large = answer::length(status, headers).is_some_and(|n| n > MAX_CAPTION_BYTES);
        if large || !may_be_captions(headers) {
            return Ok(None);
        }
        let limit = self.config.connect + self.config.first_byte;
        let body = tokio::time::timeout(limit, body(response)).await;
        let slow = || Error::new(ErrorCode::SourceUnreachable, "the server is too slow");
        body.map_err(|_| slow())?
    }
}

/// The body; `None` if it is too large for captions.
async fn body(mut response: Response) -> Result<Option<Vec<u8>>> {
    let mut bytes = vec![];
    loop {
        let chunk = response.chunk().await.map_err(|cause| {
            Error::new(ErrorCode::SourceUnreachable, "the answer broke off")
                .with_source(cause.without_url())
        })?;
        let Some(chunk) = chunk else { return Ok(Some(bytes)) };
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > MAX_CAPTION_BYTES {
            return Ok(None);
        }
    }
}

/// Whether an error says that there is no such file, or that it may not be read.
fn is_absent(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::SourceNotFound | ErrorCode::SourceForbidden)
}

/// Whether an answer may be captions, by its type: pages that say "not found" politely are not, nor is media.
fn may_be_captions(headers: &HeaderMap) -> bool {
    let of = headers.get(CONTENT_TYPE).and_then(|t| t.to_str().ok()).unwrap_or_default();
    !["text/html", "video/", "audio/", "image/"].iter().any(|other| of.starts_with(other))
}

/// The address beside `source` with this ending; `None` where there is no name to change.
fn sibling(source: &Url, ending: &str) -> Option<Url> {
    if source.query().is_some() {
        return None;
    }
    let (folder, name) = source.path().rsplit_once('/')?;
    let (stem, _) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?;
    let mut url = source.clone();
    url.set_path(&format!("{folder}/{stem}.{ending}"));
    url.set_fragment(None);
    Some(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn siblings_have_the_name_of_the_source() {
        for (location, wanted) in [
            ("https://example.com/a/talk.mp4", Some("https://example.com/a/talk.en.vtt")),
            (
                "https://example.com/my%20talk.part2.mp4#t=3",
                Some("https://example.com/my%20talk.part2.en.vtt"),
            ),
            ("https://example.com/talk.mp4?sig=1", None),
            ("https://example.com/talk", None),
            ("https://example.com/.mp4", None),
        ] {
            let found = sibling(&Url::parse(location).unwrap(), "en.vtt");
            assert_eq!(found.as_ref().map(Url::as_str), wanted, "{location}");
        }
    }
}
