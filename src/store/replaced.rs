//! Files of replaced shards: kept for readers that opened the results before, and found by these.
//!
//! They are moved to `_replaced`, so that `TABLE/*.parquet` is what the results hold, for other programs too.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result,
};
use tokio_util::bytes::Bytes;

use crate::error::{Error, ErrorCode};

/// Folder of the files of replaced shards.
pub const REPLACED_FOLDER: &str = "_replaced";

/// How long files of replaced shards are kept for readers that opened the results before.
pub const KEEP_REPLACED: Duration = Duration::from_secs(24 * 3600);

/// Where a file is kept once its shard is replaced, relative to the dataset's root.
pub(super) fn kept_name(relative: &str) -> String {
    format!("{REPLACED_FOLDER}/{relative}")
}

/// Whether a commit gives its table files such names: `<number>-<shard>.parquet`, with `-<attempt>` in an object
/// store.
pub fn is_table_file(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".parquet") else { return false };
    let mut parts = stem.split('-');
    let number = parts.next().unwrap_or_default();
    let is_number = number.len() >= 8 && number.bytes().all(|b| b.is_ascii_digit());
    let is_id = |id: &str| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
    is_number && parts.next().is_some_and(is_id) && parts.all(is_id)
}

/// Where the table file `path` is kept once its shard is replaced, if it is one.
fn kept_path(path: &Path) -> Option<Path> {
    if !path.filename().is_some_and(is_table_file) {
        return None;
    }
    let mut parts: Vec<_> = path.parts().collect();
    let at = parts.len().checked_sub(2)?;
    parts.insert(at, REPLACED_FOLDER.into());
    Some(Path::from_iter(parts))
}

/// A store in which a table file that was replaced after the results were opened is found where it is kept. One
/// that is gone is an error: the query engine takes a file that does not exist for one without rows.
#[derive(Debug)]
pub struct SnapshotStore(Arc<dyn ObjectStore>);

impl SnapshotStore {
    /// The files of `store`.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self(store)
    }

    /// Whether a store is one of these.
    pub fn is(store: &dyn ObjectStore) -> bool {
        store.to_string().starts_with(NAME)
    }
}

const NAME: &str = "clipflow results in ";

impl fmt::Display for SnapshotStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}{}", self.0)
    }
}

/// The error about a table file that is gone.
fn gone(path: &Path) -> StoreError {
    let message = format!(
        "{path} is gone: the results were replaced since they were opened, more than {} hours ago or by clipflow forget or gc; open them again",
        KEEP_REPLACED.as_secs() / 3600
    );
    let source = Box::new(Error::new(ErrorCode::StoreRead, message));
    StoreError::Generic { store: "clipflow", source }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for SnapshotStore {
    async fn put_opts(&self, to: &Path, bytes: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.0.put_opts(to, bytes, o).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let found = self.0.get_opts(path, options.clone()).await;
        let (Err(StoreError::NotFound { .. }), Some(kept)) = (&found, kept_path(path)) else {
            return found;
        };
        match self.0.get_opts(&kept, options).await {
            Ok(mut found) => {
                found.meta.location = path.clone();
                Ok(found)
            }
            Err(StoreError::NotFound { .. }) => Err(gone(path)),
            Err(e) => Err(e),
        }
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let found = self.0.get_ranges(path, ranges).await;
        let (Err(StoreError::NotFound { .. }), Some(kept)) = (&found, kept_path(path)) else {
            return found;
        };
        match self.0.get_ranges(&kept, ranges).await {
            Err(StoreError::NotFound { .. }) => Err(gone(path)),
            found => found,
        }
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    const FILE: &str = "set/clips/00000001-0123456789abcdef.parquet";

    #[test]
    fn table_files_are_told_from_others() {
        for name in ["00000001-0123456789abcdef", "123456789-0123456789abcdef-0123456789abcdef"] {
            assert!(is_table_file(&format!("{name}.parquet")), "{name}");
        }
        for name in ["20260101-events.parquet", "00000001.parquet", "clips.parquet", "x.json"] {
            assert!(!is_table_file(name), "{name}");
        }
    }

    #[tokio::test]
    async fn a_replaced_file_is_found_and_one_that_is_gone_is_an_error() {
        let inner = Arc::new(InMemory::new());
        let store = SnapshotStore::new(inner.clone());
        assert!(SnapshotStore::is(&store) && !SnapshotStore::is(inner.as_ref()));
        let path = Path::from(FILE);
        let kept = Path::from("set/_replaced/clips/00000001-0123456789abcdef.parquet");
        inner.put(&kept, "rows".into()).await.unwrap();
        let meta = store.head(&path).await.unwrap();
        assert_eq!((meta.location, meta.size), (path.clone(), 4));
        assert_eq!(store.get_ranges(&path, &[1..3, 0..1]).await.unwrap(), ["ow", "r"]);
        inner.delete(&kept).await.unwrap();
        let error = store.head(&path).await.unwrap_err();
        assert!(error.to_string().contains("open them again"), "{error}");
        assert!(matches!(error, StoreError::Generic { .. }));
        let other = store.head(&Path::from("set/other.parquet")).await.unwrap_err();
        assert!(matches!(other, StoreError::NotFound { .. }));
    }
}
