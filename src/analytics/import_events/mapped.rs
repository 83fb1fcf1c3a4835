//! Columns of exports that a user says the meaning of.

use std::sync::LazyLock;

use super::figures::Columns;
use super::shapes::{Figure, Reading, Shape};
use super::sheet::Sheet;
use crate::error::{Error, Result};
use crate::model::event::{DAY_VIEWERS, EventKind};

/// Every figure of events, given as it is.
static DIRECT: LazyLock<Vec<Reading>> = LazyLock::new(|| {
    let kinds = EventKind::ALL.into_iter().map(EventKind::figure);
    let names = kinds.chain(DAY_VIEWERS.iter().map(|column| column.name));
    let of = |figure| match figure == EventKind::WatchSeconds.figure() {
        true => Figure::Times(1.0),
        false => Figure::Count,
    };
    names.map(|figure| Reading { figure, of: of(figure), headers: vec![] }).collect()
});

/// The columns that `stated` (header and column of events) says are figures; those that are keys are named
/// so in the sheet.
///
/// # Errors
/// `config.invalid` for a header that is not there, or a column that events do not have.
pub(super) fn mapped(
    sheet: &mut Sheet,
    shape: &Shape,
    stated: &[(String, String)],
) -> Result<Columns> {
    let mut columns = Columns::new();
    for (header, ours) in stated {
        let Some(index) = sheet.column(header) else {
            let headers = sheet.headers.join(", ");
            let what = format!(
                "maps {header} to {ours}, and the export has no {header}; its headers are {headers}"
            );
            return Err(Error::setting("columns", what));
        };
        let keys = [
            ("variant_id", &["variant id"][..]),
            ("content_id", &shape.content[..]),
            ("day", &shape.day[..]),
        ];
        let key = keys.into_iter().find(|(name, _)| name == ours);
        if let Some(name) = key.and_then(|(_, names)| names.first()) {
            sheet.rename(index, name);
            continue;
        }
        let Some(reading) = DIRECT.iter().find(|reading| reading.figure == ours) else {
            let keys = keys.iter().map(|(name, _)| *name);
            let names: Vec<&str> = keys.chain(DIRECT.iter().map(|r| r.figure)).collect();
            let what = format!(
                "maps {header} to {ours}, which is no column of exports; they are {}",
                names.join(", ")
            );
            return Err(Error::setting("columns", what));
        };
        sheet.rename(index, "");
        columns.push((index, reading));
    }
    Ok(columns)
}
