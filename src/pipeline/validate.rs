//! Checking a request file without touching its sources.

use std::path::{Path, PathBuf};

use datafusion::prelude::SessionContext;
use tempfile::TempDir;

use super::checked::check_requests;
use super::requests::Requests;
use super::{RunConfig, steps, summary};
use crate::error::Result;
use crate::query::session;
use crate::store::{cannot_write, temporary_folder};

/// A checked request file: the table `checked` of a session, for as long as this lives.
pub struct Validated {
    /// A session with the table `checked`.
    pub ctx: SessionContext,
    /// Request rows.
    pub rows: u64,
    /// Rows with an error code.
    pub invalid: u64,
    folder: TempDir,
}

impl std::fmt::Debug for Validated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validated")
            .field("rows", &self.rows)
            .field("invalid", &self.invalid)
            .finish_non_exhaustive()
    }
}

impl Validated {
    /// Write every row with its verdict, in the file's order, to a Parquet file.
    ///
    /// # Errors
    /// `store.write`.
    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::copy(self.path(), path).map(|_| ()).map_err(|e| cannot_write(path, e))
    }

    /// Where the table lies.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("checked.parquet")
    }
}

/// Check every row of `config.requests`.
///
/// # Errors
/// `config.invalid` as for a run; `input.*` if the file as a whole cannot be read.
pub async fn validate(config: &RunConfig) -> Result<Validated> {
    config.check()?;
    let folder = temporary_folder()?;
    let requests = Requests::at_hand(config, folder.path()).await?;
    let config = &requests.config;
    let entry = check_requests(&requests, &config.parameters(), folder.path()).await?;
    let ctx = session(&config.session_options(), None)?;
    let validated = Validated { ctx, rows: entry.rows, invalid: 0, folder };
    steps::register_in_order(&validated.ctx, "checked", &validated.path()).await?;
    let counts = summary::numbers(&validated.ctx, "SELECT count(error_code) FROM checked").await?;
    Ok(Validated { invalid: counts.first().map_or(0, |n| *n as u64), ..validated })
}
