//! What a shard consists of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One file of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path relative to the dataset's root, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Rows, for a table.
    pub rows: u64,
    /// BLAKE3 hash of the content in hexadecimal.
    pub blake3: String,
}

/// `_commit/<number>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// Number of the commit in the dataset, from 1.
    pub number: u64,
    /// Stable id of requests, settings and source validators.
    pub shard: String,
    /// Stable id of how its sources were analysed (settings and programs).
    #[serde(default)]
    pub analysis: String,
    /// Version of clipflow that wrote it.
    pub clipflow: String,
    /// Seconds since 1970 when it was written.
    pub created: u64,
    /// Files of each table.
    pub tables: BTreeMap<String, FileEntry>,
    /// Numbers of the earlier commits that this one takes the place of.
    #[serde(default)]
    pub replaces: Vec<u64>,
}

impl Manifest {
    /// The version this code writes and the newest it reads.
    pub const FORMAT: u32 = 1;
}
