//! Everything in a DataFusion session that knows nothing of clipflow.

use std::fs;
use std::path::Path;

use clipflow::ErrorCode;
use clipflow::analytics::{ResultsQuery, ResultsSession};
use clipflow::query::{NamedTable, SessionOptions, sql::VIEWS};
use datafusion::prelude::{CsvReadOptions, SessionContext};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::support::{clipflow, lines, query, show, stderr, stdout, try_rows};
use super::variants;

const EVENTS: &str = "variant_id,platform,ts,event,viewer_id,value
a,tiktok,2026-05-01T00:00:00,view,u1,
a,tiktok,2026-05-01T00:00:00,view,u2,
a,tiktok,2026-05-01T00:00:00,like,u1,
b,tiktok,2026-05-02T00:00:00,view,u1,
b,shorts,2026-05-02T00:00:00,view,u3,
b,shorts,2026-05-02T00:00:00,view,u3,
";

/// A plain session in which everything of clipflow is registered.
fn foreign(base: &Path) -> SessionContext {
    let ctx = SessionContext::new();
    let options = SessionOptions { base: base.into(), ..SessionOptions::default() };
    clipflow::register_all_with(&ctx, &options).unwrap();
    ctx
}

async fn refused(ctx: &SessionContext, sql: &str) -> String {
    match try_rows(ctx, sql).await {
        Ok(batch) => panic!("{sql} gives {batch:?}"),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    }
}

