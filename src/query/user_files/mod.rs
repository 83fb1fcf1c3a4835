//! Users' files as one table: Parquet, CSV, NDJSON, Arrow or what can be made one of them (see `plain_files`); a file or a
//! folder of them, here or in an object store.
//!
//! Columns are found by name in every file, and the columns of all files are those of the table. Types
//! are those of all rows, not of the first: text columns of CSV stay text, and every row of NDJSON is
//! looked at. What a column is for ([`Role`]) says how its cells are read; a cell that does not fit is an
//! error that names its file, column and row. Values come from the files alone: statistics in the footers
//! of Parquet files, which other writers get wrong, are not asked (see `docs/analytics.md`).

mod csv_header;
mod exec;
mod json_lines;
mod json_scan;
mod json_shape;
mod json_source;
mod list;
mod locate;
mod notes;
mod open;
mod plain;
mod role;
mod scan;
mod skipped;
mod steps;
mod table;

pub(in crate::query) use json_lines::ArrayLines;
pub(in crate::query) use json_scan::of_file as shape_of_file;
pub(crate) use json_shape::{Scanner, Shape};
pub use notes::{EventNotes, StrayTimes};
pub(crate) use open::{UserFiles, open};
pub(crate) use role::Role;
pub(crate) use table::{TableColumn, TextViews, UserTable};

use super::plain_files::{is_further_name, unpacked_name};
use crate::error::{Error, ErrorCode};
use crate::location::Location;

/// The endings of event files.
const ENDINGS: [&str; 9] =
    ["parquet", "pq", "csv", "ndjson", "jsonl", "json", "arrow", "ipc", "feather"];

/// The kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Parquet.
    Parquet,
    /// CSV with a header.
    Csv,
    /// One JSON object a line, or one array of objects.
    Json,
    /// Arrow IPC, as a file with a footer or a stream of messages.
    Arrow,
}

impl FileKind {
    /// The kind that an ending stands for, whatever its case.
    fn of_name(name: &str) -> Option<Self> {
        let plain = unpacked_name(name);
        let (_, ending) = plain.rsplit_once('.')?;
        let kind = match ENDINGS.into_iter().find(|known| *known == ending) {
            Some("parquet" | "pq") => Self::Parquet,
            Some("csv") => Self::Csv,
            Some("arrow" | "ipc" | "feather") => Self::Arrow,
            Some(_) => Self::Json,
            None if is_further_name(name) => Self::Csv,
            None => return None,
        };
        // Only text is packed: the others have packing of their own.
        let is_packed = plain.len() < name.len();
        (!is_packed || matches!(kind, Self::Csv | Self::Json)).then_some(kind)
    }
}

/// `input.unreadable` about the files of `place`.
fn unreadable(place: &Location, cause: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::InputUnreadable,
        format!(
            "cannot read the rows in {place} ({cause}); give a Parquet, CSV, NDJSON or Arrow file or a workbook, or a folder of them"
        ),
    )
}
