//! An export as a sheet, every cell a text: CSV, or what can be made CSV.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema};

use super::shapes;
use crate::error::{Error, ErrorCode, Result};
use crate::query::plain_files::{Numbers, make_plain};

/// See the module.
pub(super) struct Sheet {
    pub(super) path: PathBuf,
    pub(super) headers: Vec<String>,
    /// The names that columns are found by, in plain form.
    names: Vec<String>,
    pub(super) rows: RecordBatch,
    /// How the file was read where it is no plain CSV.
    pub(super) guessed: Vec<String>,
}

impl Sheet {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let fault = |cause: String| {
            Error::new(
                ErrorCode::InputUnreadable,
                format!("cannot read {} ({cause}); give the export as CSV", path.display()),
            )
        };
        let mut text = String::new();
        let folder = tempfile::tempdir().map_err(|e| fault(e.to_string()))?;
        let name = path.display().to_string();
        let made = make_plain(path, &name, folder.path(), Numbers::AsTheyAre)?;
        let (plain, guessed) = made.map_or((path.to_path_buf(), vec![]), |m| (m.path, m.guessed));
        let open = File::open(plain).map_err(|e| fault(e.to_string()))?;
        BufReader::new(open).read_to_string(&mut text).map_err(|e| fault(e.to_string()))?;
        let text = text.trim_start_matches('\u{feff}').as_bytes();
        let format = Format::default().with_header(true);
        let (schema, _) = format.infer_schema(text, Some(0)).map_err(|e| fault(e.to_string()))?;
        let headers: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let texts = (0..headers.len()).map(|i| Field::new(format!("c{i}"), DataType::Utf8, true));
        let texts = Arc::new(Schema::new(texts.collect::<Vec<_>>()));
        let reader = ReaderBuilder::new(Arc::clone(&texts)).with_header(true).build(text);
        let batches = reader.and_then(|r| r.collect::<std::result::Result<Vec<_>, _>>());
        let batches = batches.map_err(|e| fault(e.to_string()))?;
        let rows = concat_batches(&texts, &batches).map_err(|e| fault(e.to_string()))?;
        let names = headers.iter().map(|header| shapes::plain(header)).collect();
        Ok(Self { path: path.to_path_buf(), headers, names, rows, guessed })
    }

    /// The column with one of those headers, however they are written.
    pub(super) fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.names.iter().position(|header| header == name))
    }

    /// The column with that header, however it is written.
    pub(super) fn column(&self, header: &str) -> Option<usize> {
        let same = self.headers.iter().position(|h| h.trim() == header);
        same.or_else(|| self.headers.iter().position(|h| shapes::plain(h) == shapes::plain(header)))
    }

    /// Find a column by `name`, and no other.
    pub(super) fn rename(&mut self, column: usize, name: &str) {
        self.names.iter_mut().filter(|known| *known == name).for_each(String::clear);
        if let Some(known) = self.names.get_mut(column) {
            name.clone_into(known);
        }
    }

    /// The text in a cell; none if it is empty.
    pub(super) fn cell(&self, row: usize, column: usize) -> Option<&str> {
        let column = self.rows.column(column).as_string::<i32>();
        let text = column.is_valid(row).then(|| column.value(row).trim());
        text.filter(|text| !text.is_empty())
    }

    pub(super) fn misfit(&self, sentence: &str) -> Error {
        self.about_headers(Error::new(ErrorCode::InputColumn, sentence))
    }

    /// `error` with the file and its headers.
    pub(super) fn about_headers(&self, error: Error) -> Error {
        let headers = format!("; its headers are: {}", self.headers.join(", "));
        error.framed(format_args!("{}: ", self.path.display()), headers)
    }

    /// An error about a cell, which is `what`; `setting` is one that `what` names.
    pub(super) fn says(
        &self,
        row: usize,
        column: usize,
        what: &str,
        setting: Option<&'static str>,
    ) -> Error {
        let error = Error::new(ErrorCode::InputColumn, what);
        let error = match setting {
            Some(setting) => error.about(setting),
            None => error,
        };
        self.wrong(row, column, error)
    }

    fn wrong(&self, row: usize, column: usize, what: Error) -> Error {
        let header = self.headers.get(column).map_or("", String::as_str);
        let text = self.cell(row, column).unwrap_or_default();
        let cell =
            format!("{}: {header} of row {} is {text:?}, which is ", self.path.display(), row + 1);
        what.framed(cell, "")
    }
}