/// On one thread: planning waits for files without a second one to lean on.
#[tokio::test(flavor = "current_thread")]
async fn tables_and_views_of_a_dataset_are_functions_beside_tables_of_ones_own() {
    let folder = show::finished();
    let ctx = foreign(folder);
    let tables = clipflow::model::table::TABLES.iter().map(|t| t.name);
    for name in tables.chain(VIEWS.iter().map(|v| v.0)) {
        let told = query(folder, &format!("SELECT count(*) FROM {name}"));
        let found = lines(&ctx, &format!("SELECT count(*) FROM {name}('out')")).await;
        assert_eq!(found, told, "{name}");
    }
    let requests = folder.join("requests.csv");
    let requests = requests.to_str().unwrap();
    // The user's own table may be called as one of ours, and join with it.
    ctx.register_csv("clips", requests, CsvReadOptions::new()).await.unwrap();
    let joined = "SELECT r.request_id, count(*) FROM clips r JOIN clips('out') c ON c.request_id = r.request_id
        WHERE r.campaign = 'spring' GROUP BY r.request_id ORDER BY r.request_id";
    assert_eq!(lines(&ctx, joined).await, ["good,2", "long,1"]);
    // Kernels over the dataset's rows, in a session that reads text as views.
    let titles = "SELECT clip_title(transcript, 'en', 40), engagement_rate(1, 1, 0, 0, 8)
        FROM clips('out') WHERE transcript LIKE '%loudest%' LIMIT 1";
    assert_eq!(lines(&ctx, titles).await, ["This is the loudest part of all!,0.25"]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_session_over_results_reads_one_statement_and_writes_none() {
    let folder = show::finished();
    let open = ResultsQuery {
        tables: vec![NamedTable::new("campaigns", folder.join("requests.csv")).unwrap()],
        ..ResultsQuery::new(folder.join("out"))
    };
    let session = ResultsSession::open(&open).await.unwrap();
    assert!(session.tables().iter().any(|name| name == "why") && session.notes().is_empty());
    let joined = "SELECT clip_id, end FROM clips JOIN campaigns USING (request_id)";
    assert!(session.sql(joined).await.unwrap().count().await.unwrap() > 0);
    for (statement, told) in [
        ("SELECT * FROM clipz", "the tables and views are "),
        ("CREATE TABLE t AS SELECT 1", "DDL"),
        ("SELECT 1; SELECT 2", "there are 2 statements; give one"),
        ("", "there are 0 statements; give one"),
    ] {
        let error = session.sql(statement).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::QueryInvalid, "{error}");
        assert!(error.message().contains(told), "{statement}: {error}");
    }
    let nowhere = ResultsSession::open(&ResultsQuery::new(folder.join("nowhere"))).await;
    assert_eq!(nowhere.err().map(|e| e.code()), Some(ErrorCode::StoreRead));
}

#[tokio::test(flavor = "multi_thread")]
async fn shots_are_those_of_a_video_or_of_a_dataset() {
    let folder = show::finished();
    let ctx = foreign(folder);
    let starts =
        "SELECT round(start) FROM shots('show.mp4') WHERE transition = 'cut' ORDER BY start";
    assert_eq!(lines(&ctx, starts).await, ["6.0", "13.0", "18.0", "26.0"]);
    let same = "SELECT count(*) FROM shots('show.mp4') v JOIN shots('out') d ON d.start = v.start
        WHERE d.source_id IS NOT NULL";
    assert_eq!(lines(&ctx, same).await, ["5"]);
    let error = refused(&ctx, "SELECT * FROM shots('no-such.mp4')").await;
    assert!(error.starts_with("source.not_found: "), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn events_are_rolled_up_and_measured_with_known_answers() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("events.csv"), EVENTS).unwrap();
    let ctx = foreign(folder.path());
    let by = |by: &str| {
        format!(
            "SELECT * EXCEPT (metric_version, definitions)
            FROM performance('events.csv', 'views, engagement_rate,audience_reach', '{by}') ORDER BY 1"
        )
    };
    assert_eq!(
        lines(&ctx, &by("platform")).await,
        ["shorts,1,2,0.0,1,0", "tiktok,2,3,0.3333333333333333,2,0"]
    );
    assert_eq!(lines(&ctx, &by("")).await, ["2,5,0.2,3,0"]);
    let events = folder.path().join("events.csv");
    ctx.register_csv("mine", events.to_str().unwrap(), CsvReadOptions::new()).await.unwrap();
    let rolled = "SELECT platform, views, audience_reach FROM rollup_events((SELECT platform, event, viewer_id FROM mine))";
    assert_eq!(
        lines(&ctx, &format!("{rolled} ORDER BY platform")).await,
        ["shorts,2,1", "tiktok,3,2"]
    );
    // What is left of the roll-up may be any of its columns, in any order, once more and filtered.
    let twice = format!(
        "SELECT b.audience_reach, a.platform FROM ({rolled}) a JOIN ({rolled}) b ON a.platform = b.platform WHERE a.views > 2"
    );
    assert_eq!(lines(&ctx, &twice).await, ["2,tiktok"]);
    let error = refused(&ctx, &format!("SELECT sum(audience_reach) FROM ({rolled})")).await;
    assert!(error.contains("count them in the events"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn performance_by_columns_of_variants_is_what_the_command_prints() {
    let folder = variants::finished();
    let ids = query(folder, "SELECT variant_id FROM variants ORDER BY variant_id LIMIT 4");
    let mut events = "variant_id,platform,ts,event,viewer_id,value\n".to_owned();
    for (n, id) in ids.iter().enumerate() {
        for viewer in 0..=n {
            events += &format!("{id},web,2026-11-20T10:00:00,view,u{viewer},\n");
        }
        events += &format!("{id},web,2026-11-20T10:00:00,like,u0,\n");
    }
    fs::write(folder.join("embedded.csv"), events).unwrap();
    let metrics = "engagement_rate,audience_reach,mean_share_rate";
    let asked = ["--events", "embedded.csv", "--metrics", metrics, "--by", "layout,platform"];
    let printed =
        clipflow(folder, &[&["performance", "out", "--format", "csv"], &asked[..]].concat());
    assert!(printed.status.success(), "{}", stderr(&printed));
    let printed: Vec<String> = stdout(&printed).lines().skip(1).map(str::to_owned).collect();
    let table = format!("performance('embedded.csv', '{metrics}', 'layout,platform', 'out')");
    let ctx = foreign(folder);
    let found = lines(&ctx, &format!("SELECT * FROM {table} ORDER BY layout, platform")).await;
    assert!(!found.is_empty());
    assert_eq!(found, printed);
    // The command's own SQL has it too.
    let reach = query(folder, &format!("SELECT max(audience_reach) FROM {table}"));
    let most = lines(&ctx, &format!("SELECT max(audience_reach) FROM {table}")).await;
    assert_eq!(reach, most);
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_not_there_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("events.csv"), EVENTS).unwrap();
    let ctx = foreign(folder.path());
    for (sql, says) in [
        ("SELECT * FROM clips('nowhere')", "holds no results; name a folder or URL"),
        ("SELECT * FROM clips()", "clips() takes the path or URL of a folder of results"),
        ("SELECT * FROM why('.', '.')", "why() takes the path or URL of a folder of results"),
        (
            "SELECT * FROM performance('events.csv', 'engagement', 'platform')",
            "no metric engagement;",
        ),
        (
            "SELECT * FROM performance('events.csv', 'views', 'layout')",
            "no column layout to group by",
        ),
        ("SELECT * FROM performance('none.csv', 'views', 'platform')", "no such file or folder"),
        ("SELECT * FROM performance('events.csv', 'views', 'platform', '.')", "holds no results"),
        ("SELECT * FROM performance('events.csv')", "performance() takes events, metrics, columns"),
        ("SELECT * FROM performance('events.csv', 1, 'platform')", "performance() takes events"),
    ] {
        let error = refused(&ctx, sql).await;
        assert!(error.contains(says), "{sql}: {error}");
    }
    let error = try_rows(&ctx, "SELECT * FROM clips('nowhere')").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreRead);
    // Once more changes nothing.
    clipflow::register_all(&ctx).unwrap();
    assert_eq!(lines(&ctx, "SELECT count(*) FROM platforms()").await, ["6"]);
}

/// What an example prints; `None` where only this test binary was built.
fn example(name: &str, arguments: &[&str]) -> Option<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_clipflow")).parent()?.join("examples").join(name);
    if !program.exists() {
        eprintln!("{} is not built: `cargo test` without --test builds it", program.display());
        return None;
    }
    let output = std::process::Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{name}: {}", stderr(&output));
    Some(stdout(&output))
}

#[test]
fn the_examples_run() {
    let results = show::finished().join("out");
    if let Some(said) = example("datafusion", &[results.to_str().unwrap()]) {
        assert!(said.contains("| spring   | 40    | 3     |"), "{said}");
        assert!(said.contains("| v0         | 20    | 10    |"), "{said}");
    }
    let results = variants::finished().join("out");
    if cfg!(feature = "polars")
        && let Some(said) = example("polars", &[results.to_str().unwrap()])
    {
        assert!(said.contains("share_rate") && said.contains("0.03"), "{said}");
        assert!(said.contains("engagement_rate") && said.contains("layout"), "{said}");
    }
}

/// Results of an earlier version, which did not know a column: it is NULL, for views too.
#[tokio::test(flavor = "multi_thread")]
async fn results_without_a_newer_column_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old");
    copy(&variants::finished().join("out"), &old);
    let lacks = ["error_code", "error_message", "text_note"];
    for entry in fs::read_dir(old.join("variants")).unwrap() {
        let path = entry.unwrap().path();
        let open = fs::File::open(&path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(open).unwrap().build().unwrap();
        let batches = reader.collect::<Result<Vec<_>, _>>().unwrap();
        let schema = batches[0].schema();
        let kept = (0..schema.fields().len())
            .filter(|i| !lacks.contains(&schema.field(*i).name().as_str()));
        let kept: Vec<usize> = kept.collect();
        let schema = std::sync::Arc::new(schema.project(&kept).unwrap());
        let mut writer =
            ArrowWriter::try_new(fs::File::create(&path).unwrap(), schema, None).unwrap();
        for batch in batches {
            writer.write(&batch.project(&kept).unwrap()).unwrap();
        }
        writer.close().unwrap();
    }
    let ctx = foreign(folder.path());
    let counts =
        "SELECT count(*), count(error_code), count(text_note), count(title) FROM variants('old')";
    assert_eq!(lines(&ctx, counts).await, ["9,0,0,9"]);
    assert_eq!(lines(&ctx, "SELECT count(*) FROM why_variants('old')").await, ["9"]);
    #[cfg(feature = "polars")]
    {
        use polars::prelude::col;
        let table = clipflow::query::polars::scan_table(&old, "variants").unwrap();
        let notes =
            tokio::task::spawn_blocking(|| table.select([col("error_code")]).collect().unwrap());
        assert_eq!(notes.await.unwrap().column("error_code").unwrap().null_count(), 9);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
