//! `docs/tables.md` says what the code says. With `CLIPFLOW_DOCS_COMPLETE=1` it is written anew.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use arrow::datatypes::{DataType, Field, TimeUnit};
use clipflow::model::event::{EventKind, daily_fields, figure_fields, raw_fields};
use clipflow::model::request::{
    DEFAULT_LANGUAGE, DEFAULT_MAX_CLIP_LENGTH, DEFAULT_MAX_CLIPS, DEFAULT_MIN_CLIP_LENGTH,
};
use clipflow::model::table::TABLES;

const HEAD: &str = "# Tables

The Parquet files of a results dataset, as [`src/model`](../src/model) declares them; `cargo test` compares. A table is the folder of
its name; a column that may be NULL says so in its type. Times are seconds of the source's clock, which starts with its
container. `requests` and `outcomes` carry whatever further columns the request file had, in their types. The order of rows is
not fixed: sort by the key.

Names, types and meanings stay as they are; columns may be added. Read the files of a table by name (`union_by_name` in DuckDB,
`diagonal_relaxed` in Polars): those of an earlier version, or of a run without a column of yours, lack it.
";

const EVENTS: &str = "
## Events: a table of your own

Raw events have a row for each event, daily aggregates one for each variant and day; a file that has a column `event` is of
the first kind. Further columns are dimensions to group by. A column that you do not have may be missing, except
`variant_id` and, in raw events, `event`. Counts of daily aggregates that were not reported are NULL, not 0.
";

/// What the columns mean that rows get when they become a table.
const OF_TABLES: &[(&str, &str, &str)] = &[
    ("", "request_id", "The request."),
    ("", "source_id", "The source: a stable id of its place and content."),
    ("", "clip_id", "The clip."),
    ("", "variant_id", "Stable id of clip, platform and edit; NULL for a plain clip."),
    ("variants", "variant_id", "Stable id of clip, platform and edit."),
    ("variants", "error_code", "Why it has no file that was to have one; NULL otherwise."),
    ("variants", "error_message", "What happened and what to do; NULL when all went well."),
    ("sources", "location", "One absolute path or URL."),
    ("", "row", "Number of the row in its file, counted from 1."),
    ("", "location", "The source as one absolute path or URL; NULL without one."),
    (
        "sources",
        "validator",
        "What tells whether it has changed: its strong `ETag`, else time and size, else its hash.",
    ),
    ("", "uri", "The file, relative to the dataset's folder."),
    ("", "captions_uri", "Its captions in a file beside it; NULL without."),
    ("", "thumbnail_uri", "The still beside it; NULL without."),
    ("", "experiment_id", "The experiment that the request belongs to."),
    ("events", "variant_id", "What was seen."),
    ("events", "platform", "Where it was seen."),
    ("events", "ts", "When, in UTC."),
    ("events", "day", "The day, in UTC."),
    (
        "events",
        "event",
        "Which kind, as listed below; rows of other kinds are counted and in no figure.",
    ),
    ("events", "viewer_id", "Who, by whatever name tells viewers apart; NULL where nobody knows."),
    ("events", "value", "Seconds, for `watch_seconds`; else unused."),
    ("events", "audience_reach", "Distinct viewers of the row. Not to be summed."),
    ("events", "new_viewers", "Of those, who came by a share. Not to be summed."),
    ("events", "followers", "Followers of the account."),
];

/// First sentences of the comments above the fields of the structs in a file, and above enum variants.
fn comments(file: &str) -> HashMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/model/{file}.rs"));
    let (mut found, mut comment) = (HashMap::new(), vec![]);
    for line in fs::read_to_string(path).unwrap().lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim().to_owned());
        } else if line.starts_with("#[") || line.starts_with("deserialize_with") {
        } else {
            let name = line.trim_start_matches("pub ").split([':', ',']).next().unwrap();
            if !comment.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                found.entry(name.to_owned()).or_insert_with(|| plain(&comment.join(" ")));
            }
            comment.clear();
        }
    }
    found
}

