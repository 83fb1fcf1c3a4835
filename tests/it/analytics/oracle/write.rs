//! A table as files: one or several, of any format, each with columns in its own order and spelling.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use serde_json::{Map, Value, json};

use super::tables::{Cell, Row, Table};

/// Write `table` into `folder`.
pub fn files(table: &Table, folder: &Path, rng: &mut fastrand::Rng) {
    let parts = [1, 1, 2, 3][rng.usize(..4)].min(table.rows.len());
    let ending = ["csv", "CSV", "ndjson", "json", "parquet"][rng.usize(..5)];
    let size = table.rows.len().div_ceil(parts);
    for (number, rows) in table.rows.chunks(size).enumerate() {
        let columns = columns(table, rows, rng);
        let path = folder.join(format!("part-{number}.{ending}"));
        match ending {
            "csv" | "CSV" => csv(&path, &columns, rows, rng),
            "parquet" => parquet(&path, &columns, rows, rng),
            _ => json(&path, &columns, rows, ending == "json", rng),
        }
    }
    // Never read.
    fs::write(folder.join(format!("_part.{ending}")), "half a file").unwrap();
    fs::write(folder.join(".hidden.csv"), "half a file").unwrap();
}

/// The columns of a file, and how it spells them. Those without a value in it may be left away.
fn columns(table: &Table, rows: &[Row], rng: &mut fastrand::Rng) -> Vec<(String, String)> {
    let mut columns = table.columns.clone();
    rng.shuffle(&mut columns);
    let needed = ["variant_id", "event", "views", "ts", "day"];
    let is_empty =
        |name: &str| rows.iter().all(|row| matches!(row.get(name), None | Some(Cell::Missing)));
    columns.retain(|name| needed.contains(&name.as_str()) || !is_empty(name) || rng.bool());
    let spelled = |name: String, rng: &mut fastrand::Rng| match rng.u8(..6) {
        // A user's own column is its spelling.
        0 if name != "country" && name != "duration" => (name.clone(), name.to_uppercase()),
        _ => (name.clone(), name),
    };
    columns.into_iter().map(|name| spelled(name, rng)).collect()
}

fn csv(path: &Path, columns: &[(String, String)], rows: &[Row], rng: &mut fastrand::Rng) {
    let space = if rng.bool() { " " } else { "" };
    let quoted = |text: &str| match text.contains([',', '"']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let names: Vec<String> =
        columns.iter().map(|(_, spelled)| format!("{spelled}{space}")).collect();
    let mut text = if rng.u8(..4) == 0 { "\u{feff}".to_owned() } else { String::new() };
    text += &names.join(",");
    text += "\n";
    for row in rows {
        let cells = columns.iter().map(|(name, _)| match row.get(name) {
            Some(Cell::Text(text)) => quoted(text),
            Some(Cell::Count(n)) => n.to_string(),
            Some(Cell::Number(n)) => n.to_string(),
            Some(Cell::Missing) | None => String::new(),
        });
        text += &cells.collect::<Vec<_>>().join(",");
        text += "\n";
    }
    fs::write(path, text).unwrap();
}

fn json(
    path: &Path,
    columns: &[(String, String)],
    rows: &[Row],
    is_array: bool,
    rng: &mut fastrand::Rng,
) {
    let mut lines = vec![];
    for row in rows {
        let mut object = Map::new();
        for (name, spelled) in columns {
            let value = match row.get(name) {
                // Numbers of text and of JSON are the same.
                Some(Cell::Text(text)) if rng.u8(..3) == 0 && text == "7" => json!(7),
                Some(Cell::Text(text)) => json!(text),
                Some(Cell::Count(n)) if rng.u8(..6) == 0 => json!(format!("{n}")),
                Some(Cell::Count(n)) => json!(n),
                Some(Cell::Number(n)) => json!(n),
                Some(Cell::Missing) | None if rng.bool() => Value::Null,
                Some(Cell::Missing) | None => continue,
            };
            object.insert(spelled.clone(), value);
        }
        lines.push(Value::Object(object).to_string());
    }
    let text = match is_array {
        true => format!("[{}]", lines.join(if rng.bool() { ",\n" } else { "," })),
        false => lines.join("\n") + "\n",
    };
    fs::write(path, text).unwrap();
}

fn parquet(path: &Path, columns: &[(String, String)], rows: &[Row], rng: &mut fastrand::Rng) {
    let mut arrays: Vec<(&str, ArrayRef, bool)> = vec![];
    for (name, spelled) in columns {
        let cells: Vec<Cell> =
            rows.iter().map(|row| row.get(name).cloned().unwrap_or(Cell::Missing)).collect();
        let is = |what: fn(&Cell) -> bool| cells.iter().all(|c| *c == Cell::Missing || what(c));
        let array: ArrayRef = if is(|c| matches!(c, Cell::Count(n) if *n < 1 << 53)) && rng.bool() {
            Arc::new(cells.iter().map(|c| c.number().map(|n| n as i64)).collect::<Int64Array>())
        } else if is(|c| matches!(c, Cell::Count(_) | Cell::Number(_))) {
            Arc::new(cells.iter().map(Cell::number).collect::<Float64Array>())
        } else {
            let text = |c: &Cell| match c {
                Cell::Text(text) => Some(text.clone()),
                other => other.text(),
            };
            Arc::new(cells.iter().map(text).collect::<StringArray>())
        };
        arrays.push((spelled, array, true));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(arrays).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}
