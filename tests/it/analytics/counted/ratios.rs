//! A ratio sums both of its parts over the rows that report both.

use std::fmt::Write as _;

use clipflow::query::events;
use serde_json::Value;

use super::super::super::support::try_rows;
use super::super::{context, lines};
use super::{answer, by, clipflow, folder, row, stderr, stdout};

#[test]
fn rows_without_a_part_are_left_out_and_counted() {
    let daily = folder(&[
        ("two.csv", "variant_id,impressions,views_3s\na,1000,300\nb,,900\n"),
        (
            "days.csv",
            "variant_id,platform,day,impressions,views,views_3s,likes,shares,watch_seconds,duration\n\
             a,x,2026-05-01,100,80,40,8,,400,10\na,x,2026-05-02,,70,60,7,3,,10\n\
             b,y,2026-05-01,50,,20,5,,100,20\nb,y,2026-05-02,40,30,,,2,90,\n",
        ),
    ]);
    let (rows, said) = answer(daily.path(), "two.csv", &["hook_rate"]);
    assert_eq!((&rows[0]["hook_rate"], &rows[0]["left_out"]), (&Value::from(0.3), &Value::from(1)));
    assert!(said.contains("1 rows report a part of a metric and not all"), "{said}");
    assert!(said.contains("hook_rate (views_3s, impressions)"), "{said}");
    let metrics = "hook_rate,engagement_rate,average_watch_ratio,share_rate,mean_hook_rate";
    let all = row(daily.path(), "days.csv", metrics);
    // Both parts: a on day 1, b on day 1.
    assert_eq!(all["hook_rate"], Value::from((40.0 + 20.0) / 150.0));
    // Views and one kind of engagement at least: a on both days, b on day 2.
    assert_eq!(all["engagement_rate"], Value::from((8.0 + 7.0 + 3.0 + 2.0) / 180.0));
    // Seconds, views and a length: a on day 1.
    assert_eq!(all["average_watch_ratio"], Value::from(400.0 / 800.0));
    assert_eq!(all["share_rate"], Value::from(5.0 / 100.0));
    assert_eq!(all["mean_hook_rate"], Value::from(f64::midpoint(0.4, 0.4)));
    assert_eq!(all["metric_version"], Value::from(2));
    let of = by(daily.path(), "days.csv", "hook_rate", "day");
    assert_eq!(of.into_values().collect::<Vec<_>>(), [Some(0.4), None]);
}

#[tokio::test]
async fn sql_pools_over_the_same_rows() {
    let ctx = context(2, 8);
    ctx.sql("CREATE TABLE counts AS SELECT column1 AS g, column2 AS a, column3 AS b FROM (VALUES (1, 300, 1000), (1, 900, NULL), (1, NULL, 50), (1, NULL, NULL), (2, 5, NULL))")
        .await
        .unwrap();
    let sql = "SELECT g, pooled_hook_rate(a, b), left_out_hook_rate(a, b), mean_hook_rate(a, b) FROM counts GROUP BY g ORDER BY g";
    assert_eq!(lines(&ctx, sql).await, ["1,0.3,2,0.3", "2,,1,"]);
    let sql = "SELECT pooled_social_lift(a, b), left_out_social_lift(a, b) FROM (VALUES (100, 50), (10, NULL)) AS t (a, b)";
    assert_eq!(lines(&ctx, sql).await, ["2.0,1"]);
    // Followers of an account are in each of its rows.
    let error = try_rows(&ctx, "SELECT pooled_engagement_rate_by_followers(1, 1, 1, 1, 10)").await;
    assert!(error.is_err());
}

#[test]
fn a_day_without_a_part_makes_no_winner() {
    let files = folder(&[(
        "e.csv",
        "experiment_id,variant_id,day,impressions,views_3s\nx,a,2026-05-01,1000,300\nx,a,2026-05-02,,250\n\
         x,b,2026-05-01,1000,310\nx,b,2026-05-02,1000,300\n",
    )]);
    let args = ["experiment", "--events", "e.csv", "--metric", "hook_rate", "--format", "json"];
    let output = clipflow(files.path(), &args);
    let rows: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = stderr(&output);
    assert!(rows.iter().all(|row| row["winner"] == Value::from(false)), "{rows:?}");
    let of = |name: &str| rows.iter().map(|r| r[name].as_i64()).collect::<Vec<_>>();
    assert_eq!(of("successes"), [Some(610), Some(300)]);
    assert_eq!(of("trials"), [Some(2000), Some(1000)]);
    assert_eq!(of("left_out"), [Some(0), Some(1)]);
    assert!(said.contains("1 rows report a part"), "{said}");
}

