//! What was measured of a source as one row: the view `source_lists`, written from the columns of the tables.

use crate::model::table::Table;
use crate::model::{Column, Cue, Face, Shot, Signal, SourceInfo};

/// Name of the view.
pub(super) const NAME: &str = "source_lists";

/// The statement of the view: one row per source, with its facts (`info`) as a struct and its `signals`,
/// `shots`, `cues` and `faces` as lists of structs in order, as `analyze_media` and `track_faces` give them and
/// `select_clips`, `clip_brief` and `framed_path` take them. A list is NULL where the source has no such rows.
pub(super) fn statement() -> String {
    let lists = [
        ("signals", Signal::COLUMNS),
        ("shots", Shot::COLUMNS),
        ("cues", Cue::COLUMNS),
        ("faces", Face::COLUMNS),
    ];
    let columns: String = lists.iter().map(|(table, _)| format!(", {table}.{table}")).collect();
    let joins: String = lists.iter().map(|(table, of)| join(table, of)).collect();
    format!(
        "SELECT sources.source_id, {} AS info{columns}\nFROM sources{joins}",
        structure("sources", SourceInfo::COLUMNS)
    )
}

/// The statement of `analysis` with transcripts: the columns of `analysed`, with what `transcribed` adds to the facts and the
/// cues of its sources.
pub(super) fn with_transcripts() -> String {
    let value = |column: &Column| {
        let own = format!("a.info['{}']", column.name);
        match column.name {
            "language" => format!("coalesce({own}, t.transcript_language)"),
            "transcriber" => "t.transcriber".to_owned(),
            "transcript_note" => "coalesce(t.error_message, t.transcript_note)".to_owned(),
            "transcript_error" => "t.error_code".to_owned(),
            _ => own,
        }
    };
    let field = |column: &Column| format!("'{}', {}", column.name, value(column));
    let fields: Vec<String> = SourceInfo::COLUMNS.iter().map(field).collect();
    format!(
        "SELECT a.location, a.sound, a.requests, a.source_id, a.validator,\
         \n    CASE WHEN a.error_code IS NULL THEN named_struct({}) END AS info,\
         \n    a.signals, a.shots, merge_cues(a.cues, t.transcript) AS cues,\
         \n    a.error_code, a.error_message, a.attempts, a.elapsed\
         \nFROM analysed a\nLEFT JOIN transcribed t ON t.source_id = a.source_id",
        fields.join(", ")
    )
}

/// The statement of the faces of each source as a list.
pub(super) fn of_faces() -> String {
    list("faces", Face::COLUMNS)
}

/// The join with a list of the rows of `table` for each source.
fn join(table: &str, columns: &[Column]) -> String {
    let list = list(table, columns);
    format!("\nLEFT JOIN ({list}) {table}\n    ON {table}.source_id = sources.source_id")
}

/// A list of the rows of `table` for each source, in the order of the table's key.
fn list(table: &str, columns: &[Column]) -> String {
    let key = Table::find(table).and_then(|table| table.key.last()).copied().unwrap_or("source_id");
    format!(
        "SELECT source_id, array_agg({} ORDER BY {}) AS {table} FROM {table} GROUP BY source_id",
        structure(table, columns),
        quoted(key),
    )
}

/// A struct of the columns of a row.
fn structure(table: &str, columns: &[Column]) -> String {
    let field = |column: &Column| format!("'{0}', {table}.{1}", column.name, quoted(column.name));
    let fields: Vec<String> = columns.iter().map(field).collect();
    format!("named_struct({})", fields.join(", "))
}

/// A name that may be a word of SQL.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