/// Without the brackets of links, whose targets are places in the code.
fn plain(comment: &str) -> String {
    let mut text = String::new();
    let mut rest = comment;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, after)) = after.split_once("`]") else { break };
        text += before;
        let short = name.rsplit("::").next().unwrap();
        let _ = write!(text, "`{short}`");
        rest = match after.strip_prefix('(') {
            Some(target) => target.split_once(')').map_or("", |(_, rest)| rest),
            None => after,
        };
    }
    let text = (text + rest).replace('|', "\\|");
    let defaults = [
        ("`DEFAULT_LANGUAGE`", DEFAULT_LANGUAGE.to_owned()),
        ("`DEFAULT_MIN_CLIP_LENGTH`", DEFAULT_MIN_CLIP_LENGTH.to_string()),
        ("`DEFAULT_MAX_CLIP_LENGTH`", DEFAULT_MAX_CLIP_LENGTH.to_string()),
        ("`DEFAULT_MAX_CLIPS`", DEFAULT_MAX_CLIPS.to_string()),
    ];
    defaults
        .iter()
        .fold(text, |text, (name, value)| text.replace(name, &format!("default {value}")))
}

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

fn rows(text: &mut String, table: &str, files: &[&str], fields: &[Field]) {
    *text += "\n| column | type | |\n|---|---|---|\n";
    let known: Vec<_> = files.iter().map(|file| comments(file)).collect();
    for field in fields {
        let of_tables = OF_TABLES.iter().find(|(of, name, _)| *of == table && name == field.name());
        let of_all = OF_TABLES.iter().find(|(of, name, _)| of.is_empty() && name == field.name());
        let meaning = of_tables
            .map(|found| found.2.to_owned())
            .or_else(|| known.iter().find_map(|file| file.get(field.name()).cloned()))
            .or_else(|| of_all.map(|found| found.2.to_owned()));
        let meaning =
            meaning.unwrap_or_else(|| panic!("nobody says what {table}.{} is: above its field in src/model, or in OF_TABLES here", field.name()));
        let _ = writeln!(text, "| `{}` | {} | {meaning} |", field.name(), type_of(field));
    }
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    for table in TABLES {
        let key = table.key.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        let _ = write!(text, "\n## {}\n\nKey: {key}.\n", table.name);
        let files: &[&str] = match table.name {
            "requests" => &["request"],
            "outcomes" => &["outcome"],
            "sources" => &["source_info"],
            "signals" => &["signal"],
            "shots" => &["shot"],
            "cues" => &["cue"],
            "candidates" => &["candidate"],
            "clips" => &["clip"],
            "variants" => &["variant", "edit"],
            "renditions" => &["rendition"],
            other => panic!("which file declares {other}?"),
        };
        let fields: Vec<Field> =
            table.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
        rows(&mut text, table.name, files, &fields);
    }
    text += EVENTS;
    text += "\n### Raw events\n";
    rows(&mut text, "events", &[], &raw_fields());
    text += "\n### Daily aggregates\n";
    let figures = figure_fields();
    let (counts, others): (Vec<Field>, Vec<Field>) =
        daily_fields().into_iter().partition(|f| figures.contains(f));
    rows(&mut text, "events", &[], &others);
    text += "\nand a column for each kind of event, whole numbers but for `watch_seconds`:\n";
    text += "\n| event | column of a day | |\n|---|---|---|\n";
    let kinds = comments("event");
    for (kind, count) in EventKind::ALL.into_iter().zip(counts) {
        let meaning = &kinds[&format!("{kind:?}")];
        let _ = writeln!(text, "| `{}` | `{}` | {meaning} |", kind.as_str(), count.name());
    }
    text
}

#[test]
fn the_document_says_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md");
    let expected = document();
    if std::env::var_os("CLIPFLOW_DOCS_COMPLETE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "docs/tables.md is not what the code says ({differs:?}); run the test with CLIPFLOW_DOCS_COMPLETE=1"
    );
}