#[test]
fn the_end_is_seen_by_those_who_began() {
    let mut text = "variant_id,event,viewer_id\n".to_owned();
    for (variant, events) in [
        ("a", "view:u1 view:u1 view_100:u1 view_100:u1 view_100:u1 view:u2 view_100:u3"),
        ("b", "view: view: view_100: view_100: view_100:"),
        ("c", "view:u1 view: view: view_100: view_100:"),
        ("d", "view:u1 view_100:u1 view: view_100:"),
        ("e", "view_100:u1"),
    ] {
        for event in events.split(' ') {
            let (event, viewer) = event.split_once(':').unwrap();
            let _ = writeln!(text, "{variant},{event},{viewer}");
        }
    }
    let files = folder(&[("e.csv", &text)]);
    let rates = by(files.path(), "e.csv", "completion_rate", "variant_id");
    let rates: Vec<Option<f64>> = rates.into_values().collect();
    // Replays of b cannot be told from views; e's viewer never began.
    assert_eq!(rates, [Some(0.5), None, Some(2.0 / 3.0), Some(1.0), None]);
    let (rows, _) = answer(files.path(), "e.csv", &["completion_rate"]);
    assert_eq!(rows[0]["completion_rate"], Value::from((1.0 + 2.0 + 2.0) / (2.0 + 3.0 + 2.0)));
}

#[tokio::test]
async fn sums_of_reach_are_refused_in_every_form() {
    let files = folder(&[
        (
            "days.csv",
            "variant_id,day,views,audience_reach,followers\na,2026-05-01,3,2,10\na,2026-05-02,3,2,10\nb,2026-05-01,4,3,10\n",
        ),
        ("raw.csv", "variant_id,event,viewer_id\na,view,u1\nb,view,u1\n"),
    ]);
    for (file, columns) in [
        ("days.csv", &["audience_reach", "new_viewers", "followers"][..]),
        ("raw.csv", &["audience_reach"]),
    ] {
        let ctx = context(2, 8);
        events::register(&ctx, &files.path().join(file).into()).await.unwrap();
        for column in columns {
            for sql in [
                format!("SELECT sum({column}) FROM event_days"),
                format!("SELECT variant_id, avg({column}) FROM event_days GROUP BY variant_id"),
                format!("SELECT sum({column}) OVER () FROM event_days"),
                format!("WITH d AS (SELECT {column} AS n FROM event_days) SELECT sum(n) FROM d"),
                format!(
                    "SELECT sum(m) FROM (SELECT max({column}) AS m FROM event_days GROUP BY variant_id)"
                ),
                format!(
                    "SELECT sum(CASE WHEN views > 0 THEN coalesce({column}, 0) END) FROM event_days"
                ),
                format!("SELECT sum({column} + 0) FROM event_days"),
                format!("SELECT sum(CAST({column} AS DOUBLE)) FROM event_days"),
            ] {
                let error = try_rows(&ctx, &sql).await.expect_err(&sql);
                assert!(error.message().contains("would count"), "{sql}: {error}");
            }
            let sql = format!("SELECT max({column}) FROM event_days");
            assert!(try_rows(&ctx, &sql).await.is_ok());
        }
    }
}

#[test]
fn followers_are_those_of_accounts() {
    let files = folder(&[(
        "e.csv",
        "variant_id,platform,day,views,likes,followers\na,x,2026-05-01,100,10,500\na,x,2026-05-02,100,10,500\n\
         b,x,2026-05-01,100,10,500\nc,y,2026-05-01,100,20,300\nd,y,2026-05-01,100,9,\n",
    )]);
    let (rows, _) = answer(files.path(), "e.csv", &["engagement_rate_by_followers"]);
    // One account of 500 and one of 300; d says nothing of its account.
    assert_eq!(rows[0]["engagement_rate_by_followers"], Value::from(50.0 / 800.0));
    assert_eq!(rows[0]["left_out"], Value::from(1));
    let of = by(files.path(), "e.csv", "engagement_rate_by_followers", "platform");
    assert_eq!(of.into_values().collect::<Vec<_>>(), [Some(30.0 / 500.0), Some(20.0 / 300.0)]);
}
