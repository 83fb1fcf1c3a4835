//! `docs/reference/tables.md` and `events.md` say what the code says; see [`docs`](super::docs).

use std::fmt::Write as _;

use arrow::datatypes::{DataType, Field, TimeUnit};
use clipflow::model::Column;
use clipflow::model::event::{self, EventKind};
use clipflow::model::table::TABLES;

use super::docs::hold;

const HEAD: &str = "# Tables

The Parquet files of a results dataset, as [`src/model`](../../src/model) declares them; a test compares. A table is the folder of
its name; a column that may be NULL says so in its type. Times are seconds of the source's clock, which starts with its
container. `requests` and `outcomes` carry whatever further columns the request file had, in their types. The order of rows is
not fixed: sort by the key.

Names, types and meanings stay as they are; columns may be added. Read the files of a table by name (`union_by_name` in DuckDB,
`diagonal_relaxed` in Polars): those of an earlier version, or of a run without a column of yours, lack it.

What is in a source (`sources`, `signals`, `shots`, `cues`, `faces`) has a [page of its own](source-tables.md).
";

const SOURCES: &str = "# Tables of sources

What is in a source, analysed once: the part of the [tables](tables.md) of a results dataset that selection reads.
";

const EVENTS: &str = "# Events

What happened after posting is a table of your own; [analytics](../user/analytics.md) reads it. Raw events have a row for each event, daily aggregates one for each variant and day; a file that has a column
`event` is of the first kind. Further columns are dimensions to group by. A column that you do not have may be missing, except
`variant_id` and, in raw events, `event`. Counts of daily aggregates that were not reported are NULL, not 0.
";

fn type_of(field: &Field) -> String {
    let null = if field.is_nullable() { ", NULL" } else { "" };
    format!("{}{null}", name_of(field.data_type()))
}

fn name_of(of: &DataType) -> String {
    match of {
        DataType::List(item) => format!("list of {}", name_of(item.data_type())),
        DataType::Struct(fields) => {
            let of =
                |f: &arrow::datatypes::FieldRef| format!("{} {}", f.name(), name_of(f.data_type()));
            format!("struct ({})", fields.iter().map(of).collect::<Vec<_>>().join(", "))
        }
        DataType::Utf8 => "text".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp (µs, no zone)".to_owned(),
        other => other.to_string(),
    }
}

fn rows(text: &mut String, columns: &[Column]) {
    *text += "\n| column | type | |\n|---|---|---|\n";
    for column in columns {
        let (kind, meaning) = (type_of(&column.field()), column.description().replace('|', "\\|"));
        let _ = writeln!(text, "| `{}` | {kind} | {meaning} |", column.name);
    }
}

/// The tables with what is in a source; they have a page of their own.
const OF_SOURCES: [&str; 5] = ["sources", "signals", "shots", "cues", "faces"];

fn document(head: &str, of_sources: bool) -> String {
    let mut text = head.to_owned();
    for table in TABLES.iter().filter(|table| OF_SOURCES.contains(&table.name) == of_sources) {
        let key = table.key.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        let _ = write!(text, "\n## {}\n\nKey: {key}.\n", table.name);
        rows(&mut text, &table.columns());
    }
    text
}

fn events() -> String {
    let mut text = EVENTS.to_owned();
    text += "\n## Raw events\n";
    rows(&mut text, event::RAW);
    text += "\n## Daily aggregates\n";
    rows(&mut text, &[event::DAY_KEYS, event::DAY_VIEWERS].concat());
    text += "\nand a column for each kind of event, whole numbers but for `watch_seconds`:\n";
    text += "\n| event | column of a day | |\n|---|---|---|\n";
    for kind in EventKind::ALL {
        let row = (kind.as_str(), kind.figure(), kind.description());
        let _ = writeln!(text, "| `{}` | `{}` | {} |", row.0, row.1, row.2);
    }
    text
}

#[test]
fn the_pages_of_tables_and_events_say_what_the_code_says() {
    hold("reference/tables.md", &document(HEAD, false));
    hold("reference/source-tables.md", &document(SOURCES, true));
    hold("reference/events.md", &events());
}
