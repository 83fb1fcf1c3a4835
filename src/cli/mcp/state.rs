//! What the calls of one client share.

use std::path::PathBuf;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use super::roots::AllowedRoots;
use crate::cancel::{CancelToken, stopped};
use crate::cli::args::McpArgs;
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;

/// Queries that are answered at a time; each may take the memory of a query.
const QUERIES: usize = 2;
/// Time for a client to say its roots.
const TIME_FOR_ROOTS: Duration = Duration::from_secs(10);

/// What the calls of one client share.
#[derive(Debug)]
pub(super) struct ServerState {
    /// The settings of the server.
    pub(super) parallel: ParallelConfig,
    /// Time of a query.
    pub(super) query_timeout: Duration,
    /// Largest media file that is given, in bytes.
    pub(super) resource_bytes: u64,
    /// Ends all work.
    stop: CancelToken,
    queries: Semaphore,
    /// Runs take all cores each: one after the other.
    runs: Semaphore,
    named: Vec<Location>,
    /// The roots of the client; `None`: to be asked for.
    client: Mutex<Option<Vec<PathBuf>>>,
}

impl ServerState {
    pub(super) fn new(args: McpArgs, parallel: ParallelConfig, stop: CancelToken) -> Self {
        Self {
            parallel,
            query_timeout: Duration::from_secs(args.query_timeout),
            resource_bytes: args.resource_limit * 1_000_000,
            stop,
            queries: Semaphore::new(QUERIES),
            runs: Semaphore::new(1),
            named: args.root.iter().map(|root| Location::from(root).absolute()).collect(),
            client: Mutex::new(None),
        }
    }

    /// Where this client may read and write.
    ///
    /// # Errors
    /// `config.invalid` if nothing is left, or the client does not say its roots.
    pub(super) async fn roots(&self, context: &RequestContext<RoleServer>) -> Result<AllowedRoots> {
        let mut client = self.client.lock().await;
        let folders = match client.take() {
            Some(folders) => folders,
            None => client_roots(context).await?,
        };
        AllowedRoots::new(&self.named, client.insert(folders))
    }

    /// Asks the client again before its roots are used next.
    pub(super) async fn forget_roots(&self) {
        *self.client.lock().await = None;
    }

    /// Waits until a query may run.
    pub(super) async fn query_permit(&self) -> Result<SemaphorePermit<'_>> {
        self.queries.acquire().await.map_err(|_| stopped())
    }

    /// Waits until a run may start.
    pub(super) async fn run_permit(&self) -> Result<SemaphorePermit<'_>> {
        self.runs.acquire().await.map_err(|_| stopped())
    }

    /// A token for the work of one call.
    pub(super) fn stop(&self) -> CancelToken {
        self.stop.child()
    }
}

/// The folders that the client names as its roots; none if it has no roots. (The protocol's next version has none any
/// more; those of today's clients are heeded.)
#[allow(deprecated)]
async fn client_roots(context: &RequestContext<RoleServer>) -> Result<Vec<PathBuf>> {
    let has_roots = context.client_capabilities().is_some_and(|client| client.roots.is_some());
    if !has_roots {
        return Ok(vec![]);
    }
    let asked = tokio::time::timeout(TIME_FOR_ROOTS, context.peer.list_roots()).await;
    let roots = match asked {
        Ok(Ok(answer)) => answer.roots,
        Ok(Err(e)) => return Err(no_roots(&e.to_string())),
        Err(_) => return Err(no_roots("it did not answer in time")),
    };
    let places = roots.iter().map(|root| Location::from(&root.uri));
    Ok(places.filter_map(|place| place.as_path().map(PathBuf::from)).collect())
}

fn no_roots(why: &str) -> Error {
    let message = format!(
        "the client has roots and does not say them ({why}); correct its answer to roots/list"
    );
    Error::new(ErrorCode::ConfigInvalid, message)
}
