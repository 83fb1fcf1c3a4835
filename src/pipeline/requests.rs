//! The request files on this machine: those in an object store are fetched first.

use std::path::{Path, PathBuf};

use object_store::path::Path as StorePath;
use url::Url;

use super::RunConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::query::files::is_request_file;
use crate::source::object::{ObjectStores, SteadyStore, StoreFault, TransferError};

/// Where fetched request files lie.
const FOLDER: &str = "requests";

/// A run's request file or folder on this machine.
#[derive(Debug)]
pub(super) struct RequestFiles {
    /// The settings, naming the files on this machine.
    pub(super) config: RunConfig,
    /// Where fetched files are, and their URL.
    fetched: Option<(PathBuf, Url)>,
}

impl RequestFiles {
    /// Fetch the requests of `config` into `folder`, if they are not on this machine.
    ///
    /// # Errors
    /// `input.unreadable`, `config.invalid`.
    pub(super) async fn fetch(config: &RunConfig, folder: &Path) -> Result<Self> {
        let Some(url) = config.requests.as_url() else {
            return Ok(Self { config: config.clone(), fetched: None });
        };
        let opened = ObjectStores::default().open(url)?;
        let store = SteadyStore::new(&opened, &config.resilience())?;
        let fault = |fault: &StoreFault| {
            Error::new(ErrorCode::InputUnreadable, fault.sentence(url.as_str()))
        };
        let folder = folder.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(|e| crate::store::cannot_write(&folder, e))?;
        // The bucket alone is no object that could be asked for.
        let object = match opened.path.as_ref() {
            "" => None,
            _ => store.facts(&opened.path).await.map_err(|f| fault(&f))?,
        };
        let here = Location::Url(url.clone());
        let (path, base) = if object.is_some() {
            let path = folder.join(opened.path.filename().unwrap_or(FOLDER));
            fetch_file(&store, &opened.path, &path).await?;
            (path, here.folder())
        } else {
            fetch_all(&store, &opened.path, &folder, url).await?;
            (folder, here)
        };
        let mut config = RunConfig { requests: Location::Path(path.clone()), ..config.clone() };
        config.base.get_or_insert(base);
        // Sources may lie anywhere in the bucket of the requests.
        config.allow_roots.push(Location::Url(opened.root));
        Ok(Self { config, fetched: Some((path, url.clone())) })
    }

    /// An error about the files at hand, as one about where they came from.
    pub(super) fn named(&self, error: Error) -> Error {
        let Some((path, url)) = &self.fetched else { return error };
        let here = path.display().to_string();
        let there = Location::Url(url.clone()).to_string();
        let message = error.message().replace(&here, there.trim_end_matches('/'));
        Error::new(error.code(), message).with_source(error)
    }
}

/// All request files right beneath `prefix`.
async fn fetch_all(
    store: &SteadyStore,
    prefix: &StorePath,
    folder: &Path,
    url: &Url,
) -> Result<()> {
    let found = store
        .children(prefix)
        .await
        .map_err(|fault| Error::new(ErrorCode::InputUnreadable, fault.sentence(url.as_str())))?;
    if found.is_empty() {
        let place = Location::Url(url.clone());
        return Err(Error::new(
            ErrorCode::InputUnreadable,
            format!(
                "cannot read the requests in {place} (there is no such object, and none beneath it); check its name"
            ),
        ));
    }
    for object in &found {
        let name = object.location.filename().unwrap_or_default();
        if is_request_file(Path::new(name)) {
            fetch_file(store, &object.location, &folder.join(name)).await?;
        }
    }
    Ok(())
}

async fn fetch_file(store: &SteadyStore, object: &StorePath, path: &Path) -> Result<()> {
    match store.fetch(object, path).await {
        Ok(_) => Ok(()),
        Err(TransferError::Store(fault)) => {
            Err(Error::new(ErrorCode::InputUnreadable, fault.sentence(store.url(object).as_str())))
        }
        Err(TransferError::File(e)) => Err(crate::store::cannot_write(path, e)),
    }
}
