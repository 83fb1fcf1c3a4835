//! Which files there are: hidden ones never, endings in any case, `key=value` folders as columns.

use std::sync::Arc;

use datafusion::datasource::listing::ListingTableUrl;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::{ENDINGS, FileKind, unreadable};
use crate::error::Result;
use crate::location::Location;
use crate::query::files::table_url;
use crate::query::plain_files::FURTHER_ENDINGS;

/// What Hive and Spark write for a missing value in the name of a folder.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file, and what the folders above it say.
#[derive(Debug, Clone)]
pub(super) struct FoundFile {
    /// Where it is read: in the store of its place, or made plain on this machine.
    pub(super) url: ObjectStoreUrl,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) meta: ObjectMeta,
    /// Its name for users.
    pub(super) shown: String,
    /// Keys and values of folders named `key=value`.
    pub(super) keys: Vec<(String, Option<String>)>,
}

/// The files of a place.
pub(super) struct Found {
    pub(super) kind: FileKind,
    /// In order of their names.
    pub(super) files: Vec<FoundFile>,
    /// Names of files that are neither hidden nor of a known kind.
    pub(super) left_out: Vec<String>,
}

/// List the files of `place`.
///
/// # Errors
/// `input.unreadable` if there are none or they are of different kinds.
pub(super) async fn list(ctx: &SessionContext, place: &Location) -> Result<Found> {
    let mut text = table_url(place);
    if let Some(path) = place.as_path() {
        if !path.exists() {
            return Err(unreadable(place, "there is no such file or folder"));
        }
        if path.is_dir() && !text.ends_with('/') {
            text.push('/');
        }
    }
    let fault = |e: datafusion::error::DataFusionError| unreadable(place, e.strip_backtrace());
    let url = ListingTableUrl::parse(&text).map_err(fault)?;
    let store = ctx.runtime_env().object_store(&url).map_err(fault)?;
    let url_of_store = url.object_store();
    if !url.is_collection()
        && let Some(meta) = head(&store, url.prefix(), place).await?
    {
        let name = meta.location.filename().unwrap_or_default();
        let kind = match FileKind::of_name(name) {
            Some(kind) => kind,
            None => kind_by_content(&store, &meta, place).await?,
        };
        let shown = shown(&url_of_store, &meta.location);
        let files = vec![FoundFile { url: url_of_store, store, meta, shown, keys: vec![] }];
        return Ok(Found { kind, files, left_out: vec![] });
    }
    beneath(url_of_store, store, url.prefix(), place).await
}

/// The files beneath a prefix.
async fn beneath(
    url_of_store: ObjectStoreUrl,
    store: Arc<dyn ObjectStore>,
    prefix: &Path,
    place: &Location,
) -> Result<Found> {
    let mut all: Vec<ObjectMeta> =
        store.list(Some(prefix)).try_collect().await.map_err(|e| unreadable(place, e))?;
    all.sort_by(|a, b| a.location.cmp(&b.location));
    let (mut files, mut left_out) = (vec![], vec![]);
    let mut kind: Option<(FileKind, String)> = None;
    for meta in all {
        let Some(parts) = visible_parts(prefix, &meta.location) else { continue };
        let name = meta.location.to_string();
        let Some(found) = parts.last().and_then(|name| FileKind::of_name(name)) else {
            left_out.push(name);
            continue;
        };
        match &kind {
            Some((first, _)) if *first == found => {}
            Some((_, other)) => {
                return Err(unreadable(
                    place,
                    format!("it mixes kinds of files: {other} and {name}"),
                ));
            }
            None => kind = Some((found, name)),
        }
        files.push(FoundFile {
            url: url_of_store.clone(),
            store: Arc::clone(&store),
            shown: shown(&url_of_store, &meta.location),
            meta,
            keys: keys(&parts),
        });
    }
    let Some((kind, _)) = kind else {
        let endings = [&ENDINGS[..], &FURTHER_ENDINGS[..]].concat().join(", .");
        return Err(unreadable(
            place,
            format!("no file beneath it has a name that ends in .{endings}"),
        ));
    };
    Ok(Found { kind, files, left_out })
}

