//! Runs whose media work goes to a cluster.

use std::path::Path;
use std::sync::Arc;

use super::statements::Statements;
use super::{Engine, RunConfig};
#[cfg(feature = "distributed")]
use crate::cluster::ClusterBackend;
use crate::config::BackendType;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::backend::Backend;
use crate::location::{Location, scheme};
use crate::store::{DatasetRoot, ShardWriter};

/// The backend of a run on a cluster; `None` if its work stays on this machine.
///
/// # Errors
/// `config.invalid` if the results do not lie in a folder, which all executors could see, or the scheduler's address is
/// none; `store.write`.
#[cfg(feature = "distributed")]
pub(super) fn backend(
    config: &RunConfig,
    engine: &Engine,
    root: &DatasetRoot,
    writer: &ShardWriter,
) -> Result<Option<Arc<dyn Backend>>> {
    if config.parallel.backend != BackendType::Dask {
        return Ok(None);
    }
    let DatasetRoot::Folder(_) = root else {
        let message = format!(
            "the backend dask writes results into a folder that all executors see, not to {}; name such a folder and copy it afterwards",
            root.location()
        );
        return Err(Error::new(ErrorCode::ConfigInvalid, message).about("backend"));
    };
    let roots = std::iter::once(&config.base())
        .chain(&config.allow_roots)
        .map(|root| root.clone().absolute().to_string())
        .collect();
    let local = engine.backend();
    let (settings, staging, stop) = (&config.parallel, writer.staging(), &config.stop);
    let backend = ClusterBackend::start(local, settings, staging, roots, stop)?;
    Ok(Some(Arc::new(backend)))
}

/// As above, for a build without clusters: the settings are refused before.
#[cfg(not(feature = "distributed"))]
pub(super) fn backend(
    _: &RunConfig,
    _: &Engine,
    _: &DatasetRoot,
    _: &ShardWriter,
) -> Result<Option<Arc<dyn Backend>>> {
    Ok(None)
}

/// Checks that executors on other machines see the sources: files must lie in the results or in a folder that
/// `allow_roots` names.
///
/// # Errors
/// `source.forbidden` with the first source that they may not see.
pub(super) async fn check_sources(config: &RunConfig, statements: &Statements) -> Result<()> {
    if config.parallel.backend != BackendType::Dask {
        return Ok(());
    }
    let scheduler = config.parallel.scheduler_address()?;
    if scheduler.is_loopback() {
        return Ok(());
    }
    let shared: Vec<_> = config
        .allow_roots
        .iter()
        .chain([&config.out])
        .filter_map(|root| match root.clone().absolute() {
            Location::Path(path) => Some(path),
            Location::Url(_) => None,
        })
        .collect();
    #[derive(serde::Deserialize)]
    struct Asked {
        request_id: String,
        location: String,
    }
    let query =
        "SELECT request_id, location FROM checked WHERE error_code IS NULL ORDER BY \"row\"";
    let rows: Vec<Asked> = statements.rows(query).await?;
    let is_hidden = |row: &&Asked| {
        let seen = shared.iter().any(|root| Path::new(&row.location).starts_with(root));
        scheme(&row.location).is_none() && !seen
    };
    let Some(Asked { request_id, location }) = rows.iter().find(is_hidden) else { return Ok(()) };
    let message = format!(
        "the source of request {request_id}, {location}, is a file of this machine, and executors of {scheduler} may not see it; put it into a shared folder and name that with --allow-root"
    );
    Err(Error::new(ErrorCode::SourceForbidden, message))
}
