//! Event files as a table: Parquet, CSV or NDJSON; one file, or a folder with subfolders
//! (`day=2026-05-01/…`), local or in an object store.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::file_format::json::JsonFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::query::errors::query_error;
use crate::query::files::table_url;

/// Extensions of event files.
const ENDINGS: [&str; 6] = ["parquet", "pq", "csv", "ndjson", "jsonl", "json"];

/// The files of `place` as a table. Columns of a CSV file are text; folders named `key=value` are
/// columns of text too.
///
/// # Errors
/// `input.unreadable`, with the place and what is wrong.
pub(super) async fn table(ctx: &SessionContext, place: &Location) -> Result<ListingTable> {
    let fault = |cause: String| unreadable(place, &cause);
    let mut text = table_url(place);
    if place.as_path().is_some_and(|p| p.is_dir()) && !text.ends_with('/') {
        text.push('/');
    }
    if place.as_path().is_some_and(|p| !p.exists()) {
        return Err(fault("there is no such file or folder".to_owned()));
    }
    let mut url = ListingTableUrl::parse(&text).map_err(|e| fault(e.strip_backtrace()))?;
    let mut ending = ending_of(url.prefix().as_ref());
    if ending.is_none() {
        // In an object store a folder cannot be told from a file without an extension by its name.
        if !url.is_collection() {
            let folder = format!("{}/", text.trim_end_matches('/'));
            url = ListingTableUrl::parse(&folder).map_err(|e| fault(e.strip_backtrace()))?;
        }
        ending = Some(ending_in(ctx, &url, place).await?);
    }
    let (format, is_csv): (Arc<dyn FileFormat>, bool) = match ending {
        Some("csv") => (Arc::new(CsvFormat::default().with_has_header(true)), true),
        Some("ndjson" | "jsonl" | "json") => (Arc::new(JsonFormat::default()), false),
        _ => (Arc::new(ParquetFormat::default()), false),
    };
    let state = ctx.state();
    let mut options = ListingOptions::new(format).with_file_extension(if url.is_collection() {
        ending.unwrap_or_default()
    } else {
        ""
    });
    if url.is_collection() {
        let keys = options.infer_partitions(&state, &url).await;
        let keys = keys.map_err(|e| fault(e.strip_backtrace()))?;
        let columns = keys.into_iter().map(|key| (key, DataType::Utf8)).collect();
        options = options.with_table_partition_cols(columns);
    }
    let schema = options.infer_schema(&state, &url).await;
    let schema = schema.map_err(|e| fault(e.strip_backtrace()))?;
    let schema = if is_csv { texts(&schema) } else { schema };
    let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(schema);
    ListingTable::try_new(config).map_err(query_error)
}

/// All columns as text, because a type inferred from the first rows may fail on a later one.
fn texts(schema: &Schema) -> SchemaRef {
    let text =
        |f: &Arc<Field>| Field::new(f.name().trim_start_matches('\u{feff}'), DataType::Utf8, true);
    Arc::new(Schema::new(schema.fields().iter().map(text).collect::<Vec<_>>()))
}

fn ending_of(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    ENDINGS.into_iter().find(|known| known.eq_ignore_ascii_case(ending))
}

/// The extension of the files below `url`.
async fn ending_in(
    ctx: &SessionContext,
    url: &ListingTableUrl,
    place: &Location,
) -> Result<&'static str> {
    let fault = |cause: &dyn std::fmt::Display| unreadable(place, &cause.to_string());
    let store = ctx.runtime_env().object_store(url).map_err(|e| fault(&e.strip_backtrace()))?;
    let state = ctx.state();
    let files = url.list_all_files(&state, store.as_ref(), "").await;
    let mut files = files.map_err(|e| fault(&e.strip_backtrace()))?;
    let mut found: Option<(&'static str, String)> = None;
    while let Some(file) = files.try_next().await.map_err(|e| fault(&e.strip_backtrace()))? {
        let hidden = file.location.filename().is_some_and(|n| n.starts_with(['.', '_']));
        let Some(ending) = ending_of(file.location.as_ref()).filter(|_| !hidden) else { continue };
        match &found {
            Some((first, _)) if *first == ending => {}
            Some((_, name)) => {
                let other = &file.location;
                return Err(fault(&format!("it mixes kinds of files: {name} and {other}")));
            }
            None => found = Some((ending, file.location.to_string())),
        }
    }
    found.map(|(ending, _)| ending).ok_or_else(|| {
        fault(&format!("no file beneath it has a name that ends in .{}", ENDINGS.join(", .")))
    })
}

fn unreadable(place: &Location, cause: &str) -> Error {
    Error::new(
        ErrorCode::InputUnreadable,
        format!(
            "cannot read the events in {place} ({cause}); give a Parquet, CSV or NDJSON file, or a folder of them"
        ),
    )
}
