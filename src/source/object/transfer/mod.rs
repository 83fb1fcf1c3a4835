//! Uploads and downloads of whole files.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, MultipartId, ObjectMeta, PutPayload};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::fault::{StoreFault, StoreFaultCause};
use super::steady::SteadyStore;

/// Size of a part, and largest object sent in one request.
const PART: u64 = 8 << 20;
/// Largest number of parts of an object; stores accept 10,000.
const PARTS: u64 = 9_000;
/// Parts uploaded concurrently.
const PARTS_AT_A_TIME: usize = 4;
/// Longest pause within a body.
const STALL: Duration = Duration::from_secs(30);

/// Why a file was not transferred.
#[derive(Debug)]
pub enum TransferError {
    /// A fault of the store.
    Store(StoreFault),
    /// An error of the local file.
    File(std::io::Error),
}

impl From<StoreFault> for TransferError {
    fn from(fault: StoreFault) -> Self {
        Self::Store(fault)
    }
}

impl From<object_store::Error> for TransferError {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<std::io::Error> for TransferError {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

type Transferred<T> = Result<T, TransferError>;

impl SteadyStore {
    /// Uploads a file, in parts if it is large, verifies its size and returns it in bytes. An object of
    /// that name is replaced atomically.
    ///
    /// # Errors
    /// The fault of the store or of the file; the object may have been written nevertheless.
    pub async fn send(&self, file: &FilePath, path: &Path) -> Transferred<u64> {
        let file = file.to_path_buf();
        let open = move || File::open(file).and_then(|f| Ok((f.metadata()?.len(), Arc::new(f))));
        let (bytes, file) = blocking(open).await?;
        // The in-memory store of object_store 0.13 accepts parts in order only.
        if bytes <= PART || self.root().scheme() == "memory" {
            let content = chunk(&file, 0, bytes).await?;
            self.write(path, content).await?;
        } else {
            self.send_parts(&file, bytes, path).await?;
        }
        match self.facts(path).await? {
            Some(facts) if facts.size == bytes => Ok(bytes),
            there => Err(TransferError::Store(StoreFault {
                cause: StoreFaultCause::Other,
                said: match there {
                    Some(facts) => format!("it has {} bytes of {bytes}", facts.size),
                    None => "it does not exist after it was written".to_owned(),
                },
            })),
        }
    }

    async fn send_parts(&self, file: &Arc<File>, bytes: u64, path: &Path) -> Transferred<()> {
        let id = self.attempts(path, 0, || self.store().create_multipart(path)).await?;
        match self.parts(file, bytes, path, &id).await {
            Ok(()) => Ok(()),
            Err(error) => {
                // Uploaded parts would be stored, and billed, invisibly.
                let _ = self.attempts(path, 0, || self.store().abort_multipart(path, &id)).await;
                Err(error)
            }
        }
    }

    async fn parts(
        &self,
        file: &Arc<File>,
        bytes: u64,
        path: &Path,
        id: &MultipartId,
    ) -> Transferred<()> {
        let part = PART.max(bytes.div_ceil(PARTS));
        let send = |number: u64| async move {
            let start = number * part;
            let content = chunk(file, start, part.min(bytes - start)).await?;
            let payload = PutPayload::from(content);
            let put = || self.store().put_part(path, id, number as usize, payload.clone());
            Ok::<PartId, TransferError>(self.attempts(path, part, put).await?)
        };
        let sends: Vec<_> = (0..bytes.div_ceil(part)).map(send).collect();
        let parts: Vec<PartId> =
            stream::iter(sends).buffered(PARTS_AT_A_TIME).try_collect().await?;
        let complete = || self.store().complete_multipart(path, id, parts.clone());
        match self.attempts(path, bytes, complete).await {
            Ok(_) => Ok(()),
            // The upload was completed and its reply was lost; the caller verifies the object.
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Downloads an object into a new file. A broken transfer is resumed while the object is unchanged.
    ///
    /// # Errors
    /// The fault of the store or of the file; the file may be incomplete.
    pub async fn fetch(&self, path: &Path, file: &FilePath) -> Transferred<ObjectMeta> {
        let mut out = tokio::fs::File::create(file).await?;
        let mut facts: Option<ObjectMeta> = None;
        let (mut done, mut broken) = (0, 0);
        loop {
            let options = GetOptions {
                range: (done > 0).then_some(GetRange::Offset(done)),
                if_match: facts.as_ref().and_then(|f| f.e_tag.clone()),
                ..GetOptions::default()
            };
            let get = || self.store().get_opts(path, options.clone());
            let answer = self.attempts(path, 0, get).await?;
            let size = answer.meta.size;
            facts = Some(answer.meta.clone());
            match copy(answer.into_stream(), &mut out, &mut done).await {
                Ok(()) if done == size => break,
                Err(TransferError::File(error)) => return Err(error.into()),
                Err(TransferError::Store(fault)) if broken >= MOST_BREAKS => {
                    return Err(fault.into());
                }
                Ok(()) if broken >= MOST_BREAKS => {
                    let said = format!("it ended after {done} of {size} bytes");
                    return Err(StoreFault { cause: StoreFaultCause::Unreachable, said }.into());
                }
                _ => broken += 1,
            }
            if facts.as_ref().is_none_or(|f| f.e_tag.is_none()) {
                // Without an entity tag the rest could be of another version.
                done = 0;
                out.set_len(0).await?;
                out.rewind().await?;
            }
        }
        out.sync_all().await?;
        facts.ok_or_else(|| StoreFault::timeout("no answer").into())
    }
}

/// Number of broken transfers that are resumed.
const MOST_BREAKS: u32 = 10;

/// Appends the body to the file; `done` counts the bytes.
async fn copy(
    mut body: impl futures::Stream<Item = object_store::Result<tokio_util::bytes::Bytes>> + Unpin,
    out: &mut tokio::fs::File,
    done: &mut u64,
) -> Transferred<()> {
    loop {
        let Ok(next) = tokio::time::timeout(STALL, body.next()).await else {
            return Err(StoreFault::timeout("the transfer has stalled").into());
        };
        let Some(bytes) = next.transpose()? else { break };
        out.write_all(&bytes).await?;
        *done += bytes.len() as u64;
    }
    out.flush().await?;
    Ok(())
}

/// Reads a part of a file.
async fn chunk(file: &Arc<File>, start: u64, bytes: u64) -> Transferred<Vec<u8>> {
    let file = Arc::clone(file);
    blocking(move || {
        let mut content = vec![0; bytes as usize];
        file.read_exact_at(&mut content, start)?;
        Ok(content)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Transferred<T> {
    let result = tokio::task::spawn_blocking(work).await;
    Ok(result.unwrap_or_else(|e| Err(std::io::Error::other(e)))?)
}

#[cfg(test)]
mod tests;
