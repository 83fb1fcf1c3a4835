//! Checking a request file without touching its sources.

use std::path::{Path, PathBuf};

use datafusion::prelude::SessionContext;
use serde::Deserialize;
use tempfile::TempDir;

use super::requests::LocalRequests;
use super::validate_requests::{CheckedRows, validate_requests};
use super::{RunConfig, statements};
use crate::error::Result;
use crate::query::rows::row;
use crate::query::{query_error, session, sql};
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
    #[derive(Deserialize)]
    struct Counts {
        invalid: u64,
    }
    config.check()?;
    let folder = temporary_folder()?;
    let requests = LocalRequests::prepare(config, folder.path()).await?;
    let to = CheckedRows { folder: folder.path(), step: sql::verdicts() };
    let entry = validate_requests(&requests, to).await?;
    let ctx = session(&requests.config.session_options(), None)?;
    let validated = Validated { ctx, rows: entry.rows, invalid: 0, folder };
    statements::register_in_order(&validated.ctx, "checked", &validated.path()).await?;
    let counts = validated.ctx.sql("SELECT count(error_code) AS invalid FROM checked").await;
    let Counts { invalid } = row(counts.map_err(query_error)?).await?;
    Ok(Validated { invalid, ..validated })
}
