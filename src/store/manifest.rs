//! The manifest of a shard.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cannot_read;
use crate::error::{Error, ErrorCode, Result};

/// One file of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path relative to the dataset's root, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of rows of a table.
    pub rows: u64,
    /// BLAKE3 hash of the content in hexadecimal.
    pub blake3: String,
}

/// The content of `_commit/<number>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// Number of the commit in the dataset, from 1.
    pub number: u64,
    /// Stable id of requests, settings and source validators.
    pub shard: String,
    /// The ids of shards whose content it holds whole, after a compaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// Stable id of how its sources were analysed (settings and programs).
    #[serde(default)]
    pub analysis: String,
    /// Version of clipflow that wrote it.
    pub clipflow: String,
    /// Seconds since 1970 when it was written.
    pub created: u64,
    /// The settings of the run that its rows depend on, by name; empty in those of older versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Files of each table.
    pub tables: BTreeMap<String, FileEntry>,
    /// Numbers of the earlier commits that this one replaces.
    #[serde(default)]
    pub replaces: Vec<u64>,
    /// Numbers of all commits that are live as of this one: in an object store, where the manifests of
    /// replaced commits stay, so that no number is ever used twice, and after a compaction. Of the commits before,
    /// only these can be live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Vec<u64>>,
}

impl Manifest {
    /// Parses the content of the file `name`.
    ///
    /// # Errors
    /// `store.read` if it is damaged or written by a newer clipflow.
    pub(super) fn read(bytes: &[u8], name: &str) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| cannot_read(name, e))?;
        if manifest.format > Self::FORMAT {
            return Err(Error::new(
                ErrorCode::StoreRead,
                format!(
                    "{name} was written by a newer clipflow ({}); install that version",
                    manifest.clipflow
                ),
            ));
        }
        Ok(manifest)
    }

    /// The content of its file.
    ///
    /// # Errors
    /// `internal`.
    pub(super) fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec_pretty(self).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("the manifest cannot be written as JSON: {e}"))
        })
    }

    /// Its file, such as `_commit/00000001.json`.
    pub(super) fn name(number: u64) -> String {
        format!("_commit/{number:08}.json")
    }

    /// Which of the commits `numbers` this one and those before it leave live, given that all later ones say nothing.
    pub(super) fn live_among(&self, numbers: &[u64]) -> Option<Vec<u64>> {
        let live = self.live.as_ref()?;
        let is_live = |n: &&u64| **n >= self.number || live.contains(n);
        Some(numbers.iter().filter(is_live).copied().collect())
    }

    /// The number that the name of a manifest says, such as `00000001.json`.
    pub(super) fn number_in(name: &str) -> Option<u64> {
        name.strip_suffix(".json")?.parse().ok()
    }

    /// The format that this version writes, and the newest it reads.
    pub const FORMAT: u32 = 1;
}
