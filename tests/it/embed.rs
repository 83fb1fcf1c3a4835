//! Everything in a DataFusion session that knows nothing of clipflow.

use std::fs;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use clipflow::ErrorCode;
use clipflow::query::{SessionOptions, query_error, sql::VIEWS};
use datafusion::prelude::{CsvReadOptions, SessionContext};

use super::support::{clipflow, query, show, stderr, stdout};
use super::variants;

const EVENTS: &str = "variant_id,platform,ts,event,viewer_id,value
a,tiktok,2026-05-01T00:00:00,view,u1,
a,tiktok,2026-05-01T00:00:00,view,u2,
a,tiktok,2026-05-01T00:00:00,like,u1,
b,tiktok,2026-05-02T00:00:00,view,u1,
b,shorts,2026-05-02T00:00:00,view,u3,
b,shorts,2026-05-02T00:00:00,view,u3,
";

/// A session as anybody makes one, and then everything of clipflow.
fn foreign(base: &Path) -> SessionContext {
    let ctx = SessionContext::new();
    let options = SessionOptions { base: base.into(), ..SessionOptions::default() };
    clipflow::register_all_with(&ctx, &options).unwrap();
    ctx
}

async fn rows(ctx: &SessionContext, sql: &str) -> clipflow::Result<RecordBatch> {
    let frame = ctx.sql(sql).await.map_err(query_error)?;
    let schema = std::sync::Arc::new(frame.schema().as_arrow().clone());
    let batches = frame.collect().await.map_err(query_error)?;
    Ok(concat_batches(&schema, &batches).unwrap())
}

/// Rows as CSV lines without the header.
async fn lines(ctx: &SessionContext, sql: &str) -> Vec<String> {
    let batch = rows(ctx, sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    let mut text = vec![];
    arrow::csv::WriterBuilder::new().with_header(false).build(&mut text).write(&batch).unwrap();
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}

async fn refused(ctx: &SessionContext, sql: &str) -> String {
    match rows(ctx, sql).await {
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
        ["shorts,1,2,0.0,1", "tiktok,2,3,0.3333333333333333,2"]
    );
    assert_eq!(lines(&ctx, &by("")).await, ["2,5,0.2,3"]);
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
        ("SELECT * FROM clips('nowhere')", "holds no results; write some with `clipflow run"),
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
    let error = rows(&ctx, "SELECT * FROM clips('nowhere')").await.unwrap_err();
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
