//! Object stores by URL, configured from the environment.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use object_store::ObjectStoreScheme;
use object_store::memory::InMemory;
use object_store::path::Path;
use url::{Position, Url};

#[cfg(feature = "cloud")]
use super::cloud;
use super::multipart::MultipartObjectStore;
use crate::error::{Error, ErrorCode, Result};
use crate::location::{OBJECT_SCHEMES, redacted};

/// The store and path that a URL names.
#[derive(Debug, Clone)]
pub struct OpenedStore {
    /// The store: a bucket or container.
    pub store: Arc<dyn MultipartObjectStore>,
    /// The object or prefix in it.
    pub path: Path,
    /// The URL of the store, such as `s3://bucket`.
    pub root: Url,
}

/// Object stores, each opened once. Cloud stores are configured from the environment variables of their
/// vendors (`AWS_…`, `GOOGLE_…`, `AZURE_…`); a `memory:` store is shared by the whole process. None of
/// them retries by itself.
#[derive(Debug, Default)]
pub struct ObjectStores(Mutex<HashMap<String, Arc<dyn MultipartObjectStore>>>);

/// Whether `location` is the URL of an object store.
pub fn is_object_url(location: &str) -> bool {
    crate::location::scheme(location)
        .is_some_and(|scheme| OBJECT_SCHEMES.iter().any(|s| s.eq_ignore_ascii_case(scheme)))
}

impl ObjectStores {
    /// The store that `url` names. No request is made yet.
    ///
    /// # Errors
    /// `config.invalid` if the URL names no object store, or one that is not configured.
    pub fn open(&self, url: &Url) -> Result<OpenedStore> {
        let fault = |what: &str| {
            let url = redacted(url.as_str());
            Error::new(ErrorCode::ConfigInvalid, format!("{url} cannot be opened: {what}"))
        };
        if !is_object_url(url.as_str()) {
            return Err(fault("it is not the URL of an object store (s3, gs, az, abfss)"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(fault("write a ? in the name of an object as %3F, a # as %23"));
        }
        let path = Path::from_url_path(url.path()).map_err(|e| fault(&e.to_string()))?;
        let mut root = url.clone();
        root.set_path("");
        let key = url[..Position::BeforePath].to_owned();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let store = match open.get(&key) {
            Some(store) => Arc::clone(store),
            None => {
                let store = connect(url).map_err(|cause| fault(&cause))?;
                open.insert(key, Arc::clone(&store));
                store
            }
        };
        Ok(OpenedStore { store, path, root })
    }
}

/// Opens the store of a URL, or says what is missing.
fn connect(url: &Url) -> Result<Arc<dyn MultipartObjectStore>, String> {
    if url.scheme() == "memory" {
        return Ok(memory(url.host_str().unwrap_or_default()));
    }
    let (scheme, _) = ObjectStoreScheme::parse(url).map_err(|_| {
        format!(
            "the URL of an object store is SCHEME://BUCKET/NAME, not {}",
            redacted(url.as_str())
        )
    })?;
    match scheme {
        #[cfg(feature = "cloud")]
        ObjectStoreScheme::AmazonS3 => cloud::amazon(url),
        #[cfg(feature = "cloud")]
        ObjectStoreScheme::GoogleCloudStorage => cloud::google(url),
        #[cfg(feature = "cloud")]
        ObjectStoreScheme::MicrosoftAzure => cloud::azure(url),
        #[cfg(not(feature = "cloud"))]
        ObjectStoreScheme::AmazonS3
        | ObjectStoreScheme::GoogleCloudStorage
        | ObjectStoreScheme::MicrosoftAzure => {
            Err("this build of clipflow reads no cloud stores; build it with the feature cloud"
                .to_owned())
        }
        _ => Err("it is not an object store".to_owned()),
    }
}

/// The in-memory stores, by name.
fn memory(name: &str) -> Arc<dyn MultipartObjectStore> {
    static ALL: LazyLock<Mutex<HashMap<String, Arc<InMemory>>>> = LazyLock::new(Mutex::default);
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let store = all.entry(name.to_owned()).or_insert_with(|| Arc::new(InMemory::new()));
    Arc::clone(store) as Arc<dyn MultipartObjectStore>
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn refused(text: &str) -> String {
        let error = ObjectStores::default().open(&Url::parse(text).unwrap()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigInvalid);
        error.to_string()
    }

    #[test]
    fn urls_lead_to_a_store_and_a_path_in_it() {
        let stores = ObjectStores::default();
        for (text, path, root) in [
            ("memory://a/x/y%20z.mp4", "x/y z.mp4", "memory://a"),
            ("s3://bucket/x.mp4", "x.mp4", "s3://bucket"),
            ("s3a://bucket", "", "s3a://bucket"),
            (
                "abfss://container@account.dfs.core.windows.net/a/b",
                "a/b",
                "abfss://container@account.dfs.core.windows.net",
            ),
        ] {
            let opened = stores.open(&Url::parse(text).unwrap()).unwrap();
            assert_eq!((opened.path.as_ref(), opened.root.as_str()), (path, root), "{text}");
        }
    }

    #[test]
    fn a_memory_store_is_one_for_the_process() {
        let open =
            |text: &str| ObjectStores::default().open(&Url::parse(text).unwrap()).unwrap().store;
        assert!(Arc::ptr_eq(&open("memory://one/a"), &open("memory://one/b")));
        assert!(!Arc::ptr_eq(&open("memory://one/a"), &open("memory://two/a")));
    }

    #[test]
    fn what_is_missing_is_said() {
        let message = refused("az://container/a.mp4");
        assert!(message.contains("AZURE_STORAGE_ACCOUNT_NAME"), "{message}");
        let message = refused("s3://bucket/what?.mp4");
        assert!(message.contains("%3F") && !message.contains(".mp4"), "{message}");
        assert!(refused("s3:///a.mp4").contains("SCHEME://BUCKET/NAME"));
        let message = refused("https://host/a.mp4");
        assert!(message.contains("not the URL of an object store"), "{message}");
        let message = refused("memory://a/x/..%2Fy");
        assert!(message.contains("cannot be opened"), "{message}");
    }
}
