//! The bytes of an answer, into the spool.

use reqwest::Response;
use tokio::time::Instant;
use url::Url;

use crate::error::Result;
use crate::net::HttpConfig;
use crate::net::body::{TransferPace, broken, empty, too_large};
use crate::net::client::root;
use crate::source::spool::{Spool, SpoolFile};

/// Writes the body of an answer, `length` bytes if that is known, to a new file of `spool`.
pub(super) async fn receive(
    mut response: Response,
    length: Option<u64>,
    url: &Url,
    spool: &Spool,
    config: &HttpConfig,
) -> Result<SpoolFile> {
    if length.is_some_and(|n| n > config.max_bytes) {
        return Err(too_large(url, config));
    }
    let mut file = spool.create(length).await?;
    let mut pace = TransferPace::new(config);
    loop {
        let chunk = match tokio::time::timeout_at(pace.next_check(), response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => break,
            Ok(Err(cause)) => {
                let error = broken(url, file.written(), length, Some(&root(&cause)));
                return Err(error.with_source(cause.without_url()));
            }
            Err(_) => {
                pace.check(0, url)?;
                continue;
            }
        };
        if file.written() + chunk.len() as u64 > config.max_bytes {
            return Err(too_large(url, config));
        }
        pace.check(chunk.len() as u64, url)?;
        let writing = Instant::now();
        file.write(&chunk).await?;
        // Time spent waiting for space or for the disk does not count against the server.
        pace.forgive(writing.elapsed());
    }
    match (file.written(), length) {
        (0, _) => Err(empty(url)),
        (written, Some(length)) if written != length => {
            Err(broken(url, written, Some(length), None))
        }
        _ => Ok(file),
    }
}
