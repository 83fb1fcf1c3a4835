//! Relations over media with work of an embedding program: `count_lines_media((…))`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field};
use clipflow::cancel::CancelToken;
use clipflow::config::ParallelConfig;
use clipflow::exec::{InputColumn, PATH_COLUMN, Work, WorkEnv, WorkSpec, register_work};
use clipflow::query::{SessionOptions, register_media_relation, register_media_relations, session};
use clipflow::resilience::Resilience;
use clipflow::source::Sources;
use clipflow::{Error, ErrorCode, Result};
use datafusion::prelude::SessionContext;
use serde_json::{Value, json};

use super::support::{bare_runtime, lines};

/// Counts the lines of a source that begin with a prefix.
#[derive(Debug)]
struct CountLines {
    prefix: String,
}

impl CountLines {
    const NAME: &str = "count_lines";

    fn register() {
        register_work(Self::NAME, |settings| {
            let prefix = settings.get("prefix").and_then(Value::as_str).unwrap_or_default();
            Ok(Arc::new(Self { prefix: prefix.to_owned() }))
        });
    }
}

impl Work for CountLines {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        vec![InputColumn::any("location")]
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![Field::new("lines", DataType::Int64, true)]
    }

    fn needs_source(&self) -> bool {
        true
    }

    fn spec(&self) -> Option<WorkSpec> {
        let settings = json!({ "prefix": self.prefix });
        Some(WorkSpec::Registered { name: Self::NAME.into(), settings })
    }

    fn run(&self, row: &RecordBatch, _: &WorkEnv, _: &CancelToken) -> Result<Vec<ArrayRef>> {
        let path = row.column_by_name(PATH_COLUMN).unwrap().as_string::<i32>().value(0);
        let text = fs::read_to_string(path).unwrap();
        if text.is_empty() {
            return Err(Error::new(ErrorCode::MediaCorrupt, "there are no lines"));
        }
        let count = text.lines().filter(|line| line.starts_with(&self.prefix)).count();
        Ok(vec![Arc::new(Int64Array::from(vec![count as i64]))])
    }
}

fn context(folder: &Path) -> SessionContext {
    CountLines::register();
    let config = ParallelConfig { max_retries: 0, ..ParallelConfig::default() };
    let resilience = Resilience::new(&config);
    let sources = Sources::standard([folder.to_path_buf()], &config, &resilience.hosts);
    let runtime = Arc::new(bare_runtime(sources, 2, resilience));
    session(&SessionOptions::default(), Some(runtime)).unwrap()
}

/// A query over the files `a`, `b`, `empty` and `missing`.
fn files(folder: &Path) -> String {
    for (name, text) in [("a", "x\ny\nxx\n"), ("b", "y\n"), ("empty", "")] {
        fs::write(folder.join(name), text).unwrap();
    }
    let rows = ["a", "b", "empty", "missing"]
        .map(|name| format!("('{name}', '{}')", folder.join(name).display()));
    format!("(SELECT * FROM (VALUES {}) AS t(name, location))", rows.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_work_is_a_relation_with_the_outcome_columns() {
    let folder = tempfile::tempdir().unwrap();
    let (ctx, files) = (context(folder.path()), files(folder.path()));
    register_media_relation(&ctx, "count_lines_media", WorkSpec::registered("count_lines"))
        .unwrap();
    let sql = format!(
        "SELECT name, lines, error_code, attempts FROM COUNT_LINES_MEDIA({files}) c ORDER BY name"
    );
    assert_eq!(
        lines(&ctx, &sql).await,
        ["a,3,,1", "b,1,,1", "empty,,source.truncated,1", "missing,,source.not_found,1"]
    );
    let explained = lines(&ctx, &format!("EXPLAIN {sql}")).await.join("\n");
    assert!(explained.contains("MediaExec: count_lines"), "{explained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_travel_in_the_plan_and_options_add_and_replace_relations() {
    let folder = tempfile::tempdir().unwrap();
    let (ctx, files) = (context(folder.path()), files(folder.path()));
    let work = |prefix: &str| WorkSpec::Registered {
        name: CountLines::NAME.into(),
        settings: json!({ "prefix": prefix }),
    };
    let relations = [("count_x_media", work("x")), ("analyze_media", work("y"))];
    let media_relations: BTreeMap<_, _> =
        relations.map(|(name, work)| (name.to_owned(), work)).into();
    let options = SessionOptions { media_relations, ..SessionOptions::default() };
    register_media_relations(&ctx, &options).unwrap();
    let counts = |relation: &str| {
        format!("SELECT sum(lines) FROM {relation}({files}) WHERE name IN ('a', 'b')")
    };
    assert_eq!(lines(&ctx, &counts("count_x_media")).await, ["2"]);
    assert_eq!(lines(&ctx, &counts("analyze_media")).await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_relation_is_an_error_of_planning() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = context(folder.path());
    register_media_relation(&ctx, "count_lines_media", WorkSpec::registered("count_lines"))
        .unwrap();
    register_media_relation(&ctx, "nowhere_media", WorkSpec::registered("nowhere")).unwrap();
    for (sql, message) in [
        (
            "SELECT * FROM count_lines_media((SELECT 1 AS a))",
            "count_lines_media needs a column location",
        ),
        ("SELECT * FROM count_lines_media('x')", "one query in parentheses"),
        ("SELECT * FROM nowhere_media((SELECT 1 AS a))", "register_work(\"nowhere\""),
        ("SELECT * FROM count_words_media((SELECT 1 AS a))", "count_words_media"),
    ] {
        let error = ctx.sql(sql).await.unwrap_err().to_string();
        assert!(error.contains(message), "{sql}: {error}");
    }
}
