//! Every metric, by every grouping, of generated tables against plain loops over their rows.
//!
//! The tables are adversarial: missing cells, empty text, columns that only some files have or that come
//! late, other orders and spellings of columns, numbers as text or floats, extremes, cells that are wrong.
//! `CLIPFLOW_ORACLE_TABLES` is the number of tables (100), `CLIPFLOW_ORACLE_SEED` the first one's seed.

mod compare;
mod reference;
mod tables;
mod write;

use clipflow::analytics::{PerformanceQuery, performance};
use clipflow::config::ParallelConfig;
use clipflow::query::events::EventOptions;
use clipflow::query::query_error;
use serde_json::Value;

use reference::Question;
use tables::Table;

/// Groupings that are asked for.
const GROUPINGS: [&[&str]; 7] = [
    &[],
    &["variant_id"],
    &["platform"],
    &["day"],
    &["country"],
    &["platform", "country"],
    &["variant_id", "day"],
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn generated_tables_are_counted_as_plain_loops_count_them() {
    let (tables, first) =
        (setting("CLIPFLOW_ORACLE_TABLES", 100), setting("CLIPFLOW_ORACLE_SEED", 1));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut wrong = vec![];
    let (mut values, mut refused) = (0_u64, 0_u64);
    for seed in first..first + tables {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut table = Table::generate(&mut rng);
        let spoiled = (rng.u8(..8) == 0).then(|| table.spoil(&mut rng)).flatten();
        let folder = tempfile::tempdir().unwrap();
        write::files(&table, folder.path(), &mut rng);
        let question = Question {
            by: GROUPINGS[rng.usize(..GROUPINGS.len())],
            lag_hours: [0.0, 0.0, 24.0, 60.0][rng.usize(..4)],
            as_of: "2026-05-09T12:00:00Z",
        };
        let metrics = metrics(&mut rng, spoiled.is_some());
        let answer = runtime.block_on(ask(folder.path(), &question, &metrics));
        match (answer, spoiled) {
            // A column that no file has cannot be grouped by, which is said.
            (Err(error), _) if is_nowhere(&table, &question, error.message()) => refused += 1,
            (Ok(rows), None) => {
                let mut expected = reference::answer(&table, &question);
                expected.iter_mut().for_each(|row| compare::keep(row, &metrics, question.by));
                values += expected.iter().map(|row| row.len() as u64).sum::<u64>();
                if let Some(difference) = compare::difference(&rows, &expected, question.by) {
                    wrong.push(format!("seed {seed}, {question:?}: {difference}"));
                }
            }
            (Err(error), Some(column)) => {
                refused += 1;
                // A column is named as its file spells it.
                let said = error.message().to_lowercase();
                let names = said.contains(&format!("the column {column} of row"));
                if !names {
                    wrong.push(format!("seed {seed}: {column} is wrong, but: {error}"));
                }
            }
            (Ok(_), Some(column)) => {
                wrong.push(format!("seed {seed}: nothing is said of {column}"))
            }
            (Err(error), None) => wrong.push(format!("seed {seed}: {error}")),
        }
    }
    println!("{tables} tables from seed {first}: {values} values the same, {refused} refused");
    assert!(wrong.is_empty(), "{} of {tables} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether an error is about a column to group by, or one that tells the time, that has no value in any row.
fn is_nowhere(table: &Table, question: &Question, error: &str) -> bool {
    let is_empty = |name: &str| {
        let cells = table.rows.iter().filter_map(|row| row.get(name));
        cells.into_iter().all(|cell| *cell == tables::Cell::Missing)
    };
    let time = if table.is_raw { "ts" } else { "day" };
    let needs = format!("needs times, and the events have no column {time}");
    if error.contains(&needs) && is_empty(time) {
        return true;
    }
    question
        .by
        .iter()
        .any(|name| error.contains(&format!("no column {name} to group by")) && is_empty(name))
}

/// All metrics, or a few of them: what else is asked changes no figure.
fn metrics(rng: &mut fastrand::Rng, all: bool) -> Vec<String> {
    let mut metrics = reference::asked();
    if !all && rng.bool() {
        rng.shuffle(&mut metrics);
        metrics.truncate(rng.usize(1..4));
    }
    metrics
}

/// The rows of an answer.
async fn ask(
    folder: &std::path::Path,
    question: &Question,
    metrics: &[String],
) -> clipflow::Result<Vec<Value>> {
    let query = PerformanceQuery {
        results: None,
        events: folder.into(),
        metrics: metrics.to_vec(),
        by: question.by.iter().map(|b| (*b).to_owned()).collect(),
        lag_hours: question.lag_hours,
        reading: EventOptions::parse(None, None, Some(question.as_of))?,
        tables: vec![],
        parallel: ParallelConfig::default(),
    };
    let performance = performance(&query).await?;
    let frame = performance.frame.drop_columns(&["definitions"]).map_err(query_error)?;
    let batches = frame.collect().await.map_err(query_error)?;
    let mut text = vec![];
    let mut writer = arrow::json::LineDelimitedWriter::new(&mut text);
    writer.write_batches(&batches.iter().collect::<Vec<_>>()).unwrap();
    writer.finish().unwrap();
    let lines = String::from_utf8(text).unwrap();
    Ok(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}
