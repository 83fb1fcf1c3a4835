//! The file format of a cache entry.
//!
//! ```text
//! "clipflow kept 1\n"   16 bytes
//! length of the header  4 bytes, little endian
//! header                JSON, see EntryHeader
//! columns               one record batch as an Arrow IPC stream, zstd
//! BLAKE3                32 bytes, over everything before it
//! ```

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use serde::{Deserialize, Serialize};

use super::CacheKey;
use crate::error::{Error, ErrorCode, Result};

const MAGIC: &[u8; 16] = b"clipflow kept 1\n";
const LENGTH: usize = 4;
const HASH: usize = 32;
/// Offset of the header.
const HEADER: usize = MAGIC.len() + LENGTH;
/// Bytes at the start of an entry that hold its header, unless the location is very long.
pub(super) const HEAD_BYTES: u64 = 4096;

/// What a cache entry states about itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EntryHeader {
    /// Its key in hexadecimal digits: an entry stored under a different key is rejected.
    pub key: String,
    /// Name of the work, such as `analyze`.
    pub work: String,
    /// Location of the source, without user and query.
    pub location: String,
    /// The source's validator when it was read.
    pub validator: String,
    /// Identity of the media programs that did the work.
    pub tool: String,
    /// Version of clipflow.
    pub clipflow: String,
    /// Time of writing in seconds since 1970, by the writer's clock.
    pub created: u64,
}

/// Encodes a header and columns of equal length as an entry.
///
/// # Errors
/// `internal` if the columns do not fit `schema`.
pub(super) fn encode(
    header: &EntryHeader,
    schema: &Schema,
    columns: &[ArrayRef],
) -> Result<Vec<u8>> {
    let fault = |e: &dyn std::fmt::Display| {
        Error::new(ErrorCode::Internal, format!("a result cannot be encoded: {e}"))
    };
    let batch =
        RecordBatch::try_new(Arc::new(schema.clone()), columns.to_vec()).map_err(|e| fault(&e))?;
    let json = serde_json::to_vec(header).map_err(|e| fault(&e))?;
    let length = u32::try_from(json.len()).map_err(|e| fault(&e))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(json);
    let options = IpcWriteOptions::default()
        .try_with_compression(Some(CompressionType::ZSTD))
        .map_err(|e| fault(&e))?;
    let mut writer =
        StreamWriter::try_new_with_options(&mut bytes, schema, options).map_err(|e| fault(&e))?;
    writer.write(&batch).and_then(|()| writer.finish()).map_err(|e| fault(&e))?;
    drop(writer);
    let hash = blake3::hash(&bytes);
    bytes.extend(hash.as_bytes());
    Ok(bytes)
}

/// Why an entry is rejected, as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RejectedEntry(pub(super) String);

/// Reads the header of an entry from its first bytes.
pub(super) fn header(bytes: &[u8]) -> std::result::Result<EntryHeader, RejectedEntry> {
    let rest =
        bytes.strip_prefix(MAGIC).ok_or_else(|| RejectedEntry("is not a cache entry".into()))?;
    let (length, rest) = rest
        .split_first_chunk::<LENGTH>()
        .ok_or_else(|| RejectedEntry("ends in its header".into()))?;
    let length = u32::from_le_bytes(*length) as usize;
    let json = rest.get(..length).ok_or_else(|| RejectedEntry("ends in its header".into()))?;
    serde_json::from_slice(json)
        .map_err(|e| RejectedEntry(format!("has an unreadable header: {e}")))
}

/// Checks that the bytes are what was written under `key`.
///
/// # Errors
/// Why they are not.
pub(super) fn check(
    bytes: &[u8],
    key: &CacheKey,
) -> std::result::Result<EntryHeader, RejectedEntry> {
    let (content, hash) =
        bytes.split_last_chunk::<HASH>().ok_or_else(|| RejectedEntry("is cut off".into()))?;
    if blake3::hash(content) != blake3::Hash::from(*hash) {
        return Err(RejectedEntry("is damaged".into()));
    }
    let header = header(content)?;
    match header.key == key.to_string() {
        true => Ok(header),
        false => Err(RejectedEntry("is stored under a different key".into())),
    }
}

/// Decodes the header and the columns of `schema`.
///
/// # Errors
/// Why the entry is rejected.
pub(super) fn decode(
    bytes: &[u8],
    key: &CacheKey,
    schema: &SchemaRef,
) -> std::result::Result<(EntryHeader, Vec<ArrayRef>), RejectedEntry> {
    let header = check(bytes, key)?;
    let unreadable = |e: &dyn std::fmt::Display| RejectedEntry(format!("cannot be read: {e}"));
    let json = bytes.get(MAGIC.len()..HEADER).and_then(|l| l.first_chunk::<LENGTH>());
    let start = HEADER + json.map_or(0, |l| u32::from_le_bytes(*l) as usize);
    let columns = bytes.get(start..bytes.len() - HASH).unwrap_or_default();
    let mut reader =
        StreamReader::try_new(Cursor::new(columns), None).map_err(|e| unreadable(&e))?;
    if reader.schema().fields() != schema.fields() {
        return Err(RejectedEntry("has other columns".into()));
    }
    match reader.next() {
        Some(Ok(batch)) => Ok((header, batch.columns().to_vec())),
        Some(Err(e)) => Err(unreadable(&e)),
        None => Err(RejectedEntry("holds no rows".into())),
    }
}
