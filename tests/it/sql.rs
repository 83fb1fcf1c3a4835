//! SQL: the functions (`tests/slt/*.slt`), the cookbook, the views and the run's own statements.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::AsArray;
use clipflow::query::{SessionOptions, session, sql};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

use super::support::{clipflow, query, show, stderr, stdout};

struct Session(SessionContext);

#[async_trait::async_trait]
impl AsyncDB for Session {
    type Error = DataFusionError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, DataFusionError> {
        let batches = self.0.sql(sql).await?.collect().await?;
        let mut rows = vec![];
        let mut types = vec![];
        for batch in &batches {
            types = vec![DefaultColumnType::Any; batch.num_columns()];
            for row in 0..batch.num_rows() {
                let cell = |column: &arrow::array::ArrayRef| {
                    let text =
                        arrow::util::display::array_value_to_string(&column.slice(row, 1), 0)
                            .unwrap();
                    if column.is_null(row) { "NULL".to_owned() } else { text }
                };
                rows.push(batch.columns().iter().map(cell).collect());
            }
        }
        Ok(DBOutput::Rows { types, rows })
    }

    fn engine_name(&self) -> &str {
        "clipflow"
    }

    async fn sleep(duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn shutdown(&mut self) {}
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    found.retain(|p| p.extension().is_some_and(|x| x == extension));
    found.sort();
    found
}

/// With `CLIPFLOW_SLT_COMPLETE=1` the expected results are written anew; read the difference.
#[test]
fn the_functions_give_what_the_slt_files_say() {
    let scripts = files("tests/slt", "slt");
    assert!(scripts.len() >= 3);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let options = || SessionOptions { base: "/videos".into(), ..SessionOptions::default() };
    let connect = || async { Ok(Session(session(&options(), None).unwrap())) };
    // The same in a foreign session, which has the functions but not the settings.
    let foreign = || async {
        let ctx = SessionContext::new();
        clipflow::register_all_with(&ctx, &options()).unwrap();
        ctx.sql("CREATE VIEW platforms AS SELECT * FROM platforms()").await.unwrap();
        Ok(Session(ctx))
    };
    for script in scripts {
        runtime.block_on(async {
            if script.file_stem().is_some_and(|name| name != "settings") {
                let mut runner = Runner::new(foreign);
                runner.run_file_async(&script).await.unwrap_or_else(|e| panic!("foreign: {e}"));
            }
            let mut runner = Runner::new(connect);
            if std::env::var_os("CLIPFLOW_SLT_COMPLETE").is_some() {
                let strict = sqllogictest::default_column_validator;
                let same = sqllogictest::default_validator;
                runner
                    .update_test_file(&script, "\t", same, sqllogictest::default_normalizer, strict)
                    .await
                    .unwrap();
            } else {
                runner.run_file_async(&script).await.unwrap_or_else(|e| panic!("{e}"));
            }
        });
    }
}

#[test]
fn every_statement_of_the_run_is_used() {
    let single = [&sql::CHECKED, &sql::CONSIDERED, &sql::DESCRIBED, &sql::RENDERED];
    let single = single.into_iter().chain([
        &sql::UNTRANSCRIBED,
        &sql::TRANSCRIBED,
        &sql::TRACKED,
        &sql::REUSED,
    ]);
    let steps = single.chain(sql::CHOOSE).chain(sql::SHAPE).chain(sql::RENDER);
    // The other forms of the steps `candidates` and `analysis`.
    let other = ["candidates_considered", "analysis_reused"].into_iter();
    let steps: Vec<&str> = steps.map(|step| step.name).chain(other).collect();
    let views = sql::render::VIEWS.iter().map(|view| view.0);
    let render: Vec<&str> = sql::render::FILES.iter().copied().chain(views).collect();
    // One view is written from the columns of the tables.
    let views = sql::VIEWS.iter().map(|view| view.0).filter(|name| *name != "source_lists");
    for (folder, mut used) in [
        ("sql/run", steps),
        ("sql/views", views.collect()),
        ("sql/summary", sql::summary::FILES.to_vec()),
        ("sql/rows", sql::rows::FILES.to_vec()),
        ("sql/from_results", sql::from_results::FILES.to_vec()),
        ("sql/render", render),
        ("sql/forget", sql::forget::FILES.to_vec()),
        ("sql/report", sql::report::FILES.to_vec()),
        ("sql/export", sql::export::FILES.to_vec()),
        ("sql/stats", sql::stats::FILES.to_vec()),
    ] {
        used.sort_unstable();
        let found: Vec<String> = files(folder, "sql")
            .iter()
            .map(|f| f.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(used, found, "{folder}");
    }
}

#[test]
fn every_recipe_of_the_cookbook_runs() {
    let folder = show::finished();
    let recipes = files("sql/cookbook", "sql");
    assert_eq!(recipes.len(), 13);
    for recipe in recipes {
        let output =
            clipflow(folder, &["sql", "out", "-f", recipe.to_str().unwrap(), "--format", "csv"]);
        assert!(output.status.success(), "{}: {}", recipe.display(), stderr(&output));
        assert!(stdout(&output).lines().count() > 1, "{} finds nothing", recipe.display());
    }
}

#[test]
fn a_clip_in_which_a_word_is_said_is_one_row_however_many_variants_it_has() {
    let folder = super::variants::finished();
    let recipe = fs::read_to_string(&files("sql/cookbook", "sql")[6]).unwrap();
    let asked = |file: &str, of: &str, why: &str| {
        let sql = format!(
            "SELECT a.request_id, a.clip_rank FROM ({recipe}) a JOIN clips c ON c.request_id = a.request_id
             AND c.clip_rank = a.clip_rank JOIN renditions r ON r.clip_id = c.clip_id AND r.uri = a.uri AND {file} ORDER BY 1, 2"
        );
        assert_eq!(query(folder, &sql), query(folder, of), "{why}");
    };
    let said =
        "SELECT request_id, clip_rank FROM clips WHERE transcript ILIKE '%the%' ORDER BY 1, 2";
    assert!(!query(folder, said).is_empty());
    asked("r.variant_id IS NULL", said, "the plain file of each");
    assert_eq!(query(folder, &recipe).len(), query(folder, said).len());
    // Where there are variants alone, it is the best of them.
    let recipe = recipe.replace(
        "JOIN renditions r",
        "JOIN (SELECT * FROM renditions WHERE variant_id IS NOT NULL) r",
    );
    let best = format!(
        "SELECT count(*) FROM ({recipe}) a JOIN variants v ON v.request_id = a.request_id AND v.rank = 1
         JOIN renditions r ON r.variant_id = v.variant_id AND r.uri = a.uri"
    );
    assert_eq!(query(folder, &best), [query(folder, said).len().to_string()]);
}

#[test]
fn every_view_can_be_asked() {
    for (view, _) in sql::VIEWS.iter() {
        let folder =
            if view.contains("variant") { super::variants::finished() } else { show::finished() };
        // There is no detector of faces, and the sources have neither chapters nor a page.
        let is_empty = query(folder, &format!("SELECT * FROM {view}")).is_empty();
        let empty = ["face_signals", "chapters", "replays"];
        assert_eq!(is_empty, empty.contains(view), "{view}");
    }
}

#[test]
fn the_function_gives_the_windows_that_the_run_chose_from() {
    let folder = show::finished();
    let again = r#"
        WITH found AS (SELECT source_id, unnest(select_clips(signals, shots, cues_in(cues, 'en'), 4, 9, 2)) AS c FROM source_lists)
        SELECT c['start'], c['end'], c['score'], c['chosen'] FROM found ORDER BY 1, 2"#;
    let stored = r#"SELECT start, "end", score, chosen FROM candidates WHERE request_id = 'good' ORDER BY 1, 2"#;
    let stored = query(folder, stored);
    assert!(stored.len() > 5);
    assert_eq!(query(folder, again), stored);
}

#[test]
fn a_topic_that_the_source_speaks_of_decides_which_window_is_chosen() {
    let chosen = |topic: &str| {
        let sql = format!(
            "WITH found AS (SELECT unnest(select_clips_about(signals, shots, cues, 4, 9, 1, NULL, NULL, NULL, NULL, {topic}, NULL, NULL)) AS c
                FROM source_lists)
             SELECT c['start'] < 19.1 AND c['end'] > 21.9, c['topic_match'] > 0.4, c['topic_match'] IS NULL FROM found WHERE c['chosen']"
        );
        query(show::finished(), &sql)
    };
    assert_eq!(chosen("'An automaton on its way'"), ["true,true,false"]);
    assert_eq!(chosen("'a zoom'"), ["false,true,false"]);
    for nothing in ["NULL", "''", "'football'"] {
        assert_eq!(chosen(nothing), ["true,,true"], "{nothing}");
    }
}

#[test]
fn clips_begin_with_chapters_and_show_what_is_replayed_most() {
    let chosen = |chapters: &str, replays: &str, weights: &str, columns: &str| {
        let sql = format!(
            "WITH found AS (SELECT unnest(select_clips_about(signals, shots, cues, 4, 9, 1, NULL, NULL, NULL, NULL, NULL, {chapters}, {replays}, {weights})) AS c
                FROM source_lists)
             SELECT {columns} FROM found WHERE c['chosen']"
        );
        query(show::finished(), &sql)
    };
    let part = |from: u32, value: f64| {
        format!("named_struct('start', {from}.0, 'end', {}.0, 'value', {value})", from + 8)
    };
    for hot in [0_u32, 8, 16] {
        let parts = [0, 8, 16].map(|from| part(from, if from == hot { 1.0 } else { 0.1 }));
        let heat = format!("[{}]", parts.join(", "));
        let is_there = format!("c['start'] < {hot} + 8 AND c['end'] > {hot}, c['replayed'] > 0.5");
        assert_eq!(chosen("NULL", &heat, "'{\"replays\":9}'", &is_there), ["true,true"], "{hot}");
    }
    assert_eq!(chosen("NULL", "NULL", "NULL", "c['replayed'] IS NULL"), ["true"]);
    let begins = |chapters: &str| -> f64 {
        let sql = format!(
            "WITH found AS (SELECT unnest(select_clips_about(signals, shots, cues, 4, 9, 1, NULL, NULL, NULL, NULL, NULL, {chapters}, NULL)) AS c
                FROM source_lists)
             SELECT max(c['start_quality']) FROM found WHERE abs(c['start'] - 10.2) <= 2"
        );
        query(show::finished(), &sql)[0].parse().unwrap()
    };
    let (plain, raised) = (begins("NULL"), begins("[named_struct('start', 10.2)]"));
    assert!(raised >= 0.9 && raised > plain, "{plain} {raised}");
}

