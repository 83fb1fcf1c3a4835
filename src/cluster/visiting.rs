//! The runs of clients that an executor takes part in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::RowOrder;
use super::folder::SharedFolder;
use super::member::Executor;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::MediaRuntime;
use crate::location::Location;
use crate::source::Sources;

/// Time between two looks at what the client says.
const LOOK: Duration = Duration::from_millis(250);
/// Looks in a row without the client's file after which its run is over.
const MISSES: u32 = 3;
/// Time after which a client that says nothing new is gone.
const SILENCE: Duration = Duration::from_secs(30);

/// One run: a media runtime that ends with its client.
#[derive(Debug)]
pub(super) struct VisitedRun {
    /// Runs rows.
    pub(super) runtime: Arc<MediaRuntime>,
    is_draining: AtomicBool,
    token: CancelToken,
}

impl VisitedRun {
    /// Whether rows that have not begun must not.
    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// Follows what the client says, until it is gone.
    async fn follow(&self, folder: &SharedFolder) {
        let (mut beat, mut changed, mut misses) = (0, Instant::now(), 0);
        while misses < MISSES && changed.elapsed() < SILENCE && !self.token.is_cancelled() {
            tokio::time::sleep(LOOK).await;
            let looked = folder.clone();
            let said = tokio::task::spawn_blocking(move || looked.client()).await;
            let Some(said) = said.ok().flatten() else {
                misses += 1;
                continue;
            };
            misses = 0;
            self.is_draining.store(said.is_draining, Ordering::Relaxed);
            if said.beat != beat {
                (beat, changed) = (said.beat, Instant::now());
            }
        }
        self.token.cancel();
    }
}

/// The runs that an executor takes part in, by their folders and the roots of their sources.
#[derive(Debug)]
pub(super) struct VisitedRuns {
    /// Whose runs these are.
    pub(super) executor: Executor,
    runs: Mutex<HashMap<VisitKey, Arc<VisitedRun>>>,
}

type VisitKey = (SharedFolder, Vec<String>);

impl VisitedRuns {
    /// Those of an executor that has just started: none.
    pub(super) fn of(executor: Executor) -> Self {
        Self { executor, runs: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<VisitKey, Arc<VisitedRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of an order.
    ///
    /// # Errors
    /// `store.read` if this machine does not see its folder, `source.forbidden` if the executor does not write to such
    /// results.
    pub(super) fn enter(self: &Arc<Self>, order: &RowOrder) -> Result<Arc<VisitedRun>> {
        let executor = &self.executor;
        let folder = SharedFolder::at(order.folder.clone());
        let key = (folder.clone(), order.roots.clone());
        if let Some(run) = self.lock().get(&key).filter(|run| !run.token.is_cancelled()) {
            return Ok(Arc::clone(run));
        }
        let shown = order.folder.display();
        let said = folder.client().ok_or_else(|| {
            let name = &executor.name;
            let message = format!(
                "the executor {name} does not see the run in {shown}; give --out a folder that all executors see under this path"
            );
            Error::new(ErrorCode::StoreRead, message)
        })?;
        let media_dir = folder.media_dir().filter(|_| executor.may_write(&order.folder));
        let media_dir = media_dir.ok_or_else(|| {
            let name = &executor.name;
            let message = format!(
                "the executor {name} does not write to {shown}; start it with --results of a folder above --out"
            );
            Error::new(ErrorCode::SourceForbidden, message)
        })?;
        let roots: Vec<Location> = match executor.roots.as_slice() {
            [] => order.roots.iter().map(|root| Location::from(root.as_str())).collect(),
            own => own.to_vec(),
        };
        let sources = Sources::standard(roots, &executor.parallel, executor.base.hosts());
        let token = executor.stop.child();
        let runtime = executor.base.for_run(media_dir).with_sources(sources).with_stop(&token);
        let is_draining = AtomicBool::new(said.is_draining);
        let run = Arc::new(VisitedRun { runtime: Arc::new(runtime), is_draining, token });
        self.lock().insert(key.clone(), Arc::clone(&run));
        let (runs, followed) = (Arc::clone(self), Arc::clone(&run));
        tokio::spawn(async move {
            followed.follow(&key.0).await;
            runs.lock().retain(|_, run| !Arc::ptr_eq(run, &followed));
        });
        Ok(run)
    }
}
