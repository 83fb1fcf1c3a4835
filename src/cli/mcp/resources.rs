//! Resources: the tables of results (columns and first rows) and their media files.

use std::path::{Path, PathBuf};

use rmcp::model::{Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value, json};
use url::Url;

use super::query;
use super::roots::AllowedRoots;
use super::state::ServerState;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::model::table::Table;
use crate::report::base64;

/// Rows of a table that a resource shows.
const FIRST_ROWS: usize = 20;
/// Media files of a results dataset that are listed.
const LISTED: usize = 500;
/// Folders beneath a root that results are looked for in: so deep, and so many.
const DEPTH: usize = 3;
const MOST_FOLDERS: usize = 5_000;
/// Results that are listed.
const MOST_RESULTS: usize = 64;

/// The files that renditions name.
const FILES: &str = "SELECT uri, any_value(container) AS container, max(bytes) AS bytes FROM (
    SELECT uri, container, bytes FROM renditions
    UNION ALL SELECT captions_uri, 'srt', NULL FROM renditions
    UNION ALL SELECT thumbnail_uri, 'jpg', NULL FROM renditions
) WHERE uri IS NOT NULL";

/// What a resource's URI names.
#[derive(Debug, PartialEq, Eq)]
enum ResourceName {
    /// `clipflow://table/NAME?results=PATH`.
    Table(String),
    /// `clipflow://file/URI?results=PATH`: a media file by its `uri`.
    File(String),
}

impl ResourceName {
    /// The name and the results that a URI says.
    fn parse(uri: &str) -> Result<(Self, String)> {
        let wrong = || {
            let message = format!(
                "{uri} is no resource of clipflow; give clipflow://table/NAME?results=PATH or clipflow://file/URI?results=PATH"
            );
            Error::new(ErrorCode::ConfigInvalid, message)
        };
        let url =
            Url::parse(uri).ok().filter(|url| url.scheme() == "clipflow").ok_or_else(wrong)?;
        let results = url.query_pairs().find(|(name, _)| name == "results");
        let results = results.ok_or_else(wrong)?.1.into_owned();
        let path = url.path().strip_prefix('/').unwrap_or_default();
        let path =
            url::form_urlencoded::parse(format!("p={}", path.replace('+', "%2B")).as_bytes())
                .next()
                .map(|(_, path)| path.into_owned());
        let path = path.filter(|path| !path.is_empty()).ok_or_else(wrong)?;
        match url.host_str() {
            Some("table") => Ok((Self::Table(path), results)),
            Some("file") => Ok((Self::File(path), results)),
            _ => Err(wrong()),
        }
    }

    fn uri(&self, results: &Location) -> String {
        let (host, name) = match self {
            Self::Table(name) => ("table", name),
            Self::File(uri) => ("file", uri),
        };
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("results", &results.to_string())
            .finish();
        format!("clipflow://{host}/{name}?{query}")
    }
}

/// The kinds of resources.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("clipflow://table/{name}?results={results}", "table")
            .with_title("A table or view of results")
            .with_description("Columns with their documentation, and the first rows, as JSON. results is the folder that was given to run.")
            .with_mime_type("application/json"),
        ResourceTemplate::new("clipflow://file/{+uri}?results={results}", "file")
            .with_title("A media file of results")
            .with_description("The file of this uri in the table renditions: video, sound, captions or still."),
    ]
}

/// The resources of the results with this number, and whether there are further ones.
pub(super) async fn page(
    state: &ServerState,
    roots: &AllowedRoots,
    number: usize,
) -> Result<(Vec<Resource>, bool)> {
    let folders = roots.folders().to_vec();
    let found = tokio::task::spawn_blocking(move || all_results(&folders)).await;
    let found = found.map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the results cannot be looked for ({e})"))
    })?;
    let Some(results) = found.get(number) else { return Ok((vec![], false)) };
    let results = Location::Path(results.clone());
    let listed = of_results(state, roots, &results).await.unwrap_or_else(|e| {
        // Damaged results hide no others.
        tracing::warn!("the resources of {results} cannot be listed: {e}");
        vec![]
    });
    Ok((listed, number + 1 < found.len()))
}