#[tokio::test]
async fn a_media_relation_says_how_it_is_used() {
    let ctx = session(&SessionOptions::default(), None).unwrap();
    clipflow::query::register_media_relations(&ctx, &SessionOptions::default()).unwrap();
    let error = |sql: &'static str| {
        let ctx = ctx.clone();
        async move { ctx.sql(sql).await.unwrap_err().to_string() }
    };
    assert!(error("SELECT * FROM analyze_media('x')").await.contains("one query in parentheses"));
    assert!(
        error("SELECT * FROM analyze_media((SELECT 1 AS a))")
            .await
            .contains("needs a column location")
    );
    assert!(
        error("SELECT * FROM analyze_media((SELECT 'x' AS location, 1 AS shots))")
            .await
            .contains("shots")
    );
    let frame = ctx.sql("SELECT * FROM analyze_media((SELECT 'x' AS location))").await.unwrap();
    let error = frame.collect().await.unwrap_err().to_string();
    assert!(error.contains("no media runtime"), "{error}");
    let plan = ctx
        .sql("EXPLAIN SELECT * FROM analyze_media((SELECT 'x' AS location))")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert!(
        plan[0]
            .column(1)
            .as_string::<i32>()
            .iter()
            .flatten()
            .any(|p| p.contains("MediaExec: analyze"))
    );
}

