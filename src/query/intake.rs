//! Request files as a table: Parquet, CSV, NDJSON, Arrow IPC; a file or a folder of them.
//!
//! Whatever the file's types, the table `intake` has the columns of `requests` in their types, then
//! the file's other columns as they are. A value that cannot be coerced without loss is named in
//! `malformed`; a row is never dropped here.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::file_format::options::{
    ArrowReadOptions, CsvReadOptions, ParquetReadOptions,
};
use datafusion::prelude::{DataFrame, SessionContext};

use super::{json_files, query_error};
use crate::error::{Error, ErrorCode, Result};
use crate::model::request;

/// Columns that the run makes itself; a request column of that name is carried as `input_<name>`.
const RESERVED: &[&str] = &[
    "row",
    "location",
    "malformed",
    "occurrence",
    "verdict",
    "error_code",
    "error_message",
    "source_id",
    "status",
    "attempts",
    "elapsed",
    "candidates",
    "clips",
    "code",
    "message",
];

/// The kinds of request file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Parquet,
    Csv,
    Json,
    Arrow,
}

/// Register `requests` as the table `intake` of `ctx`.
///
/// # Errors
/// `input.unreadable` if there is no such file or it is not what it seems, `input.column` if a
/// column is missing or cannot hold what it should; both name what was found.
pub async fn register(ctx: &SessionContext, requests: &Path) -> Result<()> {
    let files = files(requests)?;
    let raw = read(ctx, requests, &files).await?;
    let schema = raw.schema().as_arrow().clone();
    let sql = projection(&schema, requests)?;
    let register = async {
        ctx.register_table("intake_file", raw.into_view())?;
        let intake = ctx.sql(&sql).await?;
        ctx.register_table("intake", intake.into_view())
    };
    register.await.map(|_| ()).map_err(query_error)
}

/// An `input.unreadable` error about `path`.
pub fn unreadable(path: &Path, cause: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::InputUnreadable,
        format!(
            "cannot read the requests in {} ({cause}); give a Parquet, CSV, NDJSON or Arrow file, or a folder of them",
            path.display()
        ),
    )
}

/// The files in order of name: `path` itself, or what lies in the folder.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let metadata = std::fs::metadata(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => unreadable(path, "there is no such file"),
        _ => unreadable(path, e),
    })?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let entries = std::fs::read_dir(path).map_err(|e| unreadable(path, e))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.is_file() && kind_by_name(p).is_some() && !is_hidden(p))
        .collect();
    files.sort();
    match files.first().map(|f| kind_by_name(f)) {
        None => Err(unreadable(path, "the folder holds no request file")),
        Some(first) => {
            if let Some(other) = files.iter().find(|f| kind_by_name(f) != first) {
                return Err(unreadable(
                    path,
                    format!(
                        "the folder mixes kinds of files: {} and {}",
                        files[0].display(),
                        other.display()
                    ),
                ));
            }
            Ok(files)
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(['.', '_']))
}

fn kind_by_name(path: &Path) -> Option<Kind> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "parquet" | "pq" => Some(Kind::Parquet),
        "csv" => Some(Kind::Csv),
        "ndjson" | "jsonl" | "json" => Some(Kind::Json),
        "arrow" | "ipc" | "feather" => Some(Kind::Arrow),
        _ => None,
    }
}

fn kind_by_content(path: &Path) -> Result<Kind> {
    let mut head = [0; 8];
    let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
    let read = file.read(&mut head).map_err(|e| unreadable(path, e))?;
    match &head[..read] {
        [b'P', b'A', b'R', b'1', ..] => Ok(Kind::Parquet),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Ok(Kind::Arrow),
        [b'{' | b'[', ..] => Ok(Kind::Json),
        _ => Err(unreadable(path, "neither its name nor its content says what kind of file it is")),
    }
}

async fn read(ctx: &SessionContext, path: &Path, files: &[PathBuf]) -> Result<DataFrame> {
    let kind = match kind_by_name(&files[0]) {
        Some(kind) => kind,
        None => kind_by_content(&files[0])?,
    };
    if std::fs::metadata(&files[0]).is_ok_and(|m| m.len() == 0) {
        return Err(unreadable(&files[0], "the file is empty"));
    }
    let extension =
        files[0].extension().and_then(|e| e.to_str()).map_or(String::new(), |e| format!(".{e}"));
    let names: Vec<String> = files.iter().map(|f| absolute(f)).collect();
    let frame = match kind {
        Kind::Parquet => {
            files.iter().try_for_each(|file| check_footer(file))?;
            let options = ParquetReadOptions { file_extension: &extension, ..Default::default() };
            ctx.read_parquet(names, options).await
        }
        Kind::Csv => {
            let schema = csv_schema(&files[0])?;
            let options = CsvReadOptions::new().schema(&schema).file_extension(&extension);
            ctx.read_csv(names, options).await
        }
        Kind::Json => json_files::table(files).and_then(|table| ctx.read_table(Arc::new(table))),
        Kind::Arrow => {
            let options = ArrowReadOptions { file_extension: &extension, ..Default::default() };
            ctx.read_arrow(names, options).await
        }
    };
    frame.map_err(|e| unreadable(path, e.strip_backtrace()))
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).to_string_lossy().into_owned()
}