/// A file as a user knows it: on this machine its path, else its place in the store.
fn shown(store: &ObjectStoreUrl, file: &Path) -> String {
    if store.as_str().starts_with("file:") {
        format!("/{file}")
    } else {
        format!("{}{file}", store.as_str())
    }
}

async fn head(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    place: &Location,
) -> Result<Option<ObjectMeta>> {
    match store.head(path).await {
        Ok(meta) => Ok(Some(meta)),
        // The name of a folder in an object store says no more than that of a file.
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(e) => Err(unreadable(place, e)),
    }
}

async fn kind_by_content(
    store: &Arc<dyn ObjectStore>,
    meta: &ObjectMeta,
    place: &Location,
) -> Result<FileKind> {
    let head = store.get_range(&meta.location, 0..meta.size.min(64)).await;
    let head = head.map_err(|e| unreadable(place, e))?;
    match head.trim_ascii_start() {
        [b'P', b'A', b'R', b'1', ..] => Ok(FileKind::Parquet),
        [b'{' | b'[', ..] => Ok(FileKind::Json),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Ok(FileKind::Arrow),
        // Text or a workbook, or nothing that is known: what makes it plain tells.
        _ => Ok(FileKind::Csv),
    }
}

/// The parts of a file's path beneath `prefix`; none if one of them is hidden.
fn visible_parts(prefix: &Path, file: &Path) -> Option<Vec<String>> {
    let parts: Vec<String> =
        file.prefix_match(prefix)?.map(|part| part.as_ref().to_owned()).collect();
    // A folder `_k=v` is a key's, as Spark has it.
    let is_hidden =
        |part: &String| part.starts_with('.') || (part.starts_with('_') && !part.contains('='));
    (!parts.is_empty() && !parts.iter().any(is_hidden)).then_some(parts)
}

fn keys(parts: &[String]) -> Vec<(String, Option<String>)> {
    let folders = parts.split_last().map_or(&[][..], |(_, folders)| folders);
    let pair = |folder: &String| {
        let (key, value) = folder.split_once('=')?;
        let value = decoded(value);
        let value = Some(value.trim().to_owned()).filter(|v| !v.is_empty() && v != HIVE_NULL);
        Some((decoded(key).trim().to_owned(), value))
    };
    folders.iter().filter_map(pair).collect()
}

/// Names of folders have what a path cannot hold as `%` and two digits, once from the writer and once
/// more from the store.
fn decoded(text: &str) -> String {
    percent_decoded(&percent_decoded(text))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_keys_and_hidden_files_are_none() {
        let parts = |file: &str| visible_parts(&Path::from("a/b"), &Path::from(file));
        assert_eq!(parts("a/b/_x/1.csv"), None);
        assert_eq!(parts("a/b/x/.1.csv"), None);
        assert_eq!(parts("a/b/1.CSV").as_deref(), Some(&["1.CSV".to_owned()][..]));
        let found = parts("a/b/_k=1/day=2026-05-01/c=__HIVE_DEFAULT_PARTITION__/d=a%20b/e=/1.csv");
        let found = keys(&found.unwrap_or_default());
        let found: Vec<(&str, Option<&str>)> =
            found.iter().map(|(k, v)| (k.as_str(), v.as_deref())).collect();
        let known = [
            ("_k", Some("1")),
            ("day", Some("2026-05-01")),
            ("c", None),
            ("d", Some("a b")),
            ("e", None),
        ];
        assert_eq!(found, known);
        assert_eq!(FileKind::of_name("2.CSV"), Some(FileKind::Csv));
        assert_eq!(FileKind::of_name("x.csv.gz"), Some(FileKind::Csv));
        assert_eq!(FileKind::of_name("x.jsonl.zst"), Some(FileKind::Json));
        assert_eq!(FileKind::of_name("x.parquet.gz"), None);
        assert_eq!(FileKind::of_name("x.pdf"), None);
    }
}