async fn of_results(
    state: &ServerState,
    roots: &AllowedRoots,
    results: &Location,
) -> Result<Vec<Resource>> {
    let names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name";
    let tables = query::rows(state, roots, results, names.to_owned(), LISTED).await?;
    let mut listed: Vec<Resource> = vec![];
    for row in &tables.rows {
        let name = text(row, "table_name").to_owned();
        let uri = ResourceName::Table(name.clone()).uri(results);
        listed.push(
            Resource::new(uri, name.clone())
                .with_description(format!("Columns and first rows of {name} in {results}"))
                .with_mime_type("application/json"),
        );
    }
    let files = format!("{FILES} GROUP BY uri ORDER BY uri LIMIT {LISTED}");
    let files = query::rows(state, roots, results, files, LISTED).await?;
    for row in &files.rows {
        let uri = text(row, "uri");
        let name = ResourceName::File(uri.to_owned());
        let mut file = Resource::new(name.uri(results), uri)
            .with_description(format!("{}/{uri}", results))
            .with_mime_type(mime_type(text(row, "container")));
        if let Some(bytes) = row.get("bytes").and_then(Value::as_u64) {
            file = file.with_size(bytes);
        }
        listed.push(file);
    }
    Ok(listed)
}

/// What a resource holds.
///
/// # Errors
/// `source.forbidden` outside the roots; `source.not_found`, `query.limits`.
pub(super) async fn read(
    state: &ServerState,
    roots: &AllowedRoots,
    uri: &str,
) -> Result<ResourceContents> {
    let (name, results) = ResourceName::parse(uri)?;
    let results = roots.allowed(&results)?;
    match name {
        ResourceName::Table(name) => table(state, roots, &results, &name, uri).await,
        ResourceName::File(file) => media_file(state, roots, &results, &file, uri).await,
    }
}

async fn table(
    state: &ServerState,
    roots: &AllowedRoots,
    results: &Location,
    name: &str,
    uri: &str,
) -> Result<ResourceContents> {
    let select = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
    let answer = query::rows(state, roots, results, select, FIRST_ROWS).await?;
    let documented = Table::find(name).map(Table::columns).unwrap_or_default();
    let columns: Vec<Value> = answer
        .columns
        .iter()
        .map(|column| {
            let known = documented.iter().find(|known| known.name == column.name);
            json!({
                "name": column.name,
                "type": column.kind,
                "description": known.map(|known| known.description()),
            })
        })
        .collect();
    let text = json!({
        "table": name, "columns": columns, "rows": answer.rows, "has_more": answer.has_more,
    });
    Ok(ResourceContents::text(text.to_string(), uri).with_mime_type("application/json"))
}

async fn media_file(
    state: &ServerState,
    roots: &AllowedRoots,
    results: &Location,
    file: &str,
    uri: &str,
) -> Result<ResourceContents> {
    let not_there = || {
        let message = format!(
            "{results} lists no file {file}; take the uri of a row of the table renditions"
        );
        Error::new(ErrorCode::SourceNotFound, message)
    };
    let Location::Path(folder) = results else {
        let message =
            "media files of an object store are not given as resources; fetch them from the store";
        return Err(Error::new(ErrorCode::SourceUnsupported, message));
    };
    let listed = format!("{FILES} AND uri = '{}' GROUP BY uri", file.replace('\'', "''"));
    let listed = query::rows(state, roots, results, listed, 1).await?;
    let row = listed.rows.first().ok_or_else(not_there)?;
    // A name in a table is not trusted: it may lead out of the results.
    let path = roots.allowed(&folder.join(file).to_string_lossy())?;
    let path = path.as_path().filter(|p| p.starts_with(folder)).ok_or_else(not_there)?;
    let bytes = read_within(path, state.resource_bytes).await?;
    let mime = mime_type(text(row, "container"));
    let contents = match String::from_utf8(bytes) {
        Ok(text) if mime.starts_with("text/") || mime.contains("subrip") => {
            ResourceContents::text(text, uri)
        }
        Ok(text) => ResourceContents::blob(base64(text.as_bytes()), uri),
        Err(other) => ResourceContents::blob(base64(other.as_bytes()), uri),
    };
    Ok(contents.with_mime_type(mime))
}