/// Whether the footer of a Parquet file fits the file; the reader takes its word for it.
fn check_footer(path: &Path) -> Result<()> {
    let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
    let bytes = file.metadata().map_err(|e| unreadable(path, e))?.len();
    let mut footer = [0; 8];
    let read = if bytes < 12 {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    } else {
        file.seek(SeekFrom::End(-8))
    };
    read.and_then(|_| file.read_exact(&mut footer)).map_err(|e| unreadable(path, e))?;
    let [a, b, c, d, magic @ ..] = footer;
    if &magic != b"PAR1" || u64::from(u32::from_le_bytes([a, b, c, d])) + 12 > bytes {
        return Err(unreadable(path, "it is no Parquet file, or only the beginning of one"));
    }
    Ok(())
}

/// Every column of a CSV file as text: a type guessed from the first rows would fail on a later one.
fn csv_schema(path: &Path) -> Result<Schema> {
    let file = File::open(path).map_err(|e| unreadable(path, e))?;
    let format = arrow::csv::reader::Format::default().with_header(true);
    let (schema, _) = format.infer_schema(file, Some(0)).map_err(|e| unreadable(path, e))?;
    Ok(Schema::new(
        schema
            .fields()
            .iter()
            .map(|f| Field::new(f.name(), DataType::Utf8, true))
            .collect::<Vec<_>>(),
    ))
}

/// The statement that turns the file's columns into those of `intake`.
fn projection(schema: &Schema, path: &Path) -> Result<String> {
    let mut used = vec![];
    let mut known = vec!["row_number() OVER () AS \"row\"".to_owned()];
    let mut faults = vec![];
    for field in request::fields() {
        let name = field.name().as_str();
        let found = find(schema, name)
            .or_else(|| if name == "source_url" { find(schema, "youtube_url") } else { None });
        let Some(found) = found else {
            if name == "source_url" {
                return Err(no_source_column(schema, path));
            }
            known.push(format!("CAST(NULL AS {}) AS {name}", sql_type(field.data_type())));
            continue;
        };
        used.push(found.name().clone());
        let (value, fault) = coerce(found, &field, path)?;
        known.push(format!("{value} AS {name}"));
        faults.extend(fault);
    }
    let malformed = if faults.is_empty() {
        "CAST(NULL AS VARCHAR)".to_owned()
    } else {
        format!("coalesce({})", faults.join(", "))
    };
    known.push(format!("{malformed} AS malformed"));
    for field in schema.fields().iter().filter(|f| !used.contains(f.name())) {
        let name = field.name();
        let lower = name.to_ascii_lowercase();
        let taken = RESERVED.contains(&lower.as_str())
            || request::fields().iter().any(|f| *f.name() == lower);
        let alias = if taken { format!("input_{name}") } else { name.clone() };
        known.push(format!("{} AS {}", quote(name), quote(&alias)));
    }
    Ok(format!("SELECT {}\nFROM intake_file", known.join(",\n    ")))
}

/// The column of that name, else one that differs in case only.
fn find<'a>(schema: &'a Schema, name: &str) -> Option<&'a Arc<Field>> {
    let fields = schema.fields();
    fields
        .iter()
        .find(|f| f.name() == name)
        .or_else(|| fields.iter().find(|f| f.name().eq_ignore_ascii_case(name)))
}

fn no_source_column(schema: &Schema, path: &Path) -> Error {
    let found: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    Error::new(
        ErrorCode::InputColumn,
        format!(
            "{} has no column source_url (or youtube_url), which names the video of each request; its columns are: {}",
            path.display(),
            if found.is_empty() { "none".to_owned() } else { found.join(", ") }
        ),
    )
}

/// The SQL of a column's value, and of the sentence about a value that would not coerce.
fn coerce(found: &Field, wanted: &Field, path: &Path) -> Result<(String, Option<String>)> {
    let column = quote(found.name());
    let name = found.name().replace('\'', "''");
    let is_text = matches!(
        found.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null
    );
    let is_number = found.data_type().is_numeric();
    match wanted.data_type() {
        DataType::Utf8 if found.data_type().is_nested() && wanted.name() == "audience_profile" => {
            Ok((format!("json_text({column})"), None))
        }
        DataType::Utf8 if is_text => {
            Ok((format!("nullif(trim(CAST({column} AS VARCHAR)), '')"), None))
        }
        DataType::Utf8 if !found.data_type().is_nested() => {
            Ok((format!("CAST({column} AS VARCHAR)"), None))
        }
        DataType::Float64 | DataType::Int64 if is_text || is_number => {
            let text = format!("nullif(trim(CAST({column} AS VARCHAR)), '')");
            let number = if is_text {
                format!("TRY_CAST({text} AS DOUBLE)")
            } else {
                format!("CAST({column} AS DOUBLE)")
            };
            let (value, lost, what) = if wanted.data_type() == &DataType::Float64 {
                (number.clone(), format!("{number} IS NULL"), "a number")
            } else {
                let whole = format!("TRY_CAST({number} AS BIGINT)");
                (
                    whole.clone(),
                    format!("({whole} IS NULL OR {whole} <> {number})"),
                    "a whole number",
                )
            };
            let sentence = format!(
                "'{name} is ' || {text} || ', which is not {what}; correct it or leave it empty'"
            );
            Ok((
                value,
                Some(format!("CASE WHEN {text} IS NOT NULL AND {lost} THEN {sentence} END")),
            ))
        }
        _ => Err(Error::new(
            ErrorCode::InputColumn,
            format!(
                "the column {} of {} holds {}, which cannot be read as {}",
                found.name(),
                path.display(),
                found.data_type(),
                if wanted.data_type() == &DataType::Utf8 { "text" } else { "numbers" }
            ),
        )),
    }
}

fn sql_type(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Float64 => "DOUBLE",
        DataType::Int64 => "BIGINT",
        _ => "VARCHAR",
    }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
