//! [`ClusterBackend`]: the backend `dask` of one run.

use std::path::Path;
use std::sync::Arc;

use arrow::array::ArrayRef;
use async_trait::async_trait;

use super::RowOrder;
use super::board::{RowBoard, WaitingRow};
use super::files::{row_file, to_bytes};
use super::folder::{ClientState, SharedFolder, cannot_write};
use super::job::JobClient;
use super::tls::{Credentials, tunnel};
use super::watch::JobWatch;
use crate::cancel::CancelToken;
use crate::config::{BackendType, ParallelConfig, SchedulerAddress};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::backend::{Backend, BackendChoice, RemoteOutcome, RemoteRow, RemoteRows, Task};
use crate::exec::{Work, WorkKind, WorkSpec};

/// Rows of a run that are with the cluster at a time.
const ROWS_AT_A_TIME: usize = 256;

/// Sends media rows to a cluster; other work stays on `local`. Dropping it ends the run there.
#[derive(Debug)]
pub(crate) struct ClusterBackend {
    local: Arc<dyn Backend>,
    scheduler: SchedulerAddress,
    folder: SharedFolder,
    roots: Vec<String>,
    board: Arc<RowBoard>,
    stop: CancelToken,
}

impl ClusterBackend {
    /// The backend of the run whose staging folder is `staging`. Its sources lie under `roots`; it drains and ends
    /// with `stop`. Requires a tokio runtime.
    ///
    /// # Errors
    /// `store.write` if the folder cannot be written to.
    pub(crate) fn start(
        local: Arc<dyn Backend>,
        parallel: &ParallelConfig,
        staging: &Path,
        roots: Vec<String>,
        stop: &CancelToken,
    ) -> Result<Self> {
        let scheduler = parallel.scheduler_address()?;
        let credentials = Credentials::of(parallel)?;
        let folder = SharedFolder::create(&staging.join("cluster"))?;
        folder.say(ClientState { beat: 0, is_draining: false })?;
        let session = staging.file_name().map(|name| name.to_string_lossy().into_owned());
        let session = session.unwrap_or_default();
        let (board, stop) = (Arc::new(RowBoard::default()), stop.child());
        let shared = (folder.clone(), roots.clone());
        let (rows, token, there) = (Arc::clone(&board), stop.clone(), scheduler.clone());
        tokio::spawn(async move {
            let client = async {
                match &credentials {
                    Some(credentials) => {
                        JobClient::new(&tunnel(&there, credentials).await?, &session)
                    }
                    None => JobClient::new(&there, &session),
                }
            };
            match client.await {
                Ok(client) => {
                    JobWatch::new(client, there, shared, rows, token).run().await;
                }
                Err(e) => rows.close(&e),
            }
        });
        Ok(Self { local, scheduler, folder, roots, board, stop })
    }

    fn spec(work: &dyn Work) -> Option<WorkSpec> {
        work.spec().filter(|_| work.kind() == WorkKind::Media)
    }
}

impl Drop for ClusterBackend {
    fn drop(&mut self) {
        self.folder.end();
        self.stop.cancel();
    }
}

#[async_trait]
impl Backend for ClusterBackend {
    fn backend_type(&self) -> BackendType {
        BackendType::Dask
    }

    fn workers(&self) -> usize {
        ROWS_AT_A_TIME
    }

    async fn run(&self, task: Task) -> Result<Vec<ArrayRef>> {
        if Self::spec(task.work.as_ref()).is_none() {
            return self.local.run(task).await;
        }
        let Task { work, rows, cancel, .. } = task;
        self.run_row(RemoteRow { work, row: rows, cancel }).await?.result
    }

    fn remote(&self, work: &dyn Work) -> Option<&dyn RemoteRows> {
        Self::spec(work).map(|_| self as &dyn RemoteRows)
    }

    fn choice(&self, work: &dyn Work, rows: Option<usize>) -> BackendChoice {
        match Self::spec(work) {
            None => self.local.choice(work, rows),
            Some(_) => BackendChoice {
                backend: Some(BackendType::Dask),
                workers: ROWS_AT_A_TIME,
                reason: format!(
                    "as configured: rows wait at {} for a slot of an executor",
                    self.scheduler
                ),
            },
        }
    }
}

#[async_trait]
impl RemoteRows for ClusterBackend {
    async fn run_row(&self, row: RemoteRow) -> Result<RemoteOutcome> {
        let RemoteRow { work, row, cancel } = row;
        let spec = Self::spec(work.as_ref()).ok_or_else(|| {
            let message = format!("the work {} cannot be sent to a cluster", work.name());
            Error::new(ErrorCode::Internal, message)
        })?;
        let order = RowOrder {
            folder: self.folder.path().to_path_buf(),
            work: spec.clone(),
            roots: self.roots.clone(),
        };
        let order = serde_json::to_string(&order)
            .map_err(|e| super::fault("a job cannot be written", e))?;
        let bytes = to_bytes(&row)?;
        let key = key_of(&order, &bytes);
        let file = row_file(&key, &bytes)?;
        let (path, size) = (self.folder.row_file(&key), file.len() as u64);
        let written = tokio::task::spawn_blocking(move || {
            // The same row has the same bytes; an executor may be reading them.
            if path.exists() {
                return Ok(());
            }
            let new = path.with_extension("new");
            std::fs::write(&new, file)
                .and_then(|()| std::fs::rename(&new, &path))
                .map_err(|e| cannot_write(&path, e))
        });
        written
            .await
            .map_err(|e| Error::new(ErrorCode::Internal, format!("no thread ({e})")))??;
        self.board.wait_for(key, WaitingRow::new(spec, size, cancel)).await
    }
}

/// The name of a row: a hash of what is done and to what.
fn key_of(order: &str, row: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(order.len() as u64).to_le_bytes());
    hasher.update(order.as_bytes()).update(row);
    hasher.finalize().to_hex()[..32].to_owned()
}
