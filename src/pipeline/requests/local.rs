//! Makes the requests of a run local: fetches files of an object store, collects Polars queries.

use std::path::{Path, PathBuf};

use object_store::path::Path as StorePath;
use url::Url;

use super::Requests;
use super::plain::{PlainRequests, plain};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::pipeline::RunConfig;
use crate::query::files::is_request_file;
use crate::source::object::{ObjectStores, SteadyStore, StoreFault, TransferError};

/// Where fetched request files lie.
const FOLDER: &str = "requests";

/// The requests of a run, which can be read without a network.
#[derive(Debug)]
pub(in crate::pipeline) struct LocalRequests {
    /// The settings, with these requests.
    pub(in crate::pipeline) config: RunConfig,
    /// Where fetched files are, and their URL.
    fetched: Option<(PathBuf, Url)>,
    /// Names of files that were made plain, and those that users know.
    names: Vec<(String, String)>,
    /// What was guessed of the files or left out of them, as sentences.
    pub(in crate::pipeline) notes: Vec<String>,
}

impl LocalRequests {
    /// Fetch the requests of `config` into `folder` if they are at a URL, and collect them if they are a
    /// query of Polars.
    ///
    /// # Errors
    /// `input.unreadable`, `config.invalid`; `query.invalid` for a query that fails.
    pub(in crate::pipeline) async fn prepare(config: &RunConfig, folder: &Path) -> Result<Self> {
        let here = Self::fetch(config, folder).await?;
        let Requests::At(Location::Path(path)) = &here.config.requests else { return Ok(here) };
        let made = plain(path, folder).await.map_err(|e| here.named(e))?;
        let Some(PlainRequests { requests, names, notes }) = made else { return Ok(here) };
        let mut config = here.config.clone();
        let beside = config.requests.base();
        config.base.get_or_insert(beside);
        config.requests = requests;
        let mut plain = Self { config, names, notes, ..here };
        plain.notes = plain.notes.iter().map(|note| plain.with_user_names(note.clone())).collect();
        Ok(plain)
    }

    /// Requests as they are, in this program or on this machine.
    async fn fetch(config: &RunConfig, folder: &Path) -> Result<Self> {
        let (names, notes) = (vec![], vec![]);
        #[cfg(feature = "polars")]
        if let Requests::Lazy(frame) = &config.requests {
            let requests = Requests::Rows(vec![collect(frame.as_ref().clone()).await?]);
            let config = RunConfig { requests, ..config.clone() };
            return Ok(Self { config, fetched: None, names, notes });
        }
        let Some(url) = config.requests.as_url() else {
            return Ok(Self { config: config.clone(), fetched: None, names, notes });
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
        let mut config =
            RunConfig { requests: Requests::At(Location::Path(path.clone())), ..config.clone() };
        config.base.get_or_insert(base);
        // Sources may lie anywhere in the bucket of the requests.
        config.allow_roots.push(Location::Url(opened.root));
        Ok(Self { config, fetched: Some((path, url.clone())), names, notes })
    }

    /// Names in an error about fetched or plain files those that users know.
    pub(in crate::pipeline) fn named(&self, error: Error) -> Error {
        let message = self.with_user_names(error.message().to_owned());
        if message == error.message() {
            return error;
        }
        Error::new(error.code(), message).with_source(error)
    }

    fn with_user_names(&self, mut sentence: String) -> String {
        for (here, there) in &self.names {
            sentence = sentence.replace(here, there);
        }
        let Some((path, url)) = &self.fetched else { return sentence };
        let there = Location::Url(url.clone()).to_string();
        sentence.replace(&path.display().to_string(), there.trim_end_matches('/'))
    }
}

/// The rows of a query of Polars, which blocks a thread.
#[cfg(feature = "polars")]
async fn collect(frame: polars::prelude::LazyFrame) -> Result<arrow::array::RecordBatch> {
    use crate::query::polars::{polars_error, to_record_batch};
    let collect = move || to_record_batch(&frame.collect().map_err(polars_error)?, None);
    tokio::task::spawn_blocking(collect).await.map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the query of requests broke off: {e}"))
    })?
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