/// Planning and functions look at no clock and no signal: the limits hold all the same.
#[test]
fn queries_that_cannot_be_stopped_end_at_their_limit_and_at_a_signal() {
    let folder = super::support::show::finished();
    let bomb = "SELECT length(keyphrases(repeat('word and ', 3000000), 'en', 10)::text)";
    let started = std::time::Instant::now();
    let output = clipflow(folder, &["sql", "out", "--timeout", "1", bomb]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("took longer than 1 s"), "{}", stderr(&output));
    let waited = started.elapsed();
    // Without a watch it takes minutes.
    assert!(waited < std::time::Duration::from_secs(20), "{waited:?}");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_clipflow"))
        .current_dir(folder)
        .args(["sql", "out", bomb])
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    super::support::waiting::until("the query runs", || {
        let path = format!("/proc/{}/task", child.id());
        std::fs::read_dir(path).is_ok_and(|tasks| {
            tasks.flatten().any(|task| {
                std::fs::read_to_string(task.path().join("comm"))
                    .is_ok_and(|name| name.starts_with("clipflow-sql"))
            })
        })
    });
    let id = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
    let started = std::time::Instant::now();
    child.wait().unwrap();
    assert!(started.elapsed() < std::time::Duration::from_secs(20));
    let long = format!("SELECT {}", vec!["1"; 20_000].join("+"));
    let output = clipflow(folder, &["sql", "out", &long]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("more than 2000 operators in a row"), "{}", stderr(&output));
}
