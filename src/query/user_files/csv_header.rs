//! The header of a CSV file, and whether the file can be cut into pieces.

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use arrow::csv::reader::Format;
use object_store::{GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::query::user_files::list::FoundFile;
use crate::query::user_files::unreadable;

/// Bytes of a file that are read for its header at first.
const HEAD: u64 = 1 << 16;

/// The names of a CSV file's columns, without the space around them.
///
/// # Errors
/// `input.unreadable`; `input.column` if two have the same name.
pub(super) async fn names(file: &FoundFile, place: &Location) -> Result<Vec<String>> {
    let FoundFile { store, meta, shown, .. } = file;
    let fault = |cause: String| unreadable(place, format!("{shown}: {cause}"));
    let mut wanted = HEAD;
    let bytes = loop {
        let end = wanted.min(meta.size);
        let bytes = store.get_range(&meta.location, 0..end).await;
        let bytes = bytes.map_err(|e| fault(e.to_string()))?;
        let quotes = bytes.iter().filter(|b| **b == b'"').count();
        // A header may have line ends in quotes.
        if end == meta.size || (bytes.contains(&b'\n') && quotes % 2 == 0) {
            break bytes;
        }
        wanted *= 4;
    };
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let format = Format::default().with_header(true);
    let (schema, _) = format.infer_schema(bytes, Some(0)).map_err(|e| fault(e.to_string()))?;
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().trim().to_owned()).collect();
    checked(names, shown)
}

/// Names of columns as a header gives them, each once; those that are missing are numbered.
///
/// # Errors
/// `input.column` if two are the same.
pub(crate) fn checked(names: Vec<String>, file: &str) -> Result<Vec<String>> {
    let wrong = |sentence: String| Error::new(ErrorCode::InputColumn, sentence);
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
        return Err(wrong(format!(
            "{file} has the column {twice} twice; give each column a name of its own"
        )));
    }
    // Spreadsheets and pandas leave a name empty.
    let named = names.iter().enumerate().map(|(i, name)| match name.as_str() {
        "" => format!("column_{}", i + 1),
        name => name.to_owned(),
    });
    Ok(named.collect())
}

/// Whether every line end of a file on this machine ends a row, so that pieces of it can be read apart.
pub(super) async fn is_splittable(store: &Arc<dyn ObjectStore>, meta: &ObjectMeta) -> bool {
    let Ok(found) = store.get(&meta.location).await else { return false };
    let GetResultPayload::File(file, _) = found.payload else { return false };
    let read = tokio::task::spawn_blocking(move || has_plain_lines(file));
    read.await.ok().and_then(std::result::Result::ok).unwrap_or(false)
}

fn has_plain_lines(mut file: impl Read) -> std::io::Result<bool> {
    let mut buffer = vec![0; 1 << 20];
    let mut in_quotes = false;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|b| !b.is_empty()) else { return Ok(true) };
        if !in_quotes && !bytes.contains(&b'"') {
            continue;
        }
        for byte in bytes {
            match byte {
                b'"' => in_quotes = !in_quotes,
                b'\n' if in_quotes => return Ok(false),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn line_ends_in_quotes_keep_a_file_in_one_piece() {
        assert!(has_plain_lines("a,b\n1,\"x\"\n".as_bytes()).unwrap());
        assert!(has_plain_lines("a,b\n1,\"x \"\"y\"\"\"\n".as_bytes()).unwrap());
        assert!(!has_plain_lines("a,b\n1,\"x\ny\"\n".as_bytes()).unwrap());
    }

    #[test]
    fn names_are_one_each() {
        let of = |names: &[&str]| checked(names.iter().map(|n| (*n).to_owned()).collect(), "f");
        assert_eq!(of(&["a", "", "b"]).unwrap(), ["a", "column_2", "b"]);
        assert!(of(&["a", "a"]).unwrap_err().message().contains("twice"));
    }
}