/// The bytes of a regular file that is not larger than `most`.
async fn read_within(path: &Path, most: u64) -> Result<Vec<u8>> {
    use tokio::io::AsyncReadExt;
    let fault = |e: std::io::Error| {
        let message = format!("{} cannot be read ({e}); run its request again", path.display());
        Error::new(ErrorCode::SourceNotFound, message)
    };
    let file = tokio::fs::File::open(path).await.map_err(fault)?;
    let about = file.metadata().await.map_err(fault)?;
    if !about.is_file() || about.len() > most {
        let message = format!(
            "{} has {:.1} MB, and at most {:.0} MB are given as a resource; open the file itself, or start clipflow mcp with a higher --resource-limit",
            path.display(),
            about.len() as f64 / 1e6,
            most as f64 / 1e6
        );
        return Err(Error::new(ErrorCode::QueryLimits, message));
    }
    let mut bytes = vec![];
    file.take(most).read_to_end(&mut bytes).await.map_err(fault)?;
    Ok(bytes)
}

/// The folders of results beneath the roots, in order.
fn all_results(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut open: Vec<(PathBuf, usize)> = roots.iter().rev().map(|r| (r.clone(), 0)).collect();
    let mut seen = 0;
    while let Some((folder, depth)) = open.pop() {
        seen += 1;
        if seen > MOST_FOLDERS || found.len() == MOST_RESULTS {
            break;
        }
        if folder.join("_commit").is_dir() {
            found.push(folder);
            continue;
        }
        if depth == DEPTH {
            continue;
        }
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let is_folder = |entry: &std::fs::DirEntry| {
            let hidden = entry.file_name().to_string_lossy().starts_with(['.', '_']);
            !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir())
        };
        let mut inner: Vec<_> =
            entries.flatten().filter(is_folder).map(|entry| entry.path()).collect();
        inner.sort();
        open.extend(inner.into_iter().rev().map(|folder| (folder, depth + 1)));
    }
    found
}

fn text<'a>(row: &'a serde_json::Map<String, Value>, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

fn mime_type(container: &str) -> &'static str {
    match container {
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "jpg" => "image/jpeg",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "opus" => "audio/ogg",
        "srt" => "application/x-subrip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn uris_name_tables_and_files_of_results_whatever_their_names_hold() {
        let results = Location::from("/data/new results+1 & 50%");
        for name in
            [ResourceName::Table("clips".into()), ResourceName::File("media/a-1.mp4".into())]
        {
            let uri = name.uri(&results);
            let (again, place) = ResourceName::parse(&uri).unwrap();
            assert_eq!((again, Location::from(place)), (name, results.clone()), "{uri}");
        }
        let spaced = "clipflow://file/media/a%20b%2Bc.mp4?results=/d";
        assert_eq!(
            ResourceName::parse(spaced).unwrap().0,
            ResourceName::File("media/a b+c.mp4".into())
        );
        for bad in [
            "clipflow://table/clips",
            "clipflow://table?results=/d",
            "clipflow://other/x?results=/d",
            "file:///etc/passwd",
            "nothing",
        ] {
            let error = ResourceName::parse(bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ConfigInvalid, "{bad}");
        }
    }

    #[test]
    fn results_are_found_beneath_the_roots_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in
            ["b/_commit", "a/x/_commit", "a/x/inner/_commit", ".hidden/_commit", "1/2/3/4/_commit"]
        {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("b"), root.join("c")).unwrap();
        assert_eq!(all_results(&[root.to_path_buf()]), [root.join("a/x"), root.join("b")]);
    }
}
