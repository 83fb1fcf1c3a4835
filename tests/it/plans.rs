//! Snapshots of the plans of the main statements: a change of a plan is seen, and is accepted by
//! `INSTA_UPDATE=always`.
//!
//! Logical plans only: physical ones depend on the number of cores.

use std::fs;
use std::path::Path;

use clipflow::pipeline::{self, RunConfig};
use datafusion::prelude::SessionContext;

/// A plan without what is of this run: the folder, and the ids of temporary tables.
fn redacted(plan: &str, folder: &Path) -> String {
    plan.replace(&folder.display().to_string(), "FOLDER")
        .replace(folder.display().to_string().trim_start_matches('/'), "FOLDER")
}

/// The optimized logical plan of `sql`.
async fn logical(ctx: &SessionContext, sql: &str) -> String {
    let frame = ctx.sql(sql).await.unwrap();
    frame.into_optimized_plan().unwrap().display_indent().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let requests = folder.path().join("requests.csv");
    fs::write(&requests, "source_url,language\nno-such.mp4,en\n").unwrap();
    let config = RunConfig::new(requests, folder.path().join("out"));
    let explanation = pipeline::explain(&config).await.unwrap();
    assert!(!explanation.steps.is_empty());
    for step in explanation.steps {
        let plan = redacted(&step.logical, folder.path());
        insta::assert_snapshot!(format!("run_{}", step.name), plan);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_about_events() {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.csv");
    let lines =
        "variant_id,platform,event,value,viewer_id,ts\na,tiktok,view,,v1,2026-05-01T00:00:00Z\n";
    fs::write(&events, lines).unwrap();
    let ctx = SessionContext::new();
    clipflow::register_all(&ctx).unwrap();
    for (name, metrics) in
        [("counts", "views,engagement_rate"), ("viewers", "audience_reach,completion_rate")]
    {
        let place = events.display();
        let sql = format!("SELECT * FROM performance('{place}', '{metrics}', 'platform')");
        let plan = redacted(&logical(&ctx, &sql).await, folder.path());
        insta::assert_snapshot!(format!("performance_{name}"), plan);
    }
}
